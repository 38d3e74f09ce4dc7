package validator

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// archive is a snapshot archive by its name. Full: Base is 0.
type archive struct {
	name       string
	base, slot uint64
}

func (a archive) full() bool { return a.base == 0 }

// readArchive reads a name: snapshot-SLOT-HASH.tar.zst or incremental-snapshot-BASE-SLOT-HASH.tar.zst, or .tar.lz4.
func readArchive(name string) (a archive, ok bool) {
	parts := regexp.MustCompile(`^(?:incremental-snapshot-(\d+)|snapshot)-(\d+)-[1-9A-HJ-NP-Za-km-z]{32,44}\.tar\.(?:zst|lz4)$`).FindStringSubmatch(name)
	if parts == nil {
		return a, false
	}
	a.name = name
	a.base, _ = strconv.ParseUint(parts[1], 10, 64) // none is 0
	a.slot, _ = strconv.ParseUint(parts[2], 10, 64) // digits
	return a, true
}

func readArchives(folder string) (all []archive, err error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if a, ok := readArchive(e.Name()); ok {
			all = append(all, a)
		}
	}
	return all, err
}

// newest is the highest slot that the archives lead to: a full one and, with the same base, an incremental one.
func newest(all []archive) (base, slot uint64) {
	for _, full := range all {
		if !full.full() {
			continue
		}
		if full.slot > slot {
			base, slot = full.slot, full.slot
		}
		for _, inc := range all {
			if inc.base == full.slot && inc.slot > slot {
				base, slot = full.slot, inc.slot
			}
		}
	}
	return base, slot
}

func (n *node) highestSnapshot(asked request) answer {
	all, err := readArchives(n.snapshotFolder())
	base, slot := newest(all)
	if err != nil || base == 0 {
		return answer{Version: "2.0", ID: asked.ID, Error: &rpcError{Code: -32008, Message: "No snapshot"}}
	}
	told := map[string]any{"full": base, "incremental": nil}
	if slot > base {
		told["incremental"] = slot
	}
	return result(asked.ID, told)
}

func (n *node) snapshotFolder() string { return n.line.get("snapshots", n.ledger) }

// purge removes archives that were not there when the validator started, and unfinished ones: a validator keeps a list of its own, and
// what is beyond it goes when it next looks (solana.md G, biscayne.md 8.4). So a download into its folder is lost.
func (n *node) purge(ctx context.Context, own []archive) {
	named("solSnapshotPkgr")
	folder := n.snapshotFolder()
	for {
		every := n.faults().PurgeSeconds
		if every == 0 {
			every = 1
		}
		wait(ctx, seconds(max(every, 0.1)))
		if ctx.Err() != nil {
			return
		}
		if every < 0 {
			continue
		}
		if err := n.purgeOnce(folder, own); err != nil {
			n.log.warn("purge snapshots: %v", err)
		}
	}
}

func (n *node) purgeOnce(folder string, own []archive) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		a, ok := readArchive(e.Name())
		if ok && slices.Contains(own, a) || !ok && !strings.HasPrefix(e.Name(), "tmp-snapshot-archive-") {
			continue
		}
		if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
		n.log.info("purging snapshot archive %s", e.Name())
		if err := n.trace.add(Run{Event: Purged, File: e.Name()}); err != nil {
			return err
		}
	}
	return nil
}

// stateFile is written by a clean exit, in the accounts: since 2.3 a validator that exited cleanly starts from its local state.
func stateFile(accounts string) string { return filepath.Join(accounts, "run", "lab-slot") }

// startSlot is where a validator begins: its local state or its archives, whichever is newer; genesis without either. The state is
// good for one start.
func startSlot(accounts string, all []archive) (uint64, error) {
	_, slot := newest(all)
	text, err := os.ReadFile(stateFile(accounts))
	if errors.Is(err, fs.ErrNotExist) {
		return slot, nil
	}
	if err != nil {
		return 0, err
	}
	if err := os.Remove(stateFile(accounts)); err != nil {
		return 0, err
	}
	state, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	return max(slot, state), err
}

// unpacking is the share of a start that goes to the archive, the rest to the index.
const unpacking = 2

func (n *node) unpack(ctx context.Context, took time.Duration, slot uint64) {
	n.phase(loading)
	n.log.info("Loading bank from full snapshot archive, slot %d", slot)
	wait(ctx, took/unpacking)
	n.log.info("generating index")
	wait(ctx, took-took/unpacking)
	n.phase(starting)
}
