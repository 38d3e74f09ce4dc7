package sshhost

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// stream is a program on the host whose stdin and stdout are a byte stream here. It dies with the connection.
type stream struct {
	a *agent
	r *request
	f *feed

	mu   sync.Mutex
	come *sync.Cond
	buf  []byte
	over bool
}

// streamLimit is far beyond any run: a stream ends when it is closed, or with its connection.
const streamLimit = 24 * time.Hour

// stream starts a program.
func (a *agent) stream(_ context.Context, argv ...string) (io.ReadWriteCloser, error) {
	s := &stream{a: a}
	s.come = sync.NewCond(&s.mu)
	s.r = newRequest(opRun, streamLimit, argv...)
	s.r.grow = s.take
	a.send([]*request{s.r})
	s.f = a.feedOf(s.r)
	go func() {
		<-s.r.done
		s.mu.Lock()
		s.over = true
		s.come.Broadcast()
		s.mu.Unlock()
	}()
	return s, nil
}

func (s *stream) take(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf, b...)
	s.come.Broadcast()
}

// Read gives io.EOF after a program's good end, and the reason after another.
func (s *stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) == 0 && !s.over {
		s.come.Wait()
	}
	if len(s.buf) == 0 {
		return 0, s.end()
	}
	n := copy(b, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

func (s *stream) end() error {
	ans, err := s.r.ans, s.r.ans.err
	if err != nil {
		return err
	}
	if ans.out.Exit != 0 {
		var said lastWords
		_, _ = said.Write(ans.out.Stderr)
		return fmt.Errorf("%s: exit status %d: %s", s.r.words[0], ans.out.Exit, said.line())
	}
	return io.EOF
}

// Write waits while the program is a mebibyte behind.
func (s *stream) Write(b []byte) (int, error) {
	if err := s.f.add(b); err != nil {
		return 0, err
	}
	s.a.flow(s.f)
	return len(b), nil
}

// Close ends the program.
func (s *stream) Close() error {
	s.f.finish()
	s.a.flow(s.f)
	s.a.cancel(s.r)
	return nil
}
