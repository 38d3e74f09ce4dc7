package eosconf

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// ports are the names that EOS prints for ports, with their numbers: those that the real switches' lists show [V].
func ports() map[string]int {
	return map[string]int{
		"ssh": 22, "telnet": 23, "bootps": 67, "bootpc": 68, "www": 80, "ntp": 123, "snmp": 161, "bgp": 179, "ptp-event": 319,
		"ptp-general": 320, "https": 443, "rip": 520, "msdp": 639, "ldp": 646, "netconf-ssh": 830, "lsp-ping": 3503, "bfd": 3784,
		"bfd-echo": 3785, "mlag": 4432, "nat": 4532, "multihop-bfd": 4784, "gnmi": 6030, "micro-bfd": 6784, "sbfd": 7784, "sbfd-initiator": 7785,
	}
}

// tcpOnly and udpOnly: EOS prints the name only where the protocol has it [I].
func named(protocol, name string) bool {
	tcp := []string{"ssh", "telnet", "www", "bgp", "https", "netconf-ssh", "gnmi"}
	udp := []string{"bootps", "bootpc", "ntp", "ptp-event", "ptp-general", "rip", "bfd", "bfd-echo", "multihop-bfd", "micro-bfd", "sbfd", "sbfd-initiator", "lsp-ping"}
	return protocol == "tcp" && !slices.Contains(udp, name) || protocol == "udp" && !slices.Contains(tcp, name)
}

// portNumber is a port's number, by name or as it is; -1: neither is known.
func portNumber(word string) int {
	if n, ok := ports()[word]; ok {
		return n
	}
	if n, err := strconv.Atoi(word); err == nil && n >= 0 && n < 1<<16 {
		return n
	}
	return -1
}

// normalRule is an access list's entry as EOS prints it.
func normalRule(line string) string { return rewriteRule(line, portName) }

// canonRule is one spelling of all that mean the same: ports as numbers.
func canonRule(line string) string {
	return rewriteRule(line, func(_ string, n int) string { return strconv.Itoa(n) })
}

func portName(protocol string, n int) string {
	for name, m := range ports() {
		if m == n && named(protocol, name) {
			return name
		}
	}
	return strconv.Itoa(n)
}

func rewriteRule(line string, name func(string, int) string) string {
	n, rule := sequence(line)
	words := strings.Fields(rule)
	if len(words) < 2 || words[0] != "permit" && words[0] != "deny" {
		return line
	}
	protocol, out := words[1], words[:1:1]
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "0.0.0.0/0":
			out = append(out, "any")
		case strings.HasSuffix(w, "/32"):
			out = append(out, "host", strings.TrimSuffix(w, "/32"))
		case w == "eq" || w == "neq":
			var list []string
			for i++; i < len(words) && portNumber(words[i]) >= 0; i++ {
				list = append(list, words[i])
			}
			i--
			out = append(append(out, w), portList(protocol, list, name)...)
		default:
			out = append(out, w)
		}
	}
	rule = strings.Join(out, " ")
	if n >= 0 {
		return strconv.Itoa(n) + " " + rule
	}
	return rule
}

// portList is ports in the order of their numbers [V].
func portList(protocol string, list []string, name func(string, int) string) []string {
	slices.SortStableFunc(list, func(a, b string) int { return cmp.Compare(portNumber(a), portNumber(b)) })
	for i, p := range list {
		list[i] = name(protocol, portNumber(p))
	}
	return list
}
