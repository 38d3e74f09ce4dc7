package eos

import (
	"context"
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
)

// shownInterface is what is read of show interfaces NAME [V: pyeapi's and goeapi's fixtures; a tunnel has the same keys, I].
// What an answer lacks stays nil, and is then not known.
type shownInterface struct {
	Status   *string `json:"interfaceStatus"`    // connected, notconnect, disabled...
	Protocol *string `json:"lineProtocolStatus"` // up, down, lowerLayerDown...
}

// showInterface asks of one interface. One that is not there is the switch's refusal.
func showInterface(ctx context.Context, h host.Reader, name string) (shownInterface, error) {
	var said struct {
		Interfaces map[string]shownInterface `json:"interfaces"`
	}
	if err := host.ShowJSON(ctx, h, "show interfaces "+name, &said); err != nil {
		return shownInterface{}, fmt.Errorf("what the interface does: %w", err)
	}
	i, ok := said.Interfaces[name]
	if !ok || i.Status == nil || i.Protocol == nil {
		return i, fmt.Errorf("the switch's answer to \"show interfaces %s\" lacks interfaceStatus or lineProtocolStatus: not known whether it is up", name)
	}
	return i, nil
}

// isUp tells whether the interface carries packets.
func (i shownInterface) isUp() bool { return *i.Status == "connected" && *i.Protocol == "up" }

// String reads "notconnect, line protocol down".
func (i shownInterface) String() string { return *i.Status + ", line protocol " + *i.Protocol }

// programmed compares what the switch says of the tunnel in force. What it says of a tunnel's MTU is not compared: whether the
// outer header counts is not known [U].
func (t *Tunnel) programmed(ctx context.Context, h host.Reader, c *modules.Change) error {
	i, err := showInterface(ctx, h, t.Name)
	if err != nil {
		return err
	}
	if !i.isUp() {
		c.Differ("programmed", i.String()+" (a tunnel is down without a route to "+t.Destination+", or without its source)", "connected, line protocol up")
	}
	return nil
}
