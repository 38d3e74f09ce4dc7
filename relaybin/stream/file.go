package stream

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	ledgerMagic = 0x62697363626f6f6b // "bisckoob" as the machine writes it
	ledgerSize  = int(unsafe.Sizeof(ledger{}))
)

// ErrFresh says that the file held no books of this layout, so that new ones were begun. The Books are good.
var ErrFresh = errors.New("the file held no books of this program; new ones were begun")

// OpenBooks opens books that outlive the process: they lie in a mapped file, in memory that a kill -9 does not take. What is
// lost between two receivers is then a gap in the same account. The file belongs under /run: its times are those of this boot.
// One process at a time: a second is refused with unix.EWOULDBLOCK. Anything but books in the file gives new ones and ErrFresh.
func OpenBooks(path string) (*Books, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the stream books: %w", err)
	}
	b, err := mapBooks(f)
	if b == nil {
		return nil, errors.Join(fmt.Errorf("open the stream books %s: %w", path, err), f.Close())
	}
	return b, err
}

func mapBooks(f *os.File) (*Books, error) {
	fd := int(f.Fd())
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("another process has them: %w", err)
	}
	// Blocks are taken now: a full /run must refuse here, and not as a SIGBUS at the first packet.
	st, err := f.Stat()
	if err == nil && st.Size() != int64(ledgerSize) {
		err = f.Truncate(0)
	}
	if err == nil {
		err = unix.Fallocate(fd, 0, 0, int64(ledgerSize))
	}
	if err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(fd, 0, ledgerSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map: %w", err)
	}
	b := &Books{file: (*ledger)(unsafe.Pointer(&mem[0])), close: func() error { return errors.Join(unix.Munmap(mem), f.Close()) }}
	fresh := b.file.check()
	b.Turn(now())
	return b, fresh
}

// check begins the ledger anew unless it is one of this layout.
func (l *ledger) check() error {
	if l.magic != ledgerMagic || l.layout != uint64(ledgerSize) {
		*l = ledger{magic: ledgerMagic, layout: uint64(ledgerSize)}
		return ErrFresh
	}
	for i := range l.accounts {
		if a := &l.accounts[i]; a.used != 0 && !a.mend() {
			*a = account{}
		}
	}
	return nil
}

// now is CLOCK_BOOTTIME in nanoseconds: it goes on across processes and suspends, and nobody sets it.
func now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}

// Now is the time to Turn with.
func Now() int64 { return now() }
