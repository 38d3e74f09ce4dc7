package lab

import (
	"bytes"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sshArgs are the arguments that log in to a host with OpenSSH's client.
func sshArgs(h *Host, user string, command ...string) []string {
	args := []string{"-F", "none", "-i", h.KeyFile(), "-o", "UserKnownHostsFile=" + h.KnownHosts(), "-o", "GlobalKnownHostsFile=none",
		"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-p", strconv.Itoa(h.Port()), user + "@127.0.0.1"}
	return append(args, command...)
}

func ssh(t *testing.T, h *Host, user string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ssh", sshArgs(h, user, command...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh %s@%s %v: %v: %s", user, h.Name, command, err, errs.String())
	}
	return strings.TrimSpace(string(out))
}

func TestHost(t *testing.T) {
	began := time.Now()
	l := ForTest(t, Names("a", "b"))
	t.Logf("two hosts up after %s", time.Since(began))
	t.Run("login", func(t *testing.T) { testLogin(t, l.Host("a")) })
	t.Run("jump", func(t *testing.T) { testJump(t, l.Host("a"), l.Host("b")) })
	t.Run("exec", func(t *testing.T) { testExec(t, l.Host("a")) })
	t.Run("reboot", func(t *testing.T) { testReboot(t, l.Host("a")) })
	t.Run("kill", func(t *testing.T) { testKill(t, l.Host("b")) })
	began = time.Now()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("teardown took %s", time.Since(began))
}

func testLogin(t *testing.T, h *Host) {
	if got := ssh(t, h, "ops", "sudo", "-n", "id", "-un"); got != "root" {
		t.Errorf("ops' sudo is %q, want root", got)
	}
	if got := ssh(t, h, "ops", "sudo -n hostname; sudo -n systemctl is-system-running --wait"); got != "a\nrunning" {
		t.Errorf("host says %q, want a and running; failed: %s", got, ssh(t, h, "root", "systemctl --failed --no-legend"))
	}
	ssh(t, h, "pw", "! sudo -n true 2>/dev/null && echo lab | sudo -S -p '' true")
	ssh(t, h, "nosudo", "! echo lab | sudo -S -p '' true 2>/dev/null")
}

func testJump(t *testing.T, jump, h *Host) {
	through := "ProxyCommand=ssh " + strings.Join(sshArgs(jump, "ops", "-W", "%h:%p"), " ")
	args := []string{"-F", "none", "-i", h.KeyFile(), "-o", "UserKnownHostsFile=" + h.KnownHosts(), "-o", "BatchMode=yes", "-o", through, "ops@" + h.Addr(), "hostname"}
	out, err := exec.CommandContext(t.Context(), "ssh", args...).CombinedOutput()
	if strings.TrimSpace(string(out)) != h.Name || err != nil {
		t.Errorf("through the jump host: %s: %v", out, err)
	}
}

func testExec(t *testing.T, h *Host) {
	out, err := h.Shell(t.Context(), `echo "$1"; cat /proc/1/comm; grep ^0: /proc/self/cgroup; hostname`, "$x")
	if want := "$x\nsystemd\n0::/init.scope\na\n"; string(out) != want || err != nil {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
	if _, err := h.Exec(t.Context(), "false"); err == nil {
		t.Error("false succeeded")
	}
}

func testReboot(t *testing.T, h *Host) {
	ssh(t, h, "ops", "echo kept | sudo tee /srv/kept; sudo ip link add v0 type bridge")
	before, began := h.BootID(), time.Now()
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("reboot took %s", time.Since(began))
	if h.BootID() == before || ssh(t, h, "ops", "cat", "/proc/sys/kernel/random/boot_id") != h.BootID() {
		t.Errorf("boot id %s, before %s", h.BootID(), before)
	}
	if got := ssh(t, h, "ops", "cat /srv/kept; ip -br link show type bridge"); got != "kept" {
		t.Errorf("after the reboot: %q, want the file and no bridge", got)
	}
}

func testKill(t *testing.T, h *Host) {
	if err := h.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Exec(t.Context(), "true"); err == nil {
		t.Error("a host without power ran a program")
	}
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ssh(t, h, "ops", "hostname"); got != h.Name {
		t.Errorf("after a power cut: %q", got)
	}
}
