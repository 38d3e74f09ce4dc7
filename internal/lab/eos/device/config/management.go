package config

import "strings"

// sdk is the gRPC stanza of both switches; "vrf default" is not printed (eos.md B.3).
func sdk() []*Rule {
	transport := &Mode{Name: called("transport"), Rules: []*Rule{
		{Syntax: "localhost loopback [vrf <name>]", Rewrite: func(line string) string { return strings.TrimSuffix(line, " vrf default") }},
		{Syntax: "service all"},
		{Syntax: "disabled", Toggle: true},
	}}
	return []*Rule{{Syntax: "management api eos-sdk-rpc", Enter: &Mode{Name: called("mgmt-eos-sdk-rpc"), Rules: []*Rule{
		{Syntax: "transport grpc {name}", Enter: transport},
	}}}}
}

// managementAPI: gnmi as the second manager pushes it (configs/doublezero), http-commands as eos.md A.2 and
// cli-transcripts/scrapli have it, netconf from configs/real-7280CR3A-4.34.0F. Where http-commands is printed on 4.34 is [I].
func managementAPI() []*Rule {
	inVRF := &Mode{Name: called("mgmt-api-http-cmds-vrf"), Fresh: nil, Rules: []*Rule{
		{Syntax: "shutdown", Toggle: true, Default: "shutdown"},
		{Syntax: "ip access-group <name> [in]"},
	}}
	return []*Rule{
		{Syntax: "management api gnmi", Enter: &Mode{Name: called("mgmt-api-gnmi"), Rules: []*Rule{
			{Syntax: "provider eos-native"},
		}}},
		{Syntax: "management api http-commands", Enter: &Mode{Name: called("mgmt-api-http-cmds"), Rules: []*Rule{
			{Syntax: "protocol https [port <int:1-65535>]", Toggle: true, Default: "protocol https"},
			{Syntax: "protocol https ssl profile <name>"},
			{Syntax: "protocol http [port <int:1-65535>]", Toggle: true, Default: "no protocol http"},
			{Syntax: "protocol http localhost [port <int:1-65535>]"},
			{Syntax: "protocol unix-socket"},
			{Syntax: "shutdown", Toggle: true, Default: "shutdown"},
			{Syntax: "vrf {name}", Enter: inVRF},
		}}},
		{Syntax: "management api netconf", Enter: &Mode{Name: called("mgmt-netconf"), Rules: []*Rule{
			{Syntax: "transport ssh {name}", Enter: &Mode{Name: called("netconf-transport"), Rules: []*Rule{
				{Syntax: "vrf <name>"},
				{Syntax: "shutdown", Toggle: true, Default: "no shutdown"},
			}}},
		}}},
	}
}

func management() []*Rule {
	inVRF := &Mode{Name: called("mgmt-ssh-vrf"), Rules: []*Rule{{Syntax: "shutdown", Toggle: true, Default: "shutdown"}}}
	return []*Rule{
		{Syntax: "management ssh", Enter: &Mode{Name: called("mgmt-ssh"), Rules: []*Rule{
			{Syntax: "ip access-group <name> [vrf {name}] in"},
			{Syntax: "idle-timeout <int:0-86400>"},
			{Syntax: "authentication protocol <rest>"},
			{Syntax: "connection limit <int:1-100>"},
			{Syntax: "connection per-host <int:1-20>"},
			{Syntax: "shutdown", Toggle: true, Default: "no shutdown"},
			{Syntax: "vrf {name}", Enter: inVRF},
		}}},
		{Syntax: "management telnet", Enter: &Mode{Name: called("mgmt-telnet"), Rules: []*Rule{
			{Syntax: "shutdown", Toggle: true, Default: "shutdown"},
		}}},
	}
}
