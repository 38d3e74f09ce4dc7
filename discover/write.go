package discover

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
	"bisc/plans"
)

// Files writes the plan, a file a layer, in the one form of bisc fmt.
func (f *Found) Files() (files []source.File) {
	for _, layer := range []string{"storage", "units"} {
		blocks := f.of(layer)
		if len(blocks) == 0 && layer != "storage" {
			continue
		}
		out := hclwrite.NewEmptyFile()
		f.head(out.Body(), layer)
		body := out.Body().AppendNewBlock("layer", []string{layer}).Body()
		body.SetAttributeValue("on", cty.StringVal(f.Host))
		for _, b := range blocks {
			body.AppendNewline()
			b.write(body)
		}
		if layer == "storage" {
			f.tail(out.Body())
		}
		files = append(files, source.File{Name: layer + plans.Suffix, Text: plans.Format(out.Bytes())})
	}
	return files
}

func (f *Found) of(layer string) (out []*Block) {
	for _, b := range f.Blocks {
		if b.Layer == layer {
			out = append(out, b)
		}
	}
	return out
}

// head says what the file is and what is wrong with the host.
func (f *Found) head(body *hclwrite.Body, layer string) {
	if layer != "storage" {
		comment(body, f.Host+", as bisc discover found it. "+remarkOf(layer))
		body.AppendNewline()
		return
	}
	comment(body, f.Host+", as bisc discover found it: "+f.Shape.String()+".")
	if v := f.Variants; v != nil {
		comment(body, v.String())
	}
	comment(body, remarkOf(layer))
	body.AppendNewline()
}

func remarkOf(layer string) string {
	if layer == "storage" {
		return "Where the host is not as it ought to be, the block says how it ought to be, and a comment \"now\" what is: bisc plan shows these as differences."
	}
	return "Files are as they were found, \"now\" marks what is not as it ought to be."
}

// tail lists what is not in the plan, and what is not known.
func (f *Found) tail(body *hclwrite.Body) {
	last := State("")
	for _, r := range f.Remarks {
		if r.State != last {
			body.AppendNewline()
			comment(body, map[State]string{Unknown: "Unknown: it could not be read, and may well be there.", Outside: "On the host, and not in the plan:",
				Ephemeral: "Runs or holds now, is not in the plan, and would not survive a reboot:"}[r.State])
		}
		last = r.State
		comment(body, "  "+r.Subject+" "+r.Name+": "+r.Why)
	}
}

// comment writes one line.
func comment(body *hclwrite.Body, text string) {
	body.AppendUnstructuredTokens(hclwrite.Tokens{{Type: hclsyntax.TokenComment, Bytes: []byte("# " + plain(text) + "\n")}})
}

// plain is a text on one line, in which nothing acts on a terminal, of at most 400 characters.
func plain(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimRight(text, "\n") {
		if n++; n > 400 {
			return b.String() + "…"
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// write writes the block with its comments.
func (b *Block) write(body *hclwrite.Body) {
	for _, n := range b.Notes {
		comment(body, n)
	}
	for _, n := range b.Faults {
		comment(body, "now: "+n)
	}
	for _, n := range b.Differs {
		comment(body, "bisc plan: "+n)
	}
	if b.Unknown != "" {
		comment(body, "unknown: "+b.Unknown)
	}
	inner := body.AppendNewBlock(b.Kind, []string{b.Label}).Body()
	for _, a := range b.Attrs {
		if t, ok := a.Value.(Text); ok {
			inner.SetAttributeRaw(a.Name, textTokens(string(t)))
			continue
		}
		inner.SetAttributeRaw(a.Name, hclwrite.TokensForValue(valueOf(a.Value)))
	}
}

func valueOf(v any) cty.Value {
	switch v := v.(type) {
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case Number:
		return cty.NumberUIntVal(uint64(v))
	case []string:
		all := make([]cty.Value, len(v))
		for i, s := range v {
			all[i] = cty.StringVal(s)
		}
		return cty.TupleVal(all)
	case map[string]string:
		return object(v, cty.StringVal)
	case map[string][]string:
		return object(v, func(l []string) cty.Value { return valueOf(l) })
	case map[string]map[string][]string:
		return object(v, func(m map[string][]string) cty.Value { return valueOf(m) })
	}
	panic(fmt.Sprintf("discover: no value of type %T is written", v)) // a programmer's mistake
}

func object[T any](m map[string]T, of func(T) cty.Value) cty.Value {
	all := map[string]cty.Value{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all[k] = of(m[k])
	}
	return cty.ObjectVal(all)
}

// textTokens is a text of several lines as a heredoc, where that reads back as the same text and nothing in it acts on a
// terminal; else it is a quoted string, with escapes.
func textTokens(text string) hclwrite.Tokens {
	acts := func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }
	if strings.Count(text, "\n") > 1 && strings.HasSuffix(text, "\n") && !strings.ContainsFunc(text, acts) {
		word := "EOT"
		for n := 1; strings.Contains(text, word); n++ {
			word = fmt.Sprintf("EOT%d", n)
		}
		raw := "<<" + word + "\n" + strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text) + word
		if readsAs(raw+"\n", text) {
			return hclwrite.Tokens{{Type: hclsyntax.TokenOHeredoc, Bytes: []byte(raw)}}
		}
	}
	return hclwrite.TokensForValue(cty.StringVal(text))
}

// readsAs tells whether an expression is this text once it is read.
func readsAs(raw, text string) bool {
	expr, diags := hclsyntax.ParseExpression([]byte(raw), "", hcl.InitialPos)
	if diags.HasErrors() {
		return false
	}
	v, diags := expr.Value(nil)
	return !diags.HasErrors() && v.Type() == cty.String && v.AsString() == text
}
