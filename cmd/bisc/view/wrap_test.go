package view

import (
	"slices"
	"strings"
	"testing"

	"bisc/layers"
)

func TestBreakLine(t *testing.T) {
	for line, want := range map[string][]string{
		"": {""}, "short": {"short"}, "exactly ten": {"exactly", "ten"}, "one two three four five": {"one two", "three four", "five"},
		"a-word-longer-than-all x": {"a-word-longer-than-all", "x"}, "x a-word-longer-than-all": {"x", "a-word-longer-than-all"},
		"\x1b[31m-\x1b[0m ab cd ef ghi": {"\x1b[31m-\x1b[0m ab cd ef", "ghi"}, "日本 日本 日本": {"日本 日本", "日本"},
		"two  spaces stay where they are": {"two", "spaces", "stay where", "they are"},
	} {
		if got := breakLine(line, 10); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

// No line of a report is wider than the terminal where it has a space to break at, and no word is broken: joined again the
// lines say the same.
func TestLinesFit(t *testing.T) {
	long := strings.TrimSpace(strings.Repeat("why this is so and not otherwise ", 8))
	for _, state := range []layers.State{layers.Drifted, layers.Changed, layers.Blocked, layers.NotReached} {
		o := with(mount(), func(o *layers.Outcome) { o.State, o.Reason = state, long })
		out := render(t, report(o), Options{Verb: "apply", Width: 80, Verbose: true})
		for _, l := range strings.Split(out, "\n") {
			if columns(l) > 80 && strings.HasPrefix(l, "      ") && !strings.HasPrefix(l, "       ") {
				t.Errorf("%v: %d columns: %s", state, columns(l), l)
			}
		}
		if joined := strings.Join(strings.Fields(out), " "); state == layers.Blocked && !strings.Contains(joined, long) {
			t.Errorf("%v: a word is broken:\n%s", state, out)
		}
	}
}
