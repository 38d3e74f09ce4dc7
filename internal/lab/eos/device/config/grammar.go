package config

// NewGrammar is the grammar of a switch with these ports (full names, Ethernet and Management).
func NewGrammar(ports []string, flags Flags) *Grammar {
	g := &Grammar{Ports: ports, Flags: flags}
	g.top = &Mode{Rules: join(
		accounts(), counters(), daemons(), handlers(), services(), logging(), sdk(), names(), spanning(), l1(), vrfs(), managementAPI(),
		telemetry(), g.interfaces(), tcam(), accessLists(), classMaps(), routing(), routeLists(), controlPlane(), monitors(), routes(),
		mpls(), ntp(), policyMaps(), trafficPolicies(), routeMaps(), bgp(), isis(), multicast(), pim(), msdp(), banners(), management(),
	)}
	g.top.prepare(map[*Mode]bool{})
	return g
}

// join puts lists of rules one behind the other: the order in which a configuration is printed (eos.md 1).
func join(lists ...[]*Rule) []*Rule {
	var all []*Rule
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// called makes the prompt of a mode from a word and its header's last value.
func called(begin string) func([]string) string {
	return func(args []string) string {
		if len(args) == 0 {
			return begin
		}
		return begin + "-" + args[len(args)-1]
	}
}

// word sorts by one word of the line, as text: MSDP peers stand so (configs/real-7280CR3A-4.34.0F).
func word(i int) func([]string) string {
	return func(line []string) string { return line[i] }
}

// number sorts by one word of the line, numbers in it by their value: BGP neighbors and interfaces stand so.
func number(i int) func([]string) string {
	return func(line []string) string { return natural(line[i]) }
}
