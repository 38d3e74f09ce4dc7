package validator

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bisc/internal/lab/solana/slot"
)

// node is the running validator's state.
type node struct {
	line     commandLine
	log      *log
	trace    trace
	store    *store
	identity string
	ledger   string
	start    time.Time

	fault   atomic.Pointer[Fault]
	exiting chan struct{} // closed when somebody asked it to exit
	ask     sync.Once

	mu       sync.Mutex
	progress string  // of the start, as startProgress tells it
	slot     float64 // replayed
	replayed time.Time
	received uint64 // newest slot in the store
}

// faults is the switch as it was read last.
func (n *node) faults() Fault { return *n.fault.Load() }

func (n *node) clock() slot.Clock { return n.faults().Clock.Or(slot.Default()) }

// tip is the newest slot that the validator takes for the cluster's.
func (n *node) tip() uint64 { return n.clock().Tip(time.Now()) }

// processed is the slot that it has replayed.
func (n *node) processed() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return uint64(n.slot)
}

// started tells whether RPC answers.
func (n *node) started() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.progress == running
}

// phases of a start, as 3.1 names them in startProgress.
const (
	initializing = `"Initializing"`
	loading      = `"LoadingLedger"`
	starting     = `"StartingServices"`
	running      = `"Running"`
)

func (n *node) phase(progress string) {
	n.mu.Lock()
	n.progress = progress
	n.mu.Unlock()
}

func (n *node) phaseNow() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.progress
}

// follow keeps the fault switch read, the slot replayed and the store filled, until ctx ends.
func (n *node) follow(ctx context.Context) {
	named("solReplayStage")
	for ; ctx.Err() == nil; wait(ctx, 50*time.Millisecond) {
		f, err := readFault(n.ledger)
		if err != nil {
			n.log.fail("%v", err)
			continue
		}
		n.fault.Store(&f)
		if !n.started() {
			continue
		}
		n.replay(f, time.Now())
		if err := n.receive(f); err != nil {
			n.log.fail("blockstore: %v", err)
		}
	}
}

// replay moves the slot on: at the fault's rate until it has closed up, then with the cluster.
func (n *node) replay(f Fault, now time.Time) {
	target := float64(n.tip())
	target -= min(target, float64(f.Behind))
	rate := f.Rate
	if rate == 0 {
		rate = 1000
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.replayed.IsZero() {
		n.slot = max(n.slot, min(target, n.slot+rate*now.Sub(n.replayed).Seconds()))
	}
	n.replayed = now
}

// receive writes the slots that came in since the last turn, as turbine brings them: from the tip on, whatever is being replayed.
func (n *node) receive(f Fault) error {
	tip := n.tip()
	if n.received == 0 || tip > n.received+10_000 {
		n.received = tip - 1 // what was missed is repaired by nobody
	}
	var came []Slot
	for s := n.received + 1; s <= tip; s++ {
		came = append(came, Slot{Slot: s, Parent: s - 1, Full: f.IncompleteEvery == 0 || s%f.IncompleteEvery != 0})
	}
	n.received = max(n.received, tip)
	return n.store.add(came)
}

// hold keeps as many MiB of memory as the switch says.
func (n *node) hold(ctx context.Context) {
	var held [][]byte
	for ; ctx.Err() == nil; wait(ctx, 200*time.Millisecond) {
		for len(held) < n.faults().Memory {
			held = append(held, slices.Repeat([]byte{1}, 1<<20))
		}
		held = held[:n.faults().Memory:n.faults().Memory]
	}
}
