package snapshots

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Span is a distance on the chain, written in slots ("20000") or in time ("2h"). Time becomes slots by the rate that the
// cluster is seen to have, never by one that is assumed.
type Span struct {
	Slots uint64
	Time  time.Duration
}

// UnmarshalText reads it.
func (s *Span) UnmarshalText(text []byte) error {
	word := strings.ReplaceAll(strings.TrimSpace(string(text)), "_", "")
	if n, err := strconv.ParseUint(word, 10, 64); err == nil {
		*s = Span{Slots: n}
		return nil
	}
	d, err := time.ParseDuration(word)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no distance on the chain: write a number of slots (\"20000\") or a time (\"2h\")", text)
	}
	*s = Span{Time: d}
	return nil
}

// MarshalText writes it as it is read.
func (s Span) MarshalText() ([]byte, error) {
	if s.Time > 0 {
		return []byte(s.Time.String()), nil
	}
	return []byte(strconv.FormatUint(s.Slots, 10)), nil
}

// Zero tells whether nothing was said.
func (s Span) Zero() bool { return s == Span{} }

// In gives the span in slots at a rate of slots a second.
func (s Span) In(rate float64) uint64 {
	if s.Time > 0 {
		return uint64(math.Round(s.Time.Seconds() * rate))
	}
	return s.Slots
}

// String reads "20000 slots" or "2h".
func (s Span) String() string {
	if s.Time > 0 {
		return shortTime(s.Time)
	}
	return fmt.Sprintf("%d slots", s.Slots)
}

func shortTime(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
