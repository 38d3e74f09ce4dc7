package view

import "strings"

// wrapped prints a line below an item, broken at spaces where it is wider than the terminal, which would break it in the
// middle of a word. What is copied or compared stays whole: a diff's lines, what would be sent, a flag to paste.
func (p *page) wrapped(indent int, line string) {
	pad := strings.Repeat(" ", indent)
	if p.Width == 0 || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "to permit it: ") {
		p.print(pad + line)
		return
	}
	for i, l := range breakLine(line, max(20, p.Width-indent-2)) {
		if i > 0 {
			l = "  " + l
		}
		p.print(pad + l)
	}
}

// breakLine breaks a line at spaces into pieces of at most so many columns; a word that is longer stays whole. A terminal's
// colours take no room.
func breakLine(line string, room int) []string {
	var out []string
	for {
		at, width, colour := -1, 0, false
		for i, r := range line {
			switch {
			case r == '\x1b':
				colour = true
			case colour:
				colour = r != 'm'
			default:
				width += columns(string(r))
			}
			if r == ' ' && i > 0 && (width <= room+1 || at < 0) {
				at = i
			}
			if width > room && at > 0 {
				break
			}
		}
		if width <= room || at < 0 {
			return append(out, line)
		}
		out, line = append(out, strings.TrimRight(line[:at], " ")), strings.TrimLeft(line[at:], " ")
	}
}
