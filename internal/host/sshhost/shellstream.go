package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"

	"bisc/internal/host"
)

func (s *shells) stream(ctx context.Context, argv ...string) (io.ReadWriteCloser, error) {
	l, err := s.c.rootStream(ctx, argv...)
	if err != nil {
		return nil, err
	}
	return &shellStream{l, argv[0]}, nil
}

// shellStream is a program on a session of its own.
type shellStream struct {
	l    *link
	name string
}

func (s *shellStream) Write(b []byte) (int, error) { return len(b), s.l.write(b) }

func (s *shellStream) Close() error { s.l.close(); return nil }

func (s *shellStream) Read(b []byte) (int, error) {
	n, err := s.l.r.Read(b)
	if n == 0 && errors.Is(err, io.EOF) {
		s.l.close()
		<-s.l.ended
		if s.l.status == "exit status 127" {
			return 0, fmt.Errorf("%s: %w", s.name, host.ErrNoProgram)
		}
	}
	return n, err
}
