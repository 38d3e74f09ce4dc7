package plans

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"bisc/internal/source"
)

func evalText(t *testing.T, text string) (cty.Value, error) {
	t.Helper()
	expr, diags := source.ParseExpression(source.File{Name: "x", Text: []byte(text)})
	if diags.HasErrors() {
		t.Fatal(text, diags)
	}
	v, diags := evaluate(expr, &hcl.EvalContext{Functions: pureFunctions()})
	if diags.HasErrors() {
		return v, diags
	}
	return v, nil
}

func TestFunctions(t *testing.T) {
	for text, want := range map[string]string{
		`length("aé")`: "2", `length([1, 2])`: "2", `length({ a = 1 })`: "1", `length(sensitive("abc"))`: "(sensitive)",
		`startswith("abc", "ab")`: "true", `endswith("abc", "ab")`: "false", `basename("/a/b")`: `"b"`, `dirname("/a/b")`: `"/a"`,
		`alltrue([])`: "true", `alltrue([true, false])`: "false", `anytrue([])`: "false", `anytrue([false, true])`: "true",
		`base64encode("é")`: `"w6k="`, `base64decode("w6k=")`: `"é"`, `sha256("")`: `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`,
		`cidrhost("10.0.0.0/24", 5)`: `"10.0.0.5"`, `cidrhost("10.0.0.7/24", -1)`: `"10.0.0.255"`, `cidrhost("10.0.0.0/24", -256)`: `"10.0.0.0"`,
		`cidrhost("2001:db8::/32", 258)`: `"2001:db8::102"`, `cidrhost("2001:db8::/127", -1)`: `"2001:db8::1"`, `cidrhost("10.0.0.0/22", 1000)`: `"10.0.3.232"`,
		`cidrnetmask("10.0.0.0/22")`: `"255.255.252.0"`, `cidrnetmask("0.0.0.0/0")`: `"0.0.0.0"`, `cidrnetmask("1.2.3.4/32")`: `"255.255.255.255"`,
		`try(nope, "x")`: `"x"`, `can(nope)`: "false", `tolist(["b", "a"])`: `["b", "a"]`, `toset(["b", "a"])`: `["a", "b"]`, `upper(sensitive("a"))`: "(sensitive)",
		`jsonencode({ a = [1, null] })`: `"{\"a\":[1,null]}"`, `lookup({ a = 1 }, "b", 2)`: "2", `range(3)`: "[0, 1, 2]",
	} {
		v, err := evalText(t, text)
		if got := render(v, 500); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestFunctionFaults(t *testing.T) {
	for text, want := range map[string]string{
		`cidrhost("10.0.0.0/24", 256)`: "no address number 256", `cidrhost("10.0.0.0/24", -257)`: "no address number", `cidrhost("x", 1)`: "not a network",
		`cidrhost("10.0.0.0/24", 1.5)`: "whole number", `cidrnetmask("2001:db8::/32")`: "not an IPv4", `base64decode("!")`: "not base64",
		`base64decode("/w==")`: "not UTF-8", `alltrue([null])`: "null", `length(5)`: "", `cidrhost("0.0.0.0/0", 9223372036854775807)`: "no address",
	} {
		v, err := evalText(t, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is %s, %v, want a fault with %q", text, render(v, 100), err, want)
		}
	}
}

func TestRender(t *testing.T) {
	long := strings.Repeat("é", 300)
	for _, c := range []struct {
		v     cty.Value
		limit int
		want  string
	}{
		{cty.NilVal, 10, "(none)"},
		{cty.NullVal(cty.String), 10, "null"},
		{cty.UnknownVal(cty.String), 10, "(not known yet)"},
		{cty.StringVal("a\x1b[2J\n\u202e"), 100, `"a\x1b[2J\n\u202e"`},
		{cty.StringVal(long), 20, `"éééééééééé"... (600 bytes)`},
		{cty.NumberFloatVal(0.5), 10, "0.5"},
		{cty.EmptyObjectVal, 10, "{}"},
		{cty.ObjectVal(map[string]cty.Value{"a": cty.True, "b c": cty.StringVal("x").Mark(sensitive)}), 100, `{ a = true, "b c" = (sensitive) }`},
		{cty.ListVal([]cty.Value{cty.StringVal(long), cty.StringVal("b"), cty.StringVal("c")}), 20, `["` + strings.Repeat("é", 9) + `"... (600 bytes), ... 2 more]`},
	} {
		if got := render(c.v, c.limit); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}
