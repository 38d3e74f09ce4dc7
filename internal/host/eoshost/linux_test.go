package eoshost

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/internal/lab"
)

// TestConform asks the Linux behind a command line what every transport is asked, and reads only: a switch's steps are staged. A long
// question goes alone in its flight (flightSize), so that 40 of them show what 400 would.
func TestConform(t *testing.T) {
	t.Parallel()
	l := lab.ForTest(t, lab.Names("switch"))
	lh := l.Host("switch")
	f := newFar(t)
	cmd, err := lh.Command(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.into = cmd.Args
	hosttest.ConformReads(t, func(t *testing.T) (host.Reader, hosttest.Scratch) {
		shell := func(t *testing.T, script string, args ...string) string {
			t.Helper()
			out, err := lh.Shell(context.WithoutCancel(t.Context()), script, args...)
			if err != nil {
				t.Fatalf("%s: %v\n%s", script, err, out)
			}
			return string(out)
		}
		return opened(t, f.start()), hosttest.Scratch{Dir: strings.TrimSpace(shell(t, "mktemp -d /srv/conform.XXXX")), Shell: shell, LongWord: 50_000, LongQuestions: 40, Twice: true}
	})
}

// TestNoLinux: a user who may not use bash, or not become root, is told so; it is no absence of what was asked for.
func TestNoLinux(t *testing.T) {
	f := newFar(t)
	h := opened(t, f.start())
	f.mu.Lock()
	f.noBash = true
	f.mu.Unlock()
	_, err := h.Stat(t.Context(), "/etc/passwd")
	var refused *host.ShowError
	if !errors.As(err, &refused) || !refused.Denied || !errors.Is(err, errNoBash) {
		t.Errorf("%v", err)
	}
	f.mu.Lock()
	f.noBash, f.noSudo = false, true
	f.mu.Unlock()
	if _, err := h.Query(t.Context(), "id"); !errors.Is(err, errNoBash) || !strings.Contains(err.Error(), "a password is required") {
		t.Errorf("%v", err)
	}
}
