package validator

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Slot is one slot of a blockstore.
type Slot struct {
	Slot   uint64 `json:"slot"`
	Parent uint64 `json:"parent"`
	Full   bool   `json:"full"`
}

// storeLimit is how many slots are kept, twice.
const storeLimit = 50_000

// storeFile is the blockstore: a line a slot, as they came.
func storeFile(ledger string) string { return filepath.Join(ledger, "rocksdb", "slots.lab") }

// store is the blockstore of a running validator.
type store struct {
	mu    sync.Mutex
	file  string
	slots int
}

func openStore(ledger string) (*store, error) {
	s := &store{file: storeFile(ledger)}
	if err := os.MkdirAll(filepath.Dir(s.file), 0o755); err != nil {
		return nil, err
	}
	slots, err := ReadSlots(ledger)
	s.slots = len(slots)
	return s, err
}

func (s *store) add(slots []Slot) error {
	if len(slots) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slots += len(slots); s.slots > 2*storeLimit {
		if err := s.shorten(); err != nil {
			return err
		}
	}
	return appendSlots(s.file, slots)
}

// shorten keeps the newest storeLimit slots.
func (s *store) shorten() error {
	ledger := filepath.Dir(filepath.Dir(s.file))
	all, err := ReadSlots(ledger)
	if err != nil {
		return err
	}
	all = all[max(0, len(all)-storeLimit):]
	s.slots = len(all)
	temp := s.file + ".new"
	if err := appendSlots(temp, all); err != nil {
		return err
	}
	return os.Rename(temp, s.file)
}

// WriteSlots adds slots to the blockstore of a ledger, seen from the caller.
func WriteSlots(ledger string, slots []Slot) error {
	file := storeFile(ledger)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return appendSlots(file, slots)
}

func appendSlots(file string, slots []Slot) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, s := range slots {
		text, err := json.Marshal(s)
		if err != nil {
			return errors.Join(err, f.Close())
		}
		w.Write(append(text, '\n')) // the error stays for Flush
	}
	return errors.Join(w.Flush(), f.Close())
}

// ReadSlots returns the blockstore of a ledger in order of slots; the last word on a slot counts. A line that is being written is
// left out.
func ReadSlots(ledger string) ([]Slot, error) {
	f, err := os.Open(storeFile(ledger))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	known := map[uint64]Slot{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var s Slot
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			if !lines.Scan() {
				break
			}
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		known[s.Slot] = s
	}
	var all []Slot
	for _, s := range known {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Slot) int { return int(int64(a.Slot) - int64(b.Slot)) })
	return all, lines.Err()
}
