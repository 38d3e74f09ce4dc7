package eos

import (
	"context"
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
)

// InterfaceKind is whether an interface carries packets.
var InterfaceKind = modules.Kind{
	Name:     "eos_interface",
	Label:    "the interface's full name: Ethernet4/1",
	Platform: host.EOS,
	Layer:    "relay",
	Doc:      "Whether an interface carries packets, for an `invariant`: bisc repairs none of it. Its lines are eos_section's.",
	Checks:   []string{"now: it is connected and its line protocol is up, by `show interfaces NAME`"},
	Example: `eos_interface "Ethernet4/1" {}
`,
	New: func(label string) modules.Resource { return &Interface{Name: label} },
}

// Interface is the resource of InterfaceKind.
type Interface struct{ Name string }

// Validate refuses names that EOS does not print.
func (i *Interface) Validate() error {
	if !isInterface(i.Name) && !isTunnel(i.Name) {
		return &modules.AttrError{Reason: fmt.Sprintf("%q is no interface's full name: write Ethernet4/1, Loopback100, Tunnel100", i.Name)}
	}
	return nil
}

// Plan asks the switch.
func (i *Interface) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var c modules.Change
	said, err := showInterface(ctx, h, i.Name)
	if err != nil {
		return c, err
	}
	if !said.isUp() {
		c.Refuse("state", said.String(), "connected, line protocol up", "bisc plugs in no cable: look at the other end, and at the lines of the interface")
	}
	return c, nil
}
