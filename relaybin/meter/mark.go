package meter

import (
	"errors"
	"fmt"
	"time"
)

// maxMarks are kept; the oldest goes.
const maxMarks = 32

// Mark is a moment that an operator named, such as "relay on", and what was measured before and after it.
type Mark struct {
	Name   string
	At     time.Time
	Before *Window // nil until its slots are all judged
	After  *Window
	bin    uint64 // the first bin after it
}

// Window is what was measured in some time beside a mark.
type Window struct {
	Seconds float64 // watched: less than the span where the meter was not running
	Settled bool    // all slots of it are judged, and no time will be added
	Totals
}

// Mark names this moment. The name is 1 to 64 characters without control characters. The caller holds the lock.
func (m *Meter) Mark(name string) error {
	if len(name) == 0 || len(name) > 64 {
		return fmt.Errorf("a mark's name has 1 to 64 bytes, not %d", len(name))
	}
	for _, r := range name {
		if r < ' ' || r == 0x7f {
			return errors.New("a mark's name has no control characters")
		}
	}
	if !m.any {
		m.bins.start(m.now, m.wallOf(m.now))
	}
	m.bins.marks = append(m.bins.marks, Mark{Name: name, At: m.wallOf(m.now), bin: m.bins.cut(m)})
	if n := len(m.bins.marks); n > maxMarks {
		m.bins.marks = m.bins.marks[n-maxMarks:]
	}
	return nil
}

// window adds up the bins from one on, forwards or backwards, until the span is full or there are no more.
func (m *Meter) window(from uint64, forwards bool) Window {
	b := &m.bins
	w := Window{Totals: newTotals(len(m.paths))}
	for n := from; w.Seconds < m.config.Span.Seconds(); {
		if forwards && n > b.current {
			return w
		}
		one := &b.ring[n%binsKept]
		if one.Number != n || n < b.first {
			w.Settled = !forwards && m.settled(from)
			return w
		}
		w.Seconds += one.Seconds
		w.add(&one.Totals)
		if n == b.first && !forwards {
			w.Settled = m.settled(from)
			return w
		}
		if forwards {
			n++
			w.Settled = m.settled(n - 1)
		} else {
			n--
			w.Settled = m.settled(from)
		}
	}
	return w
}

// settled reports whether every slot that began in a bin has been judged: the bin ended longer ago than any slot is kept.
func (m *Meter) settled(number uint64) bool {
	if number >= m.bins.current {
		return false
	}
	one := &m.bins.ring[number%binsKept]
	ended := one.began + int64(one.Seconds*1e9)
	return m.now-ended > 5*int64(m.config.Expire)
}

// freeze keeps the windows of marks that have settled, before their bins are gone.
func (m *Meter) freeze() {
	for i := range m.bins.marks {
		mark := &m.bins.marks[i]
		if mark.Before == nil {
			if w := m.before(mark); w.Settled {
				mark.Before = &w
			}
		}
		if mark.After == nil {
			if w := m.after(mark); w.Settled && w.Seconds >= m.config.Span.Seconds() {
				mark.After = &w
			}
		}
	}
}

func (m *Meter) before(mark *Mark) Window {
	if mark.Before != nil {
		return *mark.Before
	}
	if mark.bin == 0 {
		return Window{Totals: newTotals(len(m.paths))}
	}
	return m.window(mark.bin-1, false)
}

func (m *Meter) after(mark *Mark) Window {
	if mark.After != nil {
		return *mark.After
	}
	w := m.window(mark.bin, true)
	w.Settled = w.Settled && w.Seconds >= m.config.Span.Seconds()
	return w
}
