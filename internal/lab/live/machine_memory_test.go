package live

import (
	"strings"
	"testing"

	"bisc/internal/lab/vm"
	"bisc/modules"
	"bisc/modules/agave"
)

// TestMachineTellsOfMemory: what bisc status says of a validator's memory, from real control groups: how much is in use and left under
// the tightest limit above it, and that the kernel has killed beside it for want of memory, once it has. The lab's other hosts have no
// memory controller of version 2.
func TestMachineTellsOfMemory(t *testing.T) {
	o := newOperator(vm.ForTest(t))
	o.sh(t, `cp /bin/sleep /root/agave-validator
systemd-run -q --unit=memory-told -p MemoryMax=64M -p MemorySwapMax=0 -p OOMPolicy=continue \
	sh -c '/root/agave-validator infinity & until [ -e /root/hungry ]; do sleep 0.1; done; tail /dev/zero; touch /root/killed; wait'
for i in $(seq 600); do pgrep -x agave-validator >/dev/null && exit; sleep 0.1; done; exit 1`)
	s := o.session(t)
	defer s.close(t)
	h, err := s.Reader(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	memory := func() modules.Fact {
		t.Helper()
		for _, f := range (&agave.ValidatorHealth{RPC: "http://127.0.0.1:8899"}).Tell(t.Context(), h, 0) {
			if f.Topic == "memory" {
				return f
			}
		}
		t.Fatal("nothing is told of memory")
		return modules.Fact{}
	}
	const limit = 64 << 20
	f := memory()
	if f.Wrong || f.Numbers["limit_bytes"] != limit || f.Numbers["oom_kills"] != 0 || f.Numbers["used_bytes"] <= 0 ||
		f.Numbers["headroom_bytes"] <= 0 || f.Numbers["headroom_bytes"] >= limit {
		t.Errorf("before: %+v", f)
	}
	o.sh(t, `touch /root/hungry; for i in $(seq 1200); do [ -e /root/killed ] && exit; sleep 0.1; done; exit 1`)
	if f = memory(); !f.Wrong || f.Numbers["oom_kills"] != 1 || !strings.Contains(f.Text, "the kernel has killed 1 times for want of memory") {
		t.Errorf("after a kill: %+v", f)
	}
	o.sh(t, "systemctl stop memory-told")
}
