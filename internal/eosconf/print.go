package eosconf

import "strings"

// String prints as the device does.
func (c *Config) String() string {
	var b strings.Builder
	for _, h := range c.head {
		b.WriteString(h + "\n")
	}
	for _, l := range c.Lines {
		l.print(&b, 0)
	}
	separate(&b, 0, c.endGap)
	if c.end {
		b.WriteString("end\n")
	}
	if c.open {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}

func separate(b *strings.Builder, depth, n int) {
	for range n {
		writeIndent(b, depth)
		b.WriteString("!\n")
	}
}

func writeIndent(b *strings.Builder, depth int) {
	for range depth {
		b.WriteString("   ")
	}
}

func (l *Line) print(b *strings.Builder, depth int) {
	separate(b, depth, l.gap)
	l.printText(b, depth)
	for _, s := range l.Sub {
		s.print(b, depth+1)
	}
	separate(b, depth+1, l.tail)
}

// printText writes the line, and where it is a text or a comment, those that follow.
func (l *Line) printText(b *strings.Builder, depth int) {
	first, rest, more := strings.Cut(l.Text, "\n")
	writeIndent(b, depth)
	b.WriteString(first)
	b.WriteByte('\n')
	if !more {
		return
	}
	margin := depth + 1
	if strings.HasPrefix(first, "!!") {
		margin = depth
	}
	for line := range strings.SplitSeq(rest, "\n") {
		if !l.raw && strings.TrimSpace(line) != "" {
			writeIndent(b, margin)
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
}
