package network

import (
	"net/netip"
	"strings"
	"testing"
)

const tracked = `udp      17 29 src=203.0.113.5 dst=192.0.2.81 sport=38133 dport=20000 [UNREPLIED] src=172.20.0.2 dst=203.0.113.5 sport=9000 dport=38133 mark=0 use=1
udp      17 118 src=203.0.113.6 dst=192.0.2.81 sport=1 dport=20000 src=172.20.0.3 dst=203.0.113.6 sport=9000 dport=1 [ASSURED] mark=0 use=1
`

func TestConntrackFlowDecides(t *testing.T) {
	const remedy = "conntrack -D -p udp --orig-src 203.0.113.6 --orig-dst 192.0.2.81 --orig-port-src 1 --orig-port-dst 20000 --reply-src 172.20.0.3"
	for _, tt := range []struct {
		name, text, node, want string
		edit                   func(*ConntrackFlow)
	}{
		{"no flow", "", "172.20.0.2", "in sync", nil},
		{"all to the node", strings.ReplaceAll(tracked, "172.20.0.3", "172.20.0.2"), "172.20.0.2", "in sync", nil},
		{"one to the node of then", tracked, "172.20.0.2", "now flow udp 203.0.113.6:1 > 192.0.2.81:20000: 172.20.0.3 -> 172.20.0.2", nil},
		{"one to the node of then, to be mended", tracked, "172.20.0.2", "now flow udp 203.0.113.6:1 > 192.0.2.81:20000: 172.20.0.3 -> 172.20.0.2\nstep: run " + remedy, func(c *ConntrackFlow) { c.Mend = true }},
		{"a flow from before the rule: the host answers itself", strings.ReplaceAll(tracked, "src=172.20.0.3", "src=192.0.2.81"), "172.20.0.2", "now flow udp 203.0.113.6:1 > 192.0.2.81:20000: 192.0.2.81 -> 172.20.0.2", nil},
		{"tcp is not broken, whoever asks", strings.ReplaceAll(tracked, "udp      17 118", "tcp      6 431999 ESTABLISHED"), "172.20.0.2", "now flow tcp 203.0.113.6:1", func(c *ConntrackFlow) { c.Mend = true }},
		{"the node is not there", tracked, "", "now node: (none) -> node in the docker network kind", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &ConntrackFlow{Name: "x", Protocol: "udp", Destination: "192.0.2.81", Port: 20000, Network: "kind", Container: "node"}
			if tt.edit != nil {
				tt.edit(c)
			}
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			flows, err := parseFlows(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			node, _ := netip.ParseAddr(tt.node)
			change := c.decide(flows, node)
			got := said(change)
			if !strings.HasPrefix(got, tt.want) || strings.Contains(tt.want, "tcp") && len(change.Steps) > 0 {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestFlowsAreRead(t *testing.T) {
	fromProc := "ipv4     2 udp      17 29 src=203.0.113.5 dst=192.0.2.81 sport=38133 dport=20000 [UNREPLIED] src=172.20.0.2 dst=203.0.113.5 sport=9000 dport=38133 mark=0 zone=0 use=2\n" +
		"ipv6     10 udp      17 29 src=2001:db8::1 dst=2001:db8::2 sport=1 dport=2 src=2001:db8::2 dst=2001:db8::1 sport=2 dport=1 use=2\n" +
		"ipv4     2 unknown  2 577 src=172.17.0.1 dst=224.0.0.22 [UNREPLIED] src=224.0.0.22 dst=172.17.0.1 mark=0 zone=0 use=2\n"
	flows, err := parseFlows(fromProc)
	if err != nil || len(flows) != 1 || flows[0].String() != "udp 203.0.113.5:38133 > 192.0.2.81:20000" || flows[0].reply.source.String() != "172.20.0.2" || flows[0].reply.sport != 9000 {
		t.Errorf("%v %+v", err, flows)
	}
	for _, bad := range []string{"udp 17 29 src=203.0.113.5 dst=192.0.2.81 sport=1 dport=2 [UNREPLIED]\n", "udp 17 src=x dst=1.1.1.1 sport=1 dport=2 src=1.1.1.1 dst=1.1.1.1 sport=1 dport=2\n", "udp 17 src=1.1.1.1 dst=1.1.1.1 sport=1 dport=70000 src=1.1.1.1 dst=1.1.1.1 sport=1 dport=2\n"} {
		if _, err := parseFlows(bad); err == nil {
			t.Errorf("%q is read as a flow", bad)
		}
	}
}

func TestConntrackFlowIsValidated(t *testing.T) {
	for want, edit := range map[string]func(*ConntrackFlow){
		"not one of udp":         func(c *ConntrackFlow) { c.Protocol = "gre" },
		"is not an IPv4 address": func(c *ConntrackFlow) { c.Destination = "biscayne" },
		"is not a port":          func(c *ConntrackFlow) { c.Port = 0 },
		"write node":             func(c *ConntrackFlow) { c.Node = "" },
		"or network and":         func(c *ConntrackFlow) { c.Network = "kind" },
	} {
		c := &ConntrackFlow{Protocol: "udp", Destination: "192.0.2.81", Port: 20000, Node: "172.20.0.2"}
		edit(c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want something about %q, got %v", want, err)
		}
	}
}
