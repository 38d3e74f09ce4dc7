package plans

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
	"bisc/modules"
)

// spec is a kind with its attributes, worked out once a load.
type spec struct {
	kind  modules.Kind
	attrs []attribute
	names []string // with the meta-arguments, for suggestions
}

type attribute struct {
	modules.Attr
	byDefault cty.Value // NilVal: none
}

// Meta-arguments that every kind and every invariant has. No kind may have an attribute of these names.
const (
	metaForEach = "for_each"
	metaLabel   = "label"
	metaWhen    = "when"
)

func isMeta(name string) bool { return name == metaForEach || name == metaLabel || name == metaWhen }

// spec finds a kind; nil where there is none.
func (l *loader) spec(name string) *spec {
	if s, ok := l.specs[name]; ok {
		return s
	}
	kind, ok := l.opts.Registry.Lookup(name)
	if !ok {
		l.specs[name] = nil
		return nil
	}
	s := &spec{kind: kind, names: []string{metaForEach, metaLabel, metaWhen}}
	for _, a := range kind.Attrs() {
		s.names = append(s.names, a.Name)
		s.attrs = append(s.attrs, attribute{Attr: a, byDefault: defaultValue(a)})
	}
	l.specs[name] = s
	return s
}

func (s *spec) has(name string) bool {
	for _, a := range s.attrs {
		if a.Name == name {
			return true
		}
	}
	return false
}

// defaultValue reads a default, which a kind writes in the language's own form. A text that is no expression, or a bare
// word, stands for itself.
func defaultValue(a modules.Attr) cty.Value {
	text := a.Default
	if text == "" {
		return cty.NilVal
	}
	switch quoted := strings.HasPrefix(text, `"`); a.Type {
	case "string", "duration", "size", "mode", "text":
		if !quoted {
			return cty.StringVal(text)
		}
	}
	expr, diags := source.ParseExpression(source.File{Name: a.Name, Text: []byte(text)})
	if diags.HasErrors() {
		return cty.StringVal(text)
	}
	v, diags := evaluate(expr, nil)
	if diags.HasErrors() {
		return cty.StringVal(text)
	}
	return v
}

// CheckRegistry finds what is wrong with kinds: an attribute with the name of a meta-argument, or a default that does
// not fit its attribute. It is for the registry's test; Load takes a registry as it is.
func CheckRegistry(r modules.Registry) error {
	l := newLoader(Options{Registry: r})
	for _, k := range r.Kinds() {
		s := l.spec(k.Name)
		for _, a := range s.attrs {
			if isMeta(a.Name) {
				return fmt.Errorf("kind %s: the attribute %s has the name of a meta-argument", k.Name, a.Name)
			}
			if a.byDefault == cty.NilVal {
				continue
			}
			field := reflect.ValueOf(k.New("label")).Elem().Field(a.Index)
			if err := assign(field, a.byDefault); err != nil {
				return fmt.Errorf("kind %s: the default %s of %s: %w", k.Name, a.Default, a.Name, err)
			}
		}
	}
	return nil
}

// unknownKind reports a block in a stage's or layer's body that is no kind.
func (l *loader) unknownKind(b *hclsyntax.Block) {
	if b.Type == "stage" || b.Type == "layer" || b.Type == "runbook" || b.Type == "variable" || b.Type == "locals" || b.Type == "host" {
		l.fault(b.TypeRange, "Misplaced block", fmt.Sprintf("A %s block cannot stand here: this holds kinds and invariants.", b.Type))
		return
	}
	names := []string{"invariant"}
	for _, k := range l.opts.Registry.Kinds() {
		names = append(names, k.Name)
	}
	l.fault(b.TypeRange, "Unknown kind", fmt.Sprintf("There is no kind %q.%s", b.Type, source.DidYouMean(b.Type, names)))
}
