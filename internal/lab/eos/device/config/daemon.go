package config

// daemons: ProcMgr's (eos.md D.2). A new one is shut down, and either state is printed (configs/avd/daemons.cfg; [I] that a
// switch prints "shutdown" too). The order exec, shutdown is that of configs/real-7280CR3A-4.34.0F.
func daemons() []*Rule {
	return []*Rule{{Syntax: "daemon {name}", Sort: word(1), Enter: &Mode{Name: called("daemon"), Fresh: []string{"shutdown"}, Rules: []*Rule{
		{Syntax: "exec <rest>"},
		{Syntax: "option {name} value <rest>"},
		{Syntax: "heartbeat <int:0-1000000>"},
		{Syntax: "shutdown", Toggle: true},
	}}}}
}

// handlers: eos.md D.5, configs/avd/event-handlers.cfg; the order is that of eos.md ([I]).
func handlers() []*Rule {
	return []*Rule{{Syntax: "event-handler {name}", Sort: word(1), Enter: &Mode{Name: called("handler"), Rules: []*Rule{
		{Syntax: "trigger (on-boot|on-startup-config)"},
		{Syntax: "trigger on-intf <intf> <rest>"},
		{Syntax: "trigger on-logging", Tight: true, Enter: &Mode{Name: called("trigger"), Rules: []*Rule{
			{Syntax: "poll interval <int:1-1000000>"},
			{Syntax: "regex <rest>"},
		}}},
		{Syntax: "trigger on-maintenance <rest>"},
		{Syntax: "trigger vm-tracer vm"},
		{Syntax: "action bash <rest>"},
		{Syntax: "action bash", Text: true},
		{Syntax: "action log"},
		{Syntax: "action increment device-health metric <name>"},
		{Syntax: "delay <int:0-4294967295>"},
		{Syntax: "timeout <int:0-4294967295>"},
		{Syntax: "asynchronous"},
	}}}}
}
