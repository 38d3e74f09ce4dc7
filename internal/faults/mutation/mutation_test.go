package mutation

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const root = "../../.."

func load(t *testing.T) (string, []Mutation) {
	t.Helper()
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Load(filepath.Join(abs, "internal/faults/mutations"))
	if err != nil {
		t.Fatal(err)
	}
	return abs, all
}

// TestFaultF40_EveryGuardHasAMutation: a new guard, lock, fsync or deadline needs a mutation, and so a test that misses it.
func TestFaultF40_EveryGuardHasAMutation(t *testing.T) {
	root, all := load(t)
	points, err := Points(root)
	if err != nil {
		t.Fatal(err)
	}
	missing, err := Missing(root, points, all)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range missing {
		t.Errorf("%s: no mutation in internal/faults/mutations takes it out", p)
	}
	if len(points) < 25 {
		t.Errorf("only %d points are found: do the patterns still fit the source?", len(points))
	}
}

// TestFaultF40_QuickGuardsAreMissed takes out those that need no lab host; make mutate does all. That each test is green as
// the code stands, without which red would mean nothing, is seen by make test, which runs it too; here only on request.
func TestFaultF40_QuickGuardsAreMissed(t *testing.T) {
	root, all := load(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	sound := map[string]bool{}
	enumerate := os.Getenv("BISC_FAULTS") == "all"
	ran := 0
	for _, m := range all {
		if !m.Quick && !enumerate {
			continue
		}
		ran++
		t.Run(m.Name, func(t *testing.T) {
			if enumerate && !sound[m.Test()] {
				r, err := m.Baseline(ctx, root)
				if err != nil {
					t.Fatal(err)
				}
				if r.Verdict != Green {
					t.Fatalf("go test %s is %s as the code stands:\n%s", m.Test(), r.Verdict, r.Output)
				}
				sound[m.Test()] = true
			}
			r, err := m.Run(ctx, root)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != Red {
				t.Errorf("%s: with it taken out of %s, go test %s is %s (%s)\n%s", m.Why, m.File, m.Test(), r.Verdict, r.Took.Round(time.Second), r.Output)
			}
		})
	}
	if ran < 10 {
		t.Errorf("only %d mutations are quick", ran)
	}
}

func TestParse(t *testing.T) {
	const head = "file: a.go\ntest: ./a -run X\nwhy: it breaks\n"
	m, err := Parse("a", head+"quick: yes\n---\nold\nlines\n+++\nnew\n")
	if err != nil || m.Old != "old\nlines" || m.New != "new" || !m.Quick || m.Test() != "./a -run X" {
		t.Errorf("%+v %v", m, err)
	}
	if m, err = Parse("a", head+"---\nold\n+++\n"); err != nil || m.New != "" || m.Quick {
		t.Errorf("%+v %v", m, err)
	}
	for text, says := range map[string]string{
		head: "no line ---", head + "---\nold\n": "no line +++", head + "---\nx\n+++\nx\n": "changes nothing",
		"file: a\nwhy: b\n---\nx\n+++\ny\n": "must all be given", head + "when: now\n---\nx\n+++\ny\n": "unknown heading",
		"file: a\ntest: ./a\nwhy: b\n---\nx\n+++\ny\n": "want a package",
	} {
		if _, err := Parse("a", text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// TestJudge: only a failing test is red.
func TestJudge(t *testing.T) {
	for said, want := range map[string]Verdict{
		`{"Action":"run","Test":"T"}` + "\n" + `{"Action":"fail","Test":"T"}`: Red,
		`{"Action":"run","Test":"T"}` + "\n" + `{"Action":"pass","Test":"T"}`: Green,
		`{"Action":"build-fail"}` + "\n" + `{"Action":"fail"}`:                Broken,
		`{"Action":"pass"}`: Broken, // no tests to run
		"":                  Broken,
	} {
		if got := judge([]byte(said)).Verdict; got != want {
			t.Errorf("%s: %s, want %s", said, got, want)
		}
	}
}

// TestFind: the changed bytes are those that differ, and a text that is not there once is no mutation.
func TestFind(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("a = guard(x) or b; c; c"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Mutation{File: "f", Old: "a = guard(x) or b", New: "a = b"}.find(dir)
	if err != nil || c.whole != "a = b; c; c" || c.from != 4 || c.to != 16 {
		t.Errorf("%+v %v", c, err)
	}
	for _, old := range []string{"c", "zz"} {
		if _, err := (Mutation{File: "f", Old: old}).find(dir); err == nil {
			t.Errorf("%q is taken for a mutation", old)
		}
	}
}
