package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock turns the kernel's time stamps, which are of the real-time clock, into a time that does not jump. A lead is a difference of
// milliseconds: a clock that NTP sets by a second must not become one.
type clock struct {
	read   func() (mono, real int64) // for tests
	offset int64                     // real-time less monotonic, at the last turn
	known  bool
}

// Most that a clock is off by between two turns without having been set: adjtime(2) slews 0.5 ms a second.
const stepped = int64(5 * time.Millisecond)

// oldest is how old a packet in the ring may be.
const oldest = int64(5 * time.Second)

// turn looks at both clocks, once a batch. It reports whether the real-time clock was set since the last turn: the stamps of this
// batch may be of before or after, nobody can tell.
func (c *clock) turn() (now int64, jumped bool) {
	mono, real := c.read()
	before := c.offset
	c.offset = real - mono
	jumped = c.known && (c.offset-before > stepped || before-c.offset > stepped)
	c.known = true
	return mono, jumped
}

// at is a stamp's monotonic time. What cannot be (in the future, or older than the ring) is taken for now.
func (c *clock) at(stamp, now int64, jumped bool) int64 {
	t := stamp - c.offset
	if jumped || t > now || now-t > oldest {
		return now
	}
	return t
}

// clocks reads both clocks of the kernel at one moment: again while something came in between.
func clocks() (mono, real int64) {
	var a, r, b unix.Timespec
	for range 5 {
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &a) // it fails for no clock that exists
		_ = unix.ClockGettime(unix.CLOCK_REALTIME, &r)
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &b)
		if b.Nano()-a.Nano() < int64(20*time.Microsecond) {
			break
		}
	}
	return a.Nano() + (b.Nano()-a.Nano())/2, r.Nano()
}
