package eoshost

import (
	"testing"
	"time"
)

// TestAStarvedProcessHearsNoSilence: what looks like a prompt is one if the switch then says nothing; where this process slept, nobody
// knows whether it did. Under load an answer's middle was taken for its end.
func TestAStarvedProcessHearsNoSilence(t *testing.T) {
	perhaps := func([]byte) looked { return maybe }
	for late, done := range map[time.Duration]bool{time.Millisecond: true, time.Second: false} {
		s := newScreen()
		now := time.Now()
		s.heard = now.Add(-2 * settled)
		s.woke(now.Add(-late), now)
		if wait, err := s.look(time.Minute, perhaps); err != nil || (wait == 0) != done {
			t.Errorf("%s late: wait %s, %v", late, wait, err)
		}
		if wait, err := s.look(settled, perhaps); err != nil || wait != 0 {
			t.Errorf("%s late, and silent for as long as may be: wait %s, %v", late, wait, err)
		}
	}
}
