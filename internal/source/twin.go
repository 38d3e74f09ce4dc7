package source

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// IsJSON tells a file of the language's JSON twin by its name.
func IsJSON(name string) bool { return strings.HasSuffix(name, ".json") }

// parseJSON parses the twin. hcl's own JSON parser reads the text; what it gives is then written as the tree that the
// native syntax has, so that whoever reads a plan sees one language: hcl's JSON bodies answer only to a schema, and a
// plan's kinds are not known to this package. of is the word whose body the file is, empty for a plan.
func parseJSON(f File, of string) (*hcl.File, hcl.Diagnostics) {
	empty := &hcl.File{Body: &hclsyntax.Body{}, Bytes: f.Text}
	if diags := jsonTooDeep(f); diags.HasErrors() {
		return empty, diags
	}
	root, diags := json.ParseExpression(f.Text, f.Name)
	if diags.HasErrors() {
		return empty, diags
	}
	t := &twin{file: f}
	body := t.body(t.parts(root), of)
	return &hcl.File{Body: body, Bytes: f.Text}, t.diags
}

// twin is one file's translation.
type twin struct {
	file  File
	diags hcl.Diagnostics
}

func (t *twin) fault(at hcl.Range, summary, detail string) {
	t.diags = append(t.diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at})
}

// body translates what stands between a block's braces: an object, or a list of objects, which keeps the order of blocks
// of different words and lets one word come twice. of is the block's word, empty at the top.
func (t *twin) body(parts []hcl.Expression, of string) *hclsyntax.Body {
	body := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	for _, part := range parts {
		body.SrcRange, body.EndRange = part.Range(), part.Range()
		pairs, diags := hcl.ExprMap(part)
		if diags.HasErrors() {
			t.fault(part.Range(), "Not an object", "What a block holds is an object, { ... }, or a list of objects.")
			continue
		}
		for _, p := range pairs {
			t.property(body, of, p)
		}
	}
	return body
}

// parts is the elements of a list, or the one that is no list.
func (t *twin) parts(e hcl.Expression) []hcl.Expression {
	if list, diags := hcl.ExprList(e); !diags.HasErrors() {
		return list
	}
	return []hcl.Expression{e}
}

// property is an attribute or blocks. The key "//" is a comment.
func (t *twin) property(body *hclsyntax.Body, of string, p hcl.KeyValuePair) {
	name := keyOf(p)
	switch {
	case name == "//":
	case t.isAttribute(of, name, p.Value):
		t.attribute(body, of, name, p)
	case labelled(of, name):
		for _, part := range t.parts(p.Value) {
			t.labels(body, name, p.Key.Range(), part)
		}
	case name == "locals":
		t.block(body, name, nil, nil, p.Key.Range(), t.parts(p.Value)...)
	default: // several validations: a list
		for _, part := range t.parts(p.Value) {
			t.block(body, name, nil, nil, p.Key.Range(), part)
		}
	}
}

// isAttribute decides by the place, then by the word, then by the form: a block's body is an object or a list of objects.
func (t *twin) isAttribute(of, name string, v hcl.Expression) bool {
	switch of {
	case "", "layer", "stage", "runbook", "invariant":
		return of != "" && name == "for_each" || !t.holdsObjects(v)
	case "variable":
		return name == "default" || name != "validation" && !t.holdsObjects(v)
	}
	return true
}

func (t *twin) holdsObjects(v hcl.Expression) bool {
	parts := t.parts(v)
	for _, part := range parts {
		if _, diags := hcl.ExprMap(part); diags.HasErrors() {
			return false
		}
	}
	return len(parts) > 0
}

// labelled tells blocks with a label after their word: all but locals and validation.
func labelled(of, name string) bool { return name != "locals" && of != "variable" }

// labels translates { LABEL: BODY, ... }. A body with for_each or label in it is one without a label of its own.
func (t *twin) labels(body *hclsyntax.Body, word string, at hcl.Range, e hcl.Expression) {
	pairs, diags := hcl.ExprMap(e)
	if diags.HasErrors() {
		t.fault(e.Range(), "Not an object", fmt.Sprintf("Write { \"LABEL\": { ... } } for a %s.", word))
		return
	}
	for _, p := range pairs {
		if name := keyOf(p); name == "for_each" || name == "label" {
			t.block(body, word, nil, nil, at, e)
			return
		}
	}
	for _, p := range pairs {
		if keyOf(p) == "//" {
			continue
		}
		for _, parts := range t.blocks(word, p.Value) {
			t.block(body, word, []string{keyOf(p)}, []hcl.Range{p.Key.Range()}, at, parts...)
		}
	}
}

// blocks is the bodies under one label: one, but of layers one for each object that has on.
func (t *twin) blocks(word string, e hcl.Expression) [][]hcl.Expression {
	var out [][]hcl.Expression
	for _, part := range t.parts(e) {
		if len(out) == 0 || word == "layer" && has(part, "on") && slices.ContainsFunc(out[len(out)-1], func(p hcl.Expression) bool { return has(p, "on") }) {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], part)
	}
	if len(out) == 0 { // []
		return [][]hcl.Expression{{e}}
	}
	return out
}

func has(e hcl.Expression, key string) bool {
	pairs, diags := hcl.ExprMap(e)
	return !diags.HasErrors() && slices.ContainsFunc(pairs, func(p hcl.KeyValuePair) bool { return keyOf(p) == key })
}

func (t *twin) block(body *hclsyntax.Body, word string, labels []string, at []hcl.Range, wordAt hcl.Range, parts ...hcl.Expression) {
	open := wordAt
	body.Blocks = append(body.Blocks, &hclsyntax.Block{
		Type: word, Labels: labels, Body: t.body(parts, word), TypeRange: wordAt, LabelRanges: at, OpenBraceRange: open, CloseBraceRange: open,
	})
}

func (t *twin) attribute(body *hclsyntax.Body, of, name string, p hcl.KeyValuePair) {
	if first, twice := body.Attributes[name]; twice {
		t.fault(p.Key.Range(), "Attribute redefined", fmt.Sprintf("The argument %q was already set at %s. Each argument may be set only once.", name, first.NameRange.String()))
		return
	}
	var expr hclsyntax.Expression
	if of == "variable" && name == "type" {
		expr = t.typeOf(p.Value)
	} else {
		expr = t.expression(p.Value)
	}
	body.Attributes[name] = &hclsyntax.Attribute{
		Name: name, Expr: expr, NameRange: p.Key.Range(), EqualsRange: p.Key.Range(), SrcRange: hcl.RangeBetween(p.Key.Range(), p.Value.Range()),
	}
}

// expression translates a value: of a string the template that it holds.
func (t *twin) expression(e hcl.Expression) hclsyntax.Expression {
	if list, diags := hcl.ExprList(e); !diags.HasErrors() {
		out := &hclsyntax.TupleConsExpr{SrcRange: e.Range(), OpenRange: e.Range()}
		for _, inner := range list {
			out.Exprs = append(out.Exprs, t.expression(inner))
		}
		return out
	}
	if pairs, diags := hcl.ExprMap(e); !diags.HasErrors() {
		return t.object(e.Range(), pairs)
	}
	v, _ := e.Value(nil) // a literal: without a scope a string is its own text, so that nothing can go wrong
	if v.IsNull() || v.Type() != cty.String {
		return &hclsyntax.LiteralValueExpr{Val: v, SrcRange: e.Range()}
	}
	return t.template(v.AsString(), e.Range())
}

func (t *twin) object(at hcl.Range, pairs []hcl.KeyValuePair) hclsyntax.Expression {
	out := &hclsyntax.ObjectConsExpr{SrcRange: at, OpenRange: at}
	seen := map[string]bool{}
	for _, p := range pairs {
		key := keyOf(p)
		if seen[key] {
			t.fault(p.Key.Range(), "Key written twice", fmt.Sprintf("This object has the key %q already.", key))
			continue
		}
		seen[key] = true
		out.Items = append(out.Items, hclsyntax.ObjectConsItem{
			KeyExpr:   &hclsyntax.ObjectConsKeyExpr{Wrapped: t.template(key, p.Key.Range()), ForceNonLiteral: true},
			ValueExpr: t.expression(p.Value),
		})
	}
	return out
}

// keyOf is a property's name as it is written.
func keyOf(p hcl.KeyValuePair) string {
	v, _ := p.Key.Value(nil) // a string
	return v.AsString()
}
