package meter

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// stored is what outlives the daemon: the bins of the last time and the marks. Counters start at 0 with each start, as Prometheus
// expects.
type stored struct {
	FormatVersion int
	Paths         []string
	Bins          []bin
	Marks         []storedMark
}

type storedMark struct {
	Mark
	Bin uint64
}

// ErrState says that a state file cannot be used. The meter goes on without.
var ErrState = errors.New("unusable state file")

// Save writes bins and marks to a file: to a temporary file beside it, synced, and then renamed. The caller holds the lock only for
// the copy, that is for Marshal.
func Save(name string, state []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".shredmeter-*")
	if err != nil {
		return fmt.Errorf("keeping marks: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(state)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keeping marks in %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fmt.Errorf("keeping marks: %w", err)
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return fmt.Errorf("keeping marks: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Marshal encodes what Save writes. The caller holds the lock.
func (m *Meter) Marshal() ([]byte, error) {
	s := stored{FormatVersion: 1, Paths: m.config.Paths}
	b := &m.bins
	for n := b.first; n <= b.current; n++ {
		if one := &b.ring[n%binsKept]; one.Number == n && (n < b.current || m.any) {
			s.Bins = append(s.Bins, *one)
		}
	}
	for _, mark := range b.marks {
		s.Marks = append(s.Marks, storedMark{mark, mark.bin})
	}
	return json.Marshal(s)
}

// Load takes up what an earlier run saved; call it before the first shred. A file that is not there is no error. Bins whose paths were
// others are dropped, frozen windows stay. An error wraps ErrState; the meter is then as before.
func (m *Meter) Load(name string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s stored
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err == nil && s.FormatVersion != 1 {
		err = fmt.Errorf("format version %d, want 1", s.FormatVersion)
	}
	if err != nil {
		return fmt.Errorf("%w %s: %w", ErrState, name, err)
	}
	m.take(&s)
	return nil
}

func (m *Meter) take(s *stored) {
	b := &m.bins
	same := len(s.Paths) == len(m.paths)
	for i := range m.paths {
		same = same && s.Paths[i] == m.paths[i].name
	}
	for i, one := range s.Bins {
		if !same || len(one.Paths) != len(m.paths) || one.Seconds < 0 || i > 0 && one.Number != b.current {
			continue
		}
		if i == 0 {
			b.first = one.Number
		}
		b.ring[one.Number%binsKept] = one
		b.current = one.Number + 1
	}
	if b.current-b.first >= binsKept {
		b.first = b.current - binsKept + 1
	}
	b.ring[b.current%binsKept] = bin{Totals: newTotals(len(m.paths)), Number: b.current}
	for _, mark := range s.Marks {
		mark.Mark.bin = mark.Bin
		if !same {
			mark.drop(m)
		}
		b.marks = append(b.marks, mark.Mark)
	}
	if len(b.marks) > maxMarks {
		b.marks = b.marks[len(b.marks)-maxMarks:]
	}
}

// drop freezes what is known of a mark whose bins belong to other paths.
func (s *storedMark) drop(m *Meter) {
	none := Window{Totals: newTotals(len(m.paths))}
	if s.Before == nil {
		s.Before = &none
	}
	if s.After == nil {
		s.After = &none
	}
	s.Before.Paths, s.After.Paths = nil, nil // the names are others now
}

// resumed makes the times of loaded bins fit a clock that starts anew.
func (b *bins) resumed(at int64, expire time.Duration) {
	for i := range b.ring {
		if one := &b.ring[i]; one.Number < b.current {
			one.began = at - int64(6*expire) - int64(one.Seconds*1e9)
		}
	}
}
