package config

// tcam: configs/real-7280CR3A-4.34.0F. system-rule is a line of a profile and of nothing else (eos.md 0.4).
func tcam() []*Rule {
	feature := &Mode{Name: called("feature"), Rules: []*Rule{
		{Syntax: "sequence <int:0-255>"},
		{Syntax: "key size limit <int:80-480>"},
		{Syntax: "key field <rest>"},
		{Syntax: "action <rest>"},
		{Syntax: "packet {rest}"},
	}}
	return []*Rule{{Syntax: "hardware tcam", Enter: &Mode{Name: called("hw-tcam"), Rules: []*Rule{
		{Syntax: "profile {name}", Enter: &Mode{Name: called("hw-tcam-profile"), Rules: []*Rule{
			{Syntax: "feature {rest}", Enter: feature, Sort: func(line []string) string { return line[1] }},
			{Syntax: "system-rule overriding-action redirect"},
		}}},
		{Syntax: "system profile <name>"},
	}}}}
}
