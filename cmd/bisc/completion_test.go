package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const completionPlan = `variable "size" {
  default = "1G"
}
layer "units" {
  on = "alpha"
  file "/etc/one" {
    content = var.size
  }
  file "/etc/it's $(touch pwned) [x] two" {
    content = "b"
  }
  invariant "never \"three\"" {
    because = "b"
    condition = true
  }
}
`

const completionHosts = `host "alpha" {
  platform = "linux"
  address  = "192.0.2.1"
}
host "beta" {
  platform = "linux"
  address  = "192.0.2.2"
}
`

func completionDesk(t *testing.T) *desk {
	t.Helper()
	d := newDesk(t)
	d.write(t, "hosts.hcl", completionHosts)
	d.write(t, "plan.bisc.hcl", completionPlan)
	d.env = append(d.env, "TERM=dumb", "ENV=", "HISTFILE=", "ZDOTDIR="+d.dir, "XDG_CONFIG_HOME="+filepath.Join(d.dir, "config"), "XDG_DATA_HOME="+filepath.Join(d.dir, "data"))
	return d
}

// shellLines are what is typed, with a tab, and what the program is to be given then. A [ that is in no quotes has a
// backslash: to zsh and fish it begins a pattern or an index.
var shellLines = []struct{ typed, want string }{
	{"explain alpha:units.file\\[/etc/o\t", "explain|alpha:units.file[/etc/one]"},
	{"explain 'alpha:units.file[/etc/o\t", "explain|alpha:units.file[/etc/one]"},
	{"explain \"alpha:units.file[/etc/o\t", "explain|alpha:units.file[/etc/one]"},
	{"explain 'alpha:units.inv\t", `explain|alpha:units.invariant["never \"three\""]`},
	{"explain alpha:units.inv\t", `explain|alpha:units.invariant["never \"three\""]`},
	{"plan --host be\t", "plan|--host|beta"},
	{"plan --host=be\t", "plan|--host=beta"},
	{"plan --layer stor\t", "plan|--layer|storage"},
	{"plan --target alpha:units.file\\[/etc/o\t", "plan|--target|alpha:units.file[/etc/one]"},
	{"plan --target='alpha:units.file[/etc/o\t", "plan|--target=alpha:units.file[/etc/one]"},
	{"who alpha be\t", "who|alpha|beta"},
	{"hold release al\t", "hold|release|alpha"},
	{"hold show al\t", "hold|show|alpha"},
	{"hosts --exp\t be\t", "hosts|--explain|beta"},
	{"plan --set si\t2G", "plan|--set|size=2G"},
	{"check --format jun\t", "check|--format|junit"},
	{"graph --format d\t", "graph|--format|dot"},
	{"apply pl\t", "apply|plan.bisc.hcl"},
	{"explain alpha:units.file\\[\\\"/etc/it\t", `explain|alpha:units.file["/etc/it's $(touch pwned) [x] two"]`},
	{"explain 'alpha:units.file[\"/etc/it\t", `explain|alpha:units.file["/etc/it's $(touch pwned) [x] two"]`},
	{"explain \"alpha:units.file[\\\"/etc/it\t", `explain|alpha:units.file["/etc/it's $(touch pwned) [x] two"]`},
}

// Real shells on a terminal, in which a person types a part and a tab: what the program is given in the end is what was
// meant, byte for byte, inside quotes and outside, and nothing of it was run.
func TestShellsComplete(t *testing.T) {
	for name, c := range map[string]struct{ argv, setup []string }{
		"bash": {[]string{"bash", "--norc", "--noprofile", "-i"}, []string{"source <(bisc completion bash)"}},
		"zsh":  {[]string{"zsh", "-f", "-i"}, []string{"autoload -U compinit; compinit -u -d zcomp", "unsetopt beep autolist automenu; setopt nolistbeep", "source <(bisc completion zsh)"}},
		"fish": {[]string{"fish", "--no-config", "-i"}, []string{"bisc completion fish | source"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := completionDesk(t)
			real, err := exec.LookPath("bisc")
			if err != nil {
				t.Fatal(err)
			}
			// The program in PATH completes as bisc does, and writes down what it is run with.
			stub := "#!/bin/bash\ncase $1 in __*|completion) exec " + real + " \"$@\" ;; esac\n(IFS='|'; printf '%s\\n' \"$*\") >>" + d.dir + "/ran\n"
			if err := os.Mkdir(filepath.Join(d.dir, "bin"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(d.dir, "bin", "bisc"), []byte(stub), 0o755); err != nil {
				t.Fatal(err)
			}
			d.env = append(d.env, "PATH="+filepath.Join(d.dir, "bin")+":"+os.Getenv("PATH"), "PS1=ready> ", "COLUMNS=300")
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // a line that did not become whole would wait for its end
			defer cancel()
			cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
			cmd.Dir, cmd.Env = d.dir, d.env
			r, keys := onTheTerminal(t, cmd)
			for _, line := range c.setup {
				typeLine(t, keys, line)
			}
			for _, l := range shellLines {
				typeLine(t, keys, "bisc "+l.typed)
			}
			typeLine(t, keys, "exit")
			<-r.ended
			ran, err := os.ReadFile(filepath.Join(d.dir, "ran"))
			if err != nil {
				t.Fatalf("%v\n%s", err, r.errs.String())
			}
			got := strings.Split(strings.TrimRight(string(ran), "\n"), "\n")
			for i, l := range shellLines {
				if i >= len(got) || got[i] != l.want {
					t.Errorf("%q became %q, want %q", l.typed, got[min(i, len(got)-1)], l.want)
				}
			}
			if t.Failed() {
				t.Logf("%s\n%s", strings.Join(got, "\n"), r.errs.String())
			}
			if _, err := os.Stat(filepath.Join(d.dir, "pwned")); err == nil {
				t.Error("what a label says was run")
			}
		})
	}
}

func typeLine(t *testing.T, keys *os.File, line string) {
	t.Helper()
	if _, err := keys.WriteString(line + "\r"); err != nil {
		t.Fatal(err)
	}
}

func TestSplitLine(t *testing.T) {
	const breaks = " \t\n\"'><=;|&(:"
	for line, want := range map[string]struct {
		words []string
		last  partial
	}{
		"bisc ":                     {[]string{"bisc"}, partial{}},
		"bisc explain a:b":          {[]string{"bisc", "explain"}, partial{text: "a:b", kept: 2}},
		"bisc explain 'a:b":         {[]string{"bisc", "explain"}, partial{text: "a:b", quote: '\''}},
		`bisc explain a:"b\"c d`:    {[]string{"bisc", "explain"}, partial{text: `a:b"c d`, kept: 2, quote: '"'}},
		`bisc explain a\ b\:c`:      {[]string{"bisc", "explain"}, partial{text: "a b:c"}},
		"bisc plan --host=be":       {[]string{"bisc", "plan"}, partial{text: "--host=be", kept: 7, flag: 7}},
		"bisc plan 'it' \"\" x\\":   {[]string{"bisc", "plan", "it", ""}, partial{text: `x\`}},
		"bisc plan '$(id)' `id` $x": {[]string{"bisc", "plan", "$(id)", "`id`"}, partial{text: "$x"}},
	} {
		words, last := splitLine(line, breaks)
		if !slices.Equal(words, want.words) || last != want.last {
			t.Errorf("%s: %q %+v, want %q %+v", line, words, last, want.words, want.last)
		}
	}
}

// What graph draws is what graphviz reads, whatever the labels are.
func TestGraphIsDot(t *testing.T) {
	t.Parallel()
	d := completionDesk(t)
	d.write(t, "more.bisc.hcl", "layer \"storage\" {\n  on = \"alpha\"\n  file "+literal("/\\N \" -> {}; <b> \u202e &amp; \\")+" {\n    content = \"x\"\n  }\n}\n")
	e := d.bisc(t, "graph", "--format", "dot")
	e.wants(t, 0)
	clean(t, "graph", e)
	cmd := exec.CommandContext(t.Context(), "dot", "-Tplain")
	cmd.Stdin = strings.NewReader(e.out)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v\n%s\n%s", err, errs.String(), e.out)
	}
	// 4 items; between the 3 of units 2 arrows, and one from storage that gates them.
	if nodes, edges := strings.Count(string(out), "\nnode "), strings.Count(string(out), "\nedge "); nodes != 4 || edges != 3 {
		t.Errorf("%d nodes and %d edges:\n%s", nodes, edges, out)
	}
	d.bisc(t, "graph", "--format", "json").wants(t, 0, `"format_version": "1"`, `"address": "alpha:units.file[/etc/one]"`, `"invariant": true`)
	d.bisc(t, "graph", "--format", "dott").wants(t, 1, `Did you mean "dot"?`)
}
