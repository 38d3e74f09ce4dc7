package plans

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"bisc/internal/source"
)

func faulty(t *testing.T) (*Plan, hcl.Diagnostics) {
	t.Helper()
	p, diags := Load(Options{
		Files:     []source.File{{Name: "x.bisc.hcl", Text: []byte("variable \"size\" {\n  default = \"1 GiBB\"\n}\nlayer \"storage\" {\n  on = \"lab\"\n  mount \"/a\" {\n\tsource = \"/dev/a\"\n\tfstype = \"xfs\"\n\tsize   = var.size\n  }\n}\n")}},
		Inventory: testInventory(t), Registry: testRegistry(),
	})
	if len(diags) != 1 {
		t.Fatal(diags)
	}
	return p, diags
}

func TestWriteDiagnosticsInColor(t *testing.T) {
	p, diags := faulty(t)
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, p.Files, diags, View{Color: true, Width: 60}); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1;31mError\x1b[0m: \x1b[1mInvalid size\x1b[0m\n" +
		"  x.bisc.hcl:9:11\n" +
		"    9 |  size   = \x1b[4mvar.size\x1b[0m\n" +
		"      |           \x1b[1;31m^^^^^^^^\x1b[0m\n" +
		"      var.size is \"1 GiBB\"\n" +
		"  \"1 GiBB\" is not a size: write a whole number of bytes or a\n" +
		"  number with K, M, G, T, P (powers of 1024), for example\n" +
		"  600GiB.\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDiagnosticsJSON(t *testing.T) {
	p, diags := faulty(t)
	var out bytes.Buffer
	if err := WriteDiagnosticsJSON(&out, p.Files, diags); err != nil {
		t.Fatal(err)
	}
	var got Diagnostics
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := Diagnostics{FormatVersion: "1", ErrorCount: 1, Diagnostics: []Diagnostic{{
		Severity: "error", Summary: "Invalid size", Detail: diags[0].Detail,
		Range:   &Range{Filename: "x.bisc.hcl", Start: Position{9, 11, 132}, End: Position{9, 19, 140}},
		Snippet: &Snippet{Code: "\tsize   = var.size", StartLine: 9, HighlightStartOffset: 10, HighlightEndOffset: 18, Values: []Value{{"var.size", `is "1 GiBB"`}}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDiagnosticsJSONOfNone(t *testing.T) {
	var out bytes.Buffer
	if err := WriteDiagnosticsJSON(&out, nil, nil); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"format_version\": \"1\",\n  \"valid\": true,\n  \"error_count\": 0,\n  \"warning_count\": 0,\n  \"diagnostics\": []\n}\n"; out.String() != want {
		t.Errorf("got %s", out.String())
	}
}

// A fault far into a megabyte in one line: the line is cut around it, on both sides.
func TestLongLine(t *testing.T) {
	text := "locals {\n  x = \"" + strings.Repeat("é", 200_000) + "${nope}" + strings.Repeat("b", 200_000) + "\"\n}\n"
	p, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Registry: testRegistry()})
	var out bytes.Buffer
	if err := WriteDiagnostics(&out, p.Files, diags, View{Width: 60}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if want := "    2 | ..." + strings.Repeat("é", 18) + "${nope}" + strings.Repeat("b", 19) + "..."; lines[2] != want {
		t.Errorf("got  %s\nwant %s", lines[2], want)
	}
	if want := "      | " + strings.Repeat(" ", 23) + "^^^^"; lines[3] != want {
		t.Errorf("got  %q\nwant %q", lines[3], want)
	}
}

func TestWarningWithoutPlace(t *testing.T) {
	var out bytes.Buffer
	err := WriteDiagnostics(&out, nil, hcl.Diagnostics{
		{Severity: hcl.DiagError, Summary: "Second", Subject: &hcl.Range{Filename: "gone.hcl", Start: hcl.Pos{Line: 3, Column: 2, Byte: 999}}},
		{Severity: hcl.DiagWarning, Summary: "First\nline", Detail: "of\ttwo\x1b[2J"},
	}, View{})
	if want := "Warning: First line\n  of two\\u{1b}[2J\n\nError: Second\n  gone.hcl:3:2\n"; err != nil || out.String() != want {
		t.Errorf("got %q, %v, want %q", out.String(), err, want)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriteDiagnosticsTellsOfAFullDisk(t *testing.T) {
	p, diags := faulty(t)
	if err := WriteDiagnostics(full{}, p.Files, diags, View{}); err == nil {
		t.Error("no error")
	}
}
