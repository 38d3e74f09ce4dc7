package eosconf

import (
	"slices"
	"strings"
)

// Config is a configuration, or a part of one.
type Config struct {
	Lines []*Line

	head   []string // the lines of "!" before the first line: the command, the device, the image
	end    bool     // the word "end" was there
	endGap int      // separators before it
	open   bool     // the text's last line has no newline
}

// Line is one line, without its indent, and the lines below it. A text that ends with EOF (a banner, an "action bash") is one
// Line with newlines in Text, EOF included; so are the lines of one comment ("!! ...").
type Line struct {
	Text string
	Sub  []*Line

	gap, tail int  // separators before the line; after the last line below it
	raw       bool // a text whose lines are printed as they are, without indent
}

// Whole tells whether the text ended with the word "end". What was cut off has lost lines, and a missing line is not absence.
func (c *Config) Whole() bool { return c.end }

// Device is what the header says of itself: "laconic-mia-sw01 (DCS-7280CR3A-32S, EOS-4.34.0F)". Empty: no header.
func (c *Config) Device() string {
	for _, l := range c.head {
		if d, ok := strings.CutPrefix(l, "! device: "); ok {
			return d
		}
	}
	return ""
}

// Find gives the section with these headers, outermost first, as the device spells them; nil: it is not there.
func (c *Config) Find(under ...string) *Line {
	lines, at := c.Lines, (*Line)(nil)
	for _, u := range under {
		i := slices.IndexFunc(lines, func(l *Line) bool { return l.Text == u })
		if i < 0 {
			return nil
		}
		at, lines = lines[i], lines[i].Sub
	}
	return at
}

// Has tells whether a line stands in a section (none: at the top).
func (c *Config) Has(line string, under ...string) bool {
	return c.Find(append(slices.Clone(under), line)...) != nil
}

// Top gives the lines at the top that begin with prefix, in their order.
func (c *Config) Top(prefix string) []string {
	var out []string
	for _, l := range c.Lines {
		if strings.HasPrefix(l.Text, prefix) {
			out = append(out, l.Text)
		}
	}
	return out
}

// Section gives a section's lines with the indent that they have below its header, and whether it is there.
func (c *Config) Section(under ...string) ([]string, bool) {
	at := c.Find(under...)
	if at == nil {
		return nil, false
	}
	return outline(at.Sub, 0, nil), true
}

// outline gives lines with their indent, one string a Line.
func outline(lines []*Line, depth int, out []string) []string {
	for _, l := range lines {
		out = append(out, indent(depth)+l.Text)
		out = outline(l.Sub, depth+1, out)
	}
	return out
}

// Clone is a copy that shares no line.
func (c *Config) Clone() *Config {
	d := *c
	d.head, d.Lines = slices.Clone(c.head), cloneLines(c.Lines)
	return &d
}

func cloneLines(lines []*Line) []*Line {
	out := make([]*Line, len(lines))
	for i, l := range lines {
		out[i] = l.clone()
	}
	return out
}

func (l *Line) clone() *Line {
	c := *l
	c.Sub = cloneLines(l.Sub)
	return &c
}
