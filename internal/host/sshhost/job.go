package sshhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"

	"bisc/internal/host"
)

// bus is the connection to the host's systemd, over systemd-stdio-bridge at the far end of the channel. It is made with
// the first job.
type bus struct{ conn *dbus.Conn }

// job has systemd do a job and waits for its result.
func (w *Writer) job(ctx context.Context, j host.Job) error {
	verb, err := jobVerb(j.Verb)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limitOr(j.Limit), errJobLimit)
	defer cancel()
	c := w.channel()
	b, err := w.openBus(ctx)
	if errors.Is(err, host.ErrNoProgram) { // no bridge: a minimal system, or one without D-Bus
		return w.script(ctx, host.Script{Argv: []string{"systemctl", j.Verb, "--", j.Unit}, Limit: j.Limit})
	}
	if err != nil && c.wasCut(err) && !errors.Is(err, host.ErrUnreachable) { // it was cut while the bridge was made: nothing was asked of systemd
		return fmt.Errorf("%w: %s: %w", host.ErrUnreachable, j, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", j, err)
	}
	told, err := w.check(ctx)
	if err != nil {
		return err
	}
	result := make(chan string, 1)
	_, err = verb(b.conn)(ctx, j.Unit, "replace", result)
	if err == nil {
		err = w.await(ctx, result)
	}
	err = w.jobError(ctx, j, err)
	told(err)
	return err
}

// check asks whether the lock is still ours, and has the host record the step of this context. The result of a step that
// the far end does not do itself must be told; that goes with the next write, so that it costs no turn.
func (w *Writer) check(ctx context.Context) (told func(error), err error) {
	r := newRequest(opCheck, w.limit)
	r.note = w.note(ctx)
	a, err := w.ask(ctx, r)
	switch {
	case err != nil:
		return nil, err
	case a.lock != "ok":
		return nil, notDone(a.lock)
	}
	far, err := w.channel().farEnd(ctx)
	if err != nil {
		return nil, err
	}
	return func(err error) { far.told(r, endOf(err)) }, nil
}

var (
	errJobLimit = errors.New("the job did not end within its limit")
	errBusGone  = errors.New("the connection to systemd ended")
)

type jobFunc func(ctx context.Context, unit, mode string, result chan<- string) (int, error)

func jobVerb(verb string) (func(*dbus.Conn) jobFunc, error) {
	switch verb {
	case "start":
		return func(c *dbus.Conn) jobFunc { return c.StartUnitContext }, nil
	case "stop":
		return func(c *dbus.Conn) jobFunc { return c.StopUnitContext }, nil
	case "restart":
		return func(c *dbus.Conn) jobFunc { return c.RestartUnitContext }, nil
	case "reload":
		return func(c *dbus.Conn) jobFunc { return c.ReloadUnitContext }, nil
	case "reload-or-restart":
		return func(c *dbus.Conn) jobFunc { return c.ReloadOrRestartUnitContext }, nil
	}
	return nil, fmt.Errorf("systemd has no job %q", verb)
}

// await waits for the job's result.
func (w *Writer) await(ctx context.Context, result <-chan string) error {
	select {
	case r := <-result:
		if r != "done" {
			return jobResult(r)
		}
		return nil
	case <-w.channel().failed:
		return errBusGone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// jobResult is a job's end other than "done": failed, timeout, dependency, canceled, skipped, ...
type jobResult string

func (r jobResult) Error() string { return "job " + string(r) }

// jobError says what became of a job, with the unit's last words where it failed.
func (w *Writer) jobError(ctx context.Context, j host.Job, err error) error {
	argv := []string{"systemctl", j.Verb, "--", j.Unit}
	var result jobResult
	var said godbus.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errJobLimit):
		return &host.ExitError{Argv: argv, Exit: -1, Stuck: true}
	case errors.As(err, &result):
		words := w.lastWords(context.WithoutCancel(ctx), j.Unit)
		last := words[strings.LastIndexByte(words, '\n')+1:]
		return &host.ExitError{Argv: argv, Exit: 1, Stderr: fmt.Appendf(nil, "%s\n%s %s: %s; its last words: %s", words, j.Verb, j.Unit, string(result), last)}
	case errors.As(err, &said) && strings.HasPrefix(said.Name, "org.freedesktop."):
		return &host.ExitError{Argv: argv, Exit: 1, Stderr: []byte(said.Error())}
	}
	return fmt.Errorf("%w: %s: %w", host.ErrLost, j, err)
}

// lastWords is the end of a unit's journal, waited for as long as a failure may be worth.
func (w *Writer) lastWords(ctx context.Context, unit string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for ctx.Err() == nil { // journald writes in its own time
		out, err := w.Probe(ctx, "journalctl", "--no-pager", "-q", "-o", "cat", "-n", "10", "-u", unit)
		if words := strings.TrimSpace(string(out.Stdout)); err == nil && words != "" {
			return words
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return "(nothing in its journal)"
}

// openBus makes the connection to systemd unless there is one that lives.
func (w *Writer) openBus(ctx context.Context) (*bus, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bus != nil && w.bus.conn.Connected() {
		return w.bus, nil
	}
	// go-systemd dials twice: one connection for calls, one for signals.
	conn, err := dbus.NewConnection(func() (*godbus.Conn, error) { return w.dialBus(ctx) })
	if err != nil {
		return nil, err
	}
	w.bus = &bus{conn}
	return w.bus, nil
}

func (w *Writer) closeBus() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bus != nil {
		w.bus.conn.Close()
		w.bus = nil
	}
}

// dialBus starts a bridge and says hello over it. godbus knows no context here: closing the stream ends it.
func (w *Writer) dialBus(ctx context.Context) (*godbus.Conn, error) {
	s, err := w.channel().stream(ctx, "systemd-stdio-bridge")
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	conn, err := godbus.NewConn(s)
	if err != nil {
		return nil, err
	}
	if err := conn.Auth([]godbus.Auth{godbus.AuthExternal(w.channel().uid())}); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("log in to systemd: %w", err)
	}
	if err := conn.Hello(); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("log in to systemd: %w", err)
	}
	return conn, nil
}
