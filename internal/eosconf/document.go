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
	words := strings.Fields(line)
	switch {
	case len(words) == 2 && words[0] == "banner", len(words) == 3 && words[0] == "code" && words[1] == "unit":
		return 1
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
	margin := strings.Repeat(" ", at+step)
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
