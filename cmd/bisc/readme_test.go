package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"bisc/cmd/bisc/view"
	"bisc/modules/all"
)

var update = flag.Bool("update", false, "rewrite what is generated in README.md")

// The README's tables are what the code says: marks, losses, exit statuses. go test ./cmd/bisc -run README -update.
func TestREADMESaysWhatTheCodeSays(t *testing.T) {
	const name = "../../README.md"
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := have
	for _, part := range []struct {
		mark string
		text []byte
	}{
		{"legend", []byte("```\n" + view.Legend() + "```\n")},
		{"losses", all.LossTable(all.Registry())},
		{"exits", []byte("```\n" + view.ExitTable() + "```\n")},
	} {
		want = between(t, want, "<!-- "+part.mark+" -->\n", "<!-- /"+part.mark+" -->\n", part.text)
	}
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(have, want) {
		t.Error("README.md is not what the code says: go test ./cmd/bisc -run README -update")
	}
}

func between(t *testing.T, text []byte, from, to string, put []byte) []byte {
	t.Helper()
	before, rest, ok := bytes.Cut(text, []byte(from))
	_, after, ok2 := bytes.Cut(rest, []byte(to))
	if !ok || !ok2 {
		t.Fatalf("README.md lacks the marks %q and %q", from, to)
	}
	return bytes.Join([][]byte{before, []byte(from), bytes.TrimRight(put, "\n"), []byte("\n"), []byte(to), after}, nil)
}

// Each test that the README names as a proof is one.
func TestREADMEsTestsExist(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "git", "grep", "-hoE", "^func Test[A-Za-z0-9_]+", "--", "*_test.go")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, line := range lines(string(out)) {
		there[strings.TrimPrefix(line, "func ")] = true
	}
	named := regexp.MustCompile("`(Test[A-Za-z0-9_]+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 12 {
		t.Errorf("the README names %d tests, fewer than it makes promises", len(named))
	}
	for _, m := range named {
		if !there[m[1]] {
			t.Errorf("the README names %s, and there is no such test", m[1])
		}
	}
}
