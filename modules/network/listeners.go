package network

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"bisc/internal/host"
)

// listener is a program that waits for packets at a port of the host.
type listener struct {
	protocol string // tcp, udp
	address  netip.Addr
	port     uint16
	program  string // empty where ss does not tell
}

func (l listener) String() string {
	program := l.program
	if program == "" {
		program = "program unknown"
	}
	return fmt.Sprintf("%s %d (%s)", l.protocol, l.port, program)
}

// lookAtListeners asks who listens in the host's own network namespace.
func lookAtListeners(ctx context.Context, h host.Reader) ([]listener, error) {
	text, err := ask(ctx, h, "ss", "-H", "-l", "-n", "-t", "-u", "-p")
	if err != nil {
		return nil, err
	}
	var out []listener
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		l, err := parseListener(line)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// parseListener reads "udp UNCONN 0 0 127.0.0.1%lo:53 0.0.0.0:* users:((...))"; an address of "*" is all.
func parseListener(line string) (l listener, err error) {
	words := strings.Fields(line)
	if len(words) < 6 {
		return l, fmt.Errorf("a line of ss that is not understood: %q", line)
	}
	at := strings.LastIndex(words[4], ":")
	if at < 0 {
		return l, fmt.Errorf("a line of ss that is not understood: %q", line)
	}
	l.protocol = words[0]
	if _, err := fmt.Sscan(words[4][at+1:], &l.port); err != nil {
		return l, fmt.Errorf("a line of ss that is not understood: %q", line)
	}
	address, _, _ := strings.Cut(strings.Trim(words[4][:at], "[]"), "%")
	if address != "*" {
		if l.address, err = netip.ParseAddr(address); err != nil {
			return l, fmt.Errorf("a line of ss that is not understood: %q", line)
		}
	}
	if m := regexp.MustCompile(`\(\("([^"]*)"`).FindStringSubmatch(line); m != nil {
		l.program = m[1]
	}
	return l, nil
}
