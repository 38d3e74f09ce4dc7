package config

// accounts: configs/real-7280CR3A-4.34.0F; "enable secret" and the lines of older switches from cli-transcripts/scrapli and
// session-diffs/napalm.
func accounts() []*Rule {
	return []*Rule{
		{Syntax: "switchport default mode (routed|access)"},
		{Syntax: "transceiver qsfp default-mode (4x10G|40G)"},
		{Syntax: "enable secret (0|5|sha512) <word>", No: "enable secret", Group: "root"},
		{Syntax: "aaa root [secret (0|5|sha512) <word>]", Toggle: true, Group: "root"},
		{Syntax: "aaa authentication login {default|console} <rest>", Group: "aaa"},
		{Syntax: "aaa authorization {exec|commands|console} default <rest>", Group: "aaa"},
		{Syntax: "username {name} [privilege <int:0-15>] [role <name>] secret (0|5|sha512) <word>", No: "username {name}", Sweep: true,
			Group: "user", Bucket: "user", Sort: word(1)},
		{Syntax: "username {name} [privilege <int:0-15>] [role <name>] nopassword", Group: "user", Bucket: "user", Sort: word(1)},
		{Syntax: "username {name} shell <word>", Group: "user", Bucket: "user", Sort: word(1)},
		{Syntax: "username {name} ssh-key <rest>", Group: "user", Bucket: "user", Sort: word(1)},
	}
}

func counters() []*Rule {
	return []*Rule{
		{Syntax: "hardware counter feature gre tunnel interface {out|in}", Group: "counter"},
		{Syntax: "hardware counter feature traffic-policy {in|out}", Group: "counter"},
	}
}

// services: the two lines of configs/real-7280CR3A-4.34.0F; "service configuration session" from eos.md B.1.
func services() []*Rule {
	return []*Rule{
		{Syntax: "hardware access-list update default-result permit"},
		{Syntax: "service interface inactive port-id allocation disabled", Toggle: true},
		{Syntax: "service routing protocols model (multi-agent|ribd)", Default: "service routing protocols model ribd"},
		{Syntax: "service configuration session max {pending|completed} <int:0-20>", Group: "session"},
		{Syntax: "service configuration session commit merge", Group: "session"},
		{Syntax: "service configuration session commit save startup-config", Group: "session"},
	}
}

func logging() []*Rule {
	severity := "(emergencies|alerts|critical|errors|warnings|notifications|informational|debugging)"
	return []*Rule{
		{Syntax: "logging buffered <int:10-2147483647> [" + severity + "]", Group: "logging"},
		{Syntax: "logging console [" + severity + "]", Toggle: true, Group: "logging"},
		{Syntax: "logging facility <like:local[0-7]>", Group: "logging"},
		{Syntax: "logging host {name}", Group: "logging"},
		{Syntax: "logging format timestamp (traditional|high-resolution) [year] [timezone]", Group: "logging"},
		{Syntax: "logging level {name} " + severity, Group: "level"},
	}
}

// names: a resolver without a VRF is one of the default VRF's ([I]); clock timezone UTC is what holds (eos.md B.3).
func names() []*Rule {
	return []*Rule{
		{Syntax: "hostname <name>", Group: "host"},
		{Syntax: "ip name-server vrf {name} {ip}", Group: "host", Sort: word(3)},
		{Syntax: "ip name-server {ip}", Group: "host", Rewrite: func(line string) string { return "ip name-server vrf default" + line[len("ip name-server"):] }},
		{Syntax: "dns domain <name>", Group: "host"},
		{Syntax: "clock timezone <name>", Default: "clock timezone UTC"},
	}
}

func spanning() []*Rule {
	return []*Rule{{Syntax: "spanning-tree mode (mstp|rstp|rapid-pvst|none)"}}
}

func l1() []*Rule {
	action := "action (error|warn)"
	return []*Rule{{Syntax: "system l1", Enter: &Mode{Name: called("system-l1"), Rules: []*Rule{
		{Syntax: "unsupported speed " + action},
		{Syntax: "unsupported error-correction " + action},
	}}}}
}

// vrfs: a new VRF does not route, and that is printed (eos.md B.3).
func vrfs() []*Rule {
	return []*Rule{{Syntax: "vrf instance {name}", Sort: word(2),
		Also: func(args []string) []string { return []string{"no ip routing vrf " + args[0]} },
		Gone: func(in *Node, args []string) {
			in.remove(func(k *Node) bool { return k.key == "ip routing vrf "+args[0] })
		},
		Enter: &Mode{Name: called("vrf"), Rules: []*Rule{{Syntax: "description <rest>"}, {Syntax: "rd <rd>"}}}}}
}

// routing: both states are printed, the default VRF first; a switch that was never told does not route (cli-transcripts/scrapli).
func routing() []*Rule {
	return []*Rule{
		{Syntax: "ip routing", Toggle: true, Group: "routing"},
		{Syntax: "ip routing vrf {name}", Toggle: true, Group: "routing", Sort: func(line []string) string { return line[len(line)-1] }},
	}
}

func controlPlane() []*Rule {
	return []*Rule{
		{Syntax: "system control-plane", Enter: &Mode{Name: called("system-cp"), Rules: []*Rule{
			{Syntax: "ip access-group <name> [vrf {name}] in", No: "ip access-group [<name>] [vrf {name}] in"},
		}}},
		{Syntax: "control-plane", Enter: &Mode{Name: called("cp"), Rules: []*Rule{
			{Syntax: "service-policy input <name>", Toggle: true},
		}}},
	}
}

func mpls() []*Rule {
	return []*Rule{
		{Syntax: "mpls ip"},
		{Syntax: "mpls icmp ttl-exceeded tunneling", Group: "mpls"},
		{Syntax: "mpls icmp ip source-interface <intf>", Group: "mpls"},
	}
}

func ntp() []*Rule {
	return []*Rule{{Syntax: "ntp server [vrf {name}] {name} [prefer] [iburst]", Group: "ntp"}}
}

func banners() []*Rule {
	return []*Rule{{Syntax: "banner login", Text: true}, {Syntax: "banner motd", Text: true}}
}

func telemetry() []*Rule {
	destination := &Mode{Name: called("influxdb"), Rules: []*Rule{
		{Syntax: "url <word>"},
		{Syntax: "database name <name>"},
		{Syntax: "retention policy <name>"},
		{Syntax: "vrf <name>"},
		{Syntax: "username <name> password [(0|7)] <word>"},
	}}
	return []*Rule{{Syntax: "monitor telemetry influx", Enter: &Mode{Name: called("influx"), Rules: []*Rule{
		{Syntax: "destination influxdb {name}", Enter: destination},
		{Syntax: "tag global {name} <rest>"},
	}}}}
}
