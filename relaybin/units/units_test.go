package units

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func variants() []Daemon {
	ip, sequenced := Socket{"ip", netip.MustParseAddrPort("192.0.2.1:9100")}, Socket{"sequenced", netip.MustParseAddrPort("192.0.2.1:9101")}
	return []Daemon{
		{Name: "shredmirror"},
		{Name: "shredmirror", Routes: true},
		{Name: "shredunwrap", Sockets: []Socket{ip}},
		{Name: "shredunwrap", Sockets: []Socket{ip, sequenced}, Netns: "/run/netns/node"},
		{Name: "shredunwrap", Sockets: []Socket{sequenced}, Netns: "/proc/4711/ns/net"},
		{Name: "shredmeter"},
		{Name: "shredmeter", Netns: "/run/netns/node"},
	}
}

// systemd finds nothing to complain about in any of the units. The program named is one that is there, for systemd asks.
func TestVerify(t *testing.T) {
	for _, d := range variants() {
		d.Program = "/bin/true"
		files, err := d.Files()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		args := []string{"verify"}
		for _, f := range files {
			name := filepath.Join(dir, f.Name)
			if err := os.WriteFile(name, []byte(f.Text), 0o644); err != nil {
				t.Fatal(err)
			}
			args = append(args, name)
		}
		out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
		if err != nil || strings.Contains(string(out), dir) {
			t.Errorf("%+v: %v\n%s", d, err, out)
		}
	}
}

// systemd's own measure of exposure (0 best, 10 worst): at most 2.0 without a namespace to enter, which needs CAP_SYS_ADMIN (2.5).
func TestSecurity(t *testing.T) {
	for _, d := range variants() {
		files, err := d.Files()
		if err != nil {
			t.Fatal(err)
		}
		service := files[len(files)-1]
		name := filepath.Join(t.TempDir(), service.Name)
		if err := os.WriteFile(name, []byte(service.Text), 0o644); err != nil {
			t.Fatal(err)
		}
		limit := "20"
		if d.Netns != "" {
			limit = "25"
		}
		if out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--threshold="+limit, name).CombinedOutput(); err != nil {
			t.Errorf("%+v: %v\n%s", d, err, out)
		}
	}
}

// Each daemon has the rights that it needs, and no other.
func TestCapabilities(t *testing.T) {
	want := []string{"CAP_NET_RAW", "CAP_NET_RAW CAP_NET_ADMIN", "", "CAP_SYS_ADMIN", "CAP_SYS_ADMIN CAP_SYS_PTRACE", "CAP_NET_RAW", "CAP_NET_RAW CAP_SYS_ADMIN"}
	for i, d := range variants() {
		files, err := d.Files()
		if err != nil {
			t.Fatal(err)
		}
		text := files[len(files)-1].Text
		for _, line := range []string{"CapabilityBoundingSet=" + want[i] + "\n", "AmbientCapabilities=" + want[i] + "\n", "NoNewPrivileges=yes\n"} {
			if !strings.Contains(text, "\n"+line) {
				t.Errorf("%+v: no %q", d, line)
			}
		}
	}
}

// What cannot be is refused before a unit is written.
func TestRefused(t *testing.T) {
	for _, d := range []Daemon{
		{Name: "socat"},
		{Name: "shredmirror", Sockets: []Socket{{"ip", netip.MustParseAddrPort("192.0.2.1:1")}}},
		{Name: "shredunwrap", Sockets: []Socket{{"bare", netip.MustParseAddrPort("192.0.2.1:1")}}},
		{Name: "shredunwrap", Sockets: []Socket{{"ip", netip.MustParseAddrPort("[::1]:1")}}},
		{Name: "shredunwrap", Sockets: []Socket{{"ip", netip.AddrPort{}}}},
		{Name: "shredunwrap", Netns: "run/netns/x"},
		{Name: "shredunwrap", Netns: "/run/netns/../x"},
		{Name: "shredunwrap", Program: "/opt/%h/x"},
		{Name: "shredunwrap", Config: "/etc/a b"},
		{Name: "shredunwrap", Config: "/etc/a\nExecStartPre=/bin/sh"},
	} {
		if files, err := d.Files(); err == nil {
			t.Errorf("%+v: %d files", d, len(files))
		}
	}
}
