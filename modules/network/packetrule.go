package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// packetRule is one rule as words of iptables(8), in the order in which iptables-save prints them.
type packetRule struct {
	table, chain string
	matches      []string // "-d", "192.0.2.1/32", "-p", "udp", "-m", "udp", "--dport", "20000"
	action       []string // "-j", "DNAT", "--to-destination", "172.20.0.2:9000"
	comment      string
}

// words is the rule without its table and chain.
func (r packetRule) words() []string {
	out := slices.Clone(r.matches)
	if r.comment != "" {
		out = append(out, "-m", "comment", "--comment", r.comment)
	}
	return append(out, r.action...)
}

// String reads like a line of iptables-save.
func (r packetRule) String() string { return "-A " + r.chain + " " + joinWords(r.words()) }

// target is the word after -j or -g; empty for a rule that only counts.
func (r packetRule) target() string {
	if len(r.action) > 1 {
		return r.action[1]
	}
	return ""
}

// takesAll tells whether no packet comes past the rule.
func (r packetRule) takesAll() bool {
	return len(r.matches) == 0 && slices.Contains([]string{"ACCEPT", "DROP", "RETURN", "REJECT", "DNAT", "SNAT", "MASQUERADE", "REDIRECT"}, r.target())
}

// same tells whether two rules do the same with the same packets. Comments do not count: a rule that somebody made by hand
// from the same words is the rule.
func (r packetRule) same(other packetRule) bool {
	return r.place() == other.place() && canonical(r.matches) == canonical(other.matches) && canonical(r.action) == canonical(other.action)
}

func (r packetRule) place() string { return r.table + " " + r.chain }

// alike tells whether two rules of a chain are not the same and yet about the same packets, or send packets of the same
// ports to the same place: what is left when somebody changed an address.
func (r packetRule) alike(other packetRule) bool {
	if r.place() != other.place() || r.same(other) {
		return false
	}
	matches := canonical(r.matches)
	ports := r.ports()
	return len(r.matches) > 0 && matches == canonical(other.matches) ||
		ports != "" && ports == other.ports() && r.target() == other.target() && canonical(r.action) == canonical(other.action)
}

// ports is the protocol and the ports; empty where no port is named.
func (r packetRule) ports() string {
	protocol, sport, dport := r.option("-p"), r.option("--sport"), r.option("--dport")
	if sport == "" && dport == "" {
		return ""
	}
	return protocol + " " + sport + " " + dport
}

// option is the value of a match that is not negated.
func (r packetRule) option(name string) string {
	for i, w := range r.matches {
		if w == name && i+1 < len(r.matches) && (i == 0 || r.matches[i-1] != "!") {
			return r.matches[i+1]
		}
	}
	return ""
}

// canonical is words in one form whatever their order and spelling: an option a line, sorted, its "!" before it, without
// the -m that only loads a match.
func canonical(words []string) string {
	var options []string
	not := ""
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "!":
			not = "! "
			continue
		case w == "-m":
			i++
			continue
		}
		option := not + spelling(w)
		for i+1 < len(words) && !strings.HasPrefix(words[i+1], "-") && words[i+1] != "!" {
			i++
			option += " " + value(w, words[i])
		}
		options, not = append(options, option), ""
	}
	slices.Sort(options)
	return strings.Join(options, "\n")
}

func spelling(option string) string {
	if option == "--set-mark" {
		return "--set-xmark"
	}
	return option
}

// value is an address without a full prefix, a mark as hexadecimal digits with its mask where that is not full.
func value(option, v string) string {
	switch option {
	case "-s", "-d":
		return strings.TrimSuffix(v, "/32")
	case "--mark", "--set-mark", "--set-xmark":
		if m, err := parseMark(v); err == nil {
			return m.String()
		}
	}
	return v
}

// mark is a packet mark and the bits of it that count.
type mark struct{ value, mask uint32 }

func parseMark(text string) (m mark, err error) {
	v, mask, masked := strings.Cut(text, "/")
	n, err := strconv.ParseUint(v, 0, 32)
	m.value, m.mask = uint32(n), ^uint32(0)
	if err == nil && masked {
		n, err = strconv.ParseUint(mask, 0, 32)
		m.mask = uint32(n)
	}
	if err != nil {
		return m, fmt.Errorf("%q is not a mark: write a number, as in 100 or 0x64, with a mask where not all bits count, as in 0x64/0xff", text)
	}
	return m, nil
}

// String is the mark as iptables-save prints it.
func (m mark) String() string {
	if m.mask == ^uint32(0) {
		return fmt.Sprintf("0x%x", m.value)
	}
	return fmt.Sprintf("0x%x/0x%x", m.value, m.mask)
}

// parsePrefix reads an IPv4 address or network as iptables-save prints it: 192.0.2.1/32.
func parsePrefix(text string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		var a netip.Addr
		if a, err = netip.ParseAddr(text); err == nil {
			p = netip.PrefixFrom(a, a.BitLen())
		}
	}
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return p, fmt.Errorf("%q is not an IPv4 address or network: write it as 192.0.2.1 or 192.0.2.0/24, without bits beyond the mask", text)
	}
	return p, nil
}

// portRange is ports from first to last, both meant.
type portRange struct{ first, last uint16 }

// parsePorts reads 20000 or 9000:9025.
func parsePorts(text string) (p portRange, err error) {
	a, b, isRange := strings.Cut(text, ":")
	first, err := strconv.ParseUint(a, 10, 16)
	last := first
	if err == nil && isRange {
		last, err = strconv.ParseUint(b, 10, 16)
	}
	if err != nil || first == 0 || last < first || isRange && last == first {
		return p, fmt.Errorf("%q is not a port or a range of ports: write 20000 or 9000:9025", text)
	}
	return portRange{uint16(first), uint16(last)}, nil
}

func (p portRange) covers(port uint16) bool { return p.first <= port && port <= p.last }
