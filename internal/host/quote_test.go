package host

import (
	"os/exec"
	"strings"
	"testing"
)

// A shell splits what Quote joins back into exactly the same words.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a b", "it's", "$(id)", "`id`", "a\nb", "-rf", "~root", "=cat", "\\", `"`, "*", "é", "\xff", "!x", "{a,b}", "#c", "a;b"} {
		f.Add(s, "second")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.ContainsRune(a+b, 0) {
			return // no argument of a program holds a NUL
		}
		out, err := exec.Command("sh", "-c", "printf '%s\\0' "+Quote(a, b)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if want := a + "\x00" + b + "\x00"; string(out) != want {
			t.Errorf("the shell saw %q, want %q", out, want)
		}
	})
}
