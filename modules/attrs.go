package modules

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Attr is one attribute of a kind, as its struct tags say.
type Attr struct {
	Name     string
	Type     string // as docs/kinds.md says it: string, bool, number, list of string, size, mode, duration, text, sections
	Required bool
	Default  string // in the language's own form, empty for none
	Doc      string
	Index    int // the field's place in the struct
}

// Attrs lists a kind's attributes in the order of its struct's fields. It panics on a field type that the language
// cannot fill: a programmer's mistake, found by the registry's test.
func (k Kind) Attrs() []Attr {
	t := reflect.TypeOf(k.New("")).Elem()
	var out []Attr
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("hcl")
		if !ok {
			continue
		}
		name, rest, _ := strings.Cut(tag, ",")
		out = append(out, Attr{
			Name: name, Type: typeName(k, f), Required: rest != "optional",
			Default: f.Tag.Get("default"), Doc: f.Tag.Get("doc"), Index: i,
		})
	}
	return out
}

func typeName(k Kind, f reflect.StructField) string {
	switch reflect.New(f.Type).Interface().(type) {
	case *string:
		return "string"
	case *bool, **bool:
		return "bool"
	case *int, **int, *int64, *ID:
		return "number"
	case *[]string:
		return "list of string"
	case *map[string]string:
		return "map of string"
	case *time.Duration:
		return "duration"
	case *Bytes:
		return "size"
	case *Mode:
		return "mode"
	case *Text:
		return "text"
	case *Sections, *Section:
		return "sections"
	case encoding.TextUnmarshaler:
		return "string"
	}
	panic(fmt.Sprintf("modules: kind %s: field %s has type %s, which no attribute can fill", k.Name, f.Name, f.Type))
}
