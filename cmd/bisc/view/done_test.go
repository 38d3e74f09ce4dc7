package view

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/layers"
)

func TestDone(t *testing.T) {
	rep := append(applied(), layers.HostReport{Host: "mia-sw01", Err: host.ErrUnreachable})
	got := map[string]string{"applied": Done(rep, Options{}), "nothing done": Done(report(mount(), ramdisk()), Options{})}
	golden(t, "done", got, []string{"applied", "nothing done"})
	harmless(t, "done", Done(hostile(), Options{}))
}

func TestDiffText(t *testing.T) {
	state := func(o layers.Outcome, s layers.State) layers.Outcome {
		return with(o, func(o *layers.Outcome) { o.State = s })
	}
	const fstab = "after boot: fstab line lacks x-systemd.requires=zfs-mount.service"
	for _, c := range []struct {
		name string
		o    layers.Outcome
		want string
	}{
		{"in sync", outcome(storage, layers.InSync, "mount", "x", 1), ""},
		{"drifted", mount(), "source: (none), want /dev/zvol/tank/solana; " + fstab},
		{"not mended", ramdisk(), "size: 300GiB, want 600GiB"},
		{"content", file(), "content: sha256:aaaa (12 bytes), want sha256:bbbb (14 bytes)"},
		{"changed", state(mount(), layers.Changed), ""},
		{"left", applied()[0].Outcomes[1], "size: 300GiB, want 600GiB"},
		{"failed", applied()[0].Outcomes[3], `put /etc/motd: no space left on device\nthe old file is still there`},
		{"unknown", with(mount(), func(o *layers.Outcome) { o.State, o.Err = layers.Unknown, host.ErrStuck }), "probe stuck"},
	} {
		if got := DiffText(c.o); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	for _, o := range hostile()[0].Outcomes {
		if s := DiffText(o); strings.Contains(s, "\n") {
			t.Errorf("more than a line: %q", s)
		}
	}
}
