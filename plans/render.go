package plans

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// clean makes text safe for a terminal: control characters, characters that turn the direction of writing or take no
// room, and bytes that are not UTF-8 are shown as escapes.
func clean(s string) string {
	if strings.IndexFunc(s, unsafeRune) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || r == '\t' || !unsafeRune(r):
			b.WriteString(s[i : i+size])
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
		i += size
	}
	return b.String()
}

func unsafeRune(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}

// render writes a value as the language does, at most about limit bytes of it, with secrets masked and nothing in it
// that a terminal would act on.
func render(v cty.Value, limit int) string {
	w := &renderer{limit: limit}
	w.value(v)
	return clean(w.b.String())
}

// unclipped is a value's whole text, secrets included: it is for digests only.
func unclipped(v cty.Value) string {
	v, _ = v.UnmarkDeep()
	w := &renderer{limit: math.MaxInt32}
	w.value(v)
	return w.b.String()
}

type renderer struct {
	b     strings.Builder
	limit int
}

func (w *renderer) value(v cty.Value) {
	switch {
	case v == cty.NilVal:
		w.b.WriteString("(none)")
		return
	case v.IsMarked():
		w.b.WriteString("(sensitive)")
		return
	case !v.IsKnown():
		w.b.WriteString("(not known yet)")
		return
	case v.IsNull():
		w.b.WriteString("null")
		return
	}
	switch t := v.Type(); {
	case t == cty.String:
		w.text(v.AsString())
	case t == cty.Number:
		w.b.WriteString(v.AsBigFloat().Text('f', -1))
	case t == cty.Bool:
		w.b.WriteString(strconv.FormatBool(v.True()))
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		w.elements("[", "]", v, false)
	case t.IsObjectType(), t.IsMapType():
		w.elements("{", "}", v, true)
	default:
		w.b.WriteString("(" + t.FriendlyName() + ")")
	}
}

func (w *renderer) text(s string) {
	if room := max(16, w.limit-w.b.Len()); len(s) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		fmt.Fprintf(&w.b, "%s... (%d bytes)", strconv.Quote(s[:cut]), len(s))
		return
	}
	w.b.WriteString(strconv.Quote(s))
}

func (w *renderer) elements(open, closing string, v cty.Value, keyed bool) {
	w.b.WriteString(open)
	if keyed && v.LengthInt() > 0 {
		w.b.WriteString(" ")
	}
	n := 0
	for it := v.ElementIterator(); it.Next(); n++ {
		if n > 0 {
			w.b.WriteString(", ")
		}
		if w.b.Len() > w.limit {
			fmt.Fprintf(&w.b, "... %d more", v.LengthInt()-n)
			break
		}
		k, e := it.Element()
		if keyed {
			w.b.WriteString(keyText(k.AsString()) + " = ")
		}
		w.value(e)
	}
	if keyed && n > 0 {
		w.b.WriteString(" ")
	}
	w.b.WriteString(closing)
}

func keyText(k string) string {
	if hclsyntax.ValidIdentifier(k) {
		return k
	}
	return strconv.Quote(k)
}

// Named is a name of an expression and its value as text, secrets masked.
type Named struct{ Name, Value string }

// involved is what an expression names and what those names stand for.
func involved(e hcl.Expression, ctx *hcl.EvalContext) []Named {
	var out []Named
	said := map[string]bool{}
	for _, t := range e.Variables() {
		name := traversalText(t)
		if said[name] || len(t) == 1 || len(t) == 2 && t.RootName() == "host" { // a whole host, or all of them, says nothing
			continue
		}
		said[name] = true
		if v, ok := traverse(t, ctx); ok {
			out = append(out, Named{name, render(v, 200)})
		}
	}
	return out
}

// traverse gives the value of a reference, if it has one.
func traverse(t hcl.Traversal, ctx *hcl.EvalContext) (v cty.Value, ok bool) {
	defer func() { // as in evaluate: what cty may do on odd values must not hide the diagnostic that is being written
		if recover() != nil {
			v, ok = cty.NilVal, false
		}
	}()
	if ctx == nil {
		return cty.NilVal, false
	}
	v, diags := t.TraverseAbs(ctx)
	return v, !diags.HasErrors()
}

func traversalText(t hcl.Traversal) string {
	var b strings.Builder
	for _, s := range t {
		switch s := s.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			b.WriteString("[" + render(s.Key, 100) + "]")
		default:
			b.WriteString("[*]")
		}
	}
	return b.String()
}
