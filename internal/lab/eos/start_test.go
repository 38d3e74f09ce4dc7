package eos

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
)

func TestBash(t *testing.T) {
	sw := ForTest(t, Options{Device: device.Options{Hostname: "lab-sw01"}, Flash: map[string][]byte{"x/y": []byte("hello")}})
	c := sw.Control()
	for command, want := range map[string]string{
		"id -un; sudo -n id -un":        "admin\nroot\n",
		"cat /proc/1/comm; hostname":    "systemd\nlab-sw01\n",
		"cat /etc/Eos-release":          "Arista Networks EOS 4.34.0F\n",
		"cat /mnt/flash/x/y":            "hello",
		"findmnt -no FSTYPE /mnt/flash": "tmpfs\n",
		"ip netns list":                 "default\n",
		"ls /tmp /home":                 "/home:\nadmin\n\n/tmp:\n",
		"sudo -n ip netns exec default ip -br link show lo | cut -c1-2": "lo\n",
	} {
		user := "admin"
		got, err := c.BashAs(user, command, nil)
		if err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", command, got, err, want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(sw.Flash, "x/y")); err != nil || string(text) != "hello" {
		t.Errorf("flash from outside: %q, %v", text, err)
	}
	if _, err := c.BashAs("admin", "touch /mnt/flash/mine && touch /etc/no", nil); err == nil || !strings.Contains(err.Error(), "/etc/no") {
		t.Errorf("got %v", err)
	}
}

// The real ssh, sftp and scp log in, and meet the switch's own Linux and flash.
func TestRealClients(t *testing.T) {
	sw := ForTest(t, Options{Device: device.Options{Hostname: "lab-sw01"}, Users: []string{"install"}, Access: front.Access{SFTP: true, SCP: true, MaxSessions: 10, ExecPrivileged: true}})
	run := func(want string, name string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, append([]string{"-F", sw.SSHConfig()}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil || want != "" && string(out) != want {
			t.Errorf("%s: %q (%v), want %q", cmd, out, err, want)
		}
	}
	run("install\n", "ssh", sw.Name, "bash timeout 10 id -un")
	run("root\n", "ssh", sw.Name, "bash timeout 10 sudo -n id -un")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	run("", "scp", file, sw.Name+":/mnt/flash/by-sftp")
	run("", "scp", "-O", file, sw.Name+":/mnt/flash/by-scp")
	run("", "scp", file, sw.Name+":/tmp/in-ram")
	for _, name := range []string{"by-sftp", "by-scp"} {
		if text, err := os.ReadFile(filepath.Join(sw.Flash, name)); err != nil || string(text) != "content" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	run("content", "ssh", sw.Name, "bash cat /tmp/in-ram")
	if _, err := os.Stat("/tmp/in-ram"); err == nil {
		t.Error("a file of the switch is on this machine")
	}
}

// The banners of the configuration are shown: one before the login, one after it.
func TestBanners(t *testing.T) {
	startup := "hostname lab-sw01\n!\nbanner login\nAuthorised only\nEOF\n!\nbanner motd\nlab-sw01# is no prompt\nEOF\n!\nend\n"
	sw := ForTest(t, Options{Device: device.Options{Hostname: "lab-sw01", Startup: startup}})
	cmd := exec.CommandContext(t.Context(), "ssh", "-tt", "-F", sw.SSHConfig(), "-o", "LogLevel=INFO", sw.Name)
	cmd.Stdin = strings.NewReader("exit\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text := string(out)
	for _, want := range []string{"Authorised only", "Last login", "lab-sw01# is no prompt", "lab-sw01>exit"} {
		_, rest, found := strings.Cut(text, want)
		if !found {
			t.Fatalf("no %q in %q", want, text)
		}
		text = rest
	}
}
