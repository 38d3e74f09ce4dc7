package eoshost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
)

func openFar(t *testing.T, cfg Config) (*Host, error) {
	t.Helper()
	pool := sshhost.NewPool(sshhost.Options{})
	t.Cleanup(func() { _ = pool.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := Open(ctx, pool, cfg)
	if err == nil {
		t.Cleanup(func() { _ = h.Close() })
	}
	return h, err
}

func opened(t *testing.T, cfg Config) *Host {
	t.Helper()
	h, err := openFar(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// took is the lines that the switch's command lines took.
func (f *far) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.typed)
}

// lookalikes is a text with all in it that a driver could take for the end of an answer, for a refusal or for an echo.
func lookalikes() string {
	var b strings.Builder
	for i := range 400 {
		fmt.Fprintf(&b, "   remark line %d\n", i)
	}
	return "banner motd\nsw1#\nsw1>\nsw1(config)#\nsw1(config-s-bisc-1)# show x\nPassword: \n% Invalid input\n --More-- not here\nsw1#show x\n! bisc-0123456789ab-1\n\nEOF\n" +
		b.String() + "   description #\n   remark a > b\nsw1# "
}

// TestFaultF33_Framing: whatever the terminal does and the output looks like, each question gets what the switch printed to it.
func TestFaultF33_Framing(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*far){
		"nothing odd":                       func(*far) {},
		"lands unprivileged":                func(f *far) { f.enabled = false },
		"on the second supervisor":          func(f *far) { f.supers = "(s2)" },
		"a banner that ends as a prompt":    func(f *far) { f.banner = "Welcome\nsw2#\nsw1> ! bisc-0-0\nother>" },
		"each command is echoed twice":      func(f *far) { f.lag = true },
		"the terminal echoes by itself":     func(f *far) { f.earlyEcho = true },
		"readline does":                     func(f *far) { f.readline = true },
		"readline does, and lags":           func(f *far) { f.readline, f.lag = true, true },
		"both":                              func(f *far) { f.lag, f.earlyEcho = true, true },
		"the first words are lost":          func(f *far) { f.losesHead = true },
		"the pager cannot be switched off":  func(f *far) { f.noLength = true },
		"the pager comes though it was off": func(f *far) { f.pagesOnce = true },
		"slow":                              func(f *far) { f.drip = time.Millisecond },
		"slow, and it echoes by itself":     func(f *far) { f.drip, f.earlyEcho = time.Millisecond, true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t)
			set(f)
			want := map[string]string{"show x": lookalikes(), "show y | json": `{"a": "sw1#"}`, "show nothing": "", "show one": "1\n"}
			for command, text := range want {
				f.shows[command] = text
			}
			h := opened(t, f.start())
			rounds := 3
			if f.noLength || f.pagesOnce {
				rounds = 1 // what ends in no newline takes a while where nothing is written ahead
			}
			for round := range rounds {
				var questions []func(context.Context) error
				for command, text := range want {
					questions = append(questions, func(ctx context.Context) error {
						got, err := h.Show(ctx, command)
						if err == nil && string(got) != text {
							err = fmt.Errorf("%s, round %d: got %d bytes %.300q, want %d bytes", command, round, len(got), got, len(text))
						}
						return err
					})
				}
				if err := host.Ask(t.Context(), questions...); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestFaultF33_ThirtyMegabytes: an answer of 30 MB comes whole, and what was asked beside it too.
func TestFaultF33_ThirtyMegabytes(t *testing.T) {
	f := newFar(t)
	line := strings.Repeat("sw1# ", 20) + "\n"
	large := strings.Repeat(line, 30_000_000/len(line)) + "end\n"
	f.shows["show large"], f.shows["show small"] = large, "small\n"
	h := opened(t, f.start())
	for range 2 {
		err := host.Ask(t.Context(), asks(h, "show large", large), asks(h, "show small", "small\n"))
		if err != nil {
			t.Fatal(err)
		}
	}
}

func asks(h *Host, command, want string) func(context.Context) error {
	return func(ctx context.Context) error {
		got, err := h.Show(ctx, command)
		if err == nil && string(got) != want {
			err = fmt.Errorf("%s: got %d bytes %.100q, want %d bytes", command, len(got), got, len(want))
		}
		return err
	}
}

// TestTurns: forty questions cost the turns of one, and a cold plan few.
func TestTurns(t *testing.T) {
	for _, n := range []int{1, 40} {
		f := newFar(t)
		f.enabled = false
		for i := range n {
			f.shows[fmt.Sprintf("show %d", i)] = strings.Repeat("line\n", 200)
		}
		h := opened(t, f.start())
		for range 2 {
			var questions []func(context.Context) error
			for i := range n {
				questions = append(questions, asks(h, fmt.Sprintf("show %d", i), strings.Repeat("line\n", 200)))
			}
			if err := host.Ask(t.Context(), questions...); err != nil {
				t.Fatal(err)
			}
		}
		st := h.Stats()
		t.Logf("%d questions, twice: %+v", n, st)
		if st.Turns > 12 || f.logins != 1 {
			t.Errorf("%d questions, twice: %d turns, %d logins; want at most 12 and 1", n, st.Turns, f.logins)
		}
	}
}

// TestRefusals: what a switch says against a question is an error with its words.
func TestRefusals(t *testing.T) {
	f := newFar(t)
	f.refuses["show daemon x | json"] = "{\n    \"errors\": [\"Daemon x not found\"]\n}"
	f.refuses["show denied"] = "% Authorization denied for command 'show denied'"
	f.refuses["show text | json"] = "% This is an unconverted command"
	f.refuses["show plain | json"] = "no JSON at all"
	h := opened(t, f.start())
	for command, want := range map[string]host.ShowError{
		"show daemon x | json": {Text: "Daemon x not found"},
		"show denied":          {Text: "% Authorization denied for command 'show denied'", Denied: true},
		"show text | json":     {Text: "% This is an unconverted command", Unconverted: true},
		"show plain | json":    {Text: "no JSON at all", Unconverted: true},
		"show none such":       {Text: "% Invalid input"},
	} {
		want.Command = command
		_, err := h.Show(t.Context(), command)
		var got *host.ShowError
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%s: %v, want %+v", command, err, want)
		}
	}
	if _, err := h.Show(t.Context(), "reload"); !errors.Is(err, host.ErrNotReadOnly) {
		t.Errorf("reload: %v", err)
	}
}

// TestLost: a question to a switch that went away is ErrUnreachable, at once.
func TestLost(t *testing.T) {
	f := newFar(t)
	h := opened(t, f.start())
	f.cut()
	if _, err := h.Show(t.Context(), "show x"); !errors.Is(err, host.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}
