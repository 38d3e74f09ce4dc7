package validator

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// writer is one thread that writes and syncs without end: where its file system is frozen or dead, it is in D state.
type writer struct {
	thread string // its name, at most 15 characters
	file   string
}

// pause is between two writes of a thread; several threads make some write be under way at most moments, and leave a slow machine
// alone.
const pause = 40 * time.Millisecond

// fileLimit is where a file begins anew.
const fileLimit = 256 << 10

// writers are the threads of the real one that write most: RocksDB's, the blockstore's, the accounts'.
func writers(ledger, accounts string) []writer {
	rocksdb := filepath.Join(ledger, "rocksdb")
	return []writer{
		{"rocksdb:low", filepath.Join(rocksdb, "000008.sst")},
		{"rocksdb:high", filepath.Join(rocksdb, "000009.log")},
		{"solWinInsert", filepath.Join(rocksdb, "000010.log")},
		{"solAcctsDbFlush", filepath.Join(accounts, "run", "0.0")},
		{"solBgAccounts", filepath.Join(accounts, "run", "1.1")},
	}
}

// goOn runs the writers until ctx ends, and tells its wait group when each has ended: never, for one that cannot be woken.
func goOn(ctx context.Context, all []writer, group *sync.WaitGroup, l *log) error {
	for _, w := range all {
		if err := os.MkdirAll(filepath.Dir(w.file), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(w.file, os.O_WRONLY|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		group.Go(func() {
			named(w.thread)
			if err := w.write(ctx, f); err != nil {
				l.fail("%s: %v", w.thread, err)
			}
		})
	}
	group.Go(func() {
		named("solLogger")
		for ; ctx.Err() == nil; wait(ctx, pause) {
			if err := l.sync(); err != nil {
				return // standard error may be a pipe
			}
		}
	})
	return nil
}

// write ends when the disk is full, as a thread of the real one panics; the others go on.
func (w writer) write(ctx context.Context, f *os.File) (err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	block := make([]byte, 4096)
	for at := int64(0); ctx.Err() == nil; at = (at + 4096) % fileLimit {
		block[0]++
		if _, err := f.WriteAt(block, at); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		wait(ctx, pause)
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// named gives this goroutine a thread of its own with a name, of which the kernel keeps 15 characters. The thread ends with it. On the
// process's first thread it stays nameless: that one's name is the process's, by which the host knows a validator.
func named(name string) {
	runtime.LockOSThread()
	if syscall.Gettid() == syscall.Getpid() {
		return
	}
	text := append([]byte(name), 0)
	_, _, _ = syscall.Syscall(syscall.SYS_PRCTL, syscall.PR_SET_NAME, uintptr(unsafe.Pointer(&text[0])), 0) // cannot fail
}
