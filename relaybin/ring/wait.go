package ring

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"bisc/relaybin/poll"
)

// Wait returns when a frame is there, or after limit, and reports whether one is. A device that went down, vanished or came
// back is no error: State tells. Without a frame it looks for the device, each lookEvery at most.
//
// The goroutine must be locked to its thread. At low rates Wait sleeps until the first frame comes. From napFrom frames/s on it
// first naps for a time in which about napFrames come, so that they go on as a batch.
func (r *Ring) Wait(limit time.Duration) (bool, error) {
	if r.tap != nil {
		return r.waitTap(limit)
	}
	r.pace.turn(r.clock())
	if r.pace.nap > 0 && !r.there(napFrames) {
		if err := r.nap(); err != nil {
			return false, err
		}
	}
	if r.there(1) {
		return true, nil
	}
	fd := [1]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}
	n, err := poll.Wait(fd[:], limit)
	return r.woken(n, err, fd[0].Revents)
}

// waitTap is Wait for a tap. It wakes up once a block, so it can tell Go's scheduler: there may be more taps than processors.
func (r *Ring) waitTap(limit time.Duration) (bool, error) {
	if r.tap.ready() {
		return true, nil
	}
	fd := [1]unix.PollFd{{Fd: int32(r.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fd[:], int(limit.Milliseconds()))
	return r.woken(n, err, fd[0].Revents)
}

// woken says what a poll was woken by, and looks for the device when it was not a frame.
func (r *Ring) woken(n int, err error, events int16) (bool, error) {
	switch {
	case err != nil && !errors.Is(err, unix.EINTR): // a signal: Go sends one each 10 ms, so the device must be looked for all the same
		return false, fmt.Errorf("ring: wait for a frame: %w", err)
	case n > 0 && events&unix.POLLERR != 0:
		// The device went down or vanished. Reading the error clears it; what follows shows in the device's state.
		_, _ = unix.GetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		return r.there(1), r.look()
	case r.there(1):
		return true, nil
	case r.clock()-r.looked < int64(lookEvery):
		return false, nil
	}
	return false, r.look()
}

// lookEvery is how long a device may be another before that is seen. To look lists all devices.
const lookEvery = 250 * time.Millisecond

// there says whether at least n frames are.
func (r *Ring) there(n int) bool {
	if r.tap != nil {
		return r.tap.ready()
	}
	if r.held+n > r.count {
		return false
	}
	place := r.next + n - 1
	if place >= r.count {
		place -= r.count
	}
	return atomic.LoadUint32(&r.place(place).Status)&unix.TP_STATUS_USER != 0
}
