package plans

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"golang.org/x/tools/txtar"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/modules/all"
)

// object is JSON in the order written, with a name as often as it is given.
type object []property

type property struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s", name, value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// toTwin writes a file of the native syntax as JSON, as docs/language.md says. ok is false where it does not parse.
func toTwin(t *testing.T, f source.File) (twin source.File, ok bool) {
	t.Helper()
	parsed, diags := source.Parse(f)
	if diags.HasErrors() {
		return f, false
	}
	text, err := json.MarshalIndent(twinBody(f.Text, source.Body(parsed), ""), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return source.File{Name: strings.TrimSuffix(f.Name, ".hcl") + ".json", Text: append(text, '\n')}, true
}

// twinBody is a list of objects with one property each: that alone keeps the order of blocks of different words.
func twinBody(text []byte, b *hclsyntax.Body, of string) []any {
	out := []any{object{{"//", "comments stand under this name"}}}
	for _, a := range inOrder(b.Attributes) {
		out = append(out, object{{a.Name, twinValue(text, of, a)}})
	}
	for _, inner := range b.Blocks {
		var v any = twinBody(text, inner.Body, inner.Type)
		if _, computed := inner.Body.Attributes["label"]; len(inner.Labels) == 0 || computed {
			flat := object{}
			for _, part := range v.([]any) {
				flat = append(flat, part.(object)...)
			}
			v = flat
		}
		for _, label := range slices.Backward(inner.Labels) {
			v = object{{label, v}}
		}
		out = append(out, object{{inner.Type, v}})
	}
	return out
}

func twinValue(text []byte, of string, a *hclsyntax.Attribute) any {
	if of == "variable" && a.Name == "type" {
		return string(a.Expr.Range().SliceBytes(text))
	}
	return twinExpression(text, a.Expr)
}

func twinExpression(text []byte, e hclsyntax.Expression) any {
	switch e := e.(type) {
	case *hclsyntax.TupleConsExpr:
		list := []any{}
		for _, inner := range e.Exprs {
			list = append(list, twinExpression(text, inner))
		}
		return list
	case *hclsyntax.TemplateExpr, *hclsyntax.LiteralValueExpr:
		v, diags := e.Value(nil)
		if len(e.Variables()) == 0 && !diags.HasErrors() && v.Type() == cty.String {
			return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v.AsString())
		}
		if v == cty.True || v == cty.False {
			return v.True()
		}
	}
	return "${" + string(e.Range().SliceBytes(text)) + "}"
}

// The real plan written as JSON, wholly or one file of it, wants the same things: the digest covers every address, every
// value, every condition and their order.
func TestTheRealPlansTwin(t *testing.T) {
	files, err := source.Read(Suffix, "biscayne")
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := source.Read(".hcl", "../inventory/lab.hcl")
	if err != nil {
		t.Fatal(err)
	}
	want := twinLoad(t, files, hosts)
	twins := make([]source.File, len(files))
	for i, f := range files {
		twins[i], _ = toTwin(t, f)
		mixed := slices.Clone(files)
		mixed[i] = twins[i]
		if got := twinLoad(t, mixed, hosts); got.Digest != want.Digest {
			t.Errorf("with %s the plan is another: %s", twins[i].Name, cmp.Diff(want.Addresses(), got.Addresses()))
		}
	}
	hostsTwin, _ := toTwin(t, hosts[0])
	got := twinLoad(t, twins, []source.File{hostsTwin})
	if got.Digest != want.Digest || len(got.Stages) == 0 {
		t.Errorf("the twin is another plan: %s", cmp.Diff(want.Addresses(), got.Addresses()))
	}
}

func twinLoad(t *testing.T, files, hosts []source.File) *Plan {
	t.Helper()
	inv, diags := inventory.Load(hosts...)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	p, diags := Load(Options{Files: files, Inventory: inv, Registry: all.Registry(), Root: "biscayne"})
	if len(diags) > 0 {
		var out bytes.Buffer
		_ = WriteDiagnostics(&out, p.Files, diags, View{})
		t.Fatal(out.String())
	}
	return p
}

// Every fault of the native syntax's own tests is told of the twin with the same words.
func TestTheTwinsDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/diagnostics/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	// Blocks without the label that they need, with one too many, and blocks where there can be none have no form in JSON.
	formless := []string{"for_each.txtar", "missing.txtar", "runbooks.txtar", "unknown_words.txtar"}
	compared := 0
	for _, name := range archives {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if said, twin, ok := bothDiagnose(t, txtar.Parse(raw)); ok && !slices.Contains(formless, filepath.Base(name)) {
			compared += len(said)
			if diff := cmp.Diff(said, twin); diff != "" {
				t.Errorf("%s: %s", filepath.Base(name), diff)
			}
		}
	}
	if compared < 80 {
		t.Errorf("only %d faults were compared", compared)
	}
}

// bothDiagnose loads an archive's plan in both syntaxes and gives what is said, without places.
func bothDiagnose(t *testing.T, archive *txtar.Archive) (said, twin []string, ok bool) {
	t.Helper()
	var files, twins []source.File
	for _, f := range archive.Files {
		if !strings.HasSuffix(f.Name, Suffix) {
			continue
		}
		file := source.File{Name: f.Name, Text: f.Data}
		other, ok := toTwin(t, file)
		if !ok {
			return nil, nil, false
		}
		files, twins = append(files, file), append(twins, other)
	}
	return summaries(t, files), summaries(t, twins), true
}

func summaries(t *testing.T, files []source.File) []string {
	t.Helper()
	_, diags := Load(Options{Files: files, Inventory: testInventory(t), Registry: testRegistry(), Env: func(string) (string, bool) { return "", false }})
	places := regexp.MustCompile(`[\w./]+\.bisc\.(hcl|json):[\d,-]+`)
	var out []string
	for _, d := range diags {
		out = append(out, places.ReplaceAllString(d.Summary+": "+d.Detail, "PLACE"))
	}
	slices.Sort(out)
	return out
}

// The caret stands under what is meant, also behind escapes.
func TestTheTwinsPlaces(t *testing.T) {
	text := "{\n  \"layer\": { \"units\": {\n    \"on\": \"lab\",\n    \"file\": { \"/x\": { \"content\": \"\\u00e9\\n\\\"\\ud83d\\ude00 ${var.nope} \\\"\" } }\n  } }\n}\n"
	p, diags := Load(Options{Files: []source.File{{Name: "x.bisc.json", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry()})
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, p.Files, diags, View{}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(diags) != 1 || len(lines) < 4 || diags[0].Subject.Start.Line != 4 {
		t.Fatal(out.String())
	}
	if from, to := strings.Index(lines[3], "^"), strings.LastIndex(lines[3], "^"); lines[2][from:to+1] != "var.nope" {
		t.Errorf("the caret is under %q:\n%s", lines[2][from:to+1], out.String())
	}
}

// What is no twin is told with its place, and nothing of it panics or recurses without end.
func TestTheTwinsFaults(t *testing.T) {
	for text, want := range map[string]string{
		`[1]`:                  "What a block holds is an object",
		`{"layer": "storage"}`: "A plan file holds blocks only",
		`{"layer": {"storage": {"on": "lab", "on": "lab"}}}`:                                                             "was already set at",
		`{"layer": {"units": {"on": "lab", "file": {"/x": {"content": "${"}}}}}`:                                         "x.bisc.json:1",
		`{"layer": {"units": {"on": "lab", "file": 5}}}`:                                                                 "has no attribute \"file\"",
		`{"locals": {"a": {"b": 1, "b": 2}}}`:                                                                            "has the key \"b\" already",
		`{"variable": {"v": {"type": 5, "default": 1}}}`:                                                                 "a type is a string",
		`{"locals": {"a": ` + strings.Repeat("[", 100000) + strings.Repeat("]", 100000) + `}}`:                           "Brackets nest deeper than 100",
		`{"locals": {"a": "${` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}"}}`:                          "Brackets nest deeper than 100",
		`{"locals": {"a": ` + strings.Repeat("[", 50) + `}}`:                                                             "x.bisc.json:1",
		`{"locals": {"a": 1}} x`:                                                                                         "x.bisc.json:1",
		`{"layer": {"units": {"on": "lab", "file": [{"for_each": {"/a": 1}, "content": "${each.value}", "bogus": 1}]}}}`: "has no attribute \"bogus\"",
	} {
		p, diags := Load(Options{Files: []source.File{{Name: "x.bisc.json", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry()})
		var out bytes.Buffer
		if err := WriteDiagnostics(&out, p.Files, diags, View{}); err != nil {
			t.Fatal(err)
		}
		if !diags.HasErrors() || !strings.Contains(out.String(), want) {
			t.Errorf("%.80s: no %q in\n%.500s", text, want, out.String())
		}
	}
}

func TestFormatTwin(t *testing.T) {
	in := source.File{Name: "x.bisc.json", Text: []byte("{\"locals\":{\"b\":1,\n\"a\":[1,2]}}")}
	out, _, diags := FormatFiles([]source.File{in})
	want := "{\n  \"locals\": {\n    \"b\": 1,\n    \"a\": [\n      1,\n      2\n    ]\n  }\n}\n"
	if len(diags) > 0 || string(out[0].Out) != want || !out[0].Changed {
		t.Fatalf("%v\n%s", diags, out[0].Out)
	}
	in.Text = out[0].Out
	if again, _, _ := FormatFiles([]source.File{in}); again[0].Changed {
		t.Errorf("a second time:\n%s", again[0].Out)
	}
}

func FuzzTwin(f *testing.F) {
	f.Add(`{"layer": {"units": [{"on": "lab"}, {"file": {"/x": {"content": "a\u00e9${var.x}\n"}}}]}, "locals": {"a": null}}`)
	f.Add(`[{"variable": {"x": {"type": "list(string)", "validation": [{"condition": "${true}"}]}}}]`)
	f.Fuzz(func(t *testing.T, text string) {
		p, diags := Load(Options{Files: []source.File{{Name: "x.bisc.json", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry()})
		if err := WriteDiagnostics(&bytes.Buffer{}, p.Files, diags, View{}); err != nil {
			t.Fatal(err)
		}
	})
}
