package discover

import (
	"context"
	"errors"
	"slices"
	"strings"

	"bisc/internal/host"
)

// mattering are the packages of which it matters to a validator whether they are there and stay as they are.
func mattering() []string {
	return []string{"docker.io", "docker-ce", "docker-ce-cli", "containerd", "containerd.io", "runc", "zfsutils-linux", "zfs-dkms", "xfsprogs",
		"needrestart", "unattended-upgrades", "firewalld", "netfilter-persistent", "iptables-persistent"}
}

// restarting are those whose upgrade restarts containers.
func restarting(name string) bool {
	return slices.Contains([]string{"docker.io", "docker-ce", "containerd", "containerd.io"}, name)
}

// askPackages asks dpkg. Exit status 1 is that some of them are not known.
func (r *reader) askPackages(into *string) question {
	return question{"packages", "dpkg-query", func(ctx context.Context) error {
		argv := append([]string{"dpkg-query", "-W", "-f=${binary:Package}\\t${db:Status-Want}\\t${db:Status-Status}\\t${Version}\\n", "--"}, mattering()...)
		out, err := r.Query(ctx, argv...)
		if errors.Is(err, host.ErrNoProgram) {
			return nil
		}
		if err == nil && out.Exit > 1 {
			err = &host.ExitError{Argv: argv[:1], Exit: out.Exit, Stderr: out.Stderr}
		}
		*into = string(out.Stdout)
		return err
	}}
}

// packageBlocks makes a block of each that is installed. On a host of a known variant docker must be held: elsewhere it is as
// it is.
func packageBlocks(text string, shape Shape) (blocks []*Block) {
	for line := range strings.Lines(text) {
		w := words(line)
		if len(w) != 4 || w[2] != "installed" {
			continue
		}
		name, _, _ := strings.Cut(w[0], ":")
		b := newBlock("units", "package", name)
		b.note("version %s", w[3])
		held := w[1] == "hold"
		needed := restarting(name) && shape.Name != ""
		if held || needed {
			b.set("held", true)
		}
		if needed && !held {
			b.fault("it is not held: an upgrade restarts it, and the validator with it")
		}
		blocks = append(blocks, b)
	}
	return blocks
}
