package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"bisc/internal/host"
)

// Writer is a host whose lock this run holds. It implements host.Writer; steps may be given concurrently, and those that
// are go in one turn.
type Writer struct {
	*Host
	lock  LockRequest
	token atomic.Uint64

	mu    sync.Mutex
	edits map[string]*sync.Mutex // by path: an edit reads, then puts
	bus   *bus

	armed *armed // nil while no dead-man's switch is
	left  *Leftover
}

// OpenWriter connects to a host and takes its lock. The error is *host.LockedError when another run holds it.
func (p *Pool) OpenWriter(ctx context.Context, cfg Config, want LockRequest) (*Writer, error) {
	h, err := p.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	w := &Writer{Host: h, lock: want, edits: map[string]*sync.Mutex{}}
	h.mu.Lock()
	h.regain = w.regainLock // from the first question on: a connection that takes this one's place must hold the lock
	h.mu.Unlock()
	if err := w.enter(ctx, want); err != nil {
		_ = h.Close()
		return nil, err
	}
	return w, nil
}

// enter takes the lock and, in the same turn, looks for a dead-man's switch that a dead run left armed.
func (w *Writer) enter(ctx context.Context, want LockRequest) error {
	var there bool
	err := host.Ask(ctx,
		func(ctx context.Context) error {
			_, err := w.Stat(ctx, w.pool.stateDir+"/armed")
			if there = err == nil; errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		},
		func(ctx context.Context) error {
			c := w.channel()
			token, err := takeLock(ctx, c, want)
			if errors.Is(err, host.ErrUnreachable) {
				_, err = w.revive(ctx, c, err) // which takes the lock, whether or not it had been taken
				return err
			}
			w.locked.Store(err == nil)
			w.token.CompareAndSwap(0, token) // unless another question has lost the connection since, and the lock is taken anew
			return err
		},
	)
	if err != nil || !there {
		return err
	}
	w.left, err = w.finish(ctx)
	return err
}

// Left is the dead-man's switch of a run that never came to its end, which was ended now or by the host before; nil where
// there was none.
func (w *Writer) Left() *Leftover { return w.left }

// Token is the fencing token of the lock that is held; it grows when the lock is taken again after a loss.
func (w *Writer) Token() uint64 { return w.token.Load() }

// Do acts. What a step did is known when it returns; ErrLost where it is not.
func (w *Writer) Do(ctx context.Context, s host.Step) error {
	w.channel().waves.forget()
	defer func() { w.channel().waves.forget() }()
	switch s := w.fenced(s).(type) {
	case host.Script:
		return w.script(ctx, s)
	case host.Put:
		return w.put(ctx, s)
	case host.Edit:
		return w.edit(ctx, s)
	case host.Remove:
		return w.remove(ctx, s)
	case host.Push:
		return w.push(ctx, s)
	case host.Job:
		return w.job(ctx, s)
	case host.Kube:
		return w.kube(ctx, s)
	}
	return fmt.Errorf("sshhost cannot do a %T", s)
}

// Stages is false: what is done is in force.
func (w *Writer) Stages() bool { return false }

// Commit means nothing on a host that does not stage. Confirm and Revert end what Arm began.
func (w *Writer) Commit(context.Context) error { return nil }

// leaveLimit is how long Close waits for the far end to give the lock back; it does so by itself at the end of its step.
const leaveLimit = 5 * time.Second

// Close gives the lock back and ends the connection.
func (w *Writer) Close() error {
	w.closeBus()
	if w.armed != nil {
		w.endFresh() // what is not confirmed is the host's to revert
	}
	c := w.channel()
	c.mu.Lock()
	far := c.far
	c.mu.Unlock()
	if far != nil {
		ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
		defer cancel()
		far.leave(ctx)
	}
	return w.Host.Close()
}

// grace is how long a step that is stopped may take to say so.
const grace = 5 * time.Second

// step sends a request as a step and waits for its end. When ctx ends first the step is stopped; what it did by then is
// not known.
func (w *Writer) step(ctx context.Context, r *request) (answer, error) {
	r.step = true
	if ctx.Err() != nil {
		return answer{}, context.Cause(ctx)
	}
	a, err := w.ask(ctx, r)
	if ctx.Err() == nil || r.answered() && !errors.Is(r.ans.err, errUnsent) {
		return *a, err
	}
	select {
	case <-r.done:
		if errors.Is(r.ans.err, errUnsent) {
			return answer{}, context.Cause(ctx)
		}
	case <-time.After(grace):
	}
	return answer{}, fmt.Errorf("%w: it was stopped: %w", host.ErrLost, context.Cause(ctx))
}

func (w *Writer) script(ctx context.Context, s host.Script) error {
	argv := s.Command()
	if err := checkArgv(argv); err != nil {
		return err
	}
	if s.ForwardAgent {
		socket, back, err := w.lend(ctx)
		if err != nil {
			return fmt.Errorf("%s: forward the SSH agent, as this step needs it: %w", w.Name(), err)
		}
		defer back()
		argv = append([]string{"env", "SSH_AUTH_SOCK=" + socket}, argv...)
	}
	r := newRequest(opRun, limitOr(s.Limit), argv...)
	r.stdin, r.note = s.Stdin, w.note(ctx)
	a, err := w.step(ctx, r)
	if err != nil {
		return withheld(s.Secret, named(s.Argv, err))
	}
	return withheld(s.Secret, host.Verdict(s.Argv, a.out))
}

// named puts the act's own argv in the place of the guards' shell.
func named(argv []string, err error) error {
	var exit *host.ExitError
	if errors.As(err, &exit) {
		exit.Argv = argv
	}
	return err
}

func limitOr(d time.Duration) time.Duration {
	if d <= 0 {
		return host.DefaultLimit
	}
	return d
}
