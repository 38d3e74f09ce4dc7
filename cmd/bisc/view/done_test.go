package view

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
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

// What was accepted is compared by this text: two long values that differ in the middle only must not be one.
func TestDiffTextTellsLongValuesApart(t *testing.T) {
	text := func(middle string) string {
		long := strings.Repeat("a", longValue) + middle + strings.Repeat("b", longValue)
		return DiffText(with(ramdisk(), func(o *layers.Outcome) { o.Change.Diffs = []modules.Diff{{Attr: "content", Got: long, Want: "short"}} }))
	}
	if text("x") == text("y") || text("x") != text("x") {
		t.Errorf("%q and %q", text("x"), text("y"))
	}
	if len(text("x")) > 2*longValue {
		t.Errorf("it grows with the value: %d bytes", len(text("x")))
	}
}
