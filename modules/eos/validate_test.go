package eos

import (
	"testing"
	"time"

	"bisc/modules"
)

func section(change func(*Section)) *Section {
	s := &Section{Name: "x", Path: []string{"interface Ethernet4/1"}, Mode: "merge", Lines: []string{"mtu 9214"}}
	change(s)
	return s
}

func handler(change func(*EventHandler)) *EventHandler {
	e := EventHandlerKind.New("bisc-boot").(*EventHandler)
	e.Action = []string{"/mnt/flash/bisc/boot.sh"}
	change(e)
	return e
}

func policy(change func(*TrafficPolicy)) *TrafficPolicy {
	p := &TrafficPolicy{Name: "SHRED-RELAY", Interfaces: []string{"Ethernet1/1"}, Destination: []string{"192.0.2.81/32"}, Protocol: "udp", Port: 20000, NextHop: relayTo}
	change(p)
	return p
}

// What is wrong in a plan's own words is said before any switch is asked.
func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		r    modules.Validator
		want string // empty: it is right
	}{
		"a section":           {section(func(*Section) {}), ""},
		"absence as a mode":   {section(func(s *Section) { s.Mode = "absent" }), "mode: absence is written absent = true"},
		"a port exact":        {section(func(s *Section) { s.Mode = "exact" }), "mode: interface Ethernet4/1 is a port that others write too"},
		"a port absent":       {section(func(s *Section) { s.Absent, s.Lines = true, nil }), "absent: interface Ethernet4/1 is a port: it cannot be removed"},
		"a short name":        {section(func(s *Section) { s.Path = []string{"interface Et4/1"} }), "full name"},
		"the whole":           {section(func(s *Section) { s.Path = nil }), "path: name the section"},
		"asks for nothing":    {section(func(s *Section) { s.Lines = nil }), "merge with no lines"},
		"a header alone":      {section(func(s *Section) { s.Lines, s.Path = nil, []string{"vrf instance relay"} }), ""},
		"leaves the section":  {section(func(s *Section) { s.Lines = []string{"exit"} }), "it would leave the section"},
		"commits":             {section(func(s *Section) { s.Lines = []string{"commit timer 00:05:00"} }), "it would leave the section"},
		"defaults a line":     {section(func(s *Section) { s.Lines = []string{"default mtu"} }), "a value that EOS does not print"},
		"a question":          {section(func(s *Section) { s.Lines = []string{"description what?"} }), "takes ? for a question"},
		"a line end":          {section(func(s *Section) { s.Lines = []string{"mtu 9214\nno switchport"} }), "no line ends"},
		"an empty line":       {section(func(s *Section) { s.Lines = []string{""} }), "an empty line"},
		"NX-OS's rollback":    {&Lines{Name: "x", Lines: []string{"rollback running-config checkpoint pre"}}, "that is NX-OS; EOS has the command"},
		"a policy at the top": {&Lines{Name: "x", Lines: []string{"traffic-policy SHRED-RELAY"}}, `EOS has traffic policies only inside`},
		"a policy's match of a list": {section(func(s *Section) {
			s.Path, s.Lines = policy(func(*TrafficPolicy) {}).path(), []string{"match SHRED-RELAY-ACL"}
		}), "names its packets inline"},
		"a system rule at the top":       {&Lines{Name: "x", Lines: []string{"system-rule overriding-action redirect"}}, "a line of a hardware TCAM profile"},
		"a route by interface":           {&Lines{Name: "x", Lines: []string{"ip route vrf relay 0.0.0.0/0 egress-vrf default Ethernet4/1 203.0.113.1"}}, "never installs it"},
		"lines":                          {&Lines{Name: "x", Lines: []string{relayFor}}, ""},
		"lines of nothing":               {&Lines{Name: "x"}, "asks for nothing"},
		"a prefix within a word":         {&Lines{Name: "x", Prefix: "monitor session 1", Lines: []string{"monitor session 1 destination Cpu"}}, "ends within a word"},
		"a prefix of one word":           {&Lines{Name: "x", Prefix: "ip ", Absent: true}, "too wide"},
		"a line beside the prefix":       {&Lines{Name: "x", Prefix: "monitor session 1 ", Lines: []string{"monitor session 2 destination Cpu"}}, "does not begin with the prefix"},
		"a list":                         {&ACL{Name: "A", Rules: []string{"permit udp any any eq 20000", "100 deny ip any any", "remark the end"}}, ""},
		"an empty list":                  {&ACL{Name: "A"}, "rules: a list without rules drops every packet"},
		"rules out of order":             {&ACL{Name: "A", Rules: []string{"20 permit ip any any", "10 deny ip any any"}}, "comes after the rule 20"},
		"a number twice":                 {&ACL{Name: "A", Rules: []string{"10 permit ip any any", "10 deny ip any any"}}, "comes after the rule 10"},
		"no rule":                        {&ACL{Name: "A", Rules: []string{"allow ip any any"}}, "begins with permit, deny or remark"},
		"half a rule":                    {&ACL{Name: "A", Rules: []string{"permit udp any"}}, "lacks something"},
		"a list's name":                  {&ACL{Name: "A B", Rules: []string{"permit ip any any"}}, "is no name on a switch"},
		"a VRF":                          {&VRF{Name: "relay", Routing: true}, ""},
		"the default VRF":                {&VRF{Name: "default"}, "EOS's own word"},
		"a tunnel":                       {tunnel100(), ""},
		"a tunnel from an interface":     {&Tunnel{Name: "Tunnel1", Source: "Loopback101", Destination: "192.0.2.1"}, ""},
		"a tunnel's short name":          {&Tunnel{Name: "Tu1", Source: "192.0.2.2", Destination: "192.0.2.1"}, "is no tunnel's name"},
		"a tunnel to itself":             {&Tunnel{Name: "Tunnel1", Source: "192.0.2.1", Destination: "192.0.2.1"}, "both ends are the same"},
		"a tunnel's description":         {&Tunnel{Name: "Tunnel1", Source: "192.0.2.2", Destination: "192.0.2.1", Description: "a\nexit"}, "no line ends"},
		"a handler":                      {handler(func(*EventHandler) {}), ""},
		"a handler's file in RAM":        {handler(func(e *EventHandler) { e.Action = []string{"/tmp/boot.sh"} }), "made anew at each boot"},
		"a handler's path":               {handler(func(e *EventHandler) { e.Action = []string{"/mnt/flash/../tmp/boot.sh"} }), "is not a file below /mnt/flash"},
		"a handler's own words":          {handler(func(e *EventHandler) { e.Trigger = "on-logging" }), "none that bisc writes"},
		"EOS's own delay":                {handler(func(e *EventHandler) { e.Delay = eosDelay }), "may not print"},
		"half a second":                  {handler(func(e *EventHandler) { e.Delay = 500 * time.Millisecond }), "not whole seconds"},
		"a traffic policy":               {policy(func(*TrafficPolicy) {}), ""},
		"a policy for all":               {policy(func(p *TrafficPolicy) { p.Destination = nil }), "redirect every packet"},
		"a policy nowhere":               {policy(func(p *TrafficPolicy) { p.Interfaces = nil }), "does nothing"},
		"a policy's port of no protocol": {policy(func(p *TrafficPolicy) { p.Protocol = "" }), "with protocol"},
		"an interface":                   {&Interface{Name: "Ethernet4/1"}, ""},
		"an interface's short name":      {&Interface{Name: "Et4/1"}, "full name"},
		"a pattern of all":               {&Ownership{Name: "x", Foreign: []string{"*"}}, "is everything"},
		"a pattern of nothing":           {&Ownership{Name: "x", Foreign: []string{" Tunnel5"}}, "matches no line"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.r.Validate()
			switch {
			case c.want == "" && err != nil:
				t.Errorf("it is right: %v", err)
			case c.want != "" && err == nil:
				t.Errorf("no error, want %q", c.want)
			case c.want != "":
				has(t, err.Error(), c.want)
			}
		})
	}
}

// Two resources that write one line, or that undo one another, are told of before any switch is asked.
func TestAgree(t *testing.T) {
	vrf := &VRF{Name: "relay", Routing: true}
	held := &Section{Name: "held", Path: []string{"interface Loopback101"}, Mode: "merge", Lines: []string{"ip address " + relayed}}
	for name, c := range map[string]struct {
		first, second configured
		want          string
	}{
		"side by side":         {routeLines(), loopback("192.0.2.66/32"), ""},
		"wanted and absent":    {held, loopback(""), `it undoes what eos_section "held" wants (interface Loopback101`},
		"absent and wanted":    {loopback(""), held, "it undoes what"},
		"two values":           {section(func(*Section) {}), section(func(s *Section) { s.Lines = []string{"mtu 2048"} }), "interface Ethernet4/1 / mtu 9214"},
		"a prefix over a line": {routeLines(), &Lines{Name: "x", Prefix: "ip route ", Lines: []string{"ip route 0.0.0.0/0 203.0.113.1"}}, "it undoes what eos_lines \"relay route\" wants (" + relayFor},
		"routing and not":      {vrf, &Lines{Name: "x", Lines: []string{"no ip routing vrf relay"}}, "it undoes what eos_vrf"},
		"exact over a merge": {section(func(s *Section) { s.Path, s.Lines = []string{"interface Loopback101"}, []string{"description x"} }), loopback(relayed),
			"interface Loopback101 / description x"},
		"a line and a section": {&Section{Name: "x", Path: []string{"vrf instance relay"}, Mode: "merge"}, vrf, ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := []modules.Resource{c.first, c.second}
			if err := c.first.(modules.Agreer).Agree(all); err != nil {
				t.Errorf("the first is told of it, too: %v", err)
			}
			err := c.second.(modules.Agreer).Agree(all)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("they agree: %v", err)
			case c.want != "" && err == nil:
				t.Errorf("no error, want %q", c.want)
			case c.want != "":
				has(t, err.Error(), c.want)
			}
		})
	}
}

// One thing of a switch has one name, whoever owns it.
func TestOwns(t *testing.T) {
	for name, c := range map[string]struct {
		a, b modules.Owner
		same bool
	}{
		"a list and a section":           {&ACL{Name: "A", Rules: []string{"permit ip any any"}}, &Section{Path: []string{"ip access-list A"}, Mode: "exact"}, true},
		"a tunnel, absent and not":       {tunnel100(), &Tunnel{Name: "Tunnel100", Absent: true}, true},
		"one line, twice":                {routeLines(), &Lines{Lines: []string{"ip route 192.0.2.65/32 " + relayTo}}, true},
		"one line, in another spelling":  {routeLines(), &Lines{Lines: []string{"ip route 192.0.2.65/32 " + relayTo + " 1"}}, true},
		"a line wanted and one unwanted": {routeLines(), &Lines{Without: []string{relayFor}}, true},
		"two lines of one port":          {section(func(*Section) {}), section(func(s *Section) { s.Lines = []string{"no switchport"} }), false},
		"one line of two ports":          {section(func(*Section) {}), section(func(s *Section) { s.Path = []string{"interface Ethernet5/1"} }), false},
		"a policy's use of a port":       {policy(func(*TrafficPolicy) {}), policy(func(p *TrafficPolicy) { p.Name = "B" }), true},
	} {
		t.Run(name, func(t *testing.T) {
			same := false
			for _, x := range c.a.Owns() {
				for _, y := range c.b.Owns() {
					same = same || x == y
				}
			}
			if same != c.same {
				t.Errorf("%q and %q", c.a.Owns(), c.b.Owns())
			}
		})
	}
}
