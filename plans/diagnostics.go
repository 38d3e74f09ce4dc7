package plans

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// View is how diagnostics are written.
type View struct {
	Color bool
	Width int // of the terminal, in columns; zero: lines are not wrapped, and long source lines are cut at 160
}

// WriteDiagnostics writes diagnostics for a person, by file and place: what is wrong, the line with a caret, the values
// of what the line names, and what to do. Secrets are masked, and nothing from a file reaches the terminal as a control.
func WriteDiagnostics(w io.Writer, files map[string]*hcl.File, diags hcl.Diagnostics, view View) error {
	out := bufio.NewWriter(w)
	for i, d := range byPlace(diags) {
		if i > 0 {
			fmt.Fprintln(out)
		}
		writeDiagnostic(out, files, d, view)
	}
	return out.Flush()
}

func byPlace(diags hcl.Diagnostics) hcl.Diagnostics {
	sorted := slices.Clone(diags)
	slices.SortStableFunc(sorted, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return cmp.Compare(bit(a.Subject != nil), bit(b.Subject != nil))
		}
		return cmp.Or(strings.Compare(a.Subject.Filename, b.Subject.Filename), cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte))
	})
	return sorted
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func writeDiagnostic(w io.Writer, files map[string]*hcl.File, d *hcl.Diagnostic, view View) {
	fmt.Fprintf(w, "%s: %s\n", view.paint(severityColor(d), severity(d)), view.paint(bold, oneLine(d.Summary)))
	if d.Subject != nil {
		fmt.Fprintf(w, "  %s:%d:%d\n", clean(d.Subject.Filename), d.Subject.Start.Line, d.Subject.Start.Column)
		if s, ok := snippetOf(files, *d.Subject); ok {
			writeSnippet(w, s, view)
		}
	}
	for _, v := range valuesOf(d) {
		fmt.Fprintf(w, "      %s is %s\n", v.Name, v.Value)
	}
	for _, l := range wrap(oneLine(d.Detail), view.Width-2) {
		fmt.Fprintf(w, "  %s\n", l)
	}
}

func writeSnippet(w io.Writer, s snippet, view View) {
	room := 160
	if view.Width > 0 {
		room = max(20, view.Width-10)
	}
	before, marked, after := s.window(room)
	number := fmt.Sprintf("%5d", s.line)
	fmt.Fprintf(w, "%s | %s%s%s\n", number, before, view.paint(underline, marked), after)
	fmt.Fprintf(w, "      | %s%s\n", strings.Repeat(" ", utf8.RuneCountInString(before)),
		view.paint(severityRed, strings.Repeat("^", max(1, utf8.RuneCountInString(marked)))))
}

// valuesOf is the values of what the faulty expression names, where they say something.
func valuesOf(d *hcl.Diagnostic) []Named {
	if d.Expression == nil || d.EvalContext == nil {
		return nil
	}
	var out []Named
	for _, v := range involved(d.Expression, d.EvalContext) {
		if v.Value != "(not known yet)" {
			out = append(out, v)
		}
	}
	return out
}

func severity(d *hcl.Diagnostic) string {
	if d.Severity == hcl.DiagWarning {
		return "Warning"
	}
	return "Error"
}

func severityColor(d *hcl.Diagnostic) string {
	if d.Severity == hcl.DiagWarning {
		return severityYellow
	}
	return severityRed
}

// SGR sequences of a terminal.
const (
	bold           = "1"
	underline      = "4"
	severityRed    = "1;31"
	severityYellow = "1;33"
)

func (v View) paint(sgr, s string) string {
	if !v.Color || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// oneLine is text without line breaks that is safe for a terminal.
func oneLine(s string) string { return clean(strings.Join(strings.Fields(s), " ")) }

// wrap breaks a line at spaces; width below 20 means not at all.
func wrap(s string, width int) []string {
	if s == "" {
		return nil
	}
	if width < 20 {
		return []string{s}
	}
	var lines []string
	line, length := "", 0
	for _, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		if line != "" && length+1+n > width {
			lines = append(lines, line)
			line, length = "", 0
		}
		if line != "" {
			line, length = line+" ", length+1
		}
		line, length = line+word, length+n
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
