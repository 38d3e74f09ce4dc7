package config

import (
	"os"
	"strings"
	"testing"
)

const fixtures = "../../../../../../shared/fixtures/eos/"

func fixture(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(fixtures + name)
	if err != nil {
		t.Fatalf("this test reads the public fixtures, which stand beside the repository: %v", err)
	}
	return string(b)
}

func ports() []string {
	ports := []string{"Management1"}
	for _, p := range strings.Fields("1/1 1/2 1/3 1/4 3/1 4/1 5/1 6/1 7/1 8/1 9/1 10/1 11/1 12/1 13/1 14/1 15/1 16/1 17/1 18/1 19/1 20/1 21/1 22/1 23/1 24/1 25/1 26/1 27/1 28/1 29/1 30/1 31/1 32/1") {
		ports = append(ports, "Ethernet"+p)
	}
	return ports
}

func body(text string) string {
	_, text, _ = strings.Cut(text, ".swi\n!\n")
	text, _, _ = strings.Cut(text, "!\nend")
	return text
}

func TestTheRealConfigurationPrintsBack(t *testing.T) {
	text := fixture(t, "configs/real-7280CR3A-4.34.0F/mia-sw01-running.cfg")
	tree, errs := NewGrammar(ports(), Flags{}).Parse(text)
	for _, err := range errs {
		t.Error(err)
	}
	if got, want := tree.String(), body(text); got != want {
		g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
		for i := range w {
			if i >= len(g) || g[i] != w[i] {
				t.Fatalf("line %d: got %q, want %q", i, g[i], w[i])
			}
		}
		t.Fatal("it differs at the end")
	}
}
