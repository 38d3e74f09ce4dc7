package plans

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"bisc/internal/source"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"blank lines at the end", "a = 1\n\n\n", "a = 1\n"},
		{"no new line at the end", "a = 1", "a = 1\n"},
		{"comments stay", "# one\nlayer   \"storage\"   { # two\n// three\n      on=\"lab\" /* four */\n}\n# five", "# one\nlayer \"storage\" { # two\n  // three\n  on = \"lab\" /* four */\n}\n# five\n"},
		{"columns", "locals {\n  a = 1\n  long = 2\n}\n", "locals {\n  a    = 1\n  long = 2\n}\n"},
		{"heredoc", "a = <<-E\n    x\n  E\n", "a = <<-E\n    x\n  E\n"},
		{"byte order mark", "\ufeffa=1\n", "a = 1\n"},
		{"does not parse", "a = = 1\n   b", "a = = 1\n   b"},
	} {
		if got := string(Format([]byte(c.in))); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFormatFiles(t *testing.T) {
	out, texts, diags := FormatFiles([]source.File{{Name: "good", Text: []byte("a = 1\n")}, {Name: "bad", Text: []byte("a = (\n")}, {Name: "ugly", Text: []byte("a=1")}})
	if len(out) != 2 || out[0].Changed || !out[1].Changed || string(out[1].Out) != "a = 1\n" {
		t.Errorf("got %+v", out)
	}
	if !diags.HasErrors() || diags[0].Subject.Filename != "bad" || texts["bad"] == nil {
		t.Errorf("got %v", diags)
	}
}

// words is the tokens of a text but for where its lines end.
func words(text []byte) string {
	tokens, _ := hclsyntax.LexConfig(bytes.TrimPrefix(text, []byte("\ufeff")), "", hcl.InitialPos)
	var b strings.Builder
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenEOF:
		case hclsyntax.TokenComment:
			b.WriteString(strings.TrimSpace(string(t.Bytes)) + "\n")
		default:
			b.Write(t.Bytes)
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func FuzzFormat(f *testing.F) {
	f.Add([]byte(explained))
	f.Add([]byte(digested))
	f.Add([]byte("a = <<-E\n  ${x}\n    y\n  E\n\n\nb=[1,\n2 # c\n]\n"))
	f.Add([]byte("a = {\n# c\nb=1\n\n\nlong = 2 }\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		once := Format(text)
		if twice := Format(once); !bytes.Equal(once, twice) {
			t.Errorf("formatting %q gives %q and then %q", text, once, twice)
		}
		if before, after := words(text), words(once); before != after {
			t.Errorf("formatting %q changes its words:\n%q\n%q", text, before, after)
		}
	})
}
