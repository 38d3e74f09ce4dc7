package source

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Parse parses a file, in the JSON syntax where its name says so. The file is never nil, so that diagnostics can show its text; its body may be incomplete where
// there are errors, and is empty where the text was not given to the parser at all.
func Parse(f File) (*hcl.File, hcl.Diagnostics) {
	if diags := unreadable(f); diags.HasErrors() {
		return &hcl.File{Body: &hclsyntax.Body{}, Bytes: f.Text}, diags
	}
	if IsJSON(f.Name) {
		return parseJSON(f, "")
	}
	if diags := tooDeep(f, false); diags.HasErrors() {
		return &hcl.File{Body: &hclsyntax.Body{}, Bytes: f.Text}, diags
	}
	parsed, diags := hclsyntax.ParseConfig(f.Text, f.Name, hcl.InitialPos)
	if parsed == nil || parsed.Body == nil {
		return &hcl.File{Body: &hclsyntax.Body{}, Bytes: f.Text}, diags
	}
	return parsed, diags
}

// ParseValues parses a file of name = value lines: in JSON, one object.
func ParseValues(f File) (*hcl.File, hcl.Diagnostics) {
	if diags := unreadable(f); IsJSON(f.Name) && !diags.HasErrors() {
		return parseJSON(f, "values")
	}
	return Parse(f)
}

// ParseExpression parses a text that is one expression, as in a --set.
func ParseExpression(f File) (hclsyntax.Expression, hcl.Diagnostics) {
	if diags := refuse(f, false); diags.HasErrors() {
		return nil, diags
	}
	return hclsyntax.ParseExpression(f.Text, f.Name, hcl.InitialPos)
}

// ParseTemplate parses a text that is one template.
func ParseTemplate(f File) (hclsyntax.Expression, hcl.Diagnostics) {
	if diags := refuse(f, true); diags.HasErrors() {
		return nil, diags
	}
	return hclsyntax.ParseTemplate(f.Text, f.Name, hcl.InitialPos)
}

// Body is a parsed file's body.
func Body(f *hcl.File) *hclsyntax.Body {
	body, ok := f.Body.(*hclsyntax.Body)
	if !ok {
		return &hclsyntax.Body{}
	}
	return body
}

// refuse tells why a text is not given to the parser.
func refuse(f File, template bool) hcl.Diagnostics {
	if diags := unreadable(f); diags.HasErrors() {
		return diags
	}
	return tooDeep(f, template)
}

// unreadable tells why a text is none.
func unreadable(f File) hcl.Diagnostics {
	if len(f.Text) > MaxSize {
		return fault(f, 0, "File too large", fmt.Sprintf(
			"This file has %d bytes; at most %d are read. Split it, or keep large content in files of its own and read it with file().", len(f.Text), MaxSize))
	}
	if bytes.HasPrefix(f.Text, []byte{0xff, 0xfe}) || bytes.HasPrefix(f.Text, []byte{0xfe, 0xff}) {
		return fault(f, 0, "Not UTF-8", "This file is UTF-16. Save it as UTF-8.")
	}
	if at := bytes.IndexByte(f.Text, 0); at >= 0 {
		return fault(f, at, "NUL byte", "This file has a NUL byte here: it is not text, or it was cut short. Restore it from version control.")
	}
	if at := firstInvalid(f.Text); at >= 0 {
		return fault(f, at, "Not UTF-8", fmt.Sprintf("Byte 0x%02x is not UTF-8 here. Save the file as UTF-8.", f.Text[at]))
	}
	return nil
}

func firstInvalid(text []byte) int {
	if utf8.Valid(text) {
		return -1
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// fault is an error at one byte of a text.
func fault(f File, at int, summary, detail string) hcl.Diagnostics {
	before := f.Text[:at]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	start := hcl.Pos{Line: line, Column: column, Byte: at}
	end := hcl.Pos{Line: line, Column: column + 1, Byte: min(at+1, len(f.Text))}
	return hcl.Diagnostics{{
		Severity: hcl.DiagError, Summary: summary, Detail: detail,
		Subject: &hcl.Range{Filename: f.Name, Start: start, End: end},
	}}
}
