package view

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"bisc/internal/host"
	"bisc/layers"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares what was written with the files of an archive in testdata.
func golden(t *testing.T, name string, got map[string]string, order []string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txtar")
	if *update {
		var a txtar.Archive
		for _, n := range order {
			a.Files = append(a.Files, txtar.File{Name: n, Data: []byte(got[n])})
		}
		if err := os.WriteFile(path, txtar.Format(&a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	want := map[string]string{}
	for _, f := range a.Files {
		want[f.Name] = string(f.Data)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func render(t *testing.T, rep layers.Report, o Options) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, rep, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	reports := map[string]layers.Report{
		"every class": everything(),
		"in sync":     report(outcome(storage, layers.InSync, "zvol", "tank/solana", 3), outcome(units, layers.InSync, "service", "docker.service", 9)),
		"applied":     applied(),
		"hosts": append(report(mount()),
			layers.HostReport{Host: "mia-sw01", Err: host.ErrUnreachable},
			layers.HostReport{Host: "lab1", Err: errors.Join(fmt.Errorf("%w: lab1 was rebooted", layers.ErrStale), host.ErrFenced)},
			layers.HostReport{Host: "was-sw01"}),
	}
	views := []struct {
		name string
		o    Options
	}{
		{"plan", Options{Verb: "plan"}},
		{"plan 100 columns", Options{Verb: "plan", Width: 100}},
		{"plan 50 columns", Options{Verb: "plan", Width: 50}},
		{"plan verbose", Options{Verb: "plan", Verbose: true, Width: 120}},
		{"plan wire", Options{Verb: "plan", Wire: true}},
		{"apply", Options{Verb: "apply", Width: 100}},
		{"check", Options{Verb: "check", Width: 100}},
		{"colour", Options{Verb: "plan", Color: true, Width: 100}},
	}
	for name, rep := range reports {
		t.Run(name, func(t *testing.T) {
			got, order := map[string]string{}, []string{}
			for _, v := range views {
				got[v.name] = render(t, rep, v.o)
				order = append(order, v.name)
			}
			golden(t, "text "+name, got, order)
		})
	}
}

func TestFormats(t *testing.T) {
	run := Run{Verb: "check", Started: began, Ended: began.Add(1234 * time.Millisecond), Exit: ExitDrift}
	rep := append(everything(), layers.HostReport{Host: "mia-sw01", Err: host.ErrUnreachable})
	for _, verb := range []string{"check", "drift"} {
		run.Verb = verb
		got := map[string]string{}
		for _, f := range Formats() {
			var b strings.Builder
			if err := Check(&b, f, New(run, rep), Options{Verb: verb, Width: 100}); err != nil {
				t.Fatal(err)
			}
			got[f] = b.String()
		}
		golden(t, "formats of "+verb, got, Formats())
	}
}

func TestInSyncIsOnlyASummary(t *testing.T) {
	rep := report(outcome(storage, layers.InSync, "zvol", "tank/solana", 3), outcome(units, layers.InSync, "service", "docker.service", 9))
	want := "  storage: 1 in sync\n  units: 1 in sync\nbiscayne: 2 in sync\n"
	for _, verb := range []string{"plan", "apply", "check", "drift"} {
		if got := render(t, rep, Options{Verb: verb, Width: 100}); got != want {
			t.Errorf("%s: got %q, want %q", verb, got, want)
		}
	}
}

func TestNothingIsColouredWithoutColour(t *testing.T) {
	plain := render(t, everything(), Options{Verb: "plan", Width: 100})
	if strings.Contains(plain, "\x1b") {
		t.Error("an escape sequence without Color")
	}
	coloured := render(t, everything(), Options{Verb: "plan", Width: 100, Color: true})
	for _, c := range []string{red, green, yellow, magenta, cyan, dim} {
		coloured = strings.ReplaceAll(coloured, "\x1b["+c+"m", "")
	}
	if got := strings.ReplaceAll(coloured, "\x1b[0m", ""); got != plain {
		t.Errorf("colour says more than the signs (-plain +coloured):\n%s", cmp.Diff(plain, got))
	}
}
