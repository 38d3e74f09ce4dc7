package sshhost

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// hasty is limits that a test can outlast; below three seconds a busy machine would be taken for a dead one.
var hasty = pulse{every: 500 * time.Millisecond, silence: 3 * time.Second, hold: 4 * time.Second}

// TestOutlivesItsStart: where the first try to start the channel fails, the connection serves what comes in its place for
// longer than the limit of silence. Nothing that is asked meanwhile would keep a forgotten first agent quiet.
func TestOutlivesItsStart(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	password := func(context.Context, string) (string, error) { return "lab", nil }
	for _, c := range []struct{ name, host, user string }{
		{"sudo wants a password", "perl", "pw"}, {"no Perl", "noperl", "ops"}, {"neither", "noperl", "pw"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := NewPool(Options{pulse: hasty})
			t.Cleanup(func() { _ = p.Close() })
			cfg := config(l.Host(c.host), c.user)
			cfg.BecomePassword = password
			h, err := p.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			longer := fmt.Sprint((hasty.silence + 3*hasty.every).Seconds())
			if out, err := h.Probe(t.Context(), "sleep", longer); err != nil || out.Exit != 0 {
				t.Fatalf("sleep %s: %+v, %v", longer, out, err)
			}
			works(t, h)
		})
	}
}

// TestQuietHostIsAsked: while questions that all hang are still being asked, pings tell that the host lives.
func TestQuietHostIsAsked(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	p := NewPool(Options{pulse: hasty})
	t.Cleanup(func() { _ = p.Close() })
	h, err := ready(t, p, config(l.Host("a"), "ops"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	const rounds = 30 // for twice the limit of silence; each hangs until all are asked
	for i := range rounds {
		all.Go(func() {
			if _, err := h.Probe(t.Context(), "sh", "-c", "until [ -e /tmp/all ]; do sleep 0.1; done", fmt.Sprint(i)); err != nil {
				t.Errorf("question %d: %v", i, err)
			}
		})
		time.Sleep(2 * hasty.silence / rounds)
	}
	outOfBand(l.Host("a"))(t, "touch /tmp/all")
	all.Wait()
}

// TestSlowPassword: the time in which an operator types a password is nobody's limit, neither the start's nor that of the
// questions that wait.
func TestSlowPassword(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	p := NewPool(Options{pulse: hasty, startLimit: 10 * time.Second})
	t.Cleanup(func() { _ = p.Close() })
	cfg := config(l.Host("a"), "pw")
	cfg.BecomePassword = func(ctx context.Context, _ string) (string, error) {
		select {
		case <-time.After(12 * time.Second):
			return "lab", nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	h, err := p.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	select {
	case <-h.Up():
		t.Error("up before the password was given")
	default:
	}
	works(t, h)
	select {
	case <-h.Up():
	default:
		t.Error("it has answered, and is not up")
	}
}

// TestAskingEndsWithTheRun: a password that nobody types any more is not waited for.
func TestAskingEndsWithTheRun(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	cfg := config(l.Host("a"), "pw")
	asked, ended := make(chan struct{}), make(chan struct{})
	cfg.BecomePassword = func(ctx context.Context, _ string) (string, error) {
		close(asked)
		<-ctx.Done()
		close(ended)
		return "", context.Cause(ctx)
	}
	h, err := pool(t).Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	_ = h.Close()
	<-ended
	says(t, h.Ready(t.Context()), host.ErrUnreachable)
}
