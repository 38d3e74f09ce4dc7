package plans

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"bisc/modules"
)

// errSecret is a secret where one would be shown.
var errSecret = errors.New("a sensitive value")

// assign puts a known value that is not null into a field of a kind. The set of types is that of modules.Kind.Attrs.
func assign(field reflect.Value, v cty.Value) error {
	if text, ok := field.Addr().Interface().(*modules.Text); ok {
		return assignText(text, v)
	}
	if v.ContainsMarked() {
		return errSecret
	}
	switch to := field.Addr().Interface().(type) {
	case *string:
		return assignString(to, v)
	case *bool:
		return assignBool(to, v)
	case **bool:
		*to = new(bool)
		return assignBool(*to, v)
	case *int:
		return assignInt(to, v)
	case **int:
		*to = new(int)
		return assignInt(*to, v)
	case *int64:
		n, err := whole(v)
		*to = n
		return err
	case *[]string:
		return assignList(to, v)
	case *map[string]string:
		return assignMap(to, v)
	case *time.Duration:
		return assignDuration(to, v)
	case *modules.Sections:
		return assignSections(to, v)
	case *modules.Section:
		return assignSection(to, v)
	case encoding.TextUnmarshaler:
		return assignUnmarshaler(to, v)
	}
	return fmt.Errorf("bisc's own fault: a field of type %s", field.Type())
}

func assignText(to *modules.Text, v cty.Value) error {
	v, marks := v.Unmark()
	var s string
	if err := assignAny(&s, v, "text"); err != nil {
		return err
	}
	*to = modules.Text{Value: s, Secret: len(marks) > 0}
	return nil
}

func assignString(to *string, v cty.Value) error {
	if err := assignAny(to, v, "a string in quotes"); err != nil {
		return err
	}
	if strings.ContainsRune(*to, 0) {
		return errors.New("it has a NUL character in it, which no path, argument or setting can have")
	}
	return nil
}

// assignAny takes a string, a number or a bool.
func assignAny(to *string, v cty.Value, want string) error {
	if !v.Type().IsPrimitiveType() {
		return fmt.Errorf("%s is wanted, not %s", want, friendly(v.Type()))
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil || s.IsNull() {
		return fmt.Errorf("%s is wanted, not %s", want, friendly(v.Type()))
	}
	*to = s.AsString()
	return nil
}

func assignBool(to *bool, v cty.Value) error {
	b, err := convert.Convert(v, cty.Bool)
	if err != nil || b.IsNull() {
		return fmt.Errorf("true or false is wanted, not %s", friendly(v.Type()))
	}
	*to = b.True()
	return nil
}

func assignInt(to *int, v cty.Value) error {
	n, err := whole(v)
	*to = int(n)
	return err
}

func whole(v cty.Value) (int64, error) {
	n, err := convert.Convert(v, cty.Number)
	if err != nil || n.IsNull() {
		return 0, fmt.Errorf("a whole number is wanted, not %s", friendly(v.Type()))
	}
	i, accuracy := n.AsBigFloat().Int64()
	if accuracy != big.Exact || i == math.MaxInt64 {
		return 0, errors.New("a whole number is wanted")
	}
	return i, nil
}

func assignList(to *[]string, v cty.Value) error {
	if !v.Type().IsTupleType() && !v.Type().IsListType() && !v.Type().IsSetType() {
		return fmt.Errorf("a list is wanted, not %s: write [...]", friendly(v.Type()))
	}
	out := make([]string, 0, v.LengthInt())
	for _, e := range v.AsValueSlice() {
		var s string
		if e.IsNull() {
			return fmt.Errorf("element %d is null", len(out))
		}
		if err := assignString(&s, e); err != nil {
			return fmt.Errorf("element %d: %w", len(out), err)
		}
		out = append(out, s)
	}
	*to = out
	return nil
}

func friendly(t cty.Type) string {
	switch {
	case t.IsTupleType():
		return "a list"
	case t.IsObjectType():
		return "an object"
	}
	name := t.FriendlyName()
	if strings.ContainsRune("aeiou", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}
