package live

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"bisc/layers"
)

// mostCPU is what a round that only looks may cost a host's processors, beside what any login over SSH costs there.
const mostCPU = 50 * time.Millisecond

// TestCPUOnTheHost measures what a plan of 50 resources in sync costs the host: sudo, the agent, and what it starts. The
// measure is the processors' time in sshd's cgroup, less that of a login that does nothing; of each the least of several,
// since a busy machine only adds.
func TestCPUOnTheHost(t *testing.T) {
	o := oneHost(t, program(t))
	o.sh(t, crowd)
	stages := o.load(t, many(50, strings.Split(o.sh(t, "cat /srv/crowd/keys"), "\n")))
	least := func(round func()) time.Duration {
		best := time.Hour
		for range 6 {
			before := o.cpu(t)
			round()
			best = min(best, o.cpu(t)-before)
		}
		return best
	}
	login := least(func() { o.login(t) })
	planned := func() {
		s := o.session(t)
		layers.ObserveAll(t.Context(), stages, s, layers.Options{})
		s.close(t)
	}
	plan := least(planned)
	for again := 0; again < 3 && plan-login > mostCPU; again++ {
		plan = min(plan, least(planned))
	}
	t.Logf("a login costs %s; with a plan of 50 resources, sudo and the agent %s: %s more", login, plan, plan-login)
	if plan-login > mostCPU {
		t.Errorf("a plan costs the host %s, at most %s are allowed", plan-login, mostCPU)
	}
}

// cpu is what sshd and all that it started have used, once nothing of a session is left.
func (o *operator) cpu(t *testing.T) time.Duration {
	t.Helper()
	n, err := strconv.ParseInt(o.sh(t, `i=0; while [ "$(pgrep -c sshd)" -gt 1 ] || pgrep -x sudo >/dev/null; do i=$((i+1)); [ $i -lt 600 ] || exit 1; sleep 0.05; done
		systemctl show -P CPUUsageNSec ssh.service`), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n)
}

// login logs in and does nothing, by ssh itself.
func (o *operator) login(t *testing.T) {
	t.Helper()
	key, err := os.ReadFile(o.host.KeyFile())
	if err != nil {
		t.Fatal(err)
	}
	id := filepath.Join(t.TempDir(), "id")
	if err := os.WriteFile(id, key, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(o.at)
	if err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, []byte("[127.0.0.1]:"+port+" "+strings.Join(o.host.HostKeys(), "\n[127.0.0.1]:"+port+" ")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "ssh", "-F", "none", "-i", id, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
		"-o", "UserKnownHostsFile="+known, "-p", port, o.user+"@127.0.0.1", "true").CombinedOutput()
	if err != nil {
		t.Fatalf("ssh: %v\n%s", err, out)
	}
}
