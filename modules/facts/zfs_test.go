package facts

import (
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

func TestZFS(t *testing.T) {
	for _, c := range []struct {
		situation, text string
		exit            int
		want            any // nil: an error
	}{
		{"Debian 12", "zfs-2.1.11-1+deb12u1\nzfs-kmod-2.1.11-1+deb12u1\n", 0, ZFS{"2.1.11", 20111}},
		{"Ubuntu 24.04", "zfs-2.2.2-0ubuntu9\nzfs-kmod-2.2.2-0ubuntu9\n", 0, ZFS{"2.2.2", 20202}},
		{"a newer userland", "zfs-2.2.9-1\nzfs-kmod-2.2.2-1\n", 0, ZFS{"2.2.2", 20202}},
		{"the module is not loaded", "zfs-2.1.11-1+deb12u1\n", 1, nil},
		{"no line of the module", "zfs-2.1.11-1+deb12u1\n", 0, nil},
		{"a release candidate has a version", "zfs-2.3.0-rc1\nzfs-kmod-2.3.0-rc1\n", 0, ZFS{"2.3.0", 20300}},
		{"not a version", "zfs-kmod-unknown\n", 0, nil},
	} {
		f := hosttest.New("a")
		f.Answers["zfs version"] = host.Output{Stdout: []byte(c.text), Exit: c.exit}
		got, err := Read(t.Context(), f, "zfs")
		if c.want == nil && err == nil || c.want != nil && (err != nil || got["zfs"] != c.want) {
			t.Errorf("%s: got %v, %v, want %v", c.situation, got["zfs"], err, c.want)
		}
	}
}
