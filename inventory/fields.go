package inventory

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

func (d *decoder) string(a *hclsyntax.Attribute, v cty.Value) (string, bool) {
	if v.Type() != cty.String {
		d.invalid(a, fmt.Errorf("%s is a string in quotes, not a %s", a.Name, v.Type().FriendlyName()))
		return "", false
	}
	return v.AsString(), true
}

func (d *decoder) bool(a *hclsyntax.Attribute, v cty.Value) *bool {
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() {
		d.invalid(a, fmt.Errorf("%s is true or false, not a %s", a.Name, v.Type().FriendlyName()))
		return nil
	}
	out := b.True()
	return &out
}

func (d *decoder) number(a *hclsyntax.Attribute, v cty.Value) (int, bool) {
	n, err := convert.Convert(v, cty.Number)
	if err == nil && !n.IsNull() {
		if i, accuracy := n.AsBigFloat().Int64(); accuracy == 0 && i >= math.MinInt32 && i <= math.MaxInt32 {
			return int(i), true
		}
	}
	d.invalid(a, fmt.Errorf("%s is a whole number", a.Name))
	return 0, false
}

func text(at func(*Host) *string, check func(string) error) field {
	return func(d *decoder, a *hclsyntax.Attribute, v cty.Value) {
		s, ok := d.string(a, v)
		if !ok {
			return
		}
		if err := check(s); err != nil {
			d.invalid(a, err)
			return
		}
		*at(d.host) = s
	}
}

// list reads a string or a list of strings.
func list(at func(*Host) *[]string, check func(string) error, as func(*hclsyntax.Attribute, string) string) field {
	return func(d *decoder, a *hclsyntax.Attribute, v cty.Value) {
		if v.Type() == cty.String {
			v = cty.TupleVal([]cty.Value{v})
		}
		if !v.Type().IsTupleType() {
			d.invalid(a, fmt.Errorf("%s is a string or a list of strings, not a %s", a.Name, v.Type().FriendlyName()))
			return
		}
		for _, e := range v.AsValueSlice() {
			s, ok := d.string(a, e)
			if !ok {
				return
			}
			if err := check(s); err != nil {
				d.invalid(a, err)
				return
			}
			*at(d.host) = append(*at(d.host), as(a, s))
		}
	}
}

func asIs(_ *hclsyntax.Attribute, s string) string { return s }

// besideFile makes a path relative to the folder of the file that says it; ~/ stays for Decide, which knows the home.
func besideFile(a *hclsyntax.Attribute, s string) string {
	if filepath.IsAbs(s) || s == "~" || strings.HasPrefix(s, "~/") {
		return s
	}
	return filepath.Join(filepath.Dir(a.SrcRange.Filename), s)
}
