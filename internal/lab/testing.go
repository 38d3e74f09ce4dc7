package lab

import (
	"os"
	"testing"
)

// ForTest starts a lab for a test and ends it with the test. On a machine that cannot run one the test fails: what is
// not run is not proved. The first lab on a machine builds the root file system, which takes about a minute.
func ForTest(t testing.TB, opts Options) *Lab {
	t.Helper()
	if opts.Progress == nil {
		opts.Progress = os.Stderr
	}
	l, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatalf("%v\n(the lab needs root, a Debian machine, and packages mmdebstrap, systemd-container, iproute2 and openssh-client, which it installs itself)", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("end the lab: %v", err)
		}
	})
	return l
}

// Names is Options for plain hosts.
func Names(names ...string) Options {
	var opts Options
	for _, name := range names {
		opts.Hosts = append(opts.Hosts, HostOptions{Name: name})
	}
	return opts
}
