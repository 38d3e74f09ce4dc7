package main

import (
	"bytes"
	"flag"
	"os"
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
