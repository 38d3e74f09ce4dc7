package view

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"bisc/internal/host"
	"bisc/layers"
)

// Nothing that a host, a plan or an inventory says may reach the terminal as anything but visible text, in any format,
// and no value may begin a line that looks like one of bisc's own.
func TestHostileStrings(t *testing.T) {
	run := Run{Verb: "check", Started: began, Wire: true}
	for _, verb := range []string{"plan", "apply", "check", "drift"} {
		run.Verb = verb
		for _, f := range Formats() {
			for _, o := range []Options{{}, {Width: 80}, {Width: 80, Verbose: true, Wire: true}} {
				o.Verb = verb
				var b bytes.Buffer
				if err := Check(&b, f, New(run, hostile()), o); err != nil {
					t.Fatal(err)
				}
				harmless(t, verb+" as "+f, b.String())
			}
		}
	}
}

func harmless(t *testing.T, what, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Errorf("%s: not UTF-8", what)
	}
	for i, r := range out {
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			t.Fatalf("%s: %U at %d: %q", what, r, i, out[max(0, i-40):i])
		}
	}
	for _, l := range strings.Split(out, "\n") {
		if strings.HasPrefix(l, "  + biscayne:storage.zvol[x]") {
			t.Errorf("%s: a value passes for a line of the report: %q", what, l)
		}
	}
}

func TestHostileStringsParse(t *testing.T) {
	doc := New(Run{Verb: "check", Started: began, Wire: true}, hostile())
	var b bytes.Buffer
	if err := JSON(&b, doc); err != nil {
		t.Fatal(err)
	}
	var back Document
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	got, want := back.Hosts[0].Items[0].Diffs[0].Got, doc.Hosts[0].Items[0].Diffs[0].Got
	if got != want || !strings.Contains(got, "\x1b[2J") || !strings.Contains(got, `\xff`) {
		t.Errorf("JSON changed a value: got %q, want %q", got, want)
	}
	if !tapBad(t, write(t, "tap", doc)) {
		t.Error("tap says that nothing failed")
	}
	b.Reset()
	if err := junit(&b, doc); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("junit is not XML: %v", err)
		}
	}
}

// A value of a megabyte does not fill the screen.
func TestLongValuesAreCut(t *testing.T) {
	o := with(mount(), func(o *layers.Outcome) { o.Change.Diffs[0].Want = strings.Repeat("A", 1<<20) })
	out := render(t, report(o), Options{Verb: "plan", Width: 100})
	if len(out) > 4000 {
		t.Errorf("%d bytes for an item", len(out))
	}
	if !strings.Contains(out, "(1048576 characters)") {
		t.Error("the length of what was cut is not told")
	}
}

// A pasted --destroy must be exactly the address, and no command, whatever the label is.
func TestPasteable(t *testing.T) {
	words := []string{"plain", "", "a b", "'; rm -rf / #", "$(reboot)`id`", "\x1b[2J\n\ttab\\back\xff\u202e\u00e9 'q'", "-rf", "~", "=x", "é"}
	line := pasteable(words...)
	harmless(t, "pasteable", line)
	if strings.Contains(line, "\n") {
		t.Errorf("more than a line: %q", line)
	}
	out, err := exec.Command("bash", "-c", `printf '%s\0' `+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out), strings.Join(words, "\x00")+"\x00"; got != want {
		t.Errorf("bash reads %q, want %q", got, want)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":       "plain text",
		"späť 日本":          "späť 日本",
		"a\nb\tc\rd":       `a\nb\tc\rd`,
		"\x1b[31m":         `\x1b[31m`,
		"\x00\x7f":         `\x00\x7f`,
		"\u0085\u009b":     `\u0085\u009b`,
		"\u202e\u2066":     `\u202e\u2066`,
		"\u200b\ufeff":     `\u200b\ufeff`,
		"\u2028\u00a0":     `\u2028\u00a0`,
		"\U000e0041":       `\U000e0041`,
		"\xff\xc3(":        `\xff\xc3(`,
		`srv-a\x2db.mount`: `srv-a\x2db.mount`,
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q): got %q, want %q", in, got, want)
		}
	}
	if got := CleanText("a\n\tb\x1b"); got != "a\n\tb\\x1b" {
		t.Errorf("CleanText: got %q", got)
	}
}

// Rule 12: what is secret is in no format of any verb, however much is asked for.
func TestSecretsStaySecret(t *testing.T) {
	rep := report(secretFile(), mount())
	for _, verb := range []string{"plan", "apply", "check"} {
		doc := New(Run{Verb: verb, Started: began, Wire: true}, rep)
		for _, f := range Formats() {
			var b bytes.Buffer
			if err := Check(&b, f, doc, Options{Verb: verb, Verbose: true, Wire: true}); err != nil {
				t.Fatal(err)
			}
			for _, leak := range []string{canary, "aHVudGVyMi1jYW5hcnk", host.Digest(nil, rep[0].Outcomes[0].Change.Steps[0])} {
				if strings.Contains(b.String(), leak) {
					t.Errorf("%s as %s shows %q", verb, f, leak)
				}
			}
		}
	}
	wire := render(t, rep, Options{Verb: "plan", Wire: true})
	if !strings.Contains(wire, "content: 14 bytes, secret") || !strings.Contains(wire, "stdin: 14 bytes, secret") {
		t.Errorf("the size of a secret is not told:\n%s", wire)
	}
}

// --wire shows what the host would execute, byte for byte.
func TestWireIsExact(t *testing.T) {
	argv := []string{"printf", "%s\\0", "a\nb", "\xff'\x1b", "$HOME"}
	o := outcome(storage, layers.Drifted, "command", "x", 1)
	o.Change.Differ("unless", "1", "0")
	o.Change.Do(host.Script{Argv: argv, Guards: []host.Guard{{Name: "holds", Text: "exit 0\n"}}})
	_, line, ok := strings.Cut(render(t, report(o), Options{Verb: "plan", Wire: true}), "send: ")
	line, _, _ = strings.Cut(line, "\n")
	out, err := exec.Command("bash", "-c", line).Output()
	if !ok || err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if got, want := string(out), strings.Join(argv[2:], "\x00")+"\x00"; got != want {
		t.Errorf("what is shown does %q, want %q", got, want)
	}
}
