package fetch

import (
	"io"
	"sync"
)

// follower reads a file while it is written, so that checking an archive takes no time after its download. It waits for bytes,
// and ends when it is told that no more come.
type follower struct {
	file io.ReaderAt

	mu      sync.Mutex
	more    sync.Cond
	at      int64
	written int64
	ended   bool
	fault   error
}

func newFollower(file io.ReaderAt, written int64) *follower {
	f := &follower{file: file, written: written}
	f.more.L = &f.mu
	return f
}

// wrote tells of bytes that are in the file now.
func (f *follower) wrote(n int) {
	f.mu.Lock()
	f.written += int64(n)
	f.mu.Unlock()
	f.more.Signal()
}

// end says that no more come; a fault ends the reading with it.
func (f *follower) end(fault error) {
	f.mu.Lock()
	if !f.ended {
		f.ended, f.fault = true, fault
	}
	f.mu.Unlock()
	f.more.Signal()
}

// Read waits for bytes.
func (f *follower) Read(p []byte) (int, error) {
	f.mu.Lock()
	for f.at == f.written && !f.ended {
		f.more.Wait()
	}
	left, fault := f.written-f.at, f.fault
	f.mu.Unlock()
	switch {
	case fault != nil:
		return 0, fault
	case left == 0:
		return 0, io.EOF
	}
	n, err := f.file.ReadAt(p[:min(int64(len(p)), left)], f.at)
	f.at += int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, err
}
