package plans

import (
	"encoding/json"
	"io"

	"github.com/hashicorp/hcl/v2"
)

// DiagnosticsFormat is the version of the JSON form of diagnostics.
const DiagnosticsFormat = "1"

// Diagnostics is the JSON form; its fields are those of Terraform's validate -json.
type Diagnostics struct {
	FormatVersion string       `json:"format_version"`
	Valid         bool         `json:"valid"`
	ErrorCount    int          `json:"error_count"`
	WarningCount  int          `json:"warning_count"`
	Diagnostics   []Diagnostic `json:"diagnostics"`
}

// Diagnostic is one of them.
type Diagnostic struct {
	Severity string   `json:"severity"` // error, warning
	Summary  string   `json:"summary"`
	Detail   string   `json:"detail"`
	Range    *Range   `json:"range,omitempty"`
	Snippet  *Snippet `json:"snippet,omitempty"`
}

// Range is where a fault is.
type Range struct {
	Filename string   `json:"filename"`
	Start    Position `json:"start"`
	End      Position `json:"end"`
}

// Position counts lines and columns (in characters) from 1 and bytes from 0.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// Snippet is the line of the fault; the offsets are bytes in Code. A line of more than 2 KiB is cut around the fault.
type Snippet struct {
	Code                 string  `json:"code"`
	StartLine            int     `json:"start_line"`
	HighlightStartOffset int     `json:"highlight_start_offset"`
	HighlightEndOffset   int     `json:"highlight_end_offset"`
	Values               []Value `json:"values"`
}

// Value is what a name in the faulty expression stands for; secrets are "(sensitive)".
type Value struct {
	Traversal string `json:"traversal"`
	Statement string `json:"statement"`
}

// WriteDiagnosticsJSON writes diagnostics for programs.
func WriteDiagnosticsJSON(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(DiagnosticsJSON(files, diags))
}

// DiagnosticsJSON gives the JSON form, by file and place.
func DiagnosticsJSON(files map[string]*hcl.File, diags hcl.Diagnostics) Diagnostics {
	out := Diagnostics{FormatVersion: DiagnosticsFormat, Valid: !diags.HasErrors(), Diagnostics: []Diagnostic{}}
	for _, d := range byPlace(diags) {
		j := Diagnostic{Severity: "error", Summary: d.Summary, Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			j.Severity = "warning"
			out.WarningCount++
		} else {
			out.ErrorCount++
		}
		if d.Subject != nil {
			j.Range = &Range{Filename: d.Subject.Filename, Start: Position(d.Subject.Start), End: Position(d.Subject.End)}
			j.Snippet = jsonSnippet(files, d)
		}
		out.Diagnostics = append(out.Diagnostics, j)
	}
	return out
}

func jsonSnippet(files map[string]*hcl.File, d *hcl.Diagnostic) *Snippet {
	s, ok := snippetOf(files, *d.Subject)
	if !ok {
		return nil
	}
	const room = 2048
	before, marked, after := s.before, s.marked, s.after
	if len(before)+len(marked)+len(after) > room {
		before, marked, after = s.window(room)
	}
	out := &Snippet{
		Code: before + marked + after, StartLine: s.line,
		HighlightStartOffset: len(before), HighlightEndOffset: len(before) + len(marked), Values: []Value{},
	}
	for _, v := range valuesOf(d) {
		out.Values = append(out.Values, Value{v.Name, "is " + v.Value})
	}
	return out
}
