package view

import (
	"fmt"
	"strings"

	"bisc/layers"
)

// How much of a value, and of a diff of content, is shown; -v shows more. A host's answer may be a megabyte.
const (
	longValue, longValueVerbose = 300, 8192
	longDiff, longDiffVerbose   = 30, 1000 // lines
)

// item prints an item's line and what belongs below it.
func (p *page) item(it Item, c class) {
	first, rest := p.facts(it, c)
	p.headline(it, c, first)
	for _, l := range rest {
		p.wrapped(6, l)
	}
}

// headline is mark, address, the first fact and the place, each where it fits.
func (p *page) headline(it Item, c class, first string) {
	head := "  " + p.mark(c) + " " + shorten(Clean(it.Address), 4096)
	width := len("  ~ ") + columns(Clean(it.Address)) // a mark's colour has no width
	gap := max(3, p.column-width)
	below := first != "" && p.Width > 0 && width+gap+columns(first) > p.Width
	if first != "" && !below {
		head += strings.Repeat(" ", gap) + first
		width += gap + columns(first)
	}
	where := Clean(it.Where)
	switch {
	case where == "":
	case p.Width == 0:
		head += "   " + where
	case width+3+columns(where) <= p.Width:
		head += strings.Repeat(" ", p.Width-width-columns(where)) + where
	default:
		head += "\n      at " + where
	}
	p.print(head)
	if below {
		p.wrapped(6, first)
	}
}

// facts is what there is to say about an item: the first for its own line, the rest for below.
func (p *page) facts(it Item, c class) (first string, rest []string) {
	var lines []string
	switch c {
	case unknown:
		lines = p.errorLines("could not observe: ", it.Error)
	case failed:
		lines = p.errorLines("failed: ", either(it.Error, it.Reason))
	case stale:
		lines = p.errorLines("stale: ", either(it.Reason, it.Error))
	case notReached:
		lines = p.errorLines("not reached: ", it.Reason)
	case inSync:
		lines = []string{""}
	default:
		lines = append(lines, p.diffLines(it, c)...)
	}
	if p.Verbose && (c == failed || c == stale || c == notReached) {
		lines = append(lines, p.diffLines(it, c)...)
	}
	lines = append(lines, p.reasonLines(it, c)...)
	lines = append(lines, p.lossLines(it, c)...)
	lines = append(lines, p.cutLines(it, c)...)
	lines = append(lines, p.stepLines(it, c)...)
	if len(lines) == 0 {
		return "", nil
	}
	return lines[0], lines[1:]
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (p *page) errorLines(what, text string) []string {
	var out []string
	for i, l := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		l = p.value(l)
		if i == 0 {
			l = what + l
		} else {
			l = "  " + l
		}
		out = append(out, l)
	}
	return out
}

// value is a cleaned value of bearable length.
func (p *page) value(s string) string {
	if p.Verbose {
		return shorten(Clean(s), longValueVerbose)
	}
	return shorten(Clean(s), longValue)
}

func (p *page) reasonLines(it Item, c class) []string {
	var out []string
	switch {
	case c == blocked && asksForConsent(it):
		out = append(out, "blocked: it destroys something, and nobody named it")
	case c == blocked:
		out = append(out, p.errorLines("blocked: ", either(it.Reason, it.Error))...)
	case c == held, c == waiting, it.Reason != "" && (c == differs && p.Verbose || p.Verb == "drift" && it.State == layers.Drifted.String()):
		out = append(out, p.value(it.Reason))
	}
	if c == blocked && it.Error != "" && it.Reason != "" {
		out = append(out, p.value(it.Error))
	}
	if it.Because != "" && (c == broken || c == waiting || c == held || c == unknown) {
		if it.From != "" && c != unknown { // its error says where
			out = append(out, "observed on "+p.value(it.From))
		}
		out = append(out, "because "+p.value(it.Because))
	}
	return out
}

// asksForConsent tells a change that only lacks its --destroy from one that something else stands before.
func asksForConsent(it Item) bool {
	return len(it.Destroys) > 0 && strings.Contains(it.Reason, "--destroy ")
}

// lossLines names each thing lost, and how to permit it where that was not done.
func (p *page) lossLines(it Item, c class) []string {
	if c != willDestroy && c != blocked {
		return nil
	}
	var out []string
	for _, d := range it.Destroys {
		out = append(out, p.paint(willDestroy, "-")+" destroys "+p.value(d))
	}
	if asksForConsent(it) && !Reading(p.Verb) {
		out = append(out, "to permit it: --destroy "+pasteable(it.Address))
	}
	return out
}

// cutLines says of a change that it can cut the operator off, and what is done about that.
func (p *page) cutLines(it Item, c class) []string {
	if it.CanCutOff == "" || c != willChange && c != willDestroy && c != blocked {
		return nil
	}
	within := p.Within
	if within == 0 {
		within = layers.ConfirmWithin
	}
	return []string{fmt.Sprintf("can cut off (%s): dead-man's switch, %s: the host takes it back unless a new connection proves it", p.value(it.CanCutOff), within)}
}

func (p *page) paint(c class, s string) string {
	if !p.Color {
		return s
	}
	return "\x1b[" + c.mark().colour + "m" + s + "\x1b[0m"
}

// stepLines says what would be done, or was, where that is asked for or about to happen.
func (p *page) stepLines(it Item, c class) []string {
	word := ""
	switch {
	case Reading(p.Verb) && !p.Wire:
	case c == willChange, c == willDestroy:
		word = "will: "
	case c == changed && (p.Verbose || p.Wire):
		word = "did: "
	case c == blocked && asksForConsent(it), p.Verbose && c != changed, p.Wire:
		word = "would: "
	}
	if word == "" {
		return nil
	}
	var out []string
	for _, s := range it.Steps {
		out = append(out, p.step(word, s)...)
	}
	return out
}

func (p *page) step(word string, s Step) []string {
	lines := s.lines
	if lines == nil {
		lines = []string{s.Text} // a document that was read back
	}
	out := []string{word + p.value(lines[0])}
	for _, l := range lines[1:] {
		out = append(out, p.value(l))
	}
	if p.Wire && s.Wire != nil {
		out = out[:1]
		for _, l := range s.Wire.lines() {
			out = append(out, "  "+l)
		}
	}
	return out
}
