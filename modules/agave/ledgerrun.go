package agave

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"bisc/hostbin/snapshots"
	"bisc/internal/host"
)

// Run is the newest run of complete blocks of a ledger, each the parent of the next.
type Run struct {
	First, Last uint64 // slots; zero where there is none
	Blocks      int    // Last-First+1 less the slots that were skipped
	Highest     uint64 // slot with any data
	Floor       bool   // it goes on below First: no more was read
	Why         string // it begins at First, or there is none
}

// String reads "120 complete blocks, slots 1000 to 1121".
func (r Run) String() string {
	if r.Blocks == 0 {
		return "no complete slot at the tip: " + r.Why
	}
	text := fmt.Sprintf("%d complete blocks, slots %d to %d", r.Blocks, r.First, r.Last)
	if r.Why != "" {
		text += ": " + r.Why
	}
	return text
}

// has tells whether a slot lies within the run. One that goes on below what was read has all below it as far as anybody asked.
func (r Run) has(slot uint64) bool { return slot >= r.First && slot <= r.Last }

// ledgerRead is what the ledger tool told.
type ledgerRead struct {
	from  uint64 // the lowest slot that was asked for
	slots []ledgerSlot
}

type ledgerSlot struct {
	slot, parent uint64
	full, linked bool // linked: the tool tells the parent
}

// tipSlack is how many slots at the tip may still be arriving, some 13 s of them; what is incomplete below is a gap.
const tipSlack = 32

// runAtTip follows the blocks from the newest complete one to their parents. Slots between a block and its parent were skipped, or
// are of another fork: they are no gap. A parent without data, or with less than all of it, is.
func runAtTip(read ledgerRead) Run {
	by := map[uint64]ledgerSlot{}
	var r Run
	for _, s := range read.slots {
		by[s.slot] = s
		r.Highest = max(r.Highest, s.slot)
	}
	if len(read.slots) == 0 {
		r.Why = "the ledger is empty"
		return r
	}
	for slot := r.Highest; r.Last == 0 && slot > 0 && slot+tipSlack >= r.Highest; slot-- {
		if by[slot].full {
			r.Last = slot
		}
	}
	if r.Last == 0 {
		r.Why = fmt.Sprintf("none of the newest %d (up to %d) is complete", tipSlack, r.Highest)
		return r
	}
	for at := by[r.Last]; ; {
		r.First = at.slot
		r.Blocks++
		up, there := by[at.parent]
		switch {
		case !at.linked:
			r.Why = fmt.Sprintf("the ledger tool does not tell the parent of slot %d", at.slot)
		case at.parent < read.from:
			r.Floor = true
		case !there:
			r.Why = fmt.Sprintf("slot %d, the parent of %d, has no data", at.parent, at.slot)
		case !up.full:
			r.Why = fmt.Sprintf("slot %d, the parent of %d, is incomplete", at.parent, at.slot)
		default:
			if at.parent >= at.slot {
				r.Why = fmt.Sprintf("the ledger tool names %d as the parent of %d", at.parent, at.slot)
				return r
			}
			at = up
			continue
		}
		return r
	}
}

// validating is a process that works on a ledger.
type validating struct {
	pid, start    uint64
	ledger, group string
	args          []string
}

// fullEvery is the interval of its own full snapshots in slots, where its command line names one; agave's own is 100,000.
func (v validating) fullEvery() (slots int, told bool) {
	for i, a := range v.args {
		name, value, has := strings.Cut(a, "=")
		if name != "--full-snapshot-interval-slots" {
			continue
		}
		if !has && i+1 < len(v.args) {
			value = v.args[i+1]
		}
		n, err := strconv.Atoi(value)
		return n, err == nil
	}
	return 0, false
}

// ledgerOf reads of a process which ledger it works on; none where it is a validator's program that does something else, or has
// ended meanwhile.
func ledgerOf(ctx context.Context, h host.Reader, p Process, ledger string) (validating, error) {
	v := validating{pid: uint64(p.PID), start: p.Start}
	dir := fmt.Sprintf("/proc/%d", p.PID)
	line, err := h.ReadFile(ctx, dir+"/cmdline")
	if err == nil {
		var group []byte
		group, err = h.ReadFile(ctx, dir+"/cgroup")
		v.group = string(group)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return v, fmt.Errorf("look at process %d: %w", p.PID, err)
	}
	words := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
	v.args = words
	works := false
	for i, w := range words {
		name, value, has := strings.Cut(w, "=")
		switch {
		case i > 0 && w == "exit":
			return validating{}, nil
		case name == "--identity" || name == "-i": // what every validator is started with, and none of its other commands takes
			works = true
		case name != "--ledger" && name != "-l":
		case has:
			v.ledger = value
		case i+1 < len(words):
			v.ledger = words[i+1]
		}
	}
	switch {
	case !works:
		v.ledger = ""
	case ledger != "":
		v.ledger = ledger
	case v.ledger == "":
		v.ledger = "ledger" // agave's own default, in its working directory
	}
	return v, nil
}

// readLedger asks the ledger tool beside the validator for the slots below the tip, down to the pair's where that is near enough.
func readLedger(ctx context.Context, h host.Reader, v validating, depth int, pair *snapshots.Pair) (ledgerRead, error) {
	low := uint64(0)
	if pair != nil && pair.Slot() > 1 {
		low = pair.Slot() - 1
	}
	argv := host.LedgerSlots.Argv(fmt.Sprint(v.pid), fmt.Sprint(v.start), v.ledger, fmt.Sprint(depth), fmt.Sprint(low), fmt.Sprint(mostDepth))
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return ledgerRead{}, fmt.Errorf("read the validator's ledger: %w", err)
	}
	if out.Exit != 0 {
		return ledgerRead{}, fmt.Errorf("read the validator's ledger: %w", &host.ExitError{Argv: argv[3:], Exit: out.Exit, Stderr: out.Stderr})
	}
	read, err := parseLedger(string(out.Stdout))
	if err != nil {
		return read, fmt.Errorf("read the validator's ledger: %w", err)
	}
	return read, nil
}

func parseLedger(text string) (ledgerRead, error) {
	var read ledgerRead
	ended, empty := false, false
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		var err error
		switch {
		case len(f) == 0:
		case f[0] == "Ledger":
			empty = strings.Contains(line, "empty")
		case f[0] == "from" && len(f) == 2:
			read.from, err = strconv.ParseUint(f[1], 10, 64)
		case f[0] == "slot" && len(f) == 4:
			s := ledgerSlot{full: f[3] == "true", linked: f[2] != "-"}
			if s.slot, err = strconv.ParseUint(f[1], 10, 64); err == nil && s.linked {
				s.parent, err = strconv.ParseUint(f[2], 10, 64)
			}
			read.slots = append(read.slots, s)
		case f[0] == "end" && len(f) == 1:
			ended = true
		default:
			err = errors.New("not understood")
		}
		if err != nil {
			return read, fmt.Errorf("the ledger tool's line %q: %w", line, err)
		}
	}
	if !ended && !empty {
		return read, errors.New("the ledger tool did not tell all")
	}
	return read, nil
}
