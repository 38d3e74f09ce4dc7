package live

import (
	"strings"
	"testing"

	"bisc/internal/lab/vm"
	"bisc/layers"
	"bisc/modules/all"
)

// TestMachineGRE makes a tunnel on the virtual machine, whose kernel has GRE: twice, with wrong parameters, over a reboot,
// and away again without a trace.
func TestMachineGRE(t *testing.T) {
	o := newOperator(vm.ForTest(t))
	k, _ := all.Registry().Lookup("gre_tunnel")
	const network = "ip -br -4 address; ip -4 route show table all; ip rule; ls /etc/systemd/system"
	before := o.sh(t, network)
	g := scripts(t, "machine")["gre_tunnel"].grounds[0]
	if !t.Run("broken, and over a reboot", func(t *testing.T) { o.ground(t, k, g) }) {
		return
	}
	absent := o.load(t, strings.ReplaceAll(g.plan, "\n}", "\n  absent = true\n}"))
	named := layers.Options{Destroy: addresses(absent)}
	if left := bad(o.apply(t, absent, o.plan(t, absent, named), named)); len(left) > 0 {
		t.Fatalf("take it away:\n%s", strings.Join(left, "\n"))
	}
	o.inSync(t, absent, "the plan after it was taken away")
	if after := o.sh(t, network); after != before {
		t.Errorf("it leaves:\n%s\nbefore:\n%s", after, before)
	}
}
