// Package kindtest replays recorded hosts to kinds and prints what they make of them.
package kindtest

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

var update = flag.Bool("update", false, "rewrite the want sections of the txtar files from what the code does now")

// Replay runs every archive that matches pattern as a test of its own. Beside the sections of hosttest.Parse an archive
// has one "resource KIND LABEL" (the resource's fields in JSON), as many "neighbour KIND LABEL" as it likes, and "want": Print's
// text, or "error: ..." of Plan or Validate.
func Replay(t *testing.T, pattern string, kinds ...modules.Kind) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no archive matches %s (%v)", pattern, err)
	}
	reg := modules.NewRegistry(kinds...)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { replayOne(t, name, reg) })
	}
}

func replayOne(t *testing.T, name string, reg modules.Registry) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	fake, err := hosttest.Parse("u1", archive)
	if err != nil {
		t.Fatal(err)
	}
	all, err := resources(archive, reg)
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := all[0].(modules.Neighbour); ok {
		n.Meet(all)
	}
	got := []byte(outcome(all[0], fake))
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
			t.Errorf("got:\n%s\nwant:\n%s\n(-update rewrites)\nasked:\n%s", got, s.Data, strings.Join(fake.Log(), "\n"))
		}
		return
	}
	t.Fatal("the archive has no want section")
}

func outcome(r modules.Resource, h host.Reader) string {
	if v, ok := r.(modules.Validator); ok {
		if err := v.Validate(); err != nil {
			return "error: " + err.Error() + "\n"
		}
	}
	ctx := modules.WithDigestKey(context.Background(), []byte("a key for tests"))
	c, err := r.Plan(ctx, h)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return Print(c)
}

// resources gives the archive's resource first, then its neighbours.
func resources(archive *txtar.Archive, reg modules.Registry) ([]modules.Resource, error) {
	var first, others []modules.Resource
	for _, s := range archive.Files {
		words := strings.SplitN(s.Name, " ", 3)
		if words[0] != "resource" && words[0] != "neighbour" {
			continue
		}
		kind, ok := reg.Lookup(words[1])
		if !ok {
			return nil, fmt.Errorf("section %q: no such kind", s.Name)
		}
		r := kind.New(words[2])
		if err := json.Unmarshal(s.Data, r); err != nil {
			return nil, fmt.Errorf("section %q: %w", s.Name, err)
		}
		if words[0] == "resource" {
			first = append(first, r)
		} else {
			others = append(others, r)
		}
	}
	if len(first) != 1 {
		return nil, fmt.Errorf("%d resource sections, want 1", len(first))
	}
	return append(first, others...), nil
}

// Print is a change as text: a line a diff, with why and text below it, then steps and the rest.
func Print(c modules.Change) string {
	var b strings.Builder
	for _, d := range c.Diffs {
		half := "now"
		if d.Boot {
			half = "boot"
		}
		fmt.Fprintf(&b, "%s %s: %s -> %s\n", half, d.Attr, d.Got, d.Want)
		if d.Why != "" {
			fmt.Fprintf(&b, "    why: %s\n", d.Why)
		}
		for line := range strings.Lines(d.Text) {
			b.WriteString("    | " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	for line := range strings.Lines(hosttest.StepText(c.Steps)) {
		b.WriteString("step: " + line)
	}
	for _, d := range c.Destroys {
		fmt.Fprintf(&b, "destroys: %s\n", d)
	}
	if c.Settle > 0 {
		fmt.Fprintf(&b, "settle: %s\n", c.Settle)
	}
	if b.Len() == 0 {
		return "in sync\n"
	}
	return b.String()
}
