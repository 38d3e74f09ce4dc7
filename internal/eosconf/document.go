package eosconf

import (
	"fmt"
	"strings"
)

// documents says how many texts, each with an EOF of its own, follow a line as typed and as printed. Banners stand at the
// left edge whatever is in them; the others are indented like a section's lines [V: fixtures of AVD, pyeapi, batfish].
func documents(line string) int {
	switch line {
	case "action bash", "comment", "code":
		return 1
	case "protocol https certificate": // the certificate, then its key
		return 2
	}
	for _, opener := range []string{"banner ", "code unit "} {
		if name, ok := strings.CutPrefix(line, opener); ok && name != "" && !strings.Contains(name, " ") {
			return 1
		}
	}
	return 0
}

// document takes n texts into the line.
func (p *parser) document(l *Line, at, n int) error {
	body := []string{}
	for opened := p.number; n > 0; {
		if p.rest == "" {
			return fmt.Errorf("%q, which begins at line %d, %w", l.Text, opened, ErrNoEnd)
		}
		line := p.cut()
		body = append(body, line)
		if strings.TrimSpace(line) == "EOF" {
			n--
		}
	}
	depth := 1 // of the text, as it will be printed
	for _, open := range p.stack {
		if open.indent < at {
			depth++
		}
	}
	margin := indent(depth)
	for _, line := range body {
		l.raw = l.raw || strings.TrimSpace(line) != "" && !strings.HasPrefix(line, margin)
	}
	for _, line := range body {
		if !l.raw && strings.TrimSpace(line) != "" {
			line = line[len(margin):]
		}
		l.Text += "\n" + line
	}
	return nil
}
