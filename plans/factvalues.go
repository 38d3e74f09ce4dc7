package plans

import (
	"reflect"

	"github.com/zclconf/go-cty/cty"

	"bisc/modules/facts"
)

// factTypes is fact.* with the right types and unknown values, for checks before any host is asked.
func factTypes() cty.Value {
	out := map[string]cty.Value{}
	for _, f := range facts.All() {
		out[f.Name] = unknownOf(reflect.TypeOf(f.Zero))
	}
	return cty.ObjectVal(out)
}

// unknownOf keeps structs open, so that a field that is not there is found.
func unknownOf(t reflect.Type) cty.Value {
	if t.Kind() != reflect.Struct {
		return cty.UnknownVal(typeOf(t))
	}
	attrs := map[string]cty.Value{}
	for i := range t.NumField() {
		attrs[t.Field(i).Tag.Get("fact")] = unknownOf(t.Field(i).Type)
	}
	return cty.ObjectVal(attrs)
}

func typeOf(t reflect.Type) cty.Type {
	switch t.Kind() {
	case reflect.String:
		return cty.String
	case reflect.Bool:
		return cty.Bool
	case reflect.Slice:
		return cty.List(typeOf(t.Elem()))
	case reflect.Struct:
		attrs := map[string]cty.Type{}
		for i := range t.NumField() {
			attrs[t.Field(i).Tag.Get("fact")] = typeOf(t.Field(i).Type)
		}
		return cty.Object(attrs)
	}
	return cty.Number
}

func factValues(known map[string]any) cty.Value {
	out := map[string]cty.Value{}
	for name, v := range known {
		out[name] = factValue(reflect.ValueOf(v))
	}
	return cty.ObjectVal(out)
}

func factValue(v reflect.Value) cty.Value {
	switch v.Kind() {
	case reflect.String:
		return cty.StringVal(v.String())
	case reflect.Bool:
		return cty.BoolVal(v.Bool())
	case reflect.Int, reflect.Int64:
		return cty.NumberIntVal(v.Int())
	case reflect.Float64:
		return cty.NumberFloatVal(v.Float())
	case reflect.Slice:
		if v.Len() == 0 {
			return cty.ListValEmpty(typeOf(v.Type().Elem()))
		}
		out := make([]cty.Value, v.Len())
		for i := range out {
			out[i] = factValue(v.Index(i))
		}
		return cty.ListVal(out)
	}
	attrs := map[string]cty.Value{}
	for i := range v.NumField() {
		attrs[v.Type().Field(i).Tag.Get("fact")] = factValue(v.Field(i))
	}
	return cty.ObjectVal(attrs)
}
