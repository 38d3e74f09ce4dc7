package network

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"bisc/modules"
)

// matching is which packets a rule is about. The kinds have its fields as attributes of their own.
type matching struct {
	protocol, source, destination, sport, dport, in, out, mark string
}

// words gives the matches as iptables-save orders and prints them. It wants a matching that was found valid.
func (m matching) words() []string {
	var out []string
	for _, address := range [][2]string{{"-s", m.source}, {"-d", m.destination}} {
		if p, err := parsePrefix(address[1]); address[1] != "" && err == nil {
			out = append(out, address[0], p.String())
		}
	}
	add := func(name, value string) {
		if value != "" {
			out = append(out, name, value)
		}
	}
	add("-i", m.in)
	add("-o", m.out)
	add("-p", m.protocol)
	if m.sport != "" || m.dport != "" {
		add("-m", m.protocol)
	}
	add("--sport", m.sport)
	add("--dport", m.dport)
	if k, err := parseMark(m.mark); m.mark != "" && err == nil {
		out = append(out, "-m", "mark", "--mark", k.String())
	}
	return out
}

// validate finds what iptables would not take, or would take otherwise than it reads.
func (m matching) validate() error {
	var faults []error
	fault := func(attr string, err error) {
		if err != nil {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: err.Error()})
		}
	}
	if m.protocol != "" && !slices.Contains([]string{"udp", "tcp", "icmp", "gre"}, m.protocol) {
		fault("protocol", fmt.Errorf("%q is not one of udp, tcp, icmp, gre", m.protocol))
	}
	if ports := m.sport != "" || m.dport != ""; ports && m.protocol != "udp" && m.protocol != "tcp" {
		fault("protocol", errors.New("a rule with ports is for udp or for tcp: write one for each"))
	}
	for _, p := range [][2]string{{"source", m.source}, {"destination", m.destination}} {
		if p[1] != "" {
			_, err := parsePrefix(p[1])
			fault(p[0], err)
		}
	}
	for _, p := range [][2]string{{"source_port", m.sport}, {"port", m.dport}} {
		if p[1] != "" {
			_, err := parsePorts(p[1])
			fault(p[0], err)
		}
	}
	for _, p := range [][2]string{{"in_interface", m.in}, {"out_interface", m.out}} {
		if p[1] != "" && !regexp.MustCompile(`^[A-Za-z0-9_.:@][A-Za-z0-9_.:@-]{0,14}\+?$`).MatchString(p[1]) {
			fault(p[0], fmt.Errorf("%q is not the name of an interface", p[1]))
		}
	}
	if m.mark != "" {
		_, err := parseMark(m.mark)
		fault("marked", err)
	}
	return errors.Join(faults...)
}

// covers tells whether packets for a port of the host can be among those of the rule, from wherever they come.
func (m matching) covers(protocol string, port uint16) bool {
	if m.source != "" || m.mark != "" || m.sport != "" || m.protocol != "" && m.protocol != protocol {
		return false
	}
	if m.dport == "" {
		return true
	}
	p, err := parsePorts(m.dport)
	return err == nil && p.covers(port)
}
