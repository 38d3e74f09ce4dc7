package config

import (
	"fmt"
	"math/rand"
	"strings"
	"testing"
)

// TestUnifiedIsTheRecordedDiff: session-diffs/napalm. The texts are the recorded configuration in the order in which that older
// release prints it, with what was merged into it, and without.
func TestUnifiedIsTheRecordedDiff(t *testing.T) {
	var b strings.Builder
	b.WriteString("! device: localhost (vEOS, EOS-4.15.5M)\n!\n! boot system flash:/vEOS-lab.swi\n!\n")
	for line := range strings.Lines(strings.TrimSpace(fixture(t, "session-diffs/napalm/initial.conf"))) {
		if line == "\n" {
			line = "!\n"
		}
		b.WriteString(line)
	}
	without := b.String()
	with := strings.Replace(without, "4x10G\n!\n", "4x10G\n!\nhostname NEWHOSTNAME\n!\n", 1)
	with = strings.Replace(with, "Ethernet2\n", "Ethernet2\n   description BLALALAL\n", 1)
	got := Unified(with, without, "a", "b")
	if want := "--- a\n+++ b\n" + strings.TrimRight(fixture(t, "session-diffs/napalm/merge_good.diff"), "\n") + "\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestUnifiedPatches: what a diff says, applied to the one text, gives the other, for texts of few different lines, which is
// where a diff has the most ways to be.
func TestUnifiedPatches(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	text := func() []string {
		var lines []string
		for range r.Intn(40) {
			lines = append(lines, string(rune('a'+r.Intn(4))))
		}
		return lines
	}
	for range 2000 {
		a, b := text(), text()
		got := patch(t, a, Unified(join2(a), join2(b), "a", "b"))
		if join2(got) != join2(b) {
			t.Fatalf("%q to %q: the diff makes %q of it", a, b, got)
		}
	}
	if Unified("x\n", "x\n", "a", "b") != "" {
		t.Error("equal texts have a diff")
	}
}

func join2(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// patch applies a diff, and checks every line that it says is there.
func patch(t *testing.T, a []string, diff string) []string {
	t.Helper()
	var out []string
	at := 0
	for _, line := range strings.Split(strings.TrimSuffix(diff, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"), line == "":
		case strings.HasPrefix(line, "@@"):
			var from, n int
			if k, err := scan(line, &from, &n); err != nil {
				t.Fatalf("%s: %v after %d", line, err, k)
			}
			if n > 0 {
				from--
			}
			out = append(out, a[at:from]...)
			at = from
		case line[0] == '+':
			out = append(out, line[1:])
		default:
			if a[at] != line[1:] {
				t.Fatalf("line %d is %q, the diff says %q", at, a[at], line)
			}
			if line[0] == ' ' {
				out = append(out, a[at])
			}
			at++
		}
	}
	return append(out, a[at:]...)
}

func scan(header string, from, n *int) (int, error) {
	*n = 1
	span := strings.TrimPrefix(strings.Fields(header)[1], "-")
	if !strings.Contains(span, ",") {
		return fmt.Sscanf(span, "%d", from)
	}
	return fmt.Sscanf(span, "%d,%d", from, n)
}
