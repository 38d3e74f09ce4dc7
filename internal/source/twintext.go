package source

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// template is the expression that a JSON string holds. One that is a single ${...} is what stands in it, of any type.
func (t *twin) template(text string, at hcl.Range) hclsyntax.Expression {
	if !strings.Contains(text, "${") && !strings.Contains(text, "%{") {
		return &hclsyntax.TemplateExpr{Parts: []hclsyntax.Expression{&hclsyntax.LiteralValueExpr{Val: cty.StringVal(text), SrcRange: at}}, SrcRange: at}
	}
	e := t.parse(text, at, true, hclsyntax.ParseTemplate)
	if wrap, ok := e.(*hclsyntax.TemplateWrapExpr); ok {
		return wrap.Wrapped
	}
	return e
}

// typeOf is a variable's type: in JSON a string that holds the type's words.
func (t *twin) typeOf(e hcl.Expression) hclsyntax.Expression {
	v, _ := e.Value(nil)
	if v.IsNull() || v.Type() != cty.String {
		t.fault(e.Range(), "Not a type", "In JSON a type is a string: \"list(string)\".")
		return &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: e.Range()}
	}
	return t.parse(v.AsString(), e.Range(), false, hclsyntax.ParseExpression)
}

// parse parses the content of a JSON string and puts every place in it where it stands in the file.
func (t *twin) parse(text string, at hcl.Range, template bool, parser func([]byte, string, hcl.Pos) (hclsyntax.Expression, hcl.Diagnostics)) hclsyntax.Expression {
	none := &hclsyntax.LiteralValueExpr{Val: cty.DynamicVal, SrcRange: at}
	for _, d := range tooDeep(File{Name: t.file.Name, Text: []byte(text)}, template) {
		t.fault(at, d.Summary, d.Detail)
		return none
	}
	start := hcl.Pos{Line: at.Start.Line, Column: at.Start.Column + 1, Byte: at.Start.Byte + 1}
	e, diags := parser([]byte(text), t.file.Name, start)
	m := newPlaces(t.file.Text, at)
	for _, d := range diags {
		m.move(reflect.ValueOf(&d.Subject).Elem())
		m.move(reflect.ValueOf(&d.Context).Elem())
	}
	t.diags = append(t.diags, diags...)
	if e == nil || diags.HasErrors() {
		return none
	}
	m.move(reflect.ValueOf(e))
	return e
}

// places maps the places of a decoded string to those of the file: an escape is longer there, and a \n no new line.
type places struct {
	at   hcl.Range
	raw  []byte // between the quotes
	to   []int  // offset in raw of each decoded byte, and of the end
	seen map[uintptr]bool
}

func newPlaces(file []byte, at hcl.Range) *places {
	p := &places{at: at, seen: map[uintptr]bool{}}
	if at.End.Byte-1 <= at.Start.Byte || at.End.Byte > len(file) {
		return p
	}
	p.raw = file[at.Start.Byte+1 : at.End.Byte-1]
	for i := 0; i < len(p.raw); {
		n, size := 1, 1
		if p.raw[i] == '\\' {
			n, size = escape(p.raw[i:])
		}
		for range size {
			p.to = append(p.to, i)
		}
		i += n
	}
	p.to = append(p.to, len(p.raw))
	return p
}

// escape is the length of a JSON escape and of what it stands for, in bytes.
func escape(raw []byte) (n, size int) {
	if len(raw) < 6 || raw[1] != 'u' {
		return min(2, len(raw)), 1
	}
	n = 6
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' && (raw[2]|0x20) == 'd' && strings.IndexByte("89abAB", raw[3]) >= 0 {
		n = 12 // a pair of surrogates
	}
	var s string
	if err := json.Unmarshal([]byte(`"`+string(raw[:n])+`"`), &s); err != nil {
		return n, 1 // the parser has told already
	}
	return n, len(s)
}

func (p *places) pos(was hcl.Pos) hcl.Pos {
	i := was.Byte - p.at.Start.Byte - 1
	if i < 0 || i >= len(p.to) {
		return was
	}
	raw := p.to[i]
	return hcl.Pos{Line: p.at.Start.Line, Column: p.at.Start.Column + 1 + utf8.RuneCount(p.raw[:raw]), Byte: p.at.Start.Byte + 1 + raw}
}

// move corrects every range in a tree. Its nodes are of two dozen types, each with several ranges, and none has a method
// that sets them.
func (p *places) move(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || p.seen[v.Pointer()] {
			return
		}
		p.seen[v.Pointer()] = true
		p.move(v.Elem())
	case reflect.Interface:
		if e := v.Elem(); e.Kind() == reflect.Struct && v.CanSet() { // the steps of a traversal: only a copy can be changed
			moved := reflect.New(e.Type()).Elem()
			moved.Set(e)
			p.move(moved)
			v.Set(moved)
			return
		}
		p.move(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			p.move(v.Index(i))
		}
	case reflect.Struct:
		if r, ok := reflect.TypeAssert[hcl.Range](v); ok && v.CanSet() {
			r.Start, r.End = p.pos(r.Start), p.pos(r.End)
			v.Set(reflect.ValueOf(r))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				p.move(v.Field(i))
			}
		}
	}
}

// jsonTooDeep finds brackets that nest too deeply: the parser recurses once each.
func jsonTooDeep(f File) hcl.Diagnostics {
	depth, tokens, inString := 0, 0, false
	for i := 0; i < len(f.Text); i++ {
		switch c := f.Text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth, tokens = depth+1, tokens+1
		case c == '}' || c == ']':
			depth--
		case c == ',' || c == ':':
			tokens++
		}
		switch {
		case depth > maxDepth:
			return fault(f, i, "Nested too deeply", fmt.Sprintf("Brackets nest deeper than %d here.", maxDepth))
		case tokens > maxTokens:
			return fault(f, i, "File too large", fmt.Sprintf("This file has more than %d words and signs. Split it, or keep large data in files of its own and read it with file().", maxTokens))
		}
	}
	return nil
}
