package config

import "strings"

// kinds of interfaces, in the order in which they are printed (configs/real-7280CR3A-4.34.0F; Port-Channel first and Vlan last
// as in configs/avd), with the shortest form that a person may type ([I]).
func interfaceKinds() [][2]string {
	return [][2]string{{"Port-Channel", "po"}, {"Ethernet", "et"}, {"Loopback", "lo"}, {"Management", "ma"}, {"Recirc-Channel", "re"},
		{"Tunnel", "tu"}, {"Vlan", "vl"}, {"Vxlan", "vx"}}
}

// Interface gives the full name of an interface: "Et1/1" is "Ethernet1/1" (eos.md B.3).
func Interface(typed string) (string, bool) {
	if strings.EqualFold(typed, "Null0") {
		return "Null0", true
	}
	i := strings.IndexAny(typed, "0123456789")
	if i < 1 || !unit(typed[i:]) {
		return "", false
	}
	low := strings.ToLower(typed[:i])
	for _, k := range interfaceKinds() {
		full := strings.ToLower(k[0])
		if strings.HasPrefix(full, low) && (strings.HasPrefix(low, k[1]) || low == full[:1] && k[0] == "Ethernet") {
			return k[0] + typed[i:], true
		}
	}
	return "", false
}

// unit tells whether s is like 1, 1/1, 1/1/1 or 1/1.100.
func unit(s string) bool {
	port, sub, dotted := strings.Cut(s, ".")
	parts := strings.Split(port, "/")
	if dotted {
		parts = append(parts, sub)
	}
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			return false
		}
	}
	return len(parts) <= 4
}

// Short is an interface as a prompt has it: "Lo1", "Et1/1" (cli-transcripts/scrapli).
func Short(full string) string {
	i := strings.IndexAny(full, "0123456789")
	if i < 2 {
		return full
	}
	return full[:2] + full[i:]
}

// interfaces is a list without blanks: "Ethernet1/1,Ethernet2/1".
func interfaces(typed string) (string, bool) {
	parts := strings.Split(typed, ",")
	for i, p := range parts {
		full, ok := Interface(p)
		if !ok {
			return "", false
		}
		parts[i] = full
	}
	return strings.Join(parts, ","), true
}
