package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bisc/inventory"
)

// TestReaderKey goes the way that the help tells: the key, the piece of plan, apply with a key that may, drift with the one
// that may not.
func TestReaderKey(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	if err := os.Mkdir(filepath.Join(d.dir, "plan"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.write(t, "plan/empty.bisc.hcl", "")
	d.bisc(t, "schedule", "key", "a", "--plans", "plan", "--out", "plan").wants(t, 0, "wrote plan/bisc-reader.pl", "wrote plan/bisc-reader-a.bisc.hcl")
	d.write(t, "plan/more.bisc.hcl", "layer \"storage\" {\n  on = \"a\"\n  tmpfs \"/srv/t\" {\n    size = \"1MiB\"\n  }\n}\nlayer \"relay\" {\n  on = \"a\"\n  service \"ssh.service\" {\n  }\n}\n")
	if e := d.bisc(t, "fmt", "--check", "--plans", "plan"); strings.Contains(e.out, "bisc-reader") {
		t.Errorf("it is not formatted: %s", e.out)
	}
	d.bisc(t, "apply", "--plans", "plan", "--auto-approve", "--until-clean").wants(t, 0)
	d.bisc(t, "plan", "--plans", "plan").wants(t, 0)
	key := filepath.Join(d.dir, "state/bisc/reader_ed25519")
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key: %v %v", info, err)
	}
	reading := []string{"drift", "--record", "--plans", "plan", "--reader", key}
	d.bisc(t, reading...).wants(t, 0)
	onHost(t, h, "umount /srv/t; echo '# more' >>/etc/sudoers.d/bisc-reader")
	d.bisc(t, reading...).wants(t, 3, "tmpfs[/srv/t]", "file[/etc/sudoers.d/bisc-reader]", "2 drifted")
	d.bisc(t, "apply", "--plans", "plan", "--auto-approve", "--reader", key).wants(t, 1, "does nothing else")
	d.bisc(t, "apply", "--plans", "plan", "--auto-approve", "--until-clean").wants(t, 0)
	d.bisc(t, append(reading, "--reader-user", "ops")...).wants(t, 5, "took none of the keys")
	onHost(t, h, "mv /usr/local/lib/bisc/reader /usr/local/lib/bisc/away")
	d.bisc(t, reading...).wants(t, 5, "bisc schedule key a")

	again := d.bisc(t, "schedule", "key", "a", "--plans", "plan")
	again.wants(t, 0, "restrict,command=")
	b, err := os.ReadFile(filepath.Join(d.dir, "plan/bisc-reader-a.bisc.hcl"))
	if err != nil || again.out != string(b) {
		t.Errorf("the second time another plan: %v\n%s", err, again.out)
	}
	if strings.Contains(again.all(), "PRIVATE") {
		t.Error("the private key is shown")
	}
}

// Each jump host lets the key on to the next one only; an IPv6 address is in brackets, or sshd refuses the line.
func TestPassKey(t *testing.T) {
	d := inventory.Decision{Address: "fd00::7", Port: 2222, Via: []inventory.Decision{{Address: "first", Port: 22}, {Address: "second", Port: 23}}}
	for i, next := range []string{"second:23", "[fd00::7]:2222"} {
		want := `restrict,port-forwarding,permitopen="` + next + `",permitlisten="localhost:1",command="/bin/false" ssh-ed25519 AAAA`
		if got := passKey(d, i, "ssh-ed25519 AAAA"); got != want {
			t.Errorf("hop %d: %s", i, got)
		}
	}
}
