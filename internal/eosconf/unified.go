package eosconf

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// Names are the two header lines of a diff.
type Names struct{ From, To string }

// SessionNames are those of "show session-config named NAME diffs" [V].
func SessionNames(session string) Names {
	return Names{"system:/running-config", "session:/" + session + "-session-config"}
}

// Unified is the diff as the device prints it: three lines of context, the command's own header line left out [V: napalm's
// fixture counts so], and nothing at all where nothing differs. Where two ways to show one change are equally short, the
// device's choice is that of Python's difflib [I], which is why this uses its port.
func Unified(from, to *Config, names Names) string {
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: from.diffed(), B: to.diffed(), FromFile: names.From, ToFile: names.To, Context: 3})
	if err != nil {
		return fmt.Sprintf("(no diff: %v)", err) // only a Writer can fail, and a string's does not
	}
	return text
}

// diffed is the text that the device compares, by lines.
func (c *Config) diffed() []string {
	d := *c
	d.open = false
	if len(d.head) > 0 && strings.HasPrefix(d.head[0], "! Command: ") {
		d.head = d.head[1:]
	}
	return strings.SplitAfter(strings.TrimSuffix(d.String(), "\n"), "\n")
}

// ParseUnified reads a unified diff: the lines that it adds and removes, with their indent, without separators. It fails on
// text that is no diff, or that was cut off.
func ParseUnified(text string) (adds, removes []string, err error) {
	r := unifiedReader{}
	for line := range strings.Lines(text) {
		r.number++
		if err := r.line(strings.TrimRight(line, "\r\n")); err != nil {
			return nil, nil, fmt.Errorf("the diff's line %d: %w", r.number, err)
		}
	}
	if r.from > 0 || r.to > 0 {
		return nil, nil, fmt.Errorf("the diff was cut off: %d lines of the old and %d of the new text are missing", r.from, r.to)
	}
	return r.adds, r.removes, nil
}

type unifiedReader struct {
	number        int
	from, to      int // lines that the hunk still has
	adds, removes []string
}

func (r *unifiedReader) line(l string) error {
	if r.from == 0 && r.to == 0 {
		switch {
		case strings.HasPrefix(l, "@@ "):
			return r.hunk(l)
		case strings.HasPrefix(l, "--- "), strings.HasPrefix(l, "+++ "), strings.TrimSpace(l) == "", strings.HasPrefix(l, `\ No newline`):
			return nil
		}
		return fmt.Errorf("%q is no line of a unified diff", Redact(l))
	}
	switch {
	case l == "" || l[0] == ' ': // a terminal may have taken the blank of an empty line
		r.from, r.to = r.from-1, r.to-1
	case l[0] == '-':
		r.from, r.removes = r.from-1, keep(r.removes, l[1:])
	case l[0] == '+':
		r.to, r.adds = r.to-1, keep(r.adds, l[1:])
	case l[0] == '\\':
	default:
		return fmt.Errorf("%q is no line of a unified diff", Redact(l))
	}
	if r.from < 0 || r.to < 0 {
		return fmt.Errorf("the hunk has more lines than its header says")
	}
	return nil
}

// hunk reads "@@ -3,8 +3,6 @@"; a count of one is left out.
func (r *unifiedReader) hunk(l string) error {
	words := strings.Fields(l)
	if len(words) < 4 || words[3] != "@@" {
		return fmt.Errorf("%q is no hunk's header", l)
	}
	for i, n := range []*int{&r.from, &r.to} {
		*n = 1
		at := words[i+1]
		if _, count, ok := strings.Cut(at, ","); ok {
			if _, err := fmt.Sscanf(count, "%d", n); err != nil || *n < 0 {
				return fmt.Errorf("%q is no hunk's header", l)
			}
		}
	}
	return nil
}

// keep adds a line that is no separator.
func keep(lines []string, l string) []string {
	if t := strings.TrimSpace(l); t == "!" || t == "" {
		return lines
	}
	return append(lines, l)
}
