package network

import (
	"net/netip"
	"strings"
	"testing"

	"bisc/modules"
	"bisc/modules/kindtest"
)

// dnat is the rule of the relay's design; the node's own address is the documentation's.
func dnat() *NATRule {
	return &NATRule{Name: "shreds", Action: "dnat", Protocol: "udp", Destination: "192.0.2.81", Port: "20000", To: "172.20.0.2:9000", Position: "first"}
}

// save is iptables-save's output with these rules.
func save(rules ...string) string {
	text := "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n"
	for _, r := range rules {
		text += r + "\n"
	}
	return text + "COMMIT\n"
}

func mustParse(t *testing.T, text string) ruleTable {
	t.Helper()
	table, err := parseSave(text)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

const (
	want     = `-A PREROUTING -d 192.0.2.81/32 -p udp -m udp --dport 20000 -m comment --comment "bisc: shreds" -j DNAT --to-destination 172.20.0.2:9000`
	byHand   = `-A PREROUTING -d 192.0.2.81 -p udp --dport 20000 -j DNAT --to-destination 172.20.0.2:9000`
	docker   = `-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER`
	formerly = `-A PREROUTING -d 192.0.2.80/32 -p udp -m udp --dport 20000 -m comment --comment "bisc: shreds" -j DNAT --to-destination 172.20.0.2:9000`
	second   = `-A PREROUTING -d 192.0.2.82/32 -p tcp -m tcp --dport 8001 -m comment --comment "bisc: gossip" -j DNAT --to-destination 172.20.0.2:8001`
)

func gossip() *NATRule {
	return &NATRule{Name: "gossip", Action: "dnat", Protocol: "tcp", Destination: "192.0.2.82", Port: "8001", To: "172.20.0.2:8001", Position: "first"}
}

// said is the attributes of a change, each with ? where bisc leaves it, and the commands of its steps.
func said(c modules.Change) string {
	var out []string
	for line := range strings.Lines(kindtest.Print(c)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "why: ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func TestNATRuleDecides(t *testing.T) {
	const w = "iptables -w 10 -t nat "
	words := strings.TrimPrefix(strings.ReplaceAll(want, `"`, "'"), "-A PREROUTING ")
	for _, tt := range []struct {
		name string
		live []string
		edit func(*NATRule)
		want string
	}{
		{"in sync", []string{want, docker}, nil, "in sync"},
		{"what it was in another chain", []string{strings.Replace(want, "PREROUTING", "OUTPUT", 1), docker}, nil, "now rule: (none) -> " + want + "\nnow former: " + strings.Replace(want, "PREROUTING", "OUTPUT", 1) + " -> (none)\nstep: run " + w + "-I PREROUTING 1 " + words + "\nstep: run " + w + "-D OUTPUT " + words},
		{"to be gone, and what it was in another chain", []string{strings.Replace(want, "PREROUTING", "OUTPUT", 1)}, func(r *NATRule) { r.Absent = true }, "now former: " + strings.Replace(want, "PREROUTING", "OUTPUT", 1) + " -> (none)\nstep: run " + w + "-D OUTPUT " + words +
			"\ndestroys: the packet rule " + strings.Replace(want, "PREROUTING", "OUTPUT", 1) + ", and the connections that live by it"},
		{"somebody's own words for it", []string{byHand, docker}, nil, "in sync"},
		{"not there", []string{docker}, nil, "now rule: (none) -> " + want + "\nstep: run " + w + "-I PREROUTING 1 " + words},
		{"below docker's rule, appended (incident 43)", []string{docker, want}, nil,
			"now position: 2 of 2, after " + docker + " -> first\nstep: run iptables-restore -w 10 --noflush < "},
		{"below docker's rule, where any place will do", []string{docker, want}, func(r *NATRule) { r.Position = "any" }, "in sync"},
		{"below a rule that takes all, where any place would do", []string{"-A PREROUTING -j ACCEPT", want}, func(r *NATRule) { r.Position = "any" }, "now position: 2 of 2, after -A PREROUTING -j ACCEPT -> any"},
		{"before docker's, below another", []string{"-A PREROUTING -s 10.0.0.0/8 -j ACCEPT", want, docker}, func(r *NATRule) { r.Position = "before DOCKER" }, "in sync"},
		{"below docker's, to be before it", []string{docker, want}, func(r *NATRule) { r.Position = "before DOCKER" }, "now position: 2 of 2, after " + docker + " -> before DOCKER"},
		{"twice", []string{want, docker, byHand}, nil, "now copies: 2 -> 1\nstep: run iptables-restore"},
		{"three times, the first at the wrong place", []string{docker, want, want, want}, nil, "now copies: 3 -> 1\nnow position: 2 of 4"},
		{"another address, of ours", []string{formerly, docker}, nil, "now rule: " + formerly + " -> " + want + "\nstep: run iptables-restore"},
		{"another address, of ours, beside the right one", []string{want, formerly}, nil, "now rule: " + formerly + " -> " + want + " alone\nstep: run iptables-restore"},
		{"another address, of somebody's", []string{want, strings.Replace(byHand, "2.81", "2.80", 1)}, nil, "now rival: -A PREROUTING -d 192.0.2.80 -p udp --dport 20000 -j DNAT --to-destination 172.20.0.2:9000 -> (none)"},
		{"another destination, of somebody's", []string{want, strings.Replace(byHand, ":9000", ":9001", 1)}, nil, "now rival: "},
		{"an old form with 127.0.0.1 stands first", []string{strings.Replace(byHand, "172.20.0.2", "127.0.0.1", 1), docker, want}, nil, "now position: 3 of 3, after -A PREROUTING -d 192.0.2.81 -p udp --dport 20000 -j DNAT --to-destination 127.0.0.1:9000 -> first"},
		{"absent, and gone", []string{docker}, func(r *NATRule) { r.Absent = true }, "in sync"},
		{"absent, and there three times in two words", []string{want, docker, byHand, want}, func(r *NATRule) { r.Absent = true },
			"now rule: " + want + " -> (none)\nnow rule: -A PREROUTING -d 192.0.2.81 -p udp --dport 20000 -j DNAT --to-destination 172.20.0.2:9000 -> (none)\nnow rule: " + want + " -> (none)\nstep: run " + w + "-D PREROUTING " + words +
				"\nstep: run " + w + "-D PREROUTING -d 192.0.2.81 -p udp --dport 20000 -j DNAT --to-destination 172.20.0.2:9000\nstep: run " + w + "-D PREROUTING " + words},
		{"absent, and a former version is there", []string{formerly}, func(r *NATRule) { r.Absent = true }, "now rule: " + formerly + " -> (none)\nstep: run " + w + "-D PREROUTING -d 192.0.2.80/32"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := dnat()
			if tt.edit != nil {
				tt.edit(r)
			}
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			r.Meet([]modules.Resource{r})
			got := said(r.placed().decide(observedRule{filter: packetFilter{live: mustParse(t, save(tt.live...))}}))
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// Two rules of a plan share the head, in the plan's order: neither is foreign to the other.
func TestRulesShareTheHead(t *testing.T) {
	for _, tt := range []struct {
		name          string
		live          []string
		first, second string
	}{
		{"in order", []string{want, second, docker}, "in sync", "in sync"},
		{"in the other order", []string{second, want, docker}, "now position: 2 of 3, after " + second, "in sync"},
		{"docker's between", []string{want, docker, second}, "in sync", "now position: 3 of 3, after " + docker},
		{"the second is missing: it goes below the first", []string{want, docker}, "in sync", "now rule: (none) -> " + second + "\nstep: run iptables -w 10 -t nat -I PREROUTING 2 "},
		{"the first is missing: it goes to the head", []string{second, docker}, "now rule: (none) -> " + want + "\nstep: run iptables -w 10 -t nat -I PREROUTING 1 ", "in sync"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := dnat(), gossip()
			all := []modules.Resource{a, b}
			a.Meet(all)
			b.Meet(all)
			o := observedRule{filter: packetFilter{live: mustParse(t, save(tt.live...))}}
			if got := said(a.placed().decide(o)); !strings.HasPrefix(got, tt.first) {
				t.Errorf("the first: %s\nwant: %s", got, tt.first)
			}
			if got := said(b.placed().decide(o)); !strings.HasPrefix(got, tt.second) {
				t.Errorf("the second: %s\nwant: %s", got, tt.second)
			}
		})
	}
}

// The unit puts its rule at the head, so that the last of the plan goes first, at boot and after docker.
func TestUnitsKeepThePlansOrder(t *testing.T) {
	a, b := dnat(), gossip()
	all := []modules.Resource{a, b}
	a.Meet(all)
	b.Meet(all)
	if got := a.placed().boot().After; len(got) != 1 || got[0] != "bisc-net-nat-gossip.service" {
		t.Errorf("the first rule's unit comes after %q", got)
	}
	if got := b.placed().boot().After; len(got) != 0 {
		t.Errorf("the last rule's unit comes after %q", got)
	}
	o := mustParse(t, save(want, second, docker))
	if step, needed := b.placed().settled(o); !needed || !strings.Contains(step.String(), "iptables-restore") {
		t.Errorf("after its unit ran the second stands before the first: %v", step)
	}
	if step, needed := a.placed().settled(o); needed {
		t.Errorf("the first is at its place when its unit has run: %v", step)
	}
}

func TestRuleIsRefused(t *testing.T) {
	listens := []listener{{"tcp", netip.Addr{}, 22, "sshd"}, {"udp", netip.Addr{}, 20000, "shredunwrap"}, {"udp", netip.MustParseAddr("127.0.0.1"), 20001, "x"}, {"tcp", netip.MustParseAddr("192.0.2.81"), 8001, "agave-validator"}}
	published := `-A DOCKER ! -i br-1 -p tcp -m tcp --dport 8899 -j DNAT --to-destination 172.20.0.2:8899`
	for _, tt := range []struct {
		name string
		edit func(*NATRule)
		want string // of what the rule would take; empty where it is made
	}{
		{"as the seeds have it", func(*NATRule) {}, ""},
		{"every udp port of an interface", func(r *NATRule) { r.Destination, r.In, r.Port = "", "eth0", ""; r.To = "172.20.0.2" }, "udp 20000 (shredunwrap)"},
		{"every tcp port of an address: sshd listens there too", func(r *NATRule) { r.Protocol, r.Port, r.To = "tcp", "", "172.20.0.2" }, "tcp 22 (sshd), tcp 8001 (agave-validator)"},
		{"every protocol", func(r *NATRule) { r.Protocol, r.Port, r.To = "", "", "172.20.0.2" }, "tcp 22 (sshd), tcp 8001 (agave-validator)"},
		{"a range that holds ssh", func(r *NATRule) { r.Protocol, r.Port, r.To = "tcp", "20:30", "172.20.0.2" }, "tcp 22 (sshd)"},
		{"ssh on purpose", func(r *NATRule) {
			r.Protocol, r.Port, r.To, r.Takes = "tcp", "22", "172.20.0.2:22", []string{"22"}
		}, ""},
		{"ssh from the containers only", func(r *NATRule) { r.Protocol, r.Port, r.To, r.Source = "tcp", "22", "172.20.0.2:22", "172.20.0.0/16" }, ""},
		{"gossip and ip_echo of the host's own address", func(r *NATRule) { r.Protocol, r.Port, r.To = "tcp", "8001", "172.20.0.2:8001" }, "tcp 8001 (agave-validator)"},
		{"what docker publishes", func(r *NATRule) {
			r.Protocol, r.Destination, r.In, r.Port, r.To = "tcp", "", "eth0", "8899", "172.20.0.3:8899"
		}, "tcp 8899 (docker: --to-destination 172.20.0.2:8899)"},
		{"a mark takes nothing away", func(r *NATRule) { r.Action, r.Protocol, r.Port, r.To, r.Destination = "mark", "tcp", "", "100", "" }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := dnat()
			tt.edit(r)
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			r.Meet([]modules.Resource{r})
			c := r.placed().decide(observedRule{filter: packetFilter{live: mustParse(t, save(docker, published))}, listeners: listens})
			got := ""
			for _, d := range c.Diffs {
				if d.Attr == "takes" {
					got = d.Got
				}
			}
			if got != tt.want || got != "" && len(c.Steps) > 0 {
				t.Errorf("it would take %q, want %q; steps %v", got, tt.want, c.Steps)
			}
		})
	}
}

func TestRuleFindings(t *testing.T) {
	live := mustParse(t, save(want, docker))
	for _, tt := range []struct {
		name string
		o    observedRule
		edit func(*NATRule)
		want string
	}{
		{"both ways hold rules", observedRule{filter: packetFilter{live: live, other: "legacy"}}, nil, "now rules: iptables' own and legacy's -> one way"},
		{"to 127.0.0.1 without route_localnet", observedRule{filter: packetFilter{live: mustParse(t, save(strings.Replace(want, "172.20.0.2", "127.0.0.1", 1)))}},
			func(r *NATRule) { r.To = "127.0.0.1:9000" }, "now route_localnet: 0 -> 1"},
		{"to 127.0.0.1 with it", observedRule{localnet: true, filter: packetFilter{live: mustParse(t, save(strings.Replace(want, "172.20.0.2", "127.0.0.1", 1)))}},
			func(r *NATRule) { r.To = "127.0.0.1:9000" }, "in sync"},
		{"rules.v4 has it too", observedRule{filter: packetFilter{live: live, saved: table(t, save(docker, byHand))}}, nil,
			"boot rules.v4: " + byHand + " -> (none)\nstep: edit /etc/iptables/rules.v4, verified by iptables-restore --test '{path}'"},
		{"rules.v4 has another's", observedRule{filter: packetFilter{live: live, saved: table(t, save(docker, second))}}, nil, "in sync"},
		{"absent, and rules.v4 would bring it back (incident 47)", observedRule{filter: packetFilter{live: mustParse(t, save(docker)), saved: table(t, save("[3:180] "+want))}},
			func(r *NATRule) { r.Absent = true }, "boot rules.v4: [3:180] " + want + " -> (none)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := dnat()
			if tt.edit != nil {
				tt.edit(r)
			}
			r.Meet([]modules.Resource{r})
			if got := said(r.placed().decide(tt.o)); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func table(t *testing.T, text string) *ruleTable {
	t.Helper()
	parsed := mustParse(t, text)
	return &parsed
}

func TestRulesAreValidated(t *testing.T) {
	for want, edit := range map[string]func(*NATRule){
		"not one of dnat":            func(r *NATRule) { r.Action = "DNAT" },
		"for dnat write":             func(r *NATRule) { r.To = "172.20.0.2:x" },
		"for udp or for tcp":         func(r *NATRule) { r.Protocol, r.Port = "", "" },
		"is not an IPv4 address":     func(r *NATRule) { r.Destination = "192.0.2.1/24" },
		"gossip and ip_echo among":   func(r *NATRule) { r.Destination = "" },
		"is not a port":              func(r *NATRule) { r.Port = "9025:9000" },
		"label goes into the rule's": func(r *NATRule) { r.Name = "a\nb" },
		"is done in PREROUTING":      func(r *NATRule) { r.Chain = "POSTROUTING" },
		"no foreign rule before":     func(r *NATRule) { r.Position = "before" },
		"where a packet will go":     func(r *NATRule) { r.Out = "eth0" },
		"name of an interface":       func(r *NATRule) { r.In = "-j" },
		"write an IPv4 address":      func(r *NATRule) { r.Action, r.To = "snat", "here" },
		"write nothing":              func(r *NATRule) { r.Action = "masquerade" },
		"is not a mark":              func(r *NATRule) { r.Action, r.To = "mark", "green" },
	} {
		r := dnat()
		edit(r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want something about %q, got %v", want, err)
		}
	}
	all := &FilterRule{Name: "x", Chain: "INPUT", Action: "drop", Position: "first"}
	if err := all.Validate(); err == nil || !strings.Contains(err.Error(), "every packet") {
		t.Errorf("a rule that drops everything: %v", err)
	}
}

func TestFilterRuleDecides(t *testing.T) {
	text := "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:DOCKER-USER - [0:0]\n-A DOCKER-USER -j RETURN\nCOMMIT\n"
	accept := &FilterRule{Name: "node", Chain: "DOCKER-USER", Action: "accept", Protocol: "udp", Destination: "172.20.0.2", Port: "9000:9025", Position: "first"}
	accept.Meet([]modules.Resource{accept})
	firewalld := nftDecider{nftChain{Family: "inet", Table: "firewalld", Name: "filter_FORWARD"}, "a rule of its table drops"}
	for _, tt := range []struct {
		name, text, want string
		o                observedRule
	}{
		{"not there", text, "now rule: (none) -> -A DOCKER-USER -d 172.20.0.2/32 -p udp -m udp --dport 9000:9025", observedRule{}},
		{"below docker's RETURN, which takes all", strings.Replace(text, "COMMIT", "-A DOCKER-USER -d 172.20.0.2/32 -p udp -m udp --dport 9000:9025 -j ACCEPT\nCOMMIT", 1), "now position: 2 of 2, after -A DOCKER-USER -j RETURN", observedRule{}},
		{"docker has not made its chain", strings.ReplaceAll(strings.Replace(text, ":DOCKER-USER - [0:0]\n", "", 1), "-A DOCKER-USER -j RETURN\n", ""), "now chain: (none) -> DOCKER-USER", observedRule{}},
		{"firewalld can drop it all the same (incident 46)", strings.Replace(text, "-A", "-A DOCKER-USER -d 172.20.0.2/32 -p udp -m udp --dport 9000:9025 -j ACCEPT\n-A", 1), "now also decides: inet firewalld filter_FORWARD (a rule of its table drops) -> (none)",
			observedRule{deciders: []nftDecider{firewalld}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.filter.live = mustParse(t, tt.text)
			if got := said(accept.placed().decide(tt.o)); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
	drop := &FilterRule{Name: "door", Chain: "INPUT", Action: "drop", Protocol: "tcp", Port: "1:1024", Position: "first"}
	drop.Meet([]modules.Resource{drop})
	c := drop.placed().decide(observedRule{filter: packetFilter{live: mustParse(t, text)}, listeners: []listener{{"tcp", netip.Addr{}, 22, "sshd"}}})
	if got := said(c); !strings.HasPrefix(got, "now takes: tcp 22 (sshd)") || len(c.Steps) > 0 {
		t.Errorf("a rule that drops ssh: %s", got)
	}
}

func TestSaveIsReadWord(t *testing.T) {
	for _, bad := range []string{"-A X -j ACCEPT\n", "*nat\n:PREROUTING\n", "*nat\n-P X\n", "*nat\n-A X --comment \"a\n"} {
		if _, err := parseSave(bad); err == nil {
			t.Errorf("%q is read as rules", bad)
		}
	}
	for _, words := range [][]string{{"a b", `c"d`, `e\f`, "", "!", "-x"}, {"plain"}} {
		got, err := splitWords(joinWords(words))
		if err != nil || strings.Join(got, "\x00") != strings.Join(words, "\x00") {
			t.Errorf("%q becomes %q (%v)", words, got, err)
		}
	}
	same := [][2]string{{`-A X -s 10.0.0.1 -m mark --mark 100 -j MARK --set-mark 100`, `-A X -m mark --mark 0x64/0xffffffff -s 10.0.0.1/32 -m comment --comment x -j MARK --set-xmark 0x64/0xffffffff`}}
	other := [][2]string{{`-A X ! -s 10.0.0.1 -j ACCEPT`, `-A X -s 10.0.0.1 -j ACCEPT`}, {`-A X -s 10.0.0.1 -j ACCEPT`, `-A Y -s 10.0.0.1 -j ACCEPT`}, {`-A X -p tcp -j ACCEPT`, `-A X -j ACCEPT`}}
	for i, pair := range append(same, other...) {
		a := mustParse(t, "*nat\n"+pair[0]+"\nCOMMIT\n").rules[0]
		b := mustParse(t, "*nat\n"+pair[1]+"\nCOMMIT\n").rules[0]
		if a.same(b) != (i < len(same)) {
			t.Errorf("%s and %s: same is %v", pair[0], pair[1], a.same(b))
		}
	}
}

func FuzzParseSave(f *testing.F) {
	f.Add(save(want, docker, byHand))
	f.Add("*nat\n[1:2] -A X ! -s 1 -m comment --comment \"\\\"\" -j\nCOMMIT")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parseSave(text)
		if err != nil {
			return
		}
		for _, r := range table.rules {
			again, err := parseRule(r.table, r.String())
			if err != nil || !again.same(r) {
				t.Errorf("%q is read as %q, and that as %q (%v)", text, r, again, err)
			}
		}
	})
}
