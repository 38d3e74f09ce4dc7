package plans

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/source"
)

// A secret may fail in any function and in any place: no message may say it, in whole or changed in case.
func TestFaultsDoNotQuoteSecrets(t *testing.T) {
	for _, expr := range []string{
		"parseint(var.token, 10)", "tonumber(var.token)", "tobool(var.token)", "jsondecode(var.token)", "csvdecode(var.token)", "regex(var.token, \"x\")", "regex(\"x(\", var.token)",
		"file(var.token)", "env(var.token)", "age(var.token)", "templatefile(var.token, {})", "cidrhost(var.token, 1)", "cidrnetmask(var.token)", "base64decode(var.token)",
		"format(var.token)", "format(\"%d\", var.token)", "formatlist(\"%d\", [var.token])", "{ a = 1 }[var.token]", "{ a = 1 }[upper(var.token)]", "lookup({ a = 1 }, var.token)", "[1][var.token]", "var.token + 1", "!var.token", "-var.token",
		"element([], var.token)", "var.token.x", "var.token[0]", "var.token ? 1 : 2", "[for x in var.token : x]", "parseint(upper(var.token), 10)", "tonumber(\"a${var.token}\")",
		"local.copy + 1", "tonumber(local.copy.a)", "zipmap([var.token], [])", "merge(var.token)", "coalesce(null)", "keys(var.token)", "range(var.token)", "{ (var.token) = 1, b = nope }", "toset([var.token])[\"x\"]",
		"sensitive(\"hunter2-canary\") + 1", "tonumber(sensitive(\"hunter2-canary\"))", "pow(var.token, 2)", "chunklist([1], var.token)", "join(var.token, 5)", "substr(\"a\", var.token, 1)",
	} {
		text := fmt.Sprintf("variable \"token\" {\n  sensitive = true\n}\nlocals {\n  copy = { a = var.token }\n}\nlayer \"units\" {\n  on = \"lab\"\n  file \"/x\" {\n    content = %s\n  }\n  invariant \"i\" {\n    because = \"b\"\n    condition = %s\n  }\n}\n", expr, expr)
		p, diags := Load(Options{
			Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry(),
			Vars: map[string]string{"token": "hunter2-canary"}, Env: func(string) (string, bool) { return "", false },
		})
		if said := fmt.Sprint(p.Inputs); strings.Contains(said, "canary") {
			t.Errorf("%s: the plan's inputs are %s", expr, said)
		}
		var out bytes.Buffer
		if err := WriteDiagnostics(&out, p.Files, diags, View{}); err != nil {
			t.Fatal(err)
		}
		if err := WriteDiagnosticsJSON(&out, p.Files, diags); err != nil {
			t.Fatal(err)
		}
		said := strings.ReplaceAll(strings.ToLower(out.String()), strings.ToLower(expr), "") // what the plan itself spells is no secret of ours
		for _, l := range strings.Split(said, "\n") {
			if strings.Contains(l, "canary") && !strings.Contains(l, "sensitive(") {
				t.Errorf("%s: %s", expr, l)
			}
		}
	}
}
