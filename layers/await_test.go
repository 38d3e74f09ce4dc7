package layers

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

// detached is a resource whose change takes longer than a step: a file holds "running", "done" or "failed".
type detached struct{ path string }

func (d *detached) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	b, err := h.ReadFile(ctx, d.path)
	if err != nil || string(b) == "done" {
		return c, err
	}
	c.Diffs = []modules.Diff{{Attr: "job", Got: string(b), Want: "done"}}
	c.Settle = 20 * time.Minute
	switch string(b) {
	case "failed":
		c.Ended = "the job failed: exit status 3"
		c.Do(host.Script{Argv: []string{"set", d.path, "running"}})
	case "none":
		c.Do(host.Script{Argv: []string{"set", d.path, "running"}})
	}
	return c, nil
}

// moves has the file hold the next of the words with every look at it.
type moves struct {
	*bench
	path  string
	words []string
	looks int // while it runs
	reads int
}

func (m *moves) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if name == m.path {
		m.reads++
	}
	if name == m.path && m.Files[name] == "running" {
		if m.looks++; m.looks%3 == 0 && len(m.words) > 0 {
			m.Files[name], m.words = m.words[0], m.words[1:]
		}
	}
	return m.Fake.ReadFile(ctx, name)
}

func (m *moves) Reader(context.Context, string) (host.Reader, error) { return m, nil }
func (m *moves) Writer(context.Context, string) (host.Writer, error) { return m, nil }

// TestWhatIsUnderWayIsAwaited: a job that an earlier run began is waited for, with nobody's word and without a step, and what is
// written after it waits too.
func TestWhatIsUnderWayIsAwaited(t *testing.T) {
	m := &moves{path: "/job", words: []string{"done"}}
	m.bench = newBench(map[string]string{"/job": "running", "/b": "no"}, stage(Storage, item("job", &detached{"/job"}), item("b", &flag{path: "/b", want: "yes", script: true})))
	asked := 0
	rep := m.climbOn(t, func(_ int, r Report) bool { asked++; return true })
	if got := states(rep); got != "in sync, in sync" || asked != 1 || m.Wrote("/b") != "yes" {
		t.Errorf("%s, asked %d times", got, asked)
	}
	if steps := hosttest.StepText(m.Steps()); strings.Contains(steps, "/job") {
		t.Errorf("it was begun again: %s", steps)
	}
	m = &moves{path: "/job", words: []string{"done"}}
	m.bench = newBench(map[string]string{"/job": "running"}, stage(Storage, item("job", &detached{"/job"})))
	rep = m.climbOn(t, func(int, Report) bool { t.Error("asked for a word to wait"); return false })
	if got := states(rep); got != "in sync" && got != "changed" {
		t.Error(got)
	}
}

// TestNobodyWaitsForWhatHasEnded: a job that fails ends the wait, long before its limit.
func TestNobodyWaitsForWhatHasEnded(t *testing.T) {
	m := &moves{path: "/job", words: []string{"failed"}}
	m.bench = newBench(map[string]string{"/job": "none", "/b": "no"}, stage(Storage, item("job", &detached{"/job"}), item("b", &flag{path: "/b", want: "yes"})))
	rep := m.climbOn(t, always)
	if got := states(rep); got != "failed, not reached" || rep.Outcomes()[0].Err.Error() != "the job failed: exit status 3" {
		t.Errorf("%s: %v", got, rep.Outcomes()[0].Err)
	}
	if n := len(m.Steps()); n != 1 || m.reads > 10 {
		t.Errorf("%d steps, looked %d times", n, m.reads)
	}
}

func (m *moves) climbOn(t *testing.T, yes func(int, Report) bool) (rep Report) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := Climb{Stages: m.stages, Hosts: m, Acting: Acting{Record: NoRecord{}}, Approve: func(n int, r Report) (bool, error) { return yes(n, r), nil }}
		var err error
		if rep, err = c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	return rep
}

// TestAHoldStopsARunbook: what an operator holds, under its own address or that of the layers' item about the same thing, no runbook
// goes round; one that it names itself does not stop it.
func TestAHoldStopsARunbook(t *testing.T) {
	it := Item{Address: "h:stop/go.mount[/a]", Same: "h:storage.mount[/a]", Resource: &flag{path: "/a", want: "yes"}, Digest: "a"}
	for _, tt := range []struct{ name, match, hold, want string }{
		{"under the layers' address", "storage.*", "", "blocked"},
		{"under the runbook's", "stop/*", "", "blocked"},
		{"another's", "agave.*", "", "in sync"},
		{"its own", "storage.*", "stop", "in sync"},
		{"another runbook's", "storage.*", "other", "blocked"},
	} {
		st := &Stage{Layer: Agave, Name: "stop/go", Host: "h", Assumes: []Layer{}, Items: []Item{it}, Releases: []string{"stop"}}
		b := newBench(map[string]string{"/a": "no", host.LinuxState + "/holds.json": `[{"name":"` + tt.hold + `","match":"` + tt.match + `","who":"ann","because":"test","since":"2026-01-01T00:00:00Z"}]`}, st)
		delete(b.Missing, HoldsFile(b))
		if got := states(b.climb(t, Acting{}, always)); got != tt.want || (b.Wrote("/a") == "yes") != (tt.want == "in sync") {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}
