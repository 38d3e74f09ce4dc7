package plane

import "strings"

// Kernel gives the kernel's name of an interface: et4_1 of Ethernet4/1, ma1 of Management1. [V] for these two, [I] for the others:
// po7, vlan10, lo101, tu100. "" is a kind that has none here.
func Kernel(name string) string {
	for _, kind := range []struct{ full, short string }{
		{"Ethernet", "et"}, {"Management", "ma"}, {"Port-Channel", "po"}, {"Vlan", "vlan"}, {"Loopback", "lo"}, {"Tunnel", "tu"},
	} {
		if number, ok := strings.CutPrefix(name, kind.full); ok && number != "" {
			return kind.short + strings.ReplaceAll(number, "/", "_")
		}
	}
	return ""
}

// far is the name of a port's other end while it lies in the cable namespace.
func far(dev string) string { return "x" + dev }

// isPort tells a port that a cable goes into.
func isPort(name string) bool {
	return strings.HasPrefix(name, "Ethernet") || strings.HasPrefix(name, "Management")
}

// FarEnd is the name of a port's other end ("Ethernet4/1") in the cable namespace.
func FarEnd(port string) string { return far(Kernel(port)) }
