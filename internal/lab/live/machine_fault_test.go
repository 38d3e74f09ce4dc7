package live

import (
	"fmt"
	"strings"
	"testing"

	"bisc/internal/lab/vm"
	"bisc/layers"
)

// TestFaultF10_MachinePowerCut resets a machine in the middle of an apply of 100 files: what the guest had not flushed is lost, as
// it is when the power goes. Each file is the old one or the new one, whole, and another apply finishes.
func TestFaultF10_MachinePowerCut(t *testing.T) {
	m := vm.ForTest(t)
	o := newOperator(m)
	o.sh(t, `mkdir -p /etc/lab; i=0; while [ $i -lt 100 ]; do echo "old $i" >/etc/lab/$i; chmod 600 /etc/lab/$i; i=$((i+1)); done; sync`)
	stages := o.load(t, `
file {
  for_each = toset([for i in range(100) : tostring(i)])
  label    = "/etc/lab/${each.key}"
  content  = format("new %s\n%s", each.key, join("", [for i in range(200) : "some twenty bytes of it\n"]))
  mode     = "0644"
}`)
	shown := o.plan(t, stages, layers.Options{})
	// The power goes as soon as the thirtieth is new, in the guest itself: nothing else is as quick.
	o.sh(t, `cat >/root/cut <<'END'
n=0
while [ $n -lt 30 ]; do n=$(grep -l '^new' /etc/lab/* | wc -l); done
echo b >/proc/sysrq-trigger
END
systemd-run -q --unit lab-cut sh /root/cut`)
	var left []layers.Outcome
	err := m.Await(t.Context(), func() error {
		s := o.session(t)
		left = layers.ApplyAll(t.Context(), shown, opening{s}, layers.Acting{Record: layers.NoRecord{}}).Outcomes()
		return nil // what closing says of the connection that is gone does not count
	})
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, out := range left {
		if out.State == layers.Changed {
			done++
		}
	}
	const look = `cd /etc/lab; for f in *; do
	case $f in *[!0-9]*) echo "stranger $f" ;; esac
	case $(stat -c '%a %s' $f) in
		600\ *) [ "$(cat $f)" = "old $f" ] && echo old || echo "spoilt $f" ;;
		644\ *) [ "$(head -n 1 $f)" = "new $f" ] && [ "$(tail -n +2 $f | sort | uniq -c | xargs)" = "200 some twenty bytes of it" ] && echo new || echo "spoilt $f" ;;
		*) echo "spoilt $f: $(stat -c '%a %s' $f)" ;;
	esac
done | sort | uniq -c`
	got := o.sh(t, look)
	t.Logf("after the cut: %s; %d were reported as done", strings.Join(strings.Fields(got), " "), done)
	if strings.Contains(got, "spoilt") || !strings.Contains(got, "old") || !strings.Contains(got, "new") {
		t.Errorf("after the cut, want whole files, some old and some new:\n%s", got)
	}
	var old, fresh int
	fmt.Sscanf(strings.Join(strings.Fields(got), " "), "%d new %d old", &fresh, &old)
	if done > fresh {
		t.Errorf("%d files were reported as done, and %d are new", done, fresh)
	}
	again := layers.Options{}
	if left := bad(o.apply(t, stages, o.plan(t, stages, again), again)); len(left) > 0 {
		t.Errorf("the next apply:\n%s", strings.Join(left, "\n"))
	}
	o.inSync(t, stages, "the plan after it")
	if got := o.sh(t, look); strings.Join(strings.Fields(got), " ") != "100 new" {
		t.Errorf("after the next apply:\n%s", got)
	}
}
