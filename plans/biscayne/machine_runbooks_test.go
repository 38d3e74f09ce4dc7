package biscayne_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/solana"
	"bisc/internal/lab/standin/stack"
)

// TestMachineRunbooks runs runbooks of the validator on the virtual machine, unmodified: its data is on XFS on a real zvol and on brd, and
// what stands still there stands still in the kernel. About seventeen minutes on two busy cores, of which seven are the house's.
func TestMachineRunbooks(t *testing.T) {
	if os.Getenv("BISC_MACHINE") != "all" {
		return // it takes minutes of emulation: make test-machine does it
	}
	newMachineHouse(t).play(
		act{"stop", timed((*house).stops)},
		act{"start", timed((*house).starts)},
		act{"a stuck validator", timed((*house).stuck)},
	)
}

// newMachineHouse is newHouse on the virtual machine, which reaches nobody: the control plane of its node and the peers are beside it.
func newMachineHouse(t *testing.T) *house {
	t.Helper()
	b, m := newMachine(t, "B")
	h := &house{bench: b, slow: 12}
	h.desk("validator.hcl")
	h.inventory("become     = true", "become = true\n  connect_timeout = \"60s\"\n  answer_timeout = \"3m\"") // machine.hcl's
	h.peers = solana.Start(t, solana.Options{})
	const rpc = "127.0.0.1:18899"
	h.inventory("198.51.100.1:8899", rpc)
	if err := m.Forward(t.Context(), "tcp", rpc, func() (net.Conn, error) { return net.Dial("tcp", strings.TrimPrefix(h.peers.RPC, "http://")) }); err != nil {
		t.Fatal(err)
	}
	beside := lab.ForTest(t, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{{Name: "beside", Docker: true}}}).Host("beside")
	plane := cluster.Start(t, beside, cluster.Options{ID: stack.ID, NoDeployment: true})
	if err := plane.Lend(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	timed(func(h *house) { h.build(m, cluster.M) })(h)
	return h
}

// timed tells how long something took: the machine is emulated.
func timed(do func(*house)) func(*house) {
	return func(h *house) {
		h.Helper()
		began := time.Now()
		do(h)
		h.Logf("%s", time.Since(began).Round(time.Second))
	}
}
