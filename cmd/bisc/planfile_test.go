package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bisc/cmd/bisc/view"
	"bisc/internal/lab"
	"bisc/internal/lab/wire"
)

// watched is a desk whose way to the host is counted.
func watched(t *testing.T, h *lab.Host) (*desk, *wire.Proxy) {
	t.Helper()
	p, err := wire.New(h.Dial(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	d := newDesk(t)
	d.write(t, "hosts.hcl", hostBlock("a", p.Port(), "ops", pinsOf(t, h), h.KeyFile()))
	return d, p
}

func (d *desk) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFaultF16_NothingIsSent: a plan file that is refused for itself is refused before the host is dialled; one that is
// for another host, before anything is written there.
func TestFaultF16_NothingIsSent(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d, p := watched(t, h)
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  file \"/srv/f16\" {\n    content = \"1\\n\"\n  }\n}\n")
	d.bisc(t, "plan", "--out", "good").wants(t, 2)
	d.bisc(t, "plan", "--out", "late", "--expires", "1ns").wants(t, 2)
	good := d.read(t, "good")
	half := len(good) / 2
	for name, text := range map[string]string{
		"flipped": good[:half] + string(good[half]^1) + good[half+1:], "cut": good[:half], "empty": "", "twice": good + good,
		"repacked": strings.ReplaceAll(good, "\n  ", "\n    "), "late": d.read(t, "late"),
	} {
		d.write(t, "bent", text)
		p.Reset()
		e := d.bisc(t, "apply", "bent")
		if c := p.Counters(); e.status != view.ExitStale || c.Connections != 0 || c.Up != 0 {
			t.Errorf("%s: exit %d, %+v:\n%s", name, e.status, c, e.all())
		}
	}
	d.write(t, "hosts.hcl", strings.Replace(d.read(t, "hosts.hcl"), `host "a"`, `host "b"`, 1))
	d.write(t, "plan.bisc.hcl", strings.Replace(d.read(t, "plan.bisc.hcl"), `"a"`, `"b"`, 1))
	p.Reset()
	if e := d.bisc(t, "apply", "good"); e.status != view.ExitStale || p.Counters().Connections != 0 {
		t.Errorf("for another name: exit %d, %+v:\n%s", e.status, p.Counters(), e.all())
	}

	// Another machine that answers to the name.
	other := ownHost(t)
	d.write(t, "hosts.hcl", hostBlock("a", other.Port(), "ops", pinsOf(t, other), other.KeyFile()))
	d.write(t, "plan.bisc.hcl", strings.Replace(d.read(t, "plan.bisc.hcl"), `"b"`, `"a"`, 1))
	d.bisc(t, "apply", "good").wants(t, view.ExitStale, "a is another machine (machine id was ")
	onHost(t, other, "test ! -e /srv/f16; test ! -e /var/lib/bisc/used-plans; test ! -e /var/lib/bisc/runs.log")
}

// TestFaultF6_RebootBetweenPlanAndApply: what was observed before a boot is no ground for anything after it.
func TestFaultF6_RebootBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  file \"/srv/f6\" {\n    content = \"1\\n\"\n  }\n}\n")
	d.bisc(t, "plan", "--out", "round").wants(t, 2)
	if err := h.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.bisc(t, "apply", "round").wants(t, view.ExitStale, "a was rebooted since (boot id was ")
	onHost(t, h, "test ! -e /srv/f6; test ! -e /var/lib/bisc/used-plans")
	d.bisc(t, "plan", "--out", "round").wants(t, 2)
	d.bisc(t, "apply", "round").wants(t, 0)
}

// TestFaultF17_EachFactClass changes each kind of fact after the plan file was made: it is refused, and says which fact.
func TestFaultF17_EachFactClass(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	for _, c := range []struct{ name, prepare, block, move, says string }{
		{"file content", "echo old >/srv/f17", `file "/srv/f17" { content = "new\n" }`, "echo other >/srv/f17", "content was"},
		{"file mode", "printf 'x\n' >/srv/f17m; chmod 600 /srv/f17m", `file "/srv/f17m" { content = "x\n" }`, "chmod 640 /srv/f17m", "mode was 0600 and is now 0640"},
		{"file owner", "printf 'x\n' >/srv/f17o; chown 1 /srv/f17o", `file "/srv/f17o" { content = "x\n" }`, "chown 2 /srv/f17o", "owner was"},
		{"mount", "mkdir -p /srv/f17t && mount -t tmpfs -o size=1m none /srv/f17t", `tmpfs "/srv/f17t" { size = "8M" }`, "mount -o remount,size=2m /srv/f17t", "size was"},
		{"unit state", "printf '[Service]\nExecStart=/bin/sleep infinity\n' >/etc/systemd/system/f17.service; systemctl daemon-reload", `service "f17.service" {
  active = true
  enabled = false
}`, "systemctl start f17.service; systemctl kill -s KILL f17.service; until systemctl -q is-failed f17.service; do sleep 0.05; done", "active was inactive and is now failed"},
		{"sysctl", "sysctl -qw net.ipv4.ip_default_ttl=60", `sysctl "net.ipv4.ip_default_ttl" { value = "61" }`, "sysctl -qw net.ipv4.ip_default_ttl=62", "is now 62"},
		{"user", "useradd -M -u 1717 -s /bin/false f17", `user "f17" {
  uid = 1717
  shell = "/bin/sh"
}`, "usermod -s /bin/true f17", "is now /bin/true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onHost(t, h, c.prepare)
			block := strings.NewReplacer("{ ", "{\n", " }", "\n}").Replace(c.block)
			d.write(t, "plan.bisc.hcl", fmt.Sprintf("layer \"units\" {\n  on = \"a\"\n%s\n}\n", block))
			out := filepath.Join(d.dir, "round")
			made := d.bisc(t, "plan", "--out", out)
			if made.status != 2 {
				t.Fatalf("exit %d:\n%s", made.status, made.all())
			}
			onHost(t, h, c.move)
			before := onHost(t, h, "cat /var/lib/bisc/runs.log 2>/dev/null | wc -l")
			d.bisc(t, "apply", out).wants(t, view.ExitStale, "stale", c.says)
			if after := onHost(t, h, "cat /var/lib/bisc/runs.log 2>/dev/null | wc -l"); after != before {
				t.Errorf("a step was done")
			}
		})
	}
	t.Run("machine id", func(t *testing.T) {
		onHost(t, h, "rm -f /srv/f17i")
		d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  file \"/srv/f17i\" {\n    content = \"1\\n\"\n  }\n}\n")
		d.bisc(t, "plan", "--out", "round").wants(t, 2)
		onHost(t, h, "cp /etc/machine-id /root/f17; systemd-id128 new >/run/f17-id; mount --bind /run/f17-id /etc/machine-id")
		d.bisc(t, "apply", "round").wants(t, view.ExitStale, "a is another machine (machine id was ")
		onHost(t, h, "umount /etc/machine-id; test ! -e /srv/f17i")
		d.bisc(t, "apply", "round").wants(t, 0)
	})
}

// smallDisk mounts a file system of a mebibyte at a folder of the desk, until the test is over.
func (d *desk) smallDisk(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(d.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFaultF9_ControllerDiskFull: with no room for its key, its journal or a plan file bisc says which file system is
// full; an apply dials nobody, and a plan file that was there stays as it was.
func TestFaultF9_ControllerDiskFull(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d, p := watched(t, h)
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  file \"/srv/f9\" {\n    content = \"1\\n\"\n  }\n}\n")
	state, plans := d.smallDisk(t, "state"), d.smallDisk(t, "plans")

	fill(t, filepath.Join(state, "ballast"))
	e := d.bisc(t, "apply", "--auto-approve")
	e.wants(t, 1, "bisc's key", "(file system at "+state+")")
	remove(t, filepath.Join(state, "ballast"))
	round := filepath.Join(plans, "round")
	d.bisc(t, "plan", "--out", round).wants(t, 2)
	was := d.read(t, filepath.Join("plans", "round"))

	fill(t, filepath.Join(state, "ballast"))
	p.Reset()
	d.bisc(t, "apply", "--auto-approve").wants(t, 1, "nothing is done without a journal", filepath.Join(state, "bisc"), "(file system at "+state+")")
	d.bisc(t, "apply", round).wants(t, 1, "nothing is done without a journal")
	if c := p.Counters(); c.Connections != 0 {
		t.Errorf("the host was dialled: %+v", c)
	}
	remove(t, filepath.Join(state, "ballast"))

	fill(t, filepath.Join(plans, "ballast"))
	d.bisc(t, "plan", "--out", round).wants(t, 1, "writing the plan file", round[:len(round)-len("/round")], "no space left on device (file system at "+plans+")")
	if d.read(t, filepath.Join("plans", "round")) != was {
		t.Error("the plan file that was there is another now")
	}
	onHost(t, h, "test ! -e /srv/f9")
	d.bisc(t, "apply", round).wants(t, 0)
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// The same of what lies below a file system: a device that was blank, and a kernel module's state.
func TestFaultF17_DevicesAndModules(t *testing.T) {
	t.Parallel()
	f, err := sharedFleet()
	if err != nil {
		t.Fatal(err)
	}
	h := lab.ForTest(t, lab.Options{Program: f.program, Hosts: []lab.HostOptions{{Name: "own", Pools: []lab.Pool{{Name: "tank", Size: 4 << 30}}}}}).Host("own")
	d := deskFor(t, h)
	for _, c := range []struct{ name, prepare, block, move, says string }{
		{"device", "zfs create -V 512M tank/v; until [ -e /dev/zvol/tank/v ]; do sleep 0.05; done", "filesystem \"/dev/zvol/tank/v\" {\n  type = \"xfs\"\n}", "mkfs.ext4 -q /dev/zvol/tank/v", "ext4"},
		{"module", "modprobe brd rd_nr=1 rd_size=1024", "kernel_module \"brd\" {\n  options = {\n    rd_nr = \"2\"\n  }\n}", "mkdir -p /etc/modprobe.d; echo 'options brd rd_nr=3' >/etc/modprobe.d/bisc-brd.conf", "is now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onHost(t, h, c.prepare)
			d.write(t, "plan.bisc.hcl", "layer \"storage\" {\n  on = \"a\"\n"+c.block+"\n}\n")
			if made := d.bisc(t, "plan", "--out", "round"); made.status != 2 {
				t.Fatalf("exit %d:\n%s", made.status, made.all())
			}
			onHost(t, h, c.move)
			d.bisc(t, "apply", "round").wants(t, view.ExitStale, c.says)
			onHost(t, h, "test ! -e /var/lib/bisc/used-plans")
		})
	}
}
