package schedule_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/lab"
)

// machine is a lab host that bisc itself was brought to.
type machine struct {
	*lab.Host
	t *testing.T
}

// built is bisc as it is shipped: static, so that it runs on any Linux.
func built(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bisc")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "bisc/cmd/bisc")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building bisc: %v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func withBisc(t *testing.T, h *lab.Host) machine {
	t.Helper()
	m := machine{h, t}
	m.put("/usr/local/bin/bisc", built(t))
	m.sh("chmod 755 /usr/local/bin/bisc; mkdir -p /var/lib/node /etc/bisc/plan")
	return m
}

// put writes a file of the machine.
func (m machine) put(name string, content []byte) {
	m.t.Helper()
	cmd, err := m.Command(m.t.Context(), "sh", "-c", `mkdir -p "$(dirname "$1")" && cat >"$1"`, "sh", name)
	if err != nil {
		m.t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// sh runs a script on the machine.
func (m machine) sh(script string, args ...string) string {
	m.t.Helper()
	out, err := m.Shell(context.WithoutCancel(m.t.Context()), script, args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

// exits runs a script and insists on its exit status and on what it says.
func (m machine) exits(status int, script string, says ...string) string {
	m.t.Helper()
	out := m.sh(`r=0; sh -c "$1" 2>&1 || r=$?; echo "exit=$r"`, script)
	if !strings.HasSuffix(out, "exit="+strconv.Itoa(status)) {
		m.t.Fatalf("%s: want exit %d:\n%s", script, status, out)
	}
	for _, s := range says {
		if !regexp.MustCompile(s).MatchString(out) {
			m.t.Fatalf("%s: does not say %q:\n%s", script, s, out)
		}
	}
	return out
}

// until waits for a condition of the machine, and fails when it does not come true.
func (m machine) until(condition string) {
	m.t.Helper()
	m.sh(`n=0; until sh -c "$1"; do n=$((n+1)); [ $n -lt 600 ] || { echo "it never came true"; systemctl status --no-pager 'bisc-drift-*' ; exit 1; }; sleep 0.1; done`, condition)
}

// odd is a value that a careless unit file would change on its way: systemd has its own quoting, and expands % and $.
const odd = `a  b"c\d%n$HOME ${X};#é\x20`

const watchedPlan = `variable "odd" {
  type = string
}
layer "storage" {
  on = "here"
  tmpfs "/srv/watched" {
    size = "1MiB"
  }
}
layer "units" {
  on = "here"
  file "/etc/watched" {
    content = "1\n"
  }
  file "/etc/odd" {
    content = var.odd
  }
  sysctl "net.ipv4.tcp_syncookies" {
    value = "1"
  }
}
`

// TestLocalSchedule has a machine watch itself: the timer fires, drift is told with its time, the sandbox hides nothing.
func TestLocalSchedule(t *testing.T) {
	l := lab.ForTest(t, lab.Names("here"))
	m := withBisc(t, l.Host("here"))
	id := m.sh("cat /etc/machine-id")
	m.put("/etc/bisc/plan/plan.bisc.hcl", []byte(watchedPlan))
	m.put("/etc/bisc/hosts.hcl", []byte("host \"here\" {\n  platform = \"linux\"\n  transport = \"local\"\n  machine_id = \""+id+"\"\n}\n"))
	const on = " --plans /etc/bisc/plan --inventory /etc/bisc/hosts.hcl --set 'odd=" + odd + "'"
	m.exits(0, "bisc apply --auto-approve --until-clean"+on)
	m.exits(0, "bisc plan"+on)

	install := "bisc schedule install --every 1m --jitter 0s --textfile /var/lib/node/bisc.prom" + on
	m.exits(0, install+" --now", "wrote /etc/systemd/system/bisc-drift-default.service")
	m.exits(0, "systemd-analyze verify --man=no bisc-drift-default.service bisc-drift-default.timer 2>&1 | grep bisc || true", `^exit=0$`)
	m.until("test -s /var/lib/node/bisc.prom") // the timer has fired
	m.until("test $(systemctl show -P ActiveState bisc-drift-default.service) = inactive")
	m.exits(0, "systemctl show -P Result -P ExecMainStatus bisc-drift-default.service; bisc history", `default +exit 0 +4 in sync`)
	m.exits(0, "cat /var/lib/node/bisc.prom; stat -c %a /var/lib/node/bisc.prom", `bisc_drift_run_failed\S+ 0`, `state="observed"} 1`, "\n644")
	security(t, m)

	// Drift made by hand: a file, and a mount, which the service's own mounts must not hide.
	m.sh("echo tampered >/etc/watched; umount /srv/watched")
	m.sh("systemctl start bisc-drift-default.service") // the timer's act, now
	m.exits(0, "systemctl show bisc-drift-default.service", `(?m)^ExecMainStatus=3$`, `(?m)^Result=success$`)
	m.exits(0, "cat /var/lib/node/bisc.prom", `bisc_drift_exit_status\S+ 3`, `layer="storage",state="drifted"} 1`, `layer="units",state="drifted"} 1`, `address="here:units.file\[/etc/watched\]",state="drifted"} 1`)
	m.exits(0, "bisc history 'here:*watched*'", "drifted since", "before that in sync since")
	m.exits(3, "bisc drift"+on, "first seen to differ")
	m.exits(0, "bisc schedule show default", "as bisc wrote it", "exit 3", "NoNewPrivileges=yes")

	edits(m, install)
	killed(m)
	m.exits(0, "bisc schedule remove", "removed /etc/systemd/system/bisc-drift-default.timer")
	m.exits(1, "bisc schedule remove", "no such schedule")
	m.exits(0, "ls /etc/systemd/system /etc/systemd/system/timers.target.wants | grep bisc || true", "^exit=0$")
}

// TestRemoteSchedule has a controller watch a host over SSH, shut in, with a key that can look and do nothing else. A host
// that goes away is told from drift, and asked less often.
func TestRemoteSchedule(t *testing.T) {
	l := lab.ForTest(t, lab.Names("ctl", "far"))
	m, far := withBisc(t, l.Host("ctl")), machine{l.Host("far"), t}
	key, err := os.ReadFile(far.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	m.put("/root/key", key)
	m.sh("chmod 600 /root/key")
	m.put("/etc/bisc/hosts.hcl", []byte("host \"far\" {\n  platform = \"linux\"\n  address = \""+far.Addr()+"\"\n  user = \"ops\"\n  identity = \"/root/key\"\n  host_key = [\""+
		strings.Join(pins(t, far.HostKeys()), `", "`)+"\"]\n  connect_timeout = \"5s\"\n}\n"))
	m.put("/etc/bisc/plan/plan.bisc.hcl", []byte("layer \"units\" {\n  on = \"far\"\n  file \"/etc/watched\" {\n    content = \"1\\n\"\n  }\n}\n"))
	const on = " --plans /etc/bisc/plan --inventory /etc/bisc/hosts.hcl"
	m.exits(0, "bisc schedule key far --out /etc/bisc/plan"+on)
	m.exits(0, "bisc apply --auto-approve --until-clean"+on)
	m.sh("rm /root/key") // from here on there is only the reader's
	m.exits(0, "bisc schedule install --name far --on-calendar daily --now --textfile /var/lib/node/far.prom --reader /root/.local/state/bisc/reader_ed25519"+on)
	round := func(status string, has ...string) {
		t.Helper()
		m.sh("systemctl reset-failed bisc-drift-far.service; systemctl start bisc-drift-far.service")
		m.exits(0, "systemctl show -P ExecMainStatus bisc-drift-far.service; journalctl -u bisc-drift-far.service -n 20 --no-pager", "^"+status+"\n")
		m.exits(0, "cat /var/lib/node/far.prom", has...)
	}
	round("0", `exit_status\S+ 0`, `state="observed"} 1`)
	far.sh("echo tampered >/etc/watched")
	round("3", `state="drifted"} 1`)
	far.sh("systemctl stop ssh.socket ssh.service; pkill -x sshd || true")
	for range 3 {
		round("5", `state="unreachable"} 1`, `state="observed"} 0`)
	}
	m.exits(0, "cat /var/lib/node/far.prom", `consecutive_failures\S+ 3`, `resting_rounds\S+ 1`)
	round("5", `consecutive_failures\S+ 3`, `resting_rounds\S+ 0`) // not asked
	m.exits(0, "journalctl -u bisc-drift-far.service -n 10 --no-pager; bisc history far", "not asked in this round", "unreachable since", "before that in sync|observed")
	far.sh("systemctl start ssh.service")
	round("3", `consecutive_failures\S+ 0`, `state="observed"} 1`)
	out := m.sh("systemd-analyze security --no-pager bisc-drift-far.service 2>&1 | tail -1")
	t.Log(out)
}

// pins are public keys as an inventory's host_key takes them.
func pins(t *testing.T, keys []string) []string {
	t.Helper()
	var out []string
	for _, k := range keys {
		if strings.HasPrefix(k, "SHA256:") {
			out = append(out, k)
			continue
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(k))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ssh.FingerprintSHA256(public))
	}
	return out
}

// security has systemd judge the sandbox: 0 is best, 10 worst.
func security(t *testing.T, m machine) {
	t.Helper()
	out := m.sh("systemd-analyze security --no-pager bisc-drift-default.service 2>&1 || true")
	found := regexp.MustCompile(`Overall exposure level for \S+ ([0-9.]+)`).FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no score:\n%s", out)
	}
	score, err := strconv.ParseFloat(found[1], 64)
	t.Logf("systemd-analyze security: %s", found[1])
	if err != nil || score > 4 {
		t.Errorf("exposed %s:\n%s", found[1], out)
	}
}

// edits: what somebody changed by hand is neither written over nor removed, and what is another's even less.
func edits(m machine, install string) {
	m.t.Helper()
	const unit = "/etc/systemd/system/bisc-drift-default.service"
	m.exits(0, install, "as wanted already")
	m.sh("echo '# mine' >>" + unit)
	m.exits(1, install, "edited by hand")
	m.exits(1, "bisc schedule remove", "edited by hand")
	m.exits(0, install+" --force", "wrote "+unit)
	m.sh("printf '[Service]\nExecStart=/bin/true\n' >/etc/systemd/system/bisc-drift-other.service")
	m.exits(1, strings.Replace(install, "install", "install --name other", 1), "not written by bisc")
	m.exits(1, "bisc schedule remove other", "not written by bisc")
	m.exits(0, "cat /etc/systemd/system/bisc-drift-other.service; test ! -e /etc/systemd/system/bisc-drift-other.timer", "ExecStart=/bin/true")
	m.sh("rm /etc/systemd/system/bisc-drift-other.service")
	m.exits(1, strings.Replace(install, "/etc/bisc/plan", "/tmp/plan", 1), "plan is read from")
	m.exits(1, install+" --on-calendar nonsense", "systemd.time")
}

// killed: a round that is killed leaves no process and no lock, and the next one is as if nothing had been.
func killed(m machine) {
	m.t.Helper()
	m.put("/etc/bisc/plan/slow.bisc.hcl", []byte("layer \"agave\" {\n  on = \"here\"\n  command \"slow\" {\n    unless = [\"sleep\", \"1000\"]\n    argv = [\"true\"]\n  }\n}\n"))
	m.sh("systemctl start --no-block bisc-drift-default.service")
	m.until("pgrep -x sleep >/dev/null") // the probe hangs
	m.exits(4, "bisc drift --record --plans /etc/bisc/plan --inventory /etc/bisc/hosts.hcl --set odd=", "is at work")
	m.sh("systemctl kill -s KILL bisc-drift-default.service")
	m.until("test $(systemctl show -P ActiveState bisc-drift-default.service) = failed")
	m.until("! pgrep -x perl >/dev/null")
	m.sh("pkill -x sleep || true; rm /etc/bisc/plan/slow.bisc.hcl; ls -A /var/lib/node | grep -v '^bisc.prom$' && exit 1; exit 0")
	m.sh("systemctl start bisc-drift-default.service")
	m.exits(0, "systemctl show -P ExecMainStatus bisc-drift-default.service", "^3\n")
}

// What systemd makes of calendar expressions: leap days, the hour that does not exist and the one that exists twice.
func TestFaultF27_Calendar(t *testing.T) {
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	// Leap days, the hour that does not exist and the one that exists twice: systemd gives each calendar round once.
	for expression, wants := range map[string]int{"Mon..Fri 03:00": 5, "*-02-29 12:00": 3, "*-*-* 02:30": 5} {
		out, err := exec.CommandContext(deadline, "systemd-analyze", "calendar", "--iterations="+strconv.Itoa(wants), "--base-time=2026-03-27 00:00", expression).CombinedOutput()
		if n := strings.Count(string(out), "From now:"); err != nil || n != wants {
			t.Errorf("%s: %d times, %v\n%s", expression, n, err, out)
		}
	}
}
