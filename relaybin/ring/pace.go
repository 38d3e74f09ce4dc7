package ring

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What naps are like. At the design rate of 7,500 frames/s there is none.
const (
	napFrom   = 20_000                 // frames/s from which on Wait naps
	napFrames = 64                     // how many frames a nap waits for: 32 of each size of shred
	napMost   = 800 * time.Microsecond // the longest nap, and so the most that it delays a frame
	measure   = 2 * time.Millisecond   // over how long the rate is taken: short, for shreds come in bursts
)

// pace is how fast frames come, and how long a nap is worth while. A nap costs a frame delay and saves a wake-up and a system
// call to send for each frame that joins the batch meanwhile.
type pace struct {
	since  int64 // by the ring's clock
	frames int   // that came since
	nap    time.Duration
	exact  bool // the thread's timers are exact
}

// turn takes the rate anew when enough time has passed.
func (p *pace) turn(now int64) {
	elapsed := now - p.since
	if elapsed < int64(measure) {
		return
	}
	p.nap = 0
	if rate := float64(p.frames) / float64(elapsed) * 1e9; rate >= napFrom {
		p.nap = min(napMost, time.Duration(napFrames/rate*1e9))
	}
	p.since, p.frames = now, 0
}

// nap sleeps while frames gather. The thread's timer slack, 50 us by default, is taken away first, once. The system call is raw, as
// that of poll is.
func (r *Ring) nap() error {
	if !r.pace.exact {
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("ring: make the thread's timers exact: %w", err)
		}
		r.pace.exact = true
	}
	ts := unix.NsecToTimespec(int64(r.pace.nap))
	_, _, _ = unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&ts)), 0, 0) // it can only be interrupted, and a shorter nap is one too
	return nil
}

// clock is a monotonic time in nanoseconds.
func (r *Ring) clock() int64 { return int64(time.Since(r.opened)) }
