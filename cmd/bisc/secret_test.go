package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"bisc/layers"
)

const onePlan = `layer "units" {
  on = "a"
  command "c" {
    unless = ["true"]
    argv   = ["true"]
  }
}
`

// passwordDesk has a host whose sudo wants a password, and a plan without a change.
func passwordDesk(t *testing.T) *desk {
	t.Helper()
	h := sharedHost(t)
	d := newDesk(t)
	d.write(t, "hosts.hcl", hostBlock("a", h.Port(), "pw", pinsOf(t, h), h.KeyFile()))
	d.write(t, "plan.bisc.hcl", onePlan)
	return d
}

const prompt = "sudo password of pw on a: "

func TestPasswordIsTypedUnseen(t *testing.T) {
	t.Parallel()
	r, keys := passwordDesk(t).onTerminal(t, "plan")
	r.errs.until(t, prompt)
	if shows(t, keys) {
		t.Error("the terminal shows the password")
	}
	if _, err := keys.WriteString("lab\n"); err != nil {
		t.Fatal(err)
	}
	if e := r.wait(t); e.status != 0 || strings.Contains(e.errs, prompt+"lab") {
		t.Errorf("exit %d:\n%s", e.status, e.errs)
	}
	if !shows(t, keys) {
		t.Error("the terminal is left without echo")
	}
}

// Ctrl-C at the prompt ends bisc, whatever the verb, and leaves the terminal as it was.
func TestInterruptedAtThePassword(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"plan"}, {"apply"}, {"who", "a"}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			r, keys := passwordDesk(t).onTerminal(t, args...)
			r.errs.until(t, prompt)
			if _, err := keys.Write([]byte{3}); err != nil {
				t.Fatal(err)
			}
			if e := r.wait(t); e.status == 0 || !strings.Contains(e.errs, "interrupted") {
				t.Errorf("exit %d:\n%s", e.status, e.errs)
			}
			if !shows(t, keys) {
				t.Error("the terminal is left without echo")
			}
		})
	}
}

func TestTimeoutAtThePassword(t *testing.T) {
	t.Parallel()
	r, keys := passwordDesk(t).onTerminal(t, "plan", "--timeout", "2s")
	r.errs.until(t, prompt)
	if e := r.wait(t); e.status == 0 || !strings.Contains(e.errs, "--timeout 2s is over") {
		t.Errorf("exit %d:\n%s", e.status, e.errs)
	}
	if !shows(t, keys) {
		t.Error("the terminal is left without echo")
	}
}

// The question before a round gives way to an interrupt and to the end of --timeout, also where nothing can be read.
func TestAskEnds(t *testing.T) {
	silent, keep, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	over := errors.New("it is over")
	for name, end := range map[string]struct {
		do   func(c *command, cancel context.CancelCauseFunc)
		want error
	}{
		"interrupt": {func(c *command, _ context.CancelCauseFunc) { close(c.stop) }, layers.ErrStopped},
		"context":   {func(_ *command, cancel context.CancelCauseFunc) { cancel(over) }, over},
	} {
		t.Run(name, func(t *testing.T) {
			c := &command{in: silent, out: io.Discard, errs: &bytes.Buffer{}, stop: make(chan struct{})}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			end.do(c, cancel)
			yes, err := (&session{loaded: &loaded{c: c}}).ask(ctx, nil)
			if yes || !errors.Is(err, end.want) {
				t.Errorf("%v, %v; want %v", yes, err, end.want)
			}
		})
	}
}
