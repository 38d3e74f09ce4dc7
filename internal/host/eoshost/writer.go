package eoshost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/internal/host/eoshost/eapi"
	"bisc/internal/host/sshhost"
)

// Writer is a switch that may be changed. It stages: what Do takes is put in force by Commit, all of it in one configuration session
// under a timer, and kept by Confirm. The switch's configuration lock is held from Commit to Confirm or Revert, not while an operator
// reads a plan. It implements host.Writer; Do, Commit, Confirm and Revert are called one after the other.
type Writer struct {
	*Host
	tempo tempo

	mu      sync.Mutex
	want    wanted
	after   []host.CLI
	files   []*swap
	scripts []host.Script
	swapped bool // the files are in their places
	begun   bool // Commit was called, and neither Confirm nor Revert has ended it

	try     *attempt // of the lines; nil: there are none
	tries   int
	inForce bool
	fresh   *Host
}

// OpenWriter connects to a switch to change it. Nothing of it is changed or locked by that.
func OpenWriter(ctx context.Context, pool *sshhost.Pool, cfg Config) (*Writer, error) {
	h, err := Open(ctx, pool, cfg)
	if err != nil {
		return nil, err
	}
	return &Writer{Host: h, tempo: realTime()}, nil
}

// Stages is true.
func (w *Writer) Stages() bool { return true }

// Arm is for hosts that do not stage: a switch has its own timer, and all that is done to it is behind that.
func (w *Writer) Arm(context.Context, host.Undo) error {
	return fmt.Errorf("%s stages, and needs no dead-man's switch: %w", w.Name(), errors.ErrUnsupported)
}

// Do takes a step. The content of files is brought to flash now, beside the files that are in use; only bisc's own records (see
// StateFolder) are put in their places at once.
func (w *Writer) Do(ctx context.Context, s host.Step) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch s := s.(type) {
	case host.Configure:
		if err := inSession(s.Lines); err != nil {
			return err
		}
		w.want.add(s)
		return nil
	case host.CLI:
		if err := typable(s.Command); err != nil || strings.Contains(s.Command, "\n") {
			return fmt.Errorf("a command of a switch is one line: %w", err)
		}
		w.after = append(w.after, s)
		return nil
	case host.Script:
		w.scripts = append(w.scripts, s)
		return nil
	case host.Put, host.Push, host.Remove:
		return w.takeFile(ctx, s)
	}
	return fmt.Errorf("eoshost cannot do a %T: %w", s, errors.ErrUnsupported)
}

// takeFile brings a file to flash.
func (w *Writer) takeFile(ctx context.Context, s host.Step) error {
	f := w.newSwap(s)
	if slices.ContainsFunc(w.files, func(g *swap) bool { return g.path == f.path }) {
		return fmt.Errorf("%s is put or removed twice in one stage, and would have no way back", f.path) // the kept copy would be the first one's
	}
	if strings.HasPrefix(f.path, StateFolder+"/") {
		err := w.bring(ctx, f, s)
		if err == nil {
			err = w.inPlace(ctx, f)
		}
		return errors.Join(err, w.forgetOld(ctx, f))
	}
	w.files = append(w.files, f) // a revert removes what was brought of it
	return w.bring(ctx, f, s)
}

// Commit puts all that was taken in force: files, then the configuration, which the switch takes back by itself unless it is confirmed,
// then programs. Where it fails, Revert says what is in force.
func (w *Writer) Commit(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = true
	w.endFresh() // what was seen before this commit proves nothing of it
	if w.want.empty() {
		if err := w.swapAll(ctx); err != nil {
			return err
		}
		return w.runAll(ctx)
	}
	w.tries++
	lock := eosconf.Ours + w.cfg.Run
	w.try = &attempt{way: w.way(), cfg: w.cfg, lock: lock, name: fmt.Sprintf("%s-%d", lock, w.tries), want: w.want}
	var err error
	if w.inForce, err = w.try.commit(ctx, w.swapAll); err != nil {
		return err
	}
	return w.runAll(ctx)
}

// way is how the machine reaches this switch.
func (w *Writer) way() way {
	return way{tempo: w.tempo, name: w.Name(), console: w.another}
}

// another opens a console over a connection of its own, and proves that it leads to the same switch. The lock is held on it: what
// becomes of the connection that reads is nothing to it.
func (w *Writer) another(ctx context.Context) (commands, error) {
	cfg := w.cfg
	cfg.EAPI = eapi.Config{} // the lock's connection needs none, and must not want for it
	h, err := Open(ctx, w.pool, cfg)
	if err != nil {
		return nil, err
	}
	if h.is.machine() != w.is.machine() || h.HostKey() != w.HostKey() {
		_ = h.Close()
		return nil, fmt.Errorf("%s: %w", w.Name(), host.ErrAnother)
	}
	c, err := h.openConsole(ctx)
	if err != nil {
		_ = h.Close()
		return nil, err
	}
	return &lockConsole{console: c, on: h}, nil
}

// lockConsole ends its connection with itself.
type lockConsole struct {
	*console
	on *Host
}

func (c *lockConsole) close() {
	c.console.close()
	_ = c.on.Close()
}

// Afresh gives the switch over a connection that is made now.
func (w *Writer) Afresh(ctx context.Context) (host.Reader, error) {
	h, err := Open(ctx, w.pool, w.cfg)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.endFresh()
	w.fresh = h
	return h, nil
}

func (w *Writer) endFresh() {
	if w.fresh != nil {
		_ = w.fresh.Close()
		w.fresh = nil
	}
}

// Confirm keeps what is in force, if it was proved over Afresh's connection: the session is confirmed over the channel that holds the
// lock, then the commands that were taken are done, the configuration is saved and read back, the lock given back, and the switch
// looked at again after the second manager's period. The error is *host.ConfirmedError where the change is kept and one of those went
// wrong, *host.RevertedError where the switch was faster, host.ErrLost where nobody knows; any other leaves it to Revert.
func (w *Writer) Confirm(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fresh == nil {
		return guarded("it was proved over a new connection", "none was made since the commit")
	}
	err := w.confirmLines(ctx)
	var kept *host.ConfirmedError
	switch {
	case err == nil, errors.As(err, &kept):
		err = w.finish(ctx, err)
	case w.try != nil && w.try.phase == over:
		err = w.filesBack(context.WithoutCancel(ctx), err)
	default:
		return err
	}
	w.endFresh()
	w.forget()
	return err
}

// confirmLines confirms the session, or does only what is done with a confirmation.
func (w *Writer) confirmLines(ctx context.Context) error {
	if w.inForce {
		return w.try.confirm(ctx, w.fresh, w.after)
	}
	if len(w.after) == 0 {
		return nil
	}
	on, err := w.another(ctx)
	if err != nil {
		return err
	}
	a := &attempt{way: w.way(), cfg: w.cfg, on: on}
	defer a.close()
	saves := slices.Contains(w.after, host.Save())
	if saves { // before anything that cannot be undone
		if err := a.maySave(ctx); err != nil {
			return err
		}
	}
	if err := a.commandsAfter(ctx, w.after); err != nil {
		return &host.ConfirmedError{Host: w.Name(), Err: err}
	}
	if saves {
		if err := a.step(ctx, "save running-config to startup-config", a.again(a.save)); err != nil {
			return &host.ConfirmedError{Host: w.Name(), Err: err}
		}
	}
	return nil
}

// finish is what is left once the change is kept: the old files go, and the switch is looked at again.
func (w *Writer) finish(ctx context.Context, err error) error {
	for _, f := range w.files {
		if not := w.forgetOld(context.WithoutCancel(ctx), f); not != nil {
			err = errors.Join(err, fmt.Errorf("the old %s is left on flash: %w", f.path, not))
		}
	}
	if w.inForce {
		err = errors.Join(err, w.try.lookAgain(ctx))
		w.try.close()
	}
	var kept *host.ConfirmedError
	if err != nil && !errors.As(err, &kept) {
		err = &host.ConfirmedError{Host: w.Name(), Err: err}
	}
	return err
}

// Revert undoes what is not confirmed. Nil: nothing of it was in force, and nothing is left. *host.RevertedError: it was, and the
// old state is proved. Any other error: nobody knows.
func (w *Writer) Revert(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if w.try != nil {
		err = w.try.revert(ctx)
	}
	if w.try != nil && (w.try.phase == confirming || w.try.phase == confirmed) {
		err = w.filesStay(err)
	} else {
		err = w.filesBack(ctx, err)
	}
	w.endFresh()
	w.forget()
	return err
}

// forget is ready for the next stage.
func (w *Writer) forget() {
	w.want, w.after, w.files, w.scripts, w.try = wanted{}, nil, nil, nil, nil
	w.swapped, w.inForce, w.begun = false, false, false
}

// closeLimit is how long Close may take to leave nothing behind where the switch answers.
const closeLimit = 10 * time.Minute

// Close ends the connection. What is neither confirmed nor reverted is reverted: no timer and no lock stays behind.
func (w *Writer) Close() error {
	var err error
	if w.begun || len(w.files) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
		defer cancel()
		err = w.Revert(ctx)
	}
	w.endFresh()
	return errors.Join(err, w.Host.Close())
}
