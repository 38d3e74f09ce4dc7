package recv

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Poll waits until one of fds is ready, or the time is over. A signal ends it early, without an error.
//
// The runtime is not told that the thread waits (RawSyscall). If it were, its monitor would look every 20 us for threads to
// take the processor slot from, as long as packets come, and at the design rate that is most of the daemon's own time. The
// price is that the slot stays taken while the thread sleeps; the runtime interrupts it by a signal when it wants it back.
func Poll(fds []unix.PollFd, wait time.Duration) error {
	limit := unix.NsecToTimespec(int64(wait))
	_, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	switch errno {
	case 0:
		return nil
	case unix.EINTR:
		for i := range fds {
			fds[i].Revents = 0
		}
		return nil
	}
	return errno
}
