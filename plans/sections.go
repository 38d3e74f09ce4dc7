package plans

import (
	"encoding"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"

	"bisc/modules"
)

func assignMap(to *map[string]string, v cty.Value) error {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return fmt.Errorf("an object is wanted, not %s: write { name = value }", friendly(v.Type()))
	}
	out := map[string]string{}
	for k, e := range v.AsValueMap() {
		var s string
		if e.IsNull() {
			continue
		}
		if err := assignString(&s, e); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		out[k] = s
	}
	*to = out
	return nil
}

func assignDuration(to *time.Duration, v cty.Value) error {
	if v.Type() != cty.String {
		return fmt.Errorf("a time in quotes with its unit is wanted, for example \"90s\" or \"5m\", not %s", friendly(v.Type()))
	}
	d, err := time.ParseDuration(v.AsString())
	if err != nil || d < 0 {
		return fmt.Errorf("%q is not a time: write a number with its unit, for example \"90s\" or \"5m\"", v.AsString())
	}
	*to = d
	return nil
}

func assignUnmarshaler(to encoding.TextUnmarshaler, v cty.Value) error {
	var s string
	if v.Type() != cty.String && v.Type() != cty.Number {
		return fmt.Errorf("a string or a number is wanted, not %s", friendly(v.Type()))
	}
	if err := assignString(&s, v); err != nil {
		return err
	}
	return to.UnmarshalText([]byte(s))
}

func assignSections(to *modules.Sections, v cty.Value) error {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return fmt.Errorf("sections are an object of objects, not %s: write { Unit = { After = \"x.service\" } }", friendly(v.Type()))
	}
	out := modules.Sections{}
	for name, e := range v.AsValueMap() {
		if e.IsNull() {
			continue
		}
		var section modules.Section
		if err := assignSection(&section, e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out[name] = section
	}
	*to = out
	return nil
}

// assignSection takes for each directive a string, a number, a bool, or a list of these.
func assignSection(to *modules.Section, v cty.Value) error {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() {
		return fmt.Errorf("a section is an object, not %s: write { After = \"x.service\" }", friendly(v.Type()))
	}
	out := modules.Section{}
	for name, e := range v.AsValueMap() {
		if e.IsNull() {
			continue
		}
		var values []string
		if e.Type().IsPrimitiveType() {
			e = cty.TupleVal([]cty.Value{e})
		}
		if err := assignList(&values, e); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out[name] = values
	}
	*to = out
	return nil
}
