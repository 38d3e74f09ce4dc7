package main

import (
	"testing"
	"time"

	"bisc/relaybin/meter"
	"bisc/relaybin/shred/shredtest"
)

// The wall clock is set by an hour, either way, between two batches and within one: no lead becomes an hour, no slot is judged early, no
// path falls silent, and time goes on.
func TestClockJump(t *testing.T) {
	const second = int64(time.Second)
	for _, jump := range []int64{3600 * second, -3600 * second, 2 * second, -2 * second} {
		m, err := meter.New(meter.Config{Paths: []string{"direct", "relay"}})
		if err != nil {
			t.Fatal(err)
		}
		mono, wall := 1000*second, 1795000000*second
		c := [2]clock{{read: func() (int64, int64) { return mono, wall }}, {read: func() (int64, int64) { return mono, wall }}}
		block, _ := shredtest.Make(shredtest.Block{Slot: 1000, Sets: 4, Unsigned: true})
		for i, p := range block {
			stamps := [2]int64{wall, wall + second/100} // the relay is 10 ms behind
			mono, wall = mono+second/50, wall+second/50
			for path := range c {
				if i == 100 && path == 1 {
					wall += jump // after the kernel stamped, before the second path's batch is read
				}
				now, jumped := c[path].turn()
				m.See(path, c[path].at(stamps[path], now, jumped), p)
				m.Wall(c[path].offset)
				m.Tick(now)
			}
		}
		r := m.Report(8, false)
		lead := r.Paths[1].Lead
		if lead.Min < -0.02 || lead.Max > 0.01 || lead.Samples != len(block) || lead.P10 != -0.01 || lead.P90 != -0.01 {
			t.Errorf("jump of %d s: lead %+v", jump/second, lead)
		}
		if !r.Paths[0].Present || !r.Paths[1].Present || len(r.Slots) != 1 || !r.Slots[0].Complete || r.Seconds > 6 || r.At.UnixNano() != wall {
			t.Errorf("jump of %d s: %+v", jump/second, r)
		}
	}
}

// A stamp of the future, or one older than any ring, is taken for now.
func TestStampsThatCannotBe(t *testing.T) {
	c := clock{offset: 1000, known: true}
	for stamp, want := range map[int64]int64{1000 + 57e9: 57e9, 1000 + 60e9 + 1: 60e9, 1000 + 40e9: 60e9} {
		if got := c.at(stamp, 60e9, false); got != want {
			t.Errorf("stamp %d: %d, want %d", stamp, got, want)
		}
	}
	if mono, real := clocks(); real-mono < 1e9 || mono <= 0 {
		t.Errorf("clocks %d %d", mono, real)
	}
}
