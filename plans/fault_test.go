package plans

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"bisc/internal/source"
)

// corpus is every plan of the diagnostics' tests, in both syntaxes where it parses.
func corpus(t *testing.T) []source.File {
	t.Helper()
	archives, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []source.File
	for _, name := range archives {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(raw).Files {
			if !strings.HasSuffix(f.Name, Suffix) {
				continue
			}
			file := source.File{Name: f.Name, Text: f.Data}
			out = append(out, file)
			if twin, ok := toTwin(t, file); ok {
				out = append(out, twin)
			}
		}
	}
	return out
}

// spoil cuts, doubles, swaps and inserts, by a seed that a failure names.
func spoil(text []byte, r *rand.Rand) []byte {
	text = bytes.Clone(text)
	pieces := []string{"${", "}", "{", "\"", "[", "]", "<<E\n", "\x00", "\xff", "\u202e", "\x1b[2J", "%{ for x in y }", "for_each", "null", "-", "\\", "1e999999999", "..."}
	for range 1 + r.IntN(6) {
		at, to := r.IntN(len(text)+1), r.IntN(len(text)+1)
		at, to = min(at, to), max(at, to)
		switch r.IntN(4) {
		case 0:
			text = append(text[:at:at], text[min(to, at+40):]...)
		case 1:
			text = append(text[:to:to], text[at:]...)
		case 2:
			text = append(text[:at:at], append([]byte(pieces[r.IntN(len(pieces))]), text[at:]...)...)
		case 3:
			if len(text) > 0 {
				text[min(at, len(text)-1)] ^= byte(1 << r.IntN(8))
			}
		}
	}
	return text
}

// Texts that were plans until something happened to them: diagnostics or a plan, never a panic, and no more words than a
// person could want. BISC_FAULTS=all tries a hundred times as many.
func TestFaultF39_SpoiltPlans(t *testing.T) {
	files, times := corpus(t), 20
	if os.Getenv("BISC_FAULTS") == "all" {
		times = 2000
	}
	faulty := 0
	for i, f := range files {
		for seed := range times {
			text := spoil(f.Text, rand.New(rand.NewPCG(uint64(i), uint64(seed))))
			p, diags := Load(Options{Files: []source.File{{Name: f.Name, Text: text}}, Inventory: testInventory(t), Registry: testRegistry(), Env: func(string) (string, bool) { return "", false }})
			var out bytes.Buffer
			if err := WriteDiagnostics(&out, p.Files, diags, View{Width: 80}); err != nil {
				t.Fatal(err)
			}
			if diags.HasErrors() {
				faulty++
			}
			if strings.Contains(out.String(), "This is a fault in bisc") || len(diags) > max(200, 2*bytes.Count(text, []byte("\n"))) || strings.ContainsAny(out.String(), "\x1b\x00\u202e") {
				t.Fatalf("%s, seed %d: %d faults\n%.2000s\nof\n%s", f.Name, seed, len(diags), out.String(), text)
			}
		}
	}
	if faulty < len(files)*times/2 {
		t.Errorf("only %d of %d texts were faulty: are they spoilt at all?", faulty, len(files)*times)
	}
}

// Circles, and one label many times: each is told once, with its places.
func TestFaultF39_CirclesAndDuplicates(t *testing.T) {
	var text strings.Builder
	text.WriteString("locals {\n")
	for i := range 300 {
		fmt.Fprintf(&text, "  x%d = [local.x%d, local.x%d]\n", i, (i+1)%300, (i*7)%300)
	}
	text.WriteString("}\nlayer \"units\" {\n  on = \"lab\"\n")
	for range 300 {
		text.WriteString("  file \"/same\" {\n    content = \"x\"\n  }\n")
	}
	text.WriteString("}\n")
	_, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text.String())}}, Inventory: testInventory(t), Registry: testRegistry()})
	circles, twice := 0, 0
	for _, d := range diags {
		switch d.Summary {
		case "Local values in a circle":
			circles++
		case "Declared twice":
			twice++
		}
	}
	if circles == 0 || circles > 300 || twice != 299 || len(diags) > 700 {
		t.Errorf("%d circles and %d duplicates in %d faults", circles, twice, len(diags))
	}
}
