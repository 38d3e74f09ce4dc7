package live

import (
	"testing"

	"bisc/internal/lab/vm"
	"bisc/modules/all"
)

// TestMachineGRE makes a tunnel on the virtual machine, whose kernel has GRE: twice, with wrong parameters, and over a reboot.
func TestMachineGRE(t *testing.T) {
	o := newOperator(vm.ForTest(t))
	k, _ := all.Registry().Lookup("gre_tunnel")
	o.ground(t, k, scripts(t, "machine")["gre_tunnel"].grounds[0])
}
