package kube

import (
	"context"
	"fmt"
	"path"
	"strings"

	"bisc/internal/host"
	"bisc/modules/docker"
)

// Node is the container that is a kind cluster's node, as docker on the host tells of it.
type Node struct {
	Name string
	PID  int // of its first process, on the host
	// Published are the ports that docker maps to the node, as 8001/udp.
	Published map[string]bool
}

// ReadNode asks docker for the node's container. A node that does not run is an error: what it sees is not known.
func ReadNode(ctx context.Context, h host.Reader, name string) (Node, error) {
	n := Node{Name: name, Published: map[string]bool{}}
	box, there, err := docker.ReadContainer(ctx, h, name)
	if err != nil {
		return n, err
	}
	if !there || box.State.Status != "running" || box.State.Pid <= 0 {
		return n, fmt.Errorf("the node %s does not run: what it sees is not known (kind_node starts it)", name)
	}
	for port, at := range box.HostConfig.PortBindings {
		n.Published[port] = len(at) > 0
	}
	n.PID = box.State.Pid
	return n, nil
}

// Outside is the host's path of a path in the node: through /proc, so that no program has to be run in a node that may be sick.
func (n Node) Outside(inside string) string {
	return fmt.Sprintf("/proc/%d/root%s", n.PID, path.Clean("/"+inside))
}

// sees tells whether the node has a folder at a path.
func (n Node) sees(ctx context.Context, h host.Reader, inside string) (bool, error) {
	st, there, err := host.StatIfThere(ctx, h, n.Outside(inside))
	return there && st.Type == host.Directory, err
}

// stopped is the guard before everything that could hurt a validator, or let a second one start.
func stopped() []host.Guard { return []host.Guard{host.ValidatorStopped()} }

// shortID is an image's id as a person compares it.
func shortID(id string) string { return host.ShortDigest(strings.TrimPrefix(id, "sha256:")) }
