package device

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"bisc/internal/lab/eos/device/config"
)

// view reads what the planes need out of the running configuration.
func (d *Device) view() View {
	v := View{Hostname: d.hostname(), Copp: map[string]int{}}
	for _, n := range d.running.Top() {
		kind, name := header(n.Line)
		switch kind {
		case "daemon":
			v.Daemons = append(v.Daemons, Daemon{Name: name, Exec: value(n, "exec "), Enabled: has(n, "no shutdown")})
		case "interface":
			v.Interfaces = append(v.Interfaces, viewInterface(n, name))
		case "vrf instance":
			v.VRFs = append(v.VRFs, name)
		case "event-handler":
			v.Handlers = append(v.Handlers, viewHandler(n, name))
		case "management api http-commands":
			v.EAPI = viewEAPI(n)
		case "policy-map type copp":
			for _, class := range n.Below() {
				kbps, _ := strconv.Atoi(strings.TrimPrefix(value(class, "shape "), "kbps "))
				v.Copp[strings.TrimPrefix(class.Line, "class ")] = kbps
			}
		}
	}
	if !d.faults.Unprogrammed {
		v.Mirrors = d.viewMirrors()
		for _, r := range d.rib(v.Interfaces) {
			if !r.connected {
				v.Routes = append(v.Routes, r.Route)
			}
		}
	}
	return v
}

// header splits the line that opens a block into its kind and its name.
func header(line string) (kind, name string) {
	for _, k := range []string{"daemon", "interface", "vrf instance", "event-handler", "policy-map type copp", "ip access-list standard", "ip access-list"} {
		if rest, is := strings.CutPrefix(line, k+" "); is {
			return k, rest
		}
	}
	return line, ""
}

// value is what follows a word in a block, "" where there is no such line.
func value(n *config.Node, begin string) string {
	for _, k := range n.Kids {
		if rest, is := strings.CutPrefix(k.Line, begin); is {
			return rest
		}
	}
	return ""
}

func has(n *config.Node, line string) bool {
	for _, k := range n.Kids {
		if k.Line == line {
			return true
		}
	}
	return false
}

func viewInterface(n *config.Node, name string) Interface {
	i := Interface{Name: name, VRF: "default", MTU: 1500, Enabled: !has(n, "shutdown"),
		Routed: !strings.HasPrefix(name, "Ethernet") || has(n, "no switchport") || strings.Contains(name, ".")}
	if vrf := value(n, "vrf "); vrf != "" {
		i.VRF = vrf
	}
	if mtu, err := strconv.Atoi(value(n, "mtu ")); err == nil {
		i.MTU = mtu
	}
	for _, k := range n.Below() {
		text, is := strings.CutPrefix(k.Line, "ip address ")
		if p, err := netip.ParsePrefix(strings.TrimSuffix(text, " secondary")); is && err == nil {
			i.Addresses = append(i.Addresses, p)
		}
	}
	i.Tunnel.Mode = value(n, "tunnel mode ")
	i.Tunnel.Source, _ = netip.ParseAddr(value(n, "tunnel source "))
	i.Tunnel.Destination, _ = netip.ParseAddr(value(n, "tunnel destination "))
	return i
}

func viewHandler(n *config.Node, name string) Handler {
	action := value(n, "action bash")
	if text, many := strings.CutPrefix(action, "\n"); many {
		action = strings.TrimSuffix(text, "EOF")
	}
	delay, _ := strconv.Atoi(value(n, "delay "))
	return Handler{Name: name, Trigger: value(n, "trigger "), Action: strings.TrimSpace(action), Delay: time.Duration(delay) * time.Second}
}

// viewEAPI: https is on unless it is said otherwise, all is off until "no shutdown" (eos.md A.2).
func viewEAPI(n *config.Node) EAPI {
	port := func(begin string, standard int) int {
		for _, k := range n.Kids {
			if k.Line == begin {
				return standard
			}
			if p, err := strconv.Atoi(strings.TrimPrefix(k.Line, begin+" port ")); err == nil {
				return p
			}
		}
		return 0
	}
	e := EAPI{Enabled: has(n, "no shutdown"), HTTPS: port("protocol https", 443), HTTP: port("protocol http", 80),
		LocalHTTP: port("protocol http localhost", 8080), UnixSocket: has(n, "protocol unix-socket")}
	if e.HTTPS == 0 && !has(n, "no protocol https") {
		e.HTTPS = 443
	}
	for _, k := range n.Below() {
		if vrf, is := strings.CutPrefix(k.Line, "vrf "); is && has(k, "no shutdown") {
			e.VRFs = append(e.VRFs, vrf)
		}
	}
	return e
}

func (d *Device) viewMirrors() []Mirror {
	sessions := d.mirrors()
	complete := sessions[:0:0]
	for _, m := range sessions {
		if len(m.Sources) > 0 && m.Destination != "" {
			m.Rules = d.rules(m.ACL)
			complete = append(complete, m)
		}
	}
	return complete
}

// mirrors are all configured sessions, also those that lack something.
func (d *Device) mirrors() []Mirror {
	var all []Mirror
	for _, n := range d.running.Top() {
		w := strings.Fields(n.Line)
		if len(w) < 4 || w[0] != "monitor" || w[1] != "session" {
			continue
		}
		if len(all) == 0 || all[len(all)-1].Name != w[2] {
			all = append(all, Mirror{Name: w[2]})
		}
		m := &all[len(all)-1]
		switch w[3] {
		case "ip":
			m.ACL = w[len(w)-1]
		case "destination":
			m.Destination = w[4]
		case "source":
			direction := "both"
			if len(w) > 5 && w[5] != "ip" {
				direction = w[5]
			}
			for _, i := range strings.Split(w[4], ",") {
				m.Sources = append(m.Sources, MirrorSource{i, direction})
			}
		}
	}
	return all
}

// rules are the rules of an ACL, none where there is no such ACL.
func (d *Device) rules(acl string) []ACLRule {
	var rules []ACLRule
	for _, n := range d.running.Top() {
		if kind, name := header(n.Line); !strings.HasPrefix(kind, "ip access-list") || name != acl {
			continue
		}
		for _, k := range n.Below() {
			if k.Number() > 0 {
				rules = append(rules, ACLRule{k.Number(), k.Line})
			}
		}
	}
	return rules
}
