package schedule

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

func sample() Spec {
	return Spec{Name: "x", Bisc: "/usr/bin/bisc", Args: []string{"drift"}, Every: 10 * time.Minute, Jitter: time.Minute, Limit: 5 * time.Minute,
		StateHome: "/root/.local/state", RunAs: "root", Remote: true}
}

// of reads a unit back: its options by name.
func of(t *testing.T, text string) map[string][]string {
	t.Helper()
	opts, err := unit.DeserializeOptions(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, o := range opts {
		out[o.Name] = append(out[o.Name], o.Value)
	}
	return out
}

// By an interval everything is monotonic and counted from a round's end: no clock that is set makes rounds burst or stop, and
// none pile up.
func TestFaultF27_MonotonicTimer(t *testing.T) {
	_, timer, err := sample().Units()
	if err != nil {
		t.Fatal(err)
	}
	o := of(t, timer)
	if o["OnUnitInactiveSec"][0] != "600s" || o["RandomizedDelaySec"][0] != "60s" || o["OnActiveSec"] == nil || o["OnCalendar"] != nil || o["OnUnitActiveSec"] != nil {
		t.Errorf("%v", o)
	}
	s := sample()
	s.Every, s.OnCalendar = 0, "daily"
	if _, timer, err = s.Units(); err != nil {
		t.Fatal(err)
	}
	if o = of(t, timer); o["OnCalendar"][0] != "daily" || o["Persistent"][0] != "true" || o["OnUnitInactiveSec"] != nil {
		t.Errorf("%v", o)
	}
}

func TestServiceIsShutIn(t *testing.T) {
	remote, local, own := sample(), sample(), sample()
	local.Local, local.Remote = true, false
	own.PerUser, own.RunAs = true, ""
	for name, s := range map[string]Spec{"remote": remote, "local": local, "user": own} {
		service, _, err := s.Units()
		if err != nil {
			t.Fatal(err)
		}
		o := of(t, service)
		for _, want := range []string{"Type=oneshot", "NoNewPrivileges=yes", "MemoryMax=512M", "Nice=19", "IOSchedulingClass=idle", "TimeoutStartSec=300s", "LimitCORE=0"} {
			k, v, _ := strings.Cut(want, "=")
			if len(o[k]) == 0 || o[k][0] != v {
				t.Errorf("%s: %s is %v", name, k, o[k])
			}
		}
		if o["Restart"] != nil {
			t.Errorf("%s: a round is not begun again by itself", name)
		}
		if s.PerUser {
			continue
		}
		if o["ProtectSystem"][0] != "strict" || o["PrivateTmp"][0] != "yes" || o["ReadWritePaths"][0] != "/root/.local/state/bisc" {
			t.Errorf("%s: %v", name, o)
		}
	}
	service, _, _ := local.Units()
	if o := of(t, service); o["IPAddressDeny"][0] != "any" || o["DeviceAllow"][0] != "block-* r" || strings.Contains(service, "AF_INET") {
		t.Errorf("a machine that watches itself needs no network, and writes no device: %v", o)
	}
}

// What a unit cannot hold, or a service would not see, is refused before anything is written.
func TestRefusedSpecs(t *testing.T) {
	for text, spoil := range map[string]func(*Spec){
		"cannot hold":           func(s *Spec) { s.Args = append(s.Args, "a\nExecStartPre=/bin/evil") },
		"absolute":              func(s *Spec) { s.Bisc = "bisc" },
		"put bisc elsewhere":    func(s *Spec) { s.Bisc = "/opt/a b/bisc" },
		"\"/tmp\": the service": func(s *Spec) { s.Args = append(s.Args, "--plans", "/tmp") },
		"of its own":            func(s *Spec) { s.Args = append(s.Args, "/tmp/plan") },
		"one of the two":        func(s *Spec) { s.OnCalendar = "daily" },
		"the most":              func(s *Spec) { s.Every = time.Second },
		"without --user":        func(s *Spec) { s.PerUser, s.Local = true, true },
		"systemd splits":        func(s *Spec) { s.Writable = []string{"/var/lib/a b"} },
	} {
		s := sample()
		spoil(&s)
		if _, _, err := s.Units(); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Install and Remove ask look before they touch anything.
func TestForeignUnits(t *testing.T) {
	y := System{Dir: t.TempDir()}
	for name, text := range map[string]string{"foreign.service": "[Unit]\n", "edited.service": sealed("[Unit]\n") + "#\n"} {
		if err := os.WriteFile(filepath.Join(y.Dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := y.look(name, false); err == nil {
			t.Errorf("%s is taken for bisc's", name)
		}
		if got, err := y.look(name, true); err != nil || got != text {
			t.Errorf("%s, forced: %q %v", name, got, err)
		}
	}
	if got, err := y.look("none.service", false); err != nil || got != "" {
		t.Errorf("none: %q %v", got, err)
	}
}

func TestSeal(t *testing.T) {
	text := sealed("[Unit]\nDescription=x\n")
	for name, c := range map[string]struct {
		text string
		want owner
	}{
		"as written": {text, ours}, "a line more": {text + "#\n", edited}, "a byte other": {strings.Replace(text, "x\n", "y\n", 1), edited},
		"foreign": {"[Unit]\n", foreign}, "empty": {"", foreign},
	} {
		if got := ownerOf(c.text); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
