package eosconf

import (
	"slices"
	"strings"
)

// singles are the settings that hold one value: the words before the value, by where they stand ("" is the top).
func singles() map[string][]string {
	return map[string][]string{
		"": {"hostname", "spanning-tree mode", "service routing protocols model", "logging buffered", "logging facility", "clock timezone"},
		"interface ": {"description", "mtu", "vrf", "speed", "load-interval", "tunnel mode", "tunnel source", "tunnel destination", "tunnel ttl", "tunnel tos", "tunnel key", "isis metric", "isis hello-interval", "isis circuit-type", "pim ipv4 dr-priority", "ip verify unicast source reachable-via", "encapsulation dot1q vlan", "service-policy type pbr input", "traffic-policy input", "traffic-policy output",
			"switchport mode", "switchport access vlan", "switchport trunk allowed vlan"},
		"vlan ":   {"name"},
		"daemon ": {"exec"}, "event-handler ": {"trigger", "action bash", "delay"},
		"class ": {"shape kbps", "bandwidth kbps", "set nexthop"}, "vrf instance ": {"description", "rd"},
	}
}

// key names the setting that a line gives a value: two lines of one section with one key cannot both stand, and typing one
// takes the other's place. Empty: the line stands for itself.
func key(path []string, line string) string {
	first, _, _ := strings.Cut(line, "\n")
	if sequenced(path) {
		if n, _ := sequence(line); n >= 0 {
			return "#" + line[:strings.IndexByte(line, ' ')]
		}
	}
	head := ""
	if len(path) > 0 {
		_, head = sequence(path[len(path)-1])
	}
	words := strings.Fields(first)
	switch {
	case strings.HasPrefix(head, "interface ") && len(words) >= 4 && words[0] == "ip" && words[1] == "access-group":
		return "ip access-group " + words[len(words)-1]
	case strings.HasPrefix(head, "interface ") && len(words) == 3 && words[0] == "ip" && words[1] == "address":
		return "ip address"
	case len(path) == 0 && len(words) == 6 && words[0] == "monitor" && words[3] == "ip" && words[4] == "access-group":
		return strings.Join(words[:5], " ")
	case strings.HasPrefix(head, "router bgp ") && len(words) > 3 && words[0] == "neighbor" && slices.Contains([]string{"description", "remote-as", "update-source", "timers", "password"}, words[2]):
		return strings.Join(words[:3], " ")
	case len(path) == 0 && len(words) == 2 && words[0] == "banner":
		return first
	}
	for where, list := range singles() {
		if where == "" && len(path) == 0 || where != "" && strings.HasPrefix(head, where) {
			for _, s := range list {
				if first == s || strings.HasPrefix(first, s+" ") {
					return s
				}
			}
		}
	}
	on := strings.TrimPrefix(first, "no ")
	if slices.Contains([]string{"shutdown", "switchport", "disabled", "asynchronous"}, on) || strings.HasPrefix(on, "ip routing") && len(path) == 0 {
		return on
	}
	return ""
}
