package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"bisc/internal/host"
	"bisc/modules"
)

// ConntrackFlowKind is whether the kernel's memory of a flow points at the node that is there now.
var ConntrackFlowKind = modules.Kind{
	Name:     "conntrack_flow",
	Label:    "a name of your own",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "The kernel decides where a flow of packets goes when its first packet comes, and stays with it as long as packets come. When the node gets another address, a new dnat rule is for new flows: " +
		"the switch's UDP stream, which never pauses, goes on to the old address for ever, past a rule that is right. This kind compares each tracked flow to an address and port with the node's present address. " +
		"Meant for an `invariant`; as a resource with `mend = true` it takes a stale UDP entry away, one by one, word by word: the next packet makes it anew by the rules of now. A TCP connection would break, so of tcp the command is only named. No flow is in order: the first packet will be judged by the rules.",
	Checks: []string{"now: each tracked flow to destination and port is answered from the node's address (conntrack -L, or /proc/net/nf_conntrack; unknown where neither can be read)"},
	Example: `conntrack_flow "shreds of the switch" {
  destination = "64.92.84.81"
  port        = 20000
  network     = "kind"
  container   = "laconic-70ce4c4b47e23b85-control-plane"
}
`,
	New: func(label string) modules.Resource { return &ConntrackFlow{Name: label, Protocol: "udp"} },
}

// ConntrackFlow is the resource of ConntrackFlowKind.
type ConntrackFlow struct {
	Name        string
	Protocol    string `hcl:"protocol,optional" doc:"udp or tcp" default:"\"udp\""`
	Destination string `hcl:"destination" doc:"the address that the packets come for, before any rewriting"`
	Port        int    `hcl:"port" doc:"the port that they come for"`
	Node        string `hcl:"node,optional" doc:"the node's address. Either this or network and container"`
	Network     string `hcl:"network,optional" doc:"the docker network in which the node is"`
	Container   string `hcl:"container,optional" doc:"the node's container: its address in that network is asked of docker each time"`
	Mend        bool   `hcl:"mend,optional" doc:"take stale UDP entries away" default:"false"`
}

// Validate checks addresses, and that the node is named in one way.
func (c *ConntrackFlow) Validate() error {
	var faults []error
	if c.Protocol != "udp" && c.Protocol != "tcp" {
		faults = append(faults, &modules.AttrError{Attr: "protocol", Reason: fmt.Sprintf("%q is not one of udp, tcp", c.Protocol)})
	}
	if a, err := netip.ParseAddr(c.Destination); err != nil || !a.Is4() {
		faults = append(faults, &modules.AttrError{Attr: "destination", Reason: fmt.Sprintf("%q is not an IPv4 address", c.Destination)})
	}
	if c.Port < 1 || c.Port > 65535 {
		faults = append(faults, &modules.AttrError{Attr: "port", Reason: fmt.Sprintf("%d is not a port", c.Port)})
	}
	if a, err := netip.ParseAddr(c.Node); c.Node != "" && (err != nil || !a.Is4()) {
		faults = append(faults, &modules.AttrError{Attr: "node", Reason: fmt.Sprintf("%q is not an IPv4 address", c.Node)})
	}
	if docker := c.Network != "" && c.Container != ""; docker == (c.Node != "") || (c.Network != "") != (c.Container != "") {
		faults = append(faults, &modules.AttrError{Attr: "node", Reason: "write node = \"ADDRESS\", or network and container, from which docker tells the address"})
	}
	return errors.Join(faults...)
}

// Plan asks for the flows and the node's address.
func (c *ConntrackFlow) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var flows []trackedFlow
	node, _ := netip.ParseAddr(c.Node)
	to, err := netip.ParseAddr(c.Destination)
	if err != nil {
		return modules.Change{}, err
	}
	questions := []func(context.Context) error{func(ctx context.Context) (err error) {
		flows, err = lookAtFlows(ctx, h, c.Protocol, netip.AddrPortFrom(to, uint16(c.Port)))
		return err
	}}
	if c.Network != "" {
		questions = append(questions, func(ctx context.Context) error {
			n, err := lookAtDockerNetwork(ctx, h, c.Network)
			if n != nil {
				node = n.containers[c.Container]
			}
			return err
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return modules.Change{}, err
	}
	return c.decide(flows, node), nil
}

// decide compares each flow with the node's address; the zero address is a node that is not there.
func (c *ConntrackFlow) decide(flows []trackedFlow, node netip.Addr) modules.Change {
	var change modules.Change
	if !node.IsValid() {
		change.Refuse("node", "(none)", c.Container+" in the docker network "+c.Network, "where the flow should go cannot be told while the node is not there")
		return change
	}
	for _, f := range flows {
		if f.reply.source == node {
			continue
		}
		attr, remedy := "flow "+f.String(), host.Quote(f.forget()...)
		switch {
		case f.protocol == "udp" && c.Mend:
			change.Differ(attr, f.reply.source.String(), node.String())
			change.Do(host.Script{Argv: f.forget()})
		case f.protocol == "udp":
			change.Refuse(attr, f.reply.source.String(), node.String(), "the kernel keeps a flow where its first packet went, whatever the rules say since. Take the entry away, and the next packet makes it anew: "+remedy)
		default:
			change.Refuse(attr, f.reply.source.String(), node.String(), "the connection lives by this entry: end it where it began, or break it: "+remedy)
		}
	}
	return change
}
