package plans

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"bisc/internal/secret"
	"bisc/internal/source"
	"bisc/modules"
)

// A secret may fail in any function and in any place: no message may say it, in whole or changed in case.
func TestFaultsDoNotQuoteSecrets(t *testing.T) {
	for _, expr := range []string{
		"parseint(var.token, 10)", "tonumber(var.token)", "tobool(var.token)", "jsondecode(var.token)", "csvdecode(var.token)", "regex(var.token, \"x\")", "regex(\"x(\", var.token)",
		"file(var.token)", "env(var.token)", "age(var.token)", "templatefile(var.token, {})", "cidrhost(var.token, 1)", "cidrnetmask(var.token)", "base64decode(var.token)",
		"format(var.token)", "format(\"%d\", var.token)", "formatlist(\"%d\", [var.token])", "{ a = 1 }[var.token]", "{ a = 1 }[upper(var.token)]", "lookup({ a = 1 }, var.token)", "[1][var.token]", "var.token + 1", "!var.token", "-var.token",
		"element([], var.token)", "var.token.x", "var.token[0]", "var.token ? 1 : 2", "[for x in var.token : x]", "parseint(upper(var.token), 10)", "tonumber(\"a${var.token}\")",
		"local.copy + 1", "tonumber(local.copy.a)", "zipmap([var.token], [])", "merge(var.token)", "coalesce(null)", "keys(var.token)", "range(var.token)", "{ (var.token) = 1, b = nope }", "toset([var.token])[\"x\"]",
		"cmd([var.token])", "cmd([\"sh\", \"-c\", var.token])", "tonumber(cmd([\"printf\", \"hunter2-canar%s\", \"y\"]))", "jsondecode(cmd([\"printf\", \"hunter2-canar%s\", \"y\"]))", "cmd([\"printf\", \"hunter2-canar%s\", \"y\"]).x", "{ a = 1 }[cmd([\"printf\", \"hunter2-canar%s\", \"y\"])]",
		"sensitive(\"hunter2-canary\") + 1", "tonumber(sensitive(\"hunter2-canary\"))", "pow(var.token, 2)", "chunklist([1], var.token)", "join(var.token, 5)", "substr(\"a\", var.token, 1)",
	} {
		text := fmt.Sprintf("variable \"token\" {\n  sensitive = true\n}\nlocals {\n  copy = { a = var.token }\n}\nlayer \"units\" {\n  on = \"lab\"\n  file \"/x\" {\n    content = %s\n  }\n  invariant \"i\" {\n    because = \"b\"\n    condition = %s\n  }\n}\n", expr, expr)
		p, diags := Load(Options{
			Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry(),
			Vars: map[string]string{"token": "hunter2-canary"}, Env: func(string) (string, bool) { return "", false },
			Secrets: secret.New(t.Context()),
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
			if strings.Contains(l, "canary") && !strings.Contains(l, "sensitive(") && !strings.Contains(l, "cmd([") {
				t.Errorf("%s: %s", expr, l)
			}
		}
	}
}

// canaries counts how often a program was run: it writes a line each time.
func canaries(t *testing.T) (program, count string) {
	t.Helper()
	dir := t.TempDir()
	program, count = dir+"/vault", dir+"/count"
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho x >>"+count+"\necho kanarienvogel\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return program, count
}

// What only looks at the text runs no program and opens nothing, and still finds the secrets that are in a wrong place;
// what needs the value runs each program once.
func TestSecretsAreReadLate(t *testing.T) {
	program, count := canaries(t)
	text := func(attr string) string {
		return fmt.Sprintf("locals {\n  token = cmd([%q])\n}\nlayer \"units\" {\n  on = \"lab\"\n  file \"/a\" {\n    content = \"token=${upper(local.token)}\"\n    %s\n  }\n  file \"/b\" {\n    content = cmd([%q])\n  }\n}\n", program, attr, program)
	}
	opts := Options{Inventory: testInventory(t), Registry: testRegistry()}
	load := func(attr string) (*Plan, string) {
		opts.Files = []source.File{{Name: "x.bisc.hcl", Text: []byte(text(attr))}}
		p, diags := Load(opts)
		var out bytes.Buffer
		if err := WriteDiagnostics(&out, p.Files, diags, View{}); err != nil {
			t.Fatal(err)
		}
		return p, out.String()
	}
	misused := map[string]string{
		"": "", "mode = local.token": "A sensitive value cannot be the mode", "owner = \"x${local.token}\"": "A sensitive value cannot be the owner",
		"when = cmd([\"echo\", local.token]) == \"\"": "the name of what is read cannot be a sensitive value", "when = local.token == \"x\"": "when must not depend on a sensitive value",
	}
	for attr, want := range misused {
		if _, said := load(attr); !strings.Contains(said, want) || want == "" && said != "" {
			t.Errorf("%s: %s", attr, said)
		}
	}
	if _, err := os.Stat(count); err == nil {
		t.Error("a program ran while the plan was only looked at")
	}
	opts.Secrets = secret.New(t.Context())
	p, said := load("")
	if said != "" {
		t.Fatal(said)
	}
	if got := resource[*fakeFile](t, p, "lab:units.file[/a]").Content; got != (modules.Text{Value: "token=KANARIENVOGEL", Secret: true}) {
		t.Errorf("got %+v", got)
	}
	if b, _ := os.ReadFile(count); string(b) != "x\n" {
		t.Errorf("the program ran %d times", strings.Count(string(b), "x"))
	}
	for attr, want := range misused {
		if _, said := load(attr); !strings.Contains(said, want) {
			t.Errorf("%s: %s", attr, said)
		}
	}
}

// What a plan reads with env() is not in the environment of the programs that it runs.
func TestProgramsDoNotSeeTheInputs(t *testing.T) {
	t.Setenv("BISC_TEST_TOKEN", "kanarienvogel")
	p, diags := Load(Options{
		Files:     []source.File{{Name: "x.bisc.hcl", Text: []byte("layer \"units\" {\n  on = \"lab\"\n  file \"/a\" {\n    content = cmd([\"env\"])\n  }\n  file \"/b\" {\n    content = sensitive(env(\"BISC_TEST_TOKEN\"))\n  }\n}\n")}},
		Inventory: testInventory(t), Registry: testRegistry(), Secrets: secret.New(t.Context()),
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := resource[*fakeFile](t, p, "lab:units.file[/a]").Content.Value; strings.Contains(got, "kanarienvogel") || !strings.Contains(got, "PATH=") {
		t.Errorf("the program's environment:\n%s", got)
	}
}

// The journal keeps a run's arguments, but not what --set gives to a sensitive variable.
func TestMaskSet(t *testing.T) {
	p, _ := Load(Options{
		Files:     []source.File{{Name: "x.bisc.hcl", Text: []byte("variable \"token\" {\n  sensitive = true\n}\nvariable \"size\" {}\n")}},
		Inventory: testInventory(t), Registry: testRegistry(), Vars: map[string]string{"token": "a=b", "size": "1"},
	})
	got := p.MaskSet([]string{"plan", "--set", "token=a=b", "--set=token=c", "--set", "size=1", "token=x", "--set=size=2"})
	want := []string{"plan", "--set", "token=(sensitive)", "--set=token=(sensitive)", "--set", "size=1", "token=x", "--set=size=2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
