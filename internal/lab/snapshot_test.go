package lab

import (
	"strings"
	"testing"
	"time"
)

func TestSnapshot(t *testing.T) {
	h := ForTest(t, Names("a")).Host("a")
	ssh(t, h, "ops", "sudo -n systemctl is-system-running --wait")
	snap := func() Snapshot {
		t.Helper()
		s, err := h.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := snap()
	for _, user := range []string{"ops", "root", "pw"} {
		ssh(t, h, user, "id; cat /etc/fstab; ls /dev; systemctl show ssh.service; findmnt >/dev/null")
	}
	ssh(t, h, "ops", "sudo -n cat /etc/shadow; sudo -n zfs list; sudo -n zpool status -x; sudo -n lsmod")
	ssh(t, h, "pw", "echo lab | sudo -S -p '' true")
	time.Sleep(time.Second)
	if diff := before.Diff(snap()); diff != nil {
		t.Errorf("logging in and reading left something behind:\n%s", strings.Join(diff, "\n"))
	}
	for _, c := range []struct{ write, seen string }{
		{"echo x >/etc/new", "/etc/new: new"},
		{"touch /etc/made; rm /etc/made", "/etc: "},
		{"rm /etc/debian_version", "/etc/debian_version: new"},
		{"chmod 600 /etc/hosts", "/etc/hosts: new"},
		{"touch /run/there", "/run/there: new"},
		{"mkdir /mnt/m; mount -t tmpfs none /mnt/m", "/proc/1/mountinfo: "},
		{"sleep 0.01; systemctl daemon-reload", "/run/systemd/generator"},
		{"mknod /dev/ram0 b 1 0", "/dev/ram0: new"},
	} {
		before := snap()
		ssh(t, h, "root", c.write)
		if diff := strings.Join(before.Diff(snap()), "\n"); !strings.Contains(diff, c.seen) {
			t.Errorf("%s: snapshot shows %q, want %q", c.write, diff, c.seen)
		}
	}
}
