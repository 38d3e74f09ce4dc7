package eosconf

import (
	"slices"
	"strconv"
	"strings"
)

// Normalise gives lines, as a person types them in a section, the way EOS prints them (reference/eos.md B.3): entries get their
// numbers, comments and defaults go, ports get their names and order. Indent below the first column opens deeper sections. What
// cannot be read is given back as it is.
func Normalise(under []string, lines []string) []string {
	c, err := Parse([]byte(strings.Join(lines, "\n")))
	if err != nil || c.end {
		return lines
	}
	return outline(complete(under, normal(under, c.Lines)), 0, nil)
}

// normal does so for a tree, but leaves the entries of numbered sections without a number as they are.
func normal(path []string, lines []*Line) []*Line {
	var out []*Line
	for _, l := range lines {
		l.gap, l.tail = 0, 0
		l.Text = normalLine(path, l.Text)
		if l.Text == "" {
			continue
		}
		if len(path) == 0 && l.Text == "ip multicast-routing" {
			l = &Line{Text: "router multicast", Sub: []*Line{{Text: "ipv4", Sub: []*Line{{Text: "routing"}}}}}
		}
		l.Sub = normal(append(slices.Clip(path), l.Text), l.Sub)
		out = append(out, l)
	}
	if len(path) > 0 && strings.HasPrefix(path[len(path)-1], "interface ") {
		slices.SortStableFunc(out, func(a, b *Line) int { return inner(path, a.Text) - inner(path, b.Text) })
	}
	return out
}

// complete gives the entries of numbered sections their numbers, ten above the one before [V], and a daemon that is not said to
// run the line that EOS prints for it [I].
func complete(path []string, lines []*Line) []*Line {
	last, runs := 0, false
	for _, l := range lines {
		n, _ := sequence(l.Text)
		if sequenced(path) && n < 0 && entry(l.Text) {
			n = last + 10
			l.Text = strconv.Itoa(n) + " " + l.Text
		}
		last = max(last, n)
		runs = runs || strings.TrimPrefix(l.Text, "no ") == "shutdown"
		l.Sub = complete(append(slices.Clip(path), l.Text), l.Sub)
	}
	if !runs && len(path) == 1 && strings.HasPrefix(path[0], "daemon ") {
		lines = append(lines, &Line{Text: "shutdown"})
	}
	return lines
}

// normalLine is one line as EOS prints it; empty: EOS prints nothing for it.
func normalLine(path []string, line string) string {
	if strings.Contains(line, "\n") || strings.HasPrefix(line, "!!") {
		return line
	}
	line = strings.TrimRight(line, " ")
	if line == "no shut" || line == "shut" {
		line += "down"
	}
	head := ""
	if len(path) > 0 {
		head = path[len(path)-1]
	}
	switch {
	case strings.HasPrefix(line, "default "):
		return "" // it asks for the value that EOS does not print
	case line == "clock timezone UTC" && len(path) == 0, line == "no shutdown" && strings.HasPrefix(head, "interface "):
		return ""
	case line == "localhost loopback vrf default":
		return "localhost loopback"
	case strings.HasPrefix(line, "ip route ") && len(path) == 0:
		return normalRoute(line)
	case sequenced(path) && strings.Contains(head, "access-list"):
		return normalRule(line)
	}
	return line
}
