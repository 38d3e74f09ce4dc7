package network

import (
	"net/netip"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

func TestReplay(t *testing.T) {
	kindtest.Replay(t, "testdata/route-*.txtar", IPRouteKind, IPAddressKind, IPRuleKind, RouteTableKind, GRETunnelKind)
}

func at(text string, scope string) held {
	p := netip.MustParsePrefix(text)
	return held{Family: "inet", Local: p.Addr(), Bits: p.Bits(), Scope: scope, Label: "eth0", Lifetime: forever}
}

func TestIPAddressDecides(t *testing.T) {
	second := at("192.0.2.2/24", "global")
	second.Secondary = true
	lo := device{Index: 1, Name: "lo"}
	eth := device{Index: 2, Name: "eth0", Addresses: []held{at("192.0.2.1/24", "global"), second}}
	for name, tt := range map[string]struct {
		a    IPAddress
		want string
	}{
		"in sync": {IPAddress{Name: "192.0.2.1/24", Device: "eth0"}, "in sync\n"},
		"a primary takes its secondaries with it": {IPAddress{Name: "192.0.2.1/24", Device: "eth0", Absent: true},
			"now address: 192.0.2.1/24 -> (none)\nstep: run ip address del 192.0.2.1/24 dev eth0  [guards: interface as shown]\ndestroys: the address 192.0.2.1/24 of eth0, and every connection that uses it; with it 192.0.2.2/24, unless promote_secondaries is set\n"},
		"a secondary goes alone": {IPAddress{Name: "192.0.2.2/24", Device: "eth0", Absent: true},
			"now address: 192.0.2.2/24 -> (none)\nstep: run ip address del 192.0.2.2/24 dev eth0  [guards: interface as shown]\ndestroys: the address 192.0.2.2/24 of eth0, and every connection that uses it\n"},
		"no such interface, and to be absent": {IPAddress{Name: "192.0.2.1/24", Device: "eth9", Absent: true}, "in sync\n"},
		"on another interface": {IPAddress{Name: "192.0.2.1/32", Device: "lo"},
			"now address: (none) -> 192.0.2.1/32\nnow also on: eth0 -> only on lo\n    why: the same address on two interfaces: packets are answered by either. Take it away there: ip address del 192.0.2.1/24 dev eth0, and what brings it\nstep: run ip address replace 192.0.2.1/32 dev lo scope global  [guards: interface as shown]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := kindtest.Print(tt.a.decide([]device{lo, eth}, Booted{})); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestIPRuleDecides(t *testing.T) {
	rule := IPRule{Name: "x", Priority: 100, FWMark: "100", Table: "100"}
	fine := kernelRule{Priority: 100, Src: "all", FWMark: "0x64", Table: "100"}
	elsewhere, other := fine, kernelRule{Priority: 100, Src: "172.20.0.1", Table: "7"}
	elsewhere.Priority = 99
	const missing = "now rule: (none) -> 100: fwmark 0x64 table 100\nstep: run ip -4 rule add pref 100 fwmark 0x64 table 100\n"
	const stray = "now copies: 99: fwmark 0x64 table 100 -> %s\nstep: run ip -4 rule del pref 99 fwmark 0x64 table 100\ndestroys: the rule 99: fwmark 0x64 table 100, and what goes by it\n"
	for name, tt := range map[string]struct {
		rules  []kernelRule
		absent bool
		want   string
	}{
		"in sync":          {[]kernelRule{fine}, false, "in sync\n"},
		"missing":          {nil, false, missing},
		"a copy elsewhere": {[]kernelRule{elsewhere, fine}, false, strings.Replace(stray, "%s", "only 100: fwmark 0x64 table 100", 1)},
		"both copies go": {[]kernelRule{elsewhere, fine}, true,
			"now copies: 99: fwmark 0x64 table 100 -> (none)\nnow copies: 100: fwmark 0x64 table 100 -> (none)\nstep: run ip -4 rule del pref 99 fwmark 0x64 table 100\nstep: run ip -4 rule del pref 100 fwmark 0x64 table 100\n" +
				"destroys: the rule 99: fwmark 0x64 table 100, and what goes by it\ndestroys: the rule 100: fwmark 0x64 table 100, and what goes by it\n"},
		"absent lets a stranger be": {[]kernelRule{other}, true, "in sync\n"},
		"a stranger has the place": {[]kernelRule{fine, other}, false,
			"now priority: from 172.20.0.1 table 7 -> only fwmark 0x64 table 100\n    why: another rule has the place: take it away (ip -4 rule del pref 100 ...) or choose another priority\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := rule
			r.Absent = tt.absent
			if got := kindtest.Print(r.decide(tt.rules, 100, Booted{})); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// An existing tunnel with wrong ends is drift; a revert knows how it was.
func TestGRETunnelDecides(t *testing.T) {
	g := GRETunnel{Name: "gre-x", Local: "192.0.2.1", Remote: "198.51.100.1", TTL: 64, Key: 258, MTU: 1400, Address: "169.254.100.1/31"}
	tunnel := func(change func(*device)) []device {
		d := device{Index: 7, Name: "gre-x", MTU: 1400, Flags: []string{"POINTOPOINT", "UP"}, Addresses: []held{at("169.254.100.1/31", "global")}}
		d.Link.Kind = "gre"
		d.Link.Data.Local, d.Link.Data.Remote, d.Link.Data.TTL, d.Link.Data.IKey, d.Link.Data.OKey = "192.0.2.1", "198.51.100.1", 64, "0.0.1.2", "0.0.1.2"
		change(&d)
		return []device{d}
	}
	const ends = "type gre local 192.0.2.1 remote 198.51.100.1 ttl 64 key 258"
	for name, tt := range map[string]struct {
		o    seenTunnel
		want string
		back string
	}{
		"in sync":          {seenTunnel{devices: tunnel(func(*device) {})}, "in sync\n", ""},
		"missing":          {seenTunnel{}, "now tunnel: (none) -> 192.0.2.1 -> 198.51.100.1\nstep: run ip link add name gre-x " + ends + "\nstep: run ip link set dev gre-x mtu 1400 up\nstep: run ip address replace 169.254.100.1/31 dev gre-x\n", "ip link del dev gre-x"},
		"a kernel without": {seenTunnel{noGRE: true}, "now tunnel: (none) -> a GRE tunnel\n    why: the kernel has no GRE: modinfo finds no ip_gre. Boot a kernel that has it (on Ubuntu it is in linux-modules-extra)\n", ""},
		"another remote": {seenTunnel{devices: tunnel(func(d *device) { d.Link.Data.Remote = "198.51.100.9" })},
			"now remote: 198.51.100.9 -> 198.51.100.1\nstep: run ip link set dev gre-x " + ends + "  [guards: interface as shown]\n", "ip link set dev gre-x type gre local 192.0.2.1 remote 198.51.100.9 ttl 64 key 258"},
		"no key": {seenTunnel{devices: tunnel(func(d *device) { d.Link.Data.IKey, d.Link.Data.OKey = "", "" })},
			"now key: / -> 0.0.1.2/0.0.1.2\nstep: run ip link set dev gre-x " + ends + "  [guards: interface as shown]\n", "ip link set dev gre-x type gre local 192.0.2.1 remote 198.51.100.1 ttl 64"},
		"down": {seenTunnel{devices: tunnel(func(d *device) { d.Flags = nil })},
			"now up: down -> up\nstep: run ip link set dev gre-x mtu 1400 up  [guards: interface as shown]\n", "ip link set dev gre-x down"},
		"something else has the name": {seenTunnel{devices: tunnel(func(d *device) { d.Link.Kind = "veth" })},
			"now tunnel: an interface that is no GRE tunnel (veth) -> a GRE tunnel\n    why: something else has the name: choose another, or take that away\n", ""},
		"another tunnel has the ends": {seenTunnel{devices: tunnel(func(d *device) { d.Name = "gre-y" })},
			"now ends: gre-y has these ends and this key -> gre-x\n    why: the kernel makes no second tunnel between the same ends with the same key: take that one away (ip link del gre-y), or give this one a key\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := g.decide(tt.o, Booted{})
			if got := kindtest.Print(c); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
			var back []string
			for _, a := range c.Back.Acts {
				back = append(back, strings.Join(a.Argv, " "))
			}
			if got := strings.Join(back, "; "); tt.back != "" && !strings.HasPrefix(got, tt.back) {
				t.Errorf("a revert does %q, want %q", got, tt.back)
			}
		})
	}
}

// Marks steer nothing that Agave sends through XDP: solana.md D.2.
func TestValidatorPassesTheRuleBy(t *testing.T) {
	fake := hosttest.New("h")
	fake.Answers[hosttest.Question(host.Validators.Argv()...)] = host.Output{Stdout: []byte("71 agave-validator\n72 agave-validator\n73 agave-validator\n")}
	fake.Files["/proc/71/cmdline"] = "agave-validator\x00--no-voting\x00"
	fake.Files["/proc/72/cmdline"] = "agave-validator\x00--no-xdp\x00"
	fake.Missing["/proc/73/cmdline"] = true
	all, err := askBypass(t.Context(), fake)
	if err != nil || len(all) != 1 || all[0] != (bypass{"71", "agave-validator"}) {
		t.Errorf("%v, %v", all, err)
	}
	for version, want := range map[string]int{"": 1, "4.1": 0, "4.1.9": 0, "v3.1.9": 0, "4.2": 1, "4.10.0": 1, "5.0": 1, "edge": 1} {
		var c modules.Change
		if bypassed(&c, version, all); len(c.Diffs) != want {
			t.Errorf("agave %q: %d findings, want %d", version, len(c.Diffs), want)
		}
	}
	fake.Answers[hosttest.Question(host.Validators.Argv()...)] = host.Output{Exit: 3, Stderr: []byte("no process table")}
	if _, err := askBypass(t.Context(), fake); err == nil {
		t.Error("no process table counts as no validator")
	}
}

// A revert of the removal makes the tunnel anew with what hung on it, by name: its index is another. The unit, which comes back
// too, may have made it already.
func TestGRETunnelComesBack(t *testing.T) {
	d := device{Index: 7, Name: "gre-x", MTU: 1400, Addresses: []held{at("169.254.100.1/31", "global")}}
	d.Link.Kind = "gre"
	d.Link.Data.Local, d.Link.Data.Remote, d.Link.Data.TTL = "192.0.2.1", "198.51.100.1", 64
	routes := []kernelRoute{{Dst: "default", Gateway: "169.254.100.0", Table: "100", Protocol: "4"}, {Dst: "169.254.100.0/31", Protocol: "2", Scope: "253"}}
	c := (&GRETunnel{Name: "gre-x", Absent: true}).decide(seenTunnel{devices: []device{d}, routes: routes}, Booted{})
	want := "now tunnel: 192.0.2.1 -> 198.51.100.1 -> (none)\nstep: run ip link del dev gre-x  [guards: interface as shown]\ndestroys: the tunnel gre-x, with its addresses and 2 routes, and what goes through it\n"
	if got := kindtest.Print(c); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	var back []string
	for i, a := range c.Back.Acts {
		back = append(back, strings.Join(a.Argv, " "))
		if a.MayFail != (i == 0) {
			t.Errorf("%s: its failure is news: %v", back[i], !a.MayFail)
		}
	}
	if got := strings.Join(back, "\n"); got != "ip link add name gre-x type gre local 192.0.2.1 remote 198.51.100.1 ttl 64\nip link set dev gre-x mtu 1400 up\n"+
		"ip address replace 169.254.100.1/31 dev gre-x scope global label eth0\nip -4 route replace default via 169.254.100.0 dev gre-x table 100 proto 4" {
		t.Errorf("a revert does:\n%s", got)
	}
}

func TestRoutesValidate(t *testing.T) {
	for name, tt := range map[string]struct {
		r    modules.Validator
		want string
	}{
		"a route":                      {&IPRoute{Name: "default", Via: "192.0.2.1", Device: "eth0", Type: "unicast"}, ""},
		"a mark without a source":      {&IPRoute{Name: "default", Device: "eth0", Type: "unicast", Probe: "192.0.2.1", Mark: 100}, "packet of the host's own"},
		"a probe elsewhere":            {&IPRoute{Name: "203.0.113.0/24", Device: "eth0", Type: "unicast", Probe: "192.0.2.1"}, "not within"},
		"bits beyond the length":       {&IPRoute{Name: "203.0.113.7/24", Device: "eth0", Type: "unicast"}, "write 203.0.113.0/24"},
		"two families":                 {&IPRoute{Name: "203.0.113.0/24", Via: "2001:db8::1", Device: "eth0", Type: "unicast"}, "another family"},
		"no interface":                 {&IPRoute{Name: "203.0.113.0/24", Type: "unicast"}, "device:"},
		"a blackhole that leads":       {&IPRoute{Name: "203.0.113.0/24", Device: "eth0", Type: "blackhole"}, "leads nowhere"},
		"an option for a device":       {&IPRoute{Name: "203.0.113.0/24", Device: "-batch", Type: "unicast"}, "not the name"},
		"an option for a table":        {&IPRoute{Name: "203.0.113.0/24", Device: "eth0", Table: "a b", Type: "unicast"}, "table:"},
		"a rule":                       {&IPRule{Name: "x", Priority: 7, FWMark: "0x64/0xff", Table: "7"}, ""},
		"a rule for all packets":       {&IPRule{Name: "x", Priority: 7, Table: "7"}, "every packet"},
		"the local table's place":      {&IPRule{Name: "x", FWMark: "1", Table: "7"}, "priority:"},
		"no mark":                      {&IPRule{Name: "x", Priority: 7, FWMark: "ten", Table: "7"}, "no mark"},
		"an address":                   {&IPAddress{Name: "192.0.2.1", Device: "lo"}, ""},
		"no address":                   {&IPAddress{Name: "relay", Device: "lo"}, "not an address"},
		"a label of another interface": {&IPAddress{Name: "192.0.2.1/32", Device: "lo", Label: "eth0:x"}, "begins with"},
		"a table":                      {&RouteTable{Name: "ashburn", Number: 100}, ""},
		"main's number":                {&RouteTable{Name: "ashburn", Number: 254}, "number:"},
		"main":                         {&RouteTable{Name: "main", Number: 100}, "cannot be"},
		"a tunnel":                     {&GRETunnel{Name: "gre1", Local: "192.0.2.1", Remote: "192.0.2.2", TTL: 64}, ""},
		"the kernel's tunnel":          {&GRETunnel{Name: "gre0", Local: "192.0.2.1", Remote: "192.0.2.2"}, "kernel's own"},
		"one end":                      {&GRETunnel{Name: "gre1", Local: "192.0.2.1", Remote: "192.0.2.1"}, "the same"},
		"a long name":                  {&GRETunnel{Name: "gre-to-the-other-end", Local: "192.0.2.1", Remote: "192.0.2.2"}, "15 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tt.r.Validate()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// A tunnel that has a key and must have none is told so, and a revert of the other way too; the address of the unit's old line
// goes, where no other block brings it.
func TestGRETunnelForgets(t *testing.T) {
	d := device{Index: 7, Name: "gre-x", MTU: 1400, Flags: []string{"UP"}, Addresses: []held{at("169.254.100.1/31", "global"), at("169.254.100.5/31", "global")}}
	d.Link.Kind = "gre"
	d.Link.Data.Local, d.Link.Data.Remote, d.Link.Data.TTL, d.Link.Data.IKey, d.Link.Data.OKey = "192.0.2.1", "198.51.100.1", 64, "0.0.1.2", "0.0.1.2"
	g := &GRETunnel{Name: "gre-x", Local: "192.0.2.1", Remote: "198.51.100.1", TTL: 64, Address: "169.254.100.1/31"}
	old := Booted{was: [][]string{{"ip", "address", "replace", "169.254.100.5/31", "dev", "gre-x"}}}
	got := kindtest.Print(g.decide(seenTunnel{devices: []device{d}}, old))
	for _, want := range []string{"ttl 64 nokey  [", "now former: 169.254.100.5/31 (", "run ip address del 169.254.100.5/31 dev gre-x"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	g.Meet([]modules.Resource{g, &IPAddress{Name: "169.254.100.5/31", Device: "gre-x"}})
	if got := kindtest.Print(g.decide(seenTunnel{devices: []device{d}}, old)); strings.Contains(got, "former") {
		t.Errorf("another block's address goes:\n%s", got)
	}
	d.Link.Data.IKey, d.Link.Data.OKey, g.Key = "", "", 258
	if c := g.decide(seenTunnel{devices: []device{d}}, Booted{}); len(c.Back.Acts) == 0 || !strings.HasSuffix(strings.Join(c.Back.Acts[0].Argv, " "), " nokey") {
		t.Errorf("a revert does %v", c.Back.Acts)
	}
}
