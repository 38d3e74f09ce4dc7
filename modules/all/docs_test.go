package all

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"bisc/modules"
)

var update = flag.Bool("update", false, "rewrite docs/kinds.md from the kinds")

const kindsFile = "../../docs/kinds.md"

func TestKindsFileSaysWhatTheKindsSay(t *testing.T) {
	want := Markdown(Registry())
	if *update {
		if err := os.WriteFile(kindsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(kindsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/kinds.md is not what the kinds say: go test ./modules/all -update")
	}
}

func TestEveryKindIsWhole(t *testing.T) {
	for _, k := range Registry().Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			if k.Doc == "" || k.Label == "" || len(k.Checks) == 0 || k.Layer == "" || k.Platform == 0 {
				t.Errorf("the kind lacks Doc, Label, Checks, Layer or Platform: %+v", k)
			}
			if !strings.HasPrefix(k.Example, k.Name+` "`) {
				t.Errorf("its example is no block of it:\n%s", k.Example)
			}
			for _, a := range k.Attrs() {
				if a.Doc == "" {
					t.Errorf("attribute %s says nothing about itself", a.Name)
				}
			}
			for _, l := range k.Losses {
				if l.What == "" || l.When == "" || len(l.Guards) == 0 {
					t.Errorf("a loss without what, when or guards: %+v", l)
				}
			}
		})
	}
}

// A kind that offers absence removes something, and so must say what is lost; one that loses nothing must not destroy.
func TestAbsenceIsALoss(t *testing.T) {
	asserts := map[string]bool{"package": true} // absent there is only looked at
	for _, k := range Registry().Kinds() {
		for _, a := range k.Attrs() {
			if a.Name == "absent" && len(k.Losses) == 0 && !asserts[k.Name] {
				t.Errorf("%s has absent and no losses", k.Name)
			}
		}
	}
}

func TestLossTableHasALineALoss(t *testing.T) {
	n := 0
	for _, k := range Registry().Kinds() {
		n += len(k.Losses)
	}
	if lines := bytes.Count(LossTable(Registry()), []byte("\n")); lines != n+2 {
		t.Errorf("%d lines, want %d and the head", lines, n)
	}
}

func TestCellStaysInItsCell(t *testing.T) {
	r := modules.NewRegistry(modules.Kind{
		Name: "k", Losses: []modules.Loss{{What: "a|b", When: "c\nd", Guards: []string{"e", "f"}}},
		New: func(string) modules.Resource { return nil },
	})
	if got := string(LossTable(r)); !strings.Contains(got, `| a\|b | c d | e; f |`) {
		t.Errorf("got %s", got)
	}
}
