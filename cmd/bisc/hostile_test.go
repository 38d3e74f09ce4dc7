package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostileWords are values that some program between the plan and the host could take for something else.
func hostileWords() []string {
	return []string{
		`it's "quoted"`, "$(touch /srv/pwned)", "`touch /srv/pwned`", "; touch /srv/pwned", "a\nb\n\ntouch /srv/pwned", "-rf", "--", "-oProxyCommand=touch /srv/pwned",
		"\x1b[31mred\x1b]0;title\x07", "\x1b[2J\x1b[H", "left\u202eright\u2066x\u200f", "{{ .Secret }} {% x %}", "%s%n%d%%", "${HOME} $HOME ~ *", "tab\there\r\n", "\\n \\x41 \\", "",
		" lead and trail ", "\u0085\u2028\u2029", "日本語 é", "\x7f\x01\x02", "!history", "a=b", "#comment", "<b>&amp;]]>", strings.Repeat("long ", 20000),
	}
}

// literal is a string as HCL has it, with every byte that means something there escaped.
func literal(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '$' || r == '%':
			b.WriteString(string(r))
		case r < ' ' || r == 0x7f || r > 0x7e:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(b.String())
}

// Every word reaches a program on the host byte by byte: in argv, in a probe's argv, in a file's content and name. Nothing
// of it reaches a shell, and nothing of it a terminal.
func TestFaultF18_WordsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d, words := deskFor(t, h), hostileWords()
	onHost(t, h, `mkdir /srv/hostile
cat >/usr/local/bin/canary <<'EOF'
#!/usr/bin/perl
my $to = shift; open(my $f, ">", $to) or die; print $f join("\0", @ARGV); close $f;
print "\x1b[2Jout of canary\x07\r\n"; print STDERR "\x1b]0;err\x07 \xff\xfe \x{85}\n"; exit($to =~ /probe/ ? 1 : 0);
EOF
chmod 755 /usr/local/bin/canary`)
	var list, plan strings.Builder
	for _, w := range words {
		list.WriteString(literal(w) + ", ")
	}
	fmt.Fprintf(&plan, "layer \"units\" {\n  on = \"a\"\n  command \"say\" {\n    unless = [\"canary\", \"/srv/hostile/probe\", %s]\n    argv = [\"canary\", \"/srv/hostile/argv\", %s]\n  }\n}\n", list.String(), list.String())
	d.write(t, "plan.bisc.hcl", plan.String())
	e := d.bisc(t, "plan", "-v")
	clean(t, "plan", e)
	e.wants(t, 2, "a:units.command[say]")
	e = d.bisc(t, "apply", "--auto-approve", "-v") // the probe goes on saying no: the step is done and not proved
	clean(t, "apply", e)
	want := strings.Join(words, "\x00")
	for _, name := range []string{"probe", "argv"} {
		if got := exactly(t, h, "/srv/hostile/"+name); got != want {
			t.Errorf("%s got other words:\n%.2000q\nwant\n%.2000q", name, got, want)
		}
	}
	for _, args := range [][]string{{"journal"}, {"journal", d.run(t)}, {"graph"}, {"explain", "a:units.command[say]"}, {"plan", "--json"}, {"plan", "--wire"}} {
		clean(t, strings.Join(args, " "), d.bisc(t, args...))
	}
	onHost(t, h, "test ! -e /srv/pwned")
}

// exactly is a file's content on the host.
func exactly(t *testing.T, h interface {
	Root() string
}, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(h.Root(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The same in the names and contents of files, in labels, in because, and in the formats of check.
func TestFaultF18_Files(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, "mkdir /srv/hostile")
	var plan strings.Builder
	plan.WriteString("layer \"units\" {\n  on = \"a\"\n")
	type file struct{ name, content string }
	var files []file
	label := strings.NewReplacer("\n", "/", "\r", "/", strings.Repeat("long ", 20000), "long") // a label is one line of 4 KiB
	for i, w := range hostileWords() {
		name := fmt.Sprintf("/srv/hostile/%d", i)
		if !strings.ContainsAny(w, "/\n") && len(w) < 100 && w != "" && strings.TrimSpace(w) == w {
			name += w
		}
		files = append(files, file{name, w})
		fmt.Fprintf(&plan, "  file %s {\n    content = %s\n  }\n", literal(name), literal(w))
		fmt.Fprintf(&plan, "  invariant %s {\n    because = %s\n    file %s {\n      content = %s\n    }\n  }\n", literal(label.Replace(fmt.Sprint("holds ", i, w))), literal("because "+w), literal(name), literal(w))
	}
	plan.WriteString("}\n")
	d.write(t, "plan.bisc.hcl", plan.String())
	if e := d.bisc(t, "validate"); e.status != 0 {
		t.Fatal(e.all())
	}
	clean(t, "plan", d.bisc(t, "plan"))
	for _, format := range []string{"text", "json", "junit", "tap", "prometheus", "nagios"} {
		clean(t, format, d.bisc(t, "check", "--format", format))
	}
	e := d.bisc(t, "apply", "--auto-approve", "--until-clean")
	clean(t, "apply", e)
	e.wants(t, 0)
	for _, f := range files {
		if got := exactly(t, h, f.name); got != f.content {
			t.Errorf("%q holds %.200q, want %.200q", f.name, got, f.content)
		}
	}
	for _, args := range [][]string{{"graph"}, {"journal", d.run(t)}, {"drift", "-v"}, {"plan", "-v", "--json"}} {
		clean(t, strings.Join(args, " "), d.bisc(t, args...))
	}
	var doc any
	if err := json.Unmarshal([]byte(d.bisc(t, "plan", "--json").out), &doc); err != nil {
		t.Error(err)
	}
	onHost(t, h, "test ! -e /srv/pwned")
}

// Text that comes from the host: contents that differ, what programs say, a hold that somebody else wrote.
func TestFaultF18_Answers(t *testing.T) {
	t.Parallel()
	h := ownHost(t)
	d := deskFor(t, h)
	onHost(t, h, `mkdir -p /srv/hostile /var/lib/bisc
printf '\033[2J\007 $(x) \377\376 \342\200\256 evil\r\nline\n' >/srv/hostile/text
head -c 1000000 /dev/urandom >/srv/hostile/noise
printf '[{"match":"*nothing*","who":"\\u001b[31mmallory\\u202e","because":"\\u0007 %%s {{x}}","since":"2026-01-01T00:00:00Z"}]' >/var/lib/bisc/holds.json
ln -s "$(printf '/srv/\033[2Jtarget')" /srv/hostile/link`)
	d.write(t, "plan.bisc.hcl", `layer "units" {
  on = "a"
  file "/srv/hostile/text" {
    content = "good\n"
  }
  file "/srv/hostile/noise" {
    content = "good\n"
  }
  file "/srv/hostile/link" {
    content = "good\n"
  }
  command "talks" {
    unless = ["perl", "-e", "print STDERR qq(\\x1b[2J\\x07 \\xff \\xe2\\x80\\xae x); print qq(\\0) x 2000000; exit 126"]
    argv   = ["true"]
  }
}
`)
	for _, args := range [][]string{{"plan"}, {"plan", "-v"}, {"plan", "--json"}, {"plan", "--wire"}, {"hold", "show"}, {"who"}, {"apply", "--auto-approve"}, {"drift"}} {
		clean(t, strings.Join(args, " "), d.bisc(t, args...))
	}
	d.bisc(t, "plan").wants(t, 7, "? a:units.command[talks]")
	onHost(t, h, "printf 'not json' >/var/lib/bisc/holds.json")
	d.bisc(t, "plan").wants(t, 1, "/var/lib/bisc/holds.json on a is not a list of holds (mend or remove it)")
}

// Hostile words in every field of the inventory, in variables and on the command line: a message with its place, status
// 1, nothing dialled, nothing run.
func TestFaultF18_Inputs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.write(t, "plan.bisc.hcl", "layer \"units\" {\n  on = \"a\"\n  file \"/etc/x\" {\n    content = var.v\n  }\n}\nvariable \"v\" {\n  type = string\n  default = \"\"\n}\n")
	for _, w := range hostileWords() {
		for _, field := range []string{"address", "user", "host_key", "agent_key", "become_password_env", "platform", "port", "connect_timeout", "via", "known_hosts", "identity", "nonsense"} {
			d.write(t, "hosts.hcl", fmt.Sprintf("host \"a\" {\n  platform = \"linux\"\n  ssh_config = false\n  %s = %s\n}\n", field, literal(w)))
			e := d.bisc(t, "validate")
			clean(t, field, e)
			if field == "known_hosts" || field == "identity" { // a file may have any name
				continue
			}
			if plain := w == "a=b" && field == "user"; e.status != 1 && !plain {
				t.Errorf("%s = %.60q: exit %d\n%s", field, w, e.status, e.all())
			} else if !strings.Contains(e.errs, "hosts.hcl:") {
				t.Errorf("%s = %.60q: no place in %s", field, w, e.errs)
			}
		}
		d.write(t, "hosts.hcl", fmt.Sprintf("host \"a\" {\n  platform = \"linux\"\n  ssh_config = false\n  data = { %s = %s }\n}\n", literal("k"+w), literal(w)))
		clean(t, "data", d.bisc(t, "validate"))
		d.write(t, "hosts.hcl", fmt.Sprintf("host %s {\n  platform = \"linux\"\n}\n", literal(w)))
		e := d.bisc(t, "validate")
		clean(t, "name", e)
		e.wants(t, 1, "hosts.hcl:")
		d.write(t, "hosts.hcl", "host \"a\" {\n  platform = \"linux\"\n  ssh_config = false\n}\n")
		if len(w) > 10000 {
			continue // the kernel bounds one argument
		}
		clean(t, "--set", d.bisc(t, "explain", "a:units.file[/etc/x]", "--set", "v="+w))
		for _, flag := range []string{"--target", "--exclude", "--host", "--layer", "--destroy", "--override", "--set", "--var-file", "--timeout"} {
			e := d.bisc(t, "plan", flag+"="+w, "--because", "x")
			clean(t, flag, e)
			if e.status == 0 {
				t.Errorf("%s=%q: exit 0", flag, w)
			}
		}
		for _, args := range [][]string{{"explain", w}, {"hosts", w}, {"who", w}, {"journal", w}, {"hold", "release", w}, {"apply", w}, {w}} {
			clean(t, fmt.Sprintf("%q", args), d.bisc(t, args...))
		}
	}
}

// Texts that are no plans: a NUL, bytes that are no UTF-8, 10 MB, brackets without end, references without end.
func TestFaultF39_MonstrousPlans(t *testing.T) {
	t.Parallel()
	deep := func(open, close string, n int) string {
		return "locals {\n  x = " + strings.Repeat(open, n) + "1" + strings.Repeat(close, n) + "\n}\n"
	}
	chain := "locals {\n  x0 = 1\n"
	for i := range 20000 {
		chain += fmt.Sprintf("  x%d = local.x%d\n", i+1, i)
	}
	var big bytes.Buffer
	big.WriteString("layer \"units\" {\n  on = \"a\"\n")
	for i := 0; big.Len() < 10<<20; i++ {
		fmt.Fprintf(&big, "  file \"/etc/big/%d\" {\n    content = \"%s\"\n  }\n", i, strings.Repeat("x", 2000))
	}
	big.WriteString("}\n")
	chain += "}\n"
	for name, text := range map[string]string{
		"NUL": "locals {\n  x = \"a\x00b\"\n}\n", "escaped NUL": "layer \"units\" {\n  on = \"a\"\n  command \"x\" {\n    unless = [\"true\", \"a\\u0000b\"]\n    argv = [\"true\"]\n  }\n}\n",
		"NUL in a path": "layer \"units\" {\n  on = \"a\"\n  file \"/etc/a\\u0000b\" {}\n}\n",
		"no UTF-8":      "locals {\n  x = \"\xff\xfe\x1b[2J\"\n}\n", "control": "locals {\n  \x1b[2J = 1\n}\n", "BOM": "\xef\xbb\xbflocals {}\nx", "10 MB of zeros": strings.Repeat("\x00", 10<<20),
		"brackets": deep("[", "]", 100000), "parentheses": deep("(", ")", 100000), "unclosed": deep("[", "", 5<<20), "braces": deep("{a=", "}", 100000), "calls": deep("upper(", ")", 100000),
		"templates": deep(`"${`, `}"`, 50000), "minus": deep("-", "", 1000000), "not": deep("!", "", 1000000), "blocks": strings.Repeat("layer \"units\" {\n", 100000) + strings.Repeat("}\n", 100000),
		"conditions": deep("true ? ", " : 2", 50000), "chain of locals": chain, "circle": "locals {\n  a = local.b\n  b = local.c\n  c = local.a\n}\n", "itself": "locals {\n  a = [local.a]\n}\n",
		"unclosed string": "locals {\n  x = \"" + strings.Repeat("y", 1<<20), "unclosed heredoc": "locals {\n  x = <<E\n" + strings.Repeat("y\n", 1<<20),
	} {
		d := newDesk(t)
		d.write(t, "hosts.hcl", "host \"a\" {\n  platform = \"linux\"\n}\n")
		d.write(t, "plan.bisc.hcl", text)
		for _, args := range [][]string{{"validate"}, {"fmt", "--check"}, {"graph"}} {
			e := d.bisc(t, args...)
			clean(t, name, e)
			if e.status == 1 && !strings.Contains(e.errs, "plan.bisc.hcl") {
				t.Errorf("%s: %v: no place in %.300s", name, args, e.errs)
			}
			if len(e.all()) > 100<<10 && args[0] != "graph" {
				t.Errorf("%s: %v: %d bytes of messages", name, args, len(e.all()))
			}
			if name != "chain of locals" && args[0] == "validate" {
				e.wants(t, 1)
			}
		}
	}
	d := newDesk(t)
	d.write(t, "hosts.hcl", "host \"a\" {\n  platform = \"linux\"\n}\n")
	d.write(t, "plan.bisc.hcl", big.String())
	e := d.bisc(t, "validate")
	e.wants(t, 1, "plan.bisc.hcl: larger than 1 MiB", "split it")
}
