package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/deadman"
)

// armed is the dead-man's switch of the change under way.
type armed struct {
	id    string
	until time.Time // when the host reverts, not later than this by our clock
	fresh *Host     // the last of Afresh; nil while there is none
	// unsure: the answer to the arming was lost, so that the switch may not be.
	unsure bool
}

// revertLimit is how long a host may take to revert: it may have to wait for units.
const revertLimit = 2 * time.Minute

// Arm copies what the host would put back, and sets its timer. Where the error is ErrLost it may have: Confirm finds out,
// and disarms it.
func (w *Writer) Arm(ctx context.Context, u host.Undo) error {
	if w.armed != nil {
		return fmt.Errorf("%s: %w", w.Name(), host.ErrArmed)
	}
	id := newNonce()
	argv := deadman.Arm(w.pool.stateDir, id, u)
	if err := checkArgv(argv); err != nil {
		return err
	}
	r := newRequest(opRun, host.DefaultLimit, argv...)
	until := time.Now().Add(u.Within)
	a, err := w.step(ctx, r)
	switch {
	case err != nil:
		if errors.Is(err, host.ErrLost) {
			w.armed = &armed{id: id, until: until, unsure: true}
		}
		return fmt.Errorf("arm the dead-man's switch: %w", named([]string{"arm"}, err))
	case a.out.Exit == 3:
		return fmt.Errorf("%s: %w: %s", w.Name(), host.ErrArmed, strings.TrimSpace(string(a.out.Stderr)))
	case a.out.Exit != 0:
		return fmt.Errorf("arm the dead-man's switch: %s", strings.TrimSpace(string(a.out.Stderr)))
	}
	w.armed = &armed{id: id, until: until}
	return nil
}

// fenced is a step that the host does only while the switch is armed. A job is a script then: D-Bus knows no guards.
func (w *Writer) fenced(s host.Step) host.Step {
	if w.armed == nil || w.armed.unsure {
		return s
	}
	guards := []host.Guard{host.SwitchArmed(w.pool.stateDir+"/armed", w.armed.id)}
	switch s := s.(type) {
	case host.Script:
		s.Guards = append(guards, s.Guards...)
		return s
	case host.Put:
		s.Guards = append(guards, s.Guards...)
		return s
	case host.Edit:
		s.Guards = append(guards, s.Guards...)
		return s
	case host.Remove:
		s.Guards = append(guards, s.Guards...)
		return s
	case host.Kube:
		s.Guards = append(guards, s.Guards...)
		return s
	case host.Job:
		return host.Script{Argv: []string{"systemctl", s.Verb, "--", s.Unit}, Limit: s.Limit, Guards: guards}
	}
	return s
}

// Afresh makes a connection of its own, up to root's agent: a reader, without the lock.
func (w *Writer) Afresh(ctx context.Context) (host.Reader, error) {
	cfg := *w.cfg
	if cfg.Sessions != nil {
		cfg.Sessions = others{cfg.Sessions}
	}
	h, err := w.pool.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := h.Ready(ctx); err != nil {
		_ = h.Close()
		return nil, err
	}
	if w.armed != nil {
		w.endFresh()
		w.armed.fresh = h
	}
	return h, nil
}

// others are sessions beside those of a connection that goes on: its end is not theirs. What they leave behind on this
// machine ends by its own silence.
type others struct{ Sessions }

// Close ends nothing.
func (others) Close() error { return nil }

func (w *Writer) endFresh() {
	if w.armed.fresh != nil {
		_ = w.armed.fresh.Close() // it may be broken, and has no lock to give back
		w.armed.fresh = nil
	}
}

// Confirm disarms the switch over a connection that was made after the change.
func (w *Writer) Confirm(ctx context.Context) error {
	if w.armed == nil {
		return nil
	}
	if w.armed.unsure {
		if there, err := w.wasArmed(ctx); err != nil {
			return fmt.Errorf("%w: whether its dead-man's switch is armed: %w (if it is, the host puts back by itself what is there now)", host.ErrLost, err)
		} else if !there {
			w.armed = nil
			return nil
		}
	}
	st, err := w.told(ctx, deadman.Keep, w.armed.until.Add(revertLimit))
	if err != nil {
		return fmt.Errorf("%w: whether the change is kept: %w (if it is not, the host takes it back by itself)", host.ErrLost, err)
	}
	w.endArmed()
	switch st.State {
	case deadman.Kept:
		return nil
	case deadman.None:
		return fmt.Errorf("%w: %s knows nothing of the dead-man's switch that was armed", host.ErrLost, w.Name())
	}
	return &host.RevertedError{Host: w.Name(), Log: st.Log, Failed: st.Failed}
}

// wasArmed finds out whether an arming whose answer was lost took place. The lock, which is taken again for the question,
// tells that it runs no more.
func (w *Writer) wasArmed(ctx context.Context) (bool, error) {
	w.channel().waves.forget()
	_, err := w.Stat(ctx, w.pool.stateDir+"/armed")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Revert has the host revert now where it can be told so, or waits until it has done it by itself, and reads back what it
// did over a connection that was made after that.
func (w *Writer) Revert(ctx context.Context) error {
	if w.armed == nil {
		return nil
	}
	if w.armed.fresh == nil {
		w.revertHere(ctx)
	}
	st, err := w.told(ctx, deadman.Revert, w.armed.until.Add(revertLimit))
	if err != nil {
		return fmt.Errorf("%w: the host takes the change back by itself, at %s at the latest, but it could not be asked whether it has: %w",
			host.ErrLost, w.armed.until.UTC().Format(time.TimeOnly+" UTC"), err)
	}
	w.endArmed()
	if st.State != deadman.Reverted {
		return fmt.Errorf("%w: the host says that the change is %s, not reverted", host.ErrLost, st.State)
	}
	return &host.RevertedError{Host: w.Name(), Log: st.Log, Failed: st.Failed}
}

// revertHere tells the host over the old connection, if that still lives: no new one can be made, it seems. What comes of
// it is asked over a new one.
func (w *Writer) revertHere(ctx context.Context) {
	select {
	case <-w.channel().failed:
		return
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, revertLimit)
	defer cancel()
	if left := time.Until(w.armed.until); left > 0 {
		ctx, cancel = context.WithTimeout(ctx, left) // then the host has begun by itself
		defer cancel()
	}
	_, _ = w.run(ctx, deadman.Ask(w.pool.stateDir, w.armed.id, deadman.Revert)) // the next question asks what it did
}

// told asks the host until it gives a last word on the switch, over a new connection each time that one fails.
func (w *Writer) told(ctx context.Context, want deadman.Want, until time.Time) (deadman.Status, error) {
	ctx, cancel := context.WithDeadlineCause(ctx, until, errNoWord)
	defer cancel()
	for {
		st, err := w.askFresh(ctx, want)
		if err == nil && st.State != deadman.Armed && st.State != deadman.Reverting {
			return st, nil
		}
		if err == nil {
			err = fmt.Errorf("the switch is %s", st.State)
		}
		select {
		case <-ctx.Done():
			return deadman.Status{}, errors.Join(context.Cause(ctx), err)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

var errNoWord = errors.New("no word from the host about its dead-man's switch")

func (w *Writer) askFresh(ctx context.Context, want deadman.Want) (deadman.Status, error) {
	if w.armed.fresh == nil {
		if _, err := w.Afresh(ctx); err != nil {
			return deadman.Status{}, err
		}
	}
	st, err := askSwitch(ctx, w.armed.fresh, w.armed.id, want)
	if err != nil {
		w.endFresh()
	}
	return st, err
}

func askSwitch(ctx context.Context, h *Host, id string, want deadman.Want) (deadman.Status, error) {
	r := newRequest(opRun, revertLimit, deadman.Ask(h.pool.stateDir, id, want)...)
	r.once = true // it acts, and whoever asks has ways of his own to go on
	a, err := h.ask(ctx, r)
	if err != nil {
		return deadman.Status{}, err
	}
	return deadman.Parse(a.out.Stdout)
}

// endArmed forgets the switch here and, where it has reverted, on the host.
func (w *Writer) endArmed() {
	if h := w.armed.fresh; h != nil {
		ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
		defer cancel()
		_, _ = askSwitch(ctx, h, w.armed.id, deadman.Clear) // what stays is told to the next run
	}
	w.endFresh()
	w.armed = nil
}

// Leftover is the dead-man's switch of a run that never came to its end, and what became of it.
type Leftover = deadman.Status

// finish ends what a dead run left armed, before anything else happens: we hold the lock, so nobody is at it.
func (h *Host) finish(ctx context.Context) (*Leftover, error) {
	st, err := askSwitch(ctx, h, "", deadman.Revert)
	if err != nil {
		return nil, fmt.Errorf("%s: a run before this one left a dead-man's switch behind: %w", h.Name(), err)
	}
	if st.State == deadman.None {
		return nil, nil
	}
	_, err = askSwitch(ctx, h, "", deadman.Clear)
	return &st, err
}
