package layers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

// evidence keeps what becomes of intents.
type evidence struct {
	what    []string
	results map[int64]Result
}

func (l *evidence) Intend(_ context.Context, in Intent) (int64, error) {
	l.what = append(l.what, in.Step)
	return int64(len(l.what)), nil
}

func (l *evidence) Settle(_ context.Context, id int64, r Result) error {
	if l.results == nil {
		l.results = map[int64]Result{}
	}
	l.results[id] = r
	return nil
}

// result is what became of the first intent whose text contains a word; empty while nobody knows.
func (l *evidence) result(word string) ResultState {
	at := slices.IndexFunc(l.what, func(w string) bool { return strings.Contains(w, word) })
	if at < 0 {
		return "never begun"
	}
	return l.results[int64(at+1)].State
}

// TestFaultF29_OutcomeAgreesWithTheSwitch: what becomes of a stage is said as the host said it, in the report and in the journal.
func TestFaultF29_OutcomeAgreesWithTheSwitch(t *testing.T) {
	lost := fmt.Errorf("%w: %w", host.ErrLost, host.ErrUnreachable)
	for name, tc := range map[string]struct {
		confirm, revert, afresh error
		acts                    string
		state                   State
		step                    ResultState
	}{
		"kept":                            {acts: "do commit confirm", state: InSync, step: Done},
		"the host was faster":             {confirm: &host.RevertedError{}, acts: "do commit confirm", state: Failed, step: NotDone},
		"confirmed, and not saved":        {confirm: &host.ConfirmedError{Err: errors.New("disk full")}, acts: "do commit confirm", state: Failed, step: Done},
		"nobody knows whether it is kept": {confirm: lost, acts: "do commit confirm", state: Unknown, step: UnknownResult},
		"the confirmation is refused":     {confirm: &host.GuardError{Guard: "shape"}, revert: &host.RevertedError{}, acts: "do commit confirm revert", state: Failed, step: NotDone},
		"cut off, taken back":             {afresh: host.ErrUnreachable, revert: &host.RevertedError{}, acts: "do commit revert", state: Failed, step: NotDone},
		"cut off, and nobody can look":    {afresh: host.ErrUnreachable, revert: lost, acts: "do commit revert", state: Unknown, step: UnknownResult},
		"taken back, and parts of it not": {afresh: host.ErrUnreachable, revert: &host.RevertedError{Failed: 1}, acts: "do commit revert", state: Unknown, step: UnknownResult},
		"cut off before it was in force":  {afresh: host.ErrUnreachable, acts: "do commit revert", state: Failed, step: NotDone},
	} {
		t.Run(name, func(t *testing.T) {
			b := staging(map[string]string{"/a": "no"}, stage(Relay, item("a", &flag{path: "/a", want: "yes", script: true})))
			set := b.React
			b.React = func(f *hosttest.Fake, s host.Step) error {
				if err := set(f, s); s != nil || err != nil {
					return err
				}
				return tc.revert
			}
			b.Errors["confirm"], b.Errors["afresh"] = tc.confirm, tc.afresh
			book := &evidence{}
			rep := b.climb(t, Acting{Record: book, Within: 1}, always)
			if got := b.acts(); got != tc.acts || rep.Outcomes()[0].State != tc.state {
				t.Errorf("%s: %s: %v", got, states(rep), rep.Outcomes()[0].Err)
			}
			if got := book.result("set /a"); got != tc.step {
				t.Errorf("the journal says of the step: %s, want %s", got, tc.step)
			}
		})
	}
}

// TestWhatIsSavedLastIsProvedLast: a provisional change is not saved yet, and is proved all the same; what is not saved after the
// confirmation has failed.
func TestWhatIsSavedLastIsProvedLast(t *testing.T) {
	for saved, want := range map[string]State{"yes": InSync, "no": Failed} {
		b := staging(map[string]string{"/a": "no", "/boot": "no"}, stage(Relay, item("a", both{})))
		b.Fake.React = func(f *hosttest.Fake, s host.Step) error { f.Files["/a"] = "yes"; return nil }
		w := &saving{Fake: b.Fake, saved: saved}
		hosts := onlyHost{w}
		rep := ApplyAll(t.Context(), ObserveAll(t.Context(), b.stages, hosts, Options{}), hosts, Acting{Record: NoRecord{}})
		if got := rep.Outcomes()[0].State; got != want && !(want == InSync && got == Changed) {
			t.Errorf("saved %s: %s: %v", saved, got, rep.Outcomes()[0].Err)
		}
		if got := b.acts(); got != "do commit confirm" {
			t.Error(got)
		}
	}
}

// both is a resource whose two halves are files.
type both struct{}

func (both) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	for name, boot := range map[string]bool{"/a": false, "/boot": true} {
		b, err := h.ReadFile(ctx, name)
		if err != nil {
			return c, err
		}
		if string(b) != "yes" {
			c.Diffs = append(c.Diffs, modules.Diff{Attr: name, Got: string(b), Want: "yes", Boot: boot})
		}
	}
	if len(c.Diffs) > 0 {
		c.Do(host.Script{Argv: []string{"true"}})
	}
	return c, nil
}

// saving persists with the confirmation.
type saving struct {
	*hosttest.Fake
	saved string
}

func (s *saving) Confirm(ctx context.Context) error {
	s.Files["/boot"] = s.saved
	return s.Fake.Confirm(ctx)
}

type onlyHost struct{ w host.Writer }

func (o onlyHost) Reader(context.Context, string) (host.Reader, error) { return o.w, nil }
func (o onlyHost) Writer(context.Context, string) (host.Writer, error) { return o.w, nil }
