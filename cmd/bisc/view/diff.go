package view

import (
	"fmt"
	"strings"
)

// isLine begins the second line of a diff that is too long for one.
const isLine = "  is   "

// diffLines says what differs: what is live first, then what would be after boot, and what is left as it is, with why.
func (p *page) diffLines(it Item, c class) []string {
	var out []string
	diffs := it.Diffs
	if len(it.Left) > 0 && (c == changed || c == differs) {
		diffs = withoutLeft(it)
	}
	for _, boot := range []bool{false, true} {
		for _, d := range diffs {
			if d.AfterBoot == boot {
				if c == waiting && !p.Verbose {
					d.Text = "" // the resource that will mend it shows the same
				}
				out = append(out, p.diff(d, p.moves(c) && d.Why == "")...)
			}
		}
	}
	for _, d := range it.Left {
		lines := p.diff(d, false)
		lines[0] = "left: " + lines[0]
		out = append(out, lines...)
	}
	if len(out) > 1 && strings.HasPrefix(out[1], isLine) {
		return append([]string{""}, out...) // three lines belong together, below the address
	}
	return out
}

// withoutLeft is the diffs that the round mended.
func withoutLeft(it Item) []Diff {
	var out []Diff
	for _, d := range it.Diffs {
		if d.Why == "" {
			out = append(out, d)
		}
	}
	return out
}

// moves tells whether a diff of the class is on its way from got to want, or only a difference.
func (p *page) moves(c class) bool {
	switch c {
	case willChange, willDestroy, blocked, notReached, stale, failed:
		return !Reading(p.Verb)
	case changed:
		return true
	}
	return false
}

// diff is a diff on one line, or on three where it is too long for the width, and its text below.
func (p *page) diff(d Diff, moves bool) []string {
	head := Clean(d.Attr)
	if d.AfterBoot {
		head = "after boot: " + head
	}
	got, want := p.shown(d.Got), p.shown(d.Want)
	between := ", want "
	if moves {
		between = " -> "
	}
	var out []string
	whole := head + ": " + got + between + want
	switch {
	case d.Got == "" && d.Want == "":
		out = []string{head}
	case p.Width > 0 && columns(whole) > max(p.Width-6, 40) && columns(got)+columns(want) > 40:
		out = []string{head + ":", isLine + got, "  want " + want}
	default:
		out = []string{whole}
	}
	out = append(out, p.diffText(d.Text)...)
	if d.Why != "" {
		out = append(out, p.errorLines("bisc leaves it: ", d.Why)...)
	}
	return out
}

func (p *page) shown(value string) string {
	if value == "" {
		return "(none)"
	}
	return p.value(value)
}

// diffText is a unified diff behind a bar, up to the limit.
func (p *page) diffText(text string) []string {
	if text == "" {
		return nil
	}
	limit := longDiff
	if p.Verbose {
		limit = longDiffVerbose
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	more := len(lines) - limit
	if more > 0 {
		lines = lines[:limit]
	}
	for i, l := range lines {
		lines[i] = "  | " + shorten(cleanTabs(l), longValueVerbose)
	}
	if more > 0 {
		hint := " (-v shows more)"
		if p.Verbose {
			hint = ""
		}
		lines = append(lines, fmt.Sprintf("  | … %d more %s%s", more, plural(more, "line", "lines"), hint))
	}
	return lines
}
