package vm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMachine is the machine itself: it runs Debian's kernel, has what the lab's other hosts have not, keeps what was
// synced over a reset and loses what was not, and goes without a trace.
func TestMachine(t *testing.T) {
	m := ForTest(t)
	say := func(script string) string {
		t.Helper()
		out, err := m.Shell(t.Context(), script)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	if got := say("uname -r"); got != m.image.Version {
		t.Errorf("the kernel is %s, want %s", got, m.image.Version)
	}
	if got := say("zpool list -H -o name,health; cat /sys/module/zfs/version; systemctl is-active docker; modinfo -n brd | grep -c kernel"); !strings.HasPrefix(got, "biscayne\tONLINE\n") || !strings.HasSuffix(got, "\nactive\n1") {
		t.Errorf("it says %q", got)
	}
	// What networkd took of docker's it would take out of docker's bridge.
	const programs = "-v /bin:/bin:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr:/usr:ro"
	if got := say("docker run -d --name linked " + programs + ` lab:1 /usr/bin/sleep 1000 >/dev/null
for i in $(seq 300); do state=$(networkctl list --no-legend 'veth*' | awk '{print $5}'); case "$state" in unmanaged|configured) break;; esac; sleep 0.1; done
echo "$state"; docker rm -f linked >/dev/null`); got != "unmanaged" {
		t.Errorf("networkd says of a container's network that it is %q", got)
	}
	before, err := m.BootID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// What is not synced is in the guest's memory alone, for 30 s by ext4's own timer.
	say("echo kept >/root/kept; sync; echo lost >/root/lost; : >/root/empty")
	if err := m.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := m.BootID(t.Context())
	if err != nil || after == before {
		t.Errorf("the boot id was %s and is %s: %v", before, after, err)
	}
	if got := say("cat /root/kept; cat /root/lost 2>/dev/null || true"); got != "kept" {
		t.Errorf("after the reset there is %q, want only what was synced", got)
	}
	dir := m.dir
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("%s is left behind", filepath.Base(dir))
	}
}
