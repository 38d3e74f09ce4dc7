package config

// trafficPolicies: eos.md C.4, configs/avd/traffic-policies.cfg. Each policy ends with two rules for the rest, always printed.
// It changes as a whole when its mode is left.
func trafficPolicies() []*Rule {
	actions := &Mode{Name: called("traffic-policy-actions"), Rules: []*Rule{
		{Syntax: "count [<name>]"},
		{Syntax: "drop"},
		{Syntax: "log"},
		{Syntax: "redirect next-hop <ip>"},
		{Syntax: "set traffic class <int:0-7>"},
		{Syntax: "set dscp <int:0-63>"},
	}}
	match := func(family string) *Mode {
		return &Mode{Name: called("traffic-policy-match-" + family), Rules: []*Rule{
			{Syntax: "source prefix {rest}"},
			{Syntax: "destination prefix {rest}"},
			{Syntax: "protocol (tcp|udp) [source port <ports>] [destination port <ports>]"},
			{Syntax: "protocol icmp"},
			{Syntax: "ttl <ports>"},
			{Syntax: "fragment"},
			{Syntax: "actions", Enter: actions},
		}}
	}
	ends := func(line []string) string {
		switch line[1] {
		case "ipv4-all-default":
			return "~1"
		case "ipv6-all-default":
			return "~2"
		}
		return ""
	}
	policy := &Mode{Name: called("traffic-policy"), Group: true, Fresh: []string{"match ipv4-all-default ipv4", "match ipv6-all-default ipv6"}, Rules: []*Rule{
		{Syntax: "counter <rest>"},
		{Syntax: "match {name} ipv4", Bucket: "match", Sort: ends, Enter: match("ipv4"), Valid: not("ipv6-all-default")},
		{Syntax: "match {name} ipv6", Bucket: "match", Sort: ends, Enter: match("ipv6"), Valid: not("ipv4-all-default")},
	}}
	return []*Rule{{Syntax: "traffic-policies", Enter: &Mode{Name: called("traffic-policies"), Rules: []*Rule{
		{Syntax: "field-set l4-port {name}", Enter: &Mode{Name: called("field-set"), Rules: []*Rule{{Syntax: "<ports>"}}}},
		{Syntax: "field-set ipv4 prefix {name}", Enter: &Mode{Name: called("field-set"), Rules: []*Rule{{Syntax: "<rest>"}}}},
		{Syntax: "counter interface per-interface ingress"},
		{Syntax: "traffic-policy {name}", Sort: word(1), Enter: policy},
	}}}}
}

func not(name string) func([]string) bool {
	return func(args []string) bool { return len(args) == 0 || args[0] != name }
}
