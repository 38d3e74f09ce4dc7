package discover

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

var update = flag.Bool("update", false, "rewrite the want sections of the txtar files from what the code does now")

// TestReplay reads hosts of recorded answers (hosttest.Parse; what an archive does not have is not on the host) and compares
// the plan, with its comments, as it is before the host is observed under it.
func TestReplay(t *testing.T) {
	names, err := filepath.Glob("testdata/replay/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no archive (%v)", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { replay(t, name) })
	}
}

func replay(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fake, err := hosttest.Parse("a", archive)
	if err != nil {
		t.Fatal(err)
	}
	empty(t, fake)
	f, err := Read(t.Context(), fake)
	if err != nil {
		t.Fatal(err)
	}
	got := []byte(texts(f))
	for i, s := range archive.Files {
		if s.Name != "want" {
			continue
		}
		if *update {
			archive.Files[i].Data = got
			if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if !bytes.Equal(got, s.Data) {
			t.Errorf("got:\n%s\nwant:\n%s\n(-update rewrites)", got, s.Data)
		}
		return
	}
	t.Fatal("the archive has no want section")
}

// empty lets the fake answer what it was not told as a host on which there is nothing: each round of questions brings the
// next into view.
func empty(t *testing.T, f *hosttest.Fake) {
	t.Helper()
	for range 6 {
		asked := len(f.Log())
		if _, err := Read(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		for _, line := range f.Log()[asked:] {
			if f.Errors[line] != nil {
				continue
			}
			switch verb, what, _ := strings.Cut(line, " "); verb {
			case "query":
				if _, told := f.Answers[what]; !told && strings.HasPrefix(what, "systemctl") {
					f.Answers[what] = host.Output{Stdout: []byte("LoadState=not-found\nActiveState=inactive\n")}
				} else if !told {
					f.Answers[what] = host.Output{}
				}
			case "read", "stat":
				_, text := f.Files[what]
				if _, stat := f.Stats[what]; !text && !stat {
					f.Missing[what] = true
				}
			case "glob":
				if f.Globs[what] == nil {
					f.Globs[what] = []string{}
				}
			}
		}
	}
}

// TestUnknownIsSaid takes one answer after the other away from a host: each is then said to be unknown, and none of what
// it would have told is taken for absent.
func TestUnknownIsSaid(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/replay/variant-b.txtar")
	if err != nil {
		t.Fatal(err)
	}
	whole := func() *hosttest.Fake {
		fake, err := hosttest.Parse("a", archive)
		if err != nil {
			t.Fatal(err)
		}
		empty(t, fake)
		return fake
	}
	asked := map[string]bool{}
	for _, q := range whole().Log() {
		asked[q] = true
	}
	if f, err := Read(t.Context(), whole()); err != nil || f.Unknown() {
		t.Fatalf("the whole host: %v, %+v", err, f.Remarks)
	}
	model := whole()
	for q := range asked {
		f, err := Read(t.Context(), lacking(model, q, host.ErrStuck))
		switch verb, what, _ := strings.Cut(q, " "); {
		case err != nil:
			t.Errorf("without %s: %v", q, err)
		case verb == "read" && strings.HasPrefix(what, "/proc/") && strings.HasSuffix(what, "/cgroup"): // a process that has ended says nothing
		case !f.Unknown():
			t.Errorf("without %s nothing is unknown", q)
		}
	}
	if _, err := Read(t.Context(), lacking(model, "read /etc/fstab", host.ErrUnreachable)); !errors.Is(err, host.ErrUnreachable) {
		t.Errorf("of a host that went away there is a report: %v", err)
	}
}

// lacking is a host like the model of which one question fails.
func lacking(model *hosttest.Fake, question string, err error) *hosttest.Fake {
	f := hosttest.New(model.HostName)
	f.Files, f.Stats, f.Missing, f.Globs, f.Answers = model.Files, model.Stats, model.Missing, model.Globs, model.Answers
	f.Errors = map[string]error{question: err}
	return f
}
