package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

// step sends the next step when the one before has its answer: a step that waits in a shell behind one that hangs could
// not be called back. The lock is held.
func (s *shells) step() {
	if s.doing != nil || len(s.steps) == 0 {
		return
	}
	r := s.steps[0]
	s.steps = s.steps[1:]
	if r.answered() {
		go s.deal()
		return
	}
	s.doing = r
	go s.do(r)
}

// do gives a step to the writing shell and waits for its end, whatever its waiters do.
func (s *shells) do(r *request) {
	w, err := s.writing(r)
	if err != nil {
		r.fail(err)
	} else {
		w.send(r, command(r))
	}
	<-r.done
	if r.op == opLock && strings.HasPrefix(r.ans.lock, "ok ") {
		s.heartbeat(w)
	}
	s.mu.Lock()
	if w != nil {
		n, _ := w.load(0)
		w.retired = n > 0 // given up here, still running there: nothing may start beside it
	}
	s.doing = nil
	s.mu.Unlock()
	s.deal()
}

// writing is the shell for steps; the lock's request opens it.
func (s *shells) writing(r *request) (*shell, error) {
	s.mu.Lock()
	w := s.writer
	s.mu.Unlock()
	switch {
	case w != nil && w.retired:
		return w, fmt.Errorf("%w: an earlier step hangs on this host", host.ErrStuck)
	case w != nil:
		return w, nil
	case r.op != opLock:
		return nil, errFenced
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.c.pool.startLimit)
	defer cancel()
	w, _, err := s.c.openShell(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.writer = w
	s.mu.Unlock()
	return w, nil
}

// beatScript kills the shell that holds the lock when the client is silent. A step that runs keeps the lock until its
// end: its own subshell has the descriptor. read takes no byte too many, and has no timeout of its own.
const beatScript = `while l=$(timeout "$2" sh -c 'read -r l && echo "$l"'); do [ "$l" = bye ] && exit 0; done; kill -KILL "$1"`

func (s *shells) heartbeat(w *shell) {
	ctx, cancel := context.WithTimeout(context.Background(), s.c.pool.startLimit)
	defer cancel()
	l, err := s.c.rootStream(ctx, "sh", "-c", beatScript, "bisc", w.pid, strconv.Itoa(int(s.c.pool.pulse.hold.Seconds())))
	if err != nil {
		s.c.fail(unreachable(s.c.cfg, "start the heartbeat: %w", err))
		return
	}
	s.mu.Lock()
	s.beat = l
	s.mu.Unlock()
	go func() {
		for {
			select {
			case <-s.over:
				return
			case <-l.ended:
				return
			case <-time.After(s.c.pool.pulse.every):
				_ = l.write([]byte("beat\n"))
			}
		}
	}()
}

// push has the temporary file made by a step, written, and then put in its place.
func (s *shells) push(ctx context.Context, r *request, write func() error) error {
	temp := tempPath(r)
	err := s.plainStep(ctx, "sh", "-c", `set -C; umask 077; : >"$1"`, "bisc", temp)
	if err != nil {
		r.fail(err)
		return err
	}
	if err := write(); err != nil {
		_ = s.plainStep(context.WithoutCancel(ctx), "rm", "-f", "--", temp)
		r.fail(err)
		return err
	}
	s.send([]*request{r})
	return nil
}

func (s *shells) plainStep(ctx context.Context, argv ...string) error {
	r := newRequest(opRun, s.c.cfg.answer(), argv...)
	r.step = true
	s.send([]*request{r})
	a, err := r.wait(ctx)
	if err != nil {
		return err
	}
	return host.Verdict(argv, a.out)
}

// pourMost is the most that goes through a shell's input, where every byte is text and lies in memory.
const pourMost = 64 << 20

func (s *shells) pour(_ context.Context, r *request, src io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(src, pourMost+1))
	if err == nil && len(b) > pourMost {
		err = errors.New("the host has neither Perl nor an sftp-server: install one of them for files this large")
	}
	if err != nil {
		r.fail(err)
		return err
	}
	r.stdin = b
	s.send([]*request{r})
	return nil
}

// leave ends the shell that holds the lock, and waits for it.
func (s *shells) leave(ctx context.Context) {
	s.mu.Lock()
	w, beat := s.writer, s.beat
	s.mu.Unlock()
	if w == nil {
		return
	}
	if beat != nil {
		_ = beat.write([]byte("bye\n"))
		select {
		case <-beat.ended:
		case <-ctx.Done():
		}
	}
	_ = w.l.write([]byte("exit 0\n"))
	select {
	case <-w.l.ended:
	case <-ctx.Done():
	}
}
