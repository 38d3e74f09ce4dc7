package live

import (
	"os"
	"slices"
	"strings"
	"testing"

	"bisc/internal/lab/vm"
	"bisc/modules/all"
)

// onMachine are the breaks that TestMachineBreaks does unless BISC_FAULTS=all: those of which the stand-in of ZFS
// says most. Each takes a quarter of a minute on an emulated processor.
var onMachine = map[string][]string{
	"zpool": {"min_free now", "min_free now, the pool is gone"},
	"zvol":  {"size now", "size now, it is larger", "size now, the volume is gone", "volblocksize now", "sparse now", "absent now"},
}

// TestMachineBreaks is TestBreaks of pools and volumes where they are real: what the kinds read and do there is what their
// stand-ins say. Its boots are in plans/biscayne.
func TestMachineBreaks(t *testing.T) {
	o, have := newOperator(vm.ForTest(t)), scripts(t, "breaks")
	// The pool that a host of the lab has from its first boot. It lies in a sparse file.
	o.sh(t, "truncate -s 1T /usr/share/tank; zpool create tank /usr/share/tank")
	everything := os.Getenv("BISC_FAULTS") == "all"
	for _, kind := range []string{"zpool", "zvol"} {
		k, _ := all.Registry().Lookup(kind)
		wanted := slices.Clone(onMachine[kind])
		for _, g := range have[kind].grounds {
			g.acts = slices.DeleteFunc(g.acts, func(a act) bool {
				wanted = slices.DeleteFunc(wanted, func(name string) bool { return name == a.name() })
				return a.reboot || !everything && !slices.Contains(onMachine[kind], a.name())
			})
			for i := range g.acts {
				g.acts[i].undo = strings.ReplaceAll(g.acts[i].undo, "zpool create tank 1T", "zpool create -f tank /usr/share/tank")
			}
			if len(g.acts) > 0 && !t.Run(kind, func(t *testing.T) { o.ground(t, k, g) }) {
				return // the machine is not what the next one expects
			}
		}
		if len(wanted) > 0 {
			t.Errorf("testdata/breaks/%s.txtar has no %q", kind, wanted)
		}
	}
}
