package eoshost

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
)

func consoleOf(t *testing.T, f *far) *console {
	t.Helper()
	h := opened(t, f.start())
	c, err := h.openConsole(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	f.mu.Lock()
	f.typed = nil
	f.mu.Unlock()
	return c
}

// TestRunStopsAtARefusal: behind a refused command nothing is typed but what belongs to the same section of a session.
func TestRunStopsAtARefusal(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		run, want []string
	}{
		"outside a session": {[]string{"show one", "configure session a", "interface 1"}, []string{"show one", "configure session a"}},
		"in one": {[]string{"configure session b", "interface 1", "bad", "mtu 9000", "exit", "interface 2", "exit"},
			[]string{"configure session b", "interface 1", "bad", "mtu 9000", "exit"}},
		"a section that is refused": {[]string{"configure session b", "interface bad", "mtu 9000", "exit", "exit", "reload"},
			[]string{"configure session b", "interface bad", "mtu 9000", "exit"}},
		"a text that is refused": {[]string{"configure session b", "action bad\nreload\nEOF", "exit"}, []string{"configure session b", "action bad"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t)
			f.shows["show one"] = "1\n"
			for _, bad := range []string{"configure session a", "bad", "interface bad", "action bad"} {
				f.refuses[bad] = "% Invalid input"
			}
			c := consoleOf(t, f)
			_, err := c.run(t.Context(), time.Minute, tc.run...)
			var refused *host.ShowError
			if !errors.As(err, &refused) || !strings.Contains("configure session a,bad,interface bad,action bad", refused.Command) {
				t.Fatalf("%v", err)
			}
			if got := f.took(); !slices.Equal(got, tc.want) {
				t.Errorf("it took %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRunSession(t *testing.T) {
	for name, set := range map[string]func(*far){"usual": func(*far) {}, "no write-ahead": func(f *far) { f.noLength = true }, "early echo": func(f *far) { f.earlyEcho, f.lag = true, true }} {
		t.Run(name, func(t *testing.T) {
			f := newFar(t)
			set(f)
			f.shows["show session-config named bisc-1 diffs"] = "--- a\n+++ b\n+x\n"
			c := consoleOf(t, f)
			run := []string{"configure session bisc-1", "interface 1", "mtu 9000", "exit", "event-handler x", "action bash\nsw1#\n! a comment\nreload\nEOF", "delay 60", "end",
				"show session-config named bisc-1 diffs", "configure session bisc-1", "abort"}
			got, err := c.run(t.Context(), time.Minute, run...)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(run) || got[8] != "--- a\n+++ b\n+x\n" || strings.Join(slices.Concat(got[:8], got[9:]), "") != "" {
				t.Errorf("%q", got)
			}
			want := []string{"configure session bisc-1", "interface 1", "mtu 9000", "exit", "event-handler x", "action bash", "text: sw1#", "text: ! a comment", "text: reload", "text: EOF",
				"delay 60", "end", "show session-config named bisc-1 diffs", "configure session bisc-1", "abort"}
			if took := f.took(); !slices.Equal(took, want) {
				t.Errorf("it took %q", took)
			}
			if c.mode != "" {
				t.Errorf("it stands in mode %q", c.mode)
			}
		})
	}
}

// TestRunSecrets: no error shows a secret of a line that was refused.
func TestRunSecrets(t *testing.T) {
	f := newFar(t)
	line := "username x secret sha512 " + hush
	f.refuses[line] = "% Invalid input at 'secret sha512 " + hush + "'"
	c := consoleOf(t, f)
	_, err := c.run(t.Context(), time.Minute, "configure session s", line)
	if err == nil || strings.Contains(err.Error(), hush) || !strings.Contains(err.Error(), "username x secret sha512 (withheld)") {
		t.Errorf("%v", err)
	}
}

// TestRunRefusesControls: a character that the editor would take for a key is never typed.
func TestRunRefusesControls(t *testing.T) {
	f := newFar(t)
	c := consoleOf(t, f)
	for _, bad := range []string{"show ?", "show\tx", "show \x03", "", "a\rb"} {
		if _, err := c.run(t.Context(), time.Minute, bad); err == nil {
			t.Errorf("%q was typed", bad)
		}
	}
	if took := f.took(); len(took) > 0 {
		t.Errorf("it took %q", took)
	}
}
