package plans

import (
	"bytes"
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"bisc/internal/source"
)

// Format lays a text out in the one way: it works on tokens, so that comments and their places stay. It does not change
// what the text means, and formatting twice changes nothing. A text that does not parse comes back as it is.
func Format(src []byte) []byte {
	out, diags := format(source.File{Name: "", Text: src})
	if diags.HasErrors() {
		return src
	}
	return out
}

// Formatted is a file and what Format makes of it.
type Formatted struct {
	source.File
	Out     []byte
	Changed bool
}

// FormatFiles formats files. Those that do not parse are left out, and the diagnostics, and the texts for them, tell why.
func FormatFiles(files []source.File) ([]Formatted, map[string]*hcl.File, hcl.Diagnostics) {
	var out []Formatted
	var diags hcl.Diagnostics
	texts := map[string]*hcl.File{}
	for _, f := range files {
		texts[f.Name] = &hcl.File{Bytes: f.Text}
		formatted, faults := format(f)
		diags = append(diags, faults...)
		if !faults.HasErrors() {
			out = append(out, Formatted{File: f, Out: formatted, Changed: !bytes.Equal(formatted, f.Text)})
		}
	}
	return out, texts, diags
}

// maxPasses is how often the layout is tried until it stays: hclwrite aligns what stands in columns anew when a line
// before it moved.
const maxPasses = 4

func format(f source.File) ([]byte, hcl.Diagnostics) {
	if _, diags := source.Parse(f); diags.HasErrors() {
		return f.Text, diags
	}
	if source.IsJSON(f.Name) {
		return indent(f.Text), nil
	}
	text := bytes.TrimPrefix(f.Text, []byte("\ufeff"))
	for range maxPasses {
		next := tidy(hclwrite.Format(text))
		if bytes.Equal(next, text) {
			return next, nil
		}
		text = next
	}
	return text, nil
}

// tidy ends a text with one new line.
func tidy(text []byte) []byte {
	text = bytes.TrimRight(text, "\n")
	if len(text) == 0 {
		return text
	}
	return append(text, '\n')
}

// indent lays JSON out: two spaces a level, keys in the order written.
func indent(text []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(text), "", "  "); err != nil {
		return text // hcl's parser takes nothing that is no JSON
	}
	return tidy(out.Bytes())
}
