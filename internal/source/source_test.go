package source

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	cases := []struct{ name, text, want string }{
		{"too large", "# " + many("x", MaxSize), "File too large"},
		{"UTF-16", "\xff\xfea\x00", "Not UTF-8"},
		{"NUL", "a = 1\nb = \x00", "NUL byte"},
		{"Latin-1", "a = \"caf\xe9\"", "Not UTF-8"},
		{"tokens", "a = [" + many("1,", 300_000) + "]", "File too large"},
		{"lines of a heredoc", "a = <<E\n" + many("line of a text in a heredoc\n", 10_000) + "E\n", "Text too long"},
		{"deep parentheses", "a = " + many("(", 100_000), "Nested too deeply"},
		{"deep lists", "a = " + many("[", 500) + many("]", 500), "Nested too deeply"},
		{"deep templates", "a = " + many(`"${`, 500), "Nested too deeply"},
		{"deep blocks", many("a {\n", 500), "Nested too deeply"},
		{"long sum", "a = 1" + many("+1", 100_000), "Expression too long"},
		{"long sum over lines", "a = (1" + many("+\n1", 5_000) + ")", "Expression too long"},
		{"long sum over lines in a for", "a = {for k in x : k => 1" + many("+\n1", 5_000) + "}", "Expression too long"},
		{"many unary", "a = " + many("!", 100_000) + "x", "Expression too long"},
		{"many conditionals", "a = " + many("a ? b : ", 50_000) + "x", "Expression too long"},
		{"many indexes", "a = x" + many("[0]", 50_000), "Expression too long"},
		{"many directives", "a = \"" + many("%{if x}", 50_000) + "\"", "Expression too long"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			file, diags := Parse(File{"x.hcl", []byte(c.text)})
			if len(diags) != 1 || diags[0].Summary != c.want {
				t.Fatalf("got %d diagnostics, first %v, want one %q", len(diags), diags, c.want)
			}
			if file == nil || len(file.Bytes) != len(c.text) {
				t.Error("the text is not there for the diagnostic to show")
			}
		})
	}
}

func TestParseTakes(t *testing.T) {
	lines := func(line string, n int) string { return strings.Repeat(line, n) }
	cases := map[string]string{
		"byte order mark":      "\ufeffa = 1\n",
		"5,000 blocks":         lines("mount \"/x\" {\n  size = 1 + 2 - 3\n}\n", 5_000),
		"a list of 5,000":      "a = [\n" + lines("  [1 + 1],\n", 5_000) + "]\n",
		"an object of 5,000":   "a = {\n" + lines("  k = -x[0]\n", 5_000) + "}\n",
		"a text of 5,000 vars": "a = <<E\n" + lines("${x}\n", 5_000) + "E\n",
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			if _, diags := Parse(File{"x.hcl", []byte(text)}); diags.HasErrors() {
				t.Error(diags)
			}
		})
	}
}

func TestParsePlacesFault(t *testing.T) {
	_, diags := Parse(File{"x.hcl", []byte("a = 1\nbé\xff")})
	if got := diags[0].Subject.String(); got != "x.hcl:2,3-4" {
		t.Errorf("got %s, want line 2, column 3", got)
	}
}

func TestReadFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"b.bisc.hcl": "b", "a.bisc.hcl": "a", ".#a.bisc.hcl": "no", "c.hcl": "no"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Read(".bisc.hcl", dir)
	if err != nil || len(files) != 2 || string(files[0].Text) != "a" || string(files[1].Text) != "b" {
		t.Errorf("got %v, %v, want a and b in order", files, err)
	}
}

func TestReadFaults(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.bisc.hcl")
	if err := os.WriteFile(large, bytes.Repeat([]byte("#"), 10<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "good.bisc.hcl")
	if err := os.WriteFile(good, []byte("a = 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := Read(".bisc.hcl", large, filepath.Join(dir, "absent"), "/dev/null", good)
	if !errors.Is(err, ErrTooLarge) || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/dev/null: not a regular file") {
		t.Errorf("got %v, want all three faults", err)
	}
	if len(files) != 1 || files[0].Name != good {
		t.Errorf("got %v, want the good file", files)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"mount", "zvol", "ramdisk", "filesystem", "storage"}
	for word, want := range map[string]string{
		"moutn": "mount", "mout": "mount", "zvols": "zvol", "ramdsik": "ramdisk", "file_system": "filesystem",
		"unit": "", "x": "", "": "",
	} {
		if got := Suggest(word, names); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
}

func BenchmarkParseLargest(b *testing.B) {
	fill := func(unit string) string { return strings.Repeat(unit, (MaxSize-20)/len(unit)) }
	for name, text := range map[string]string{
		"numbers":  "a = [" + fill("1,") + "]",
		"brackets": "a = " + fill("[[]],"),
		"blocks":   fill("mount \"/x\" {\n  size = 1\n}\n"),
		"heredoc":  "a = <<E\n" + fill("one line of a large file that somebody put in here\n") + "E\n",
		"comment":  fill("# one line of a large file that somebody put in here\n"),
		"bigname":  fill("a"),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Parse(File{"x.hcl", []byte(text)})
			}
		})
	}
}
