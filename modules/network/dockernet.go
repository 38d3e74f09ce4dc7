package network

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"bisc/internal/host"
)

// dockerNetwork is a bridge network of docker. Its bridge has another name after each time that docker made it anew.
type dockerNetwork struct {
	bridge     string
	containers map[string]netip.Addr // by name
}

// lookAtDockerNetwork gives nil where docker knows no such network. That docker does not answer is an error.
func lookAtDockerNetwork(ctx context.Context, h host.Reader, name string) (*dockerNetwork, error) {
	out, err := h.Query(ctx, host.DockerNetwork.Argv(name)...)
	if err == nil && out.Exit != 0 {
		said := strings.ToLower(string(out.Stderr))
		if strings.Contains(said, "no such network") || strings.Contains(said, "network "+strings.ToLower(name)+" not found") {
			return nil, nil
		}
		err = &host.ExitError{Argv: []string{"docker"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return nil, fmt.Errorf("ask docker for its network %s: %w", name, err)
	}
	return parseDockerNetwork(out.Stdout)
}

func parseDockerNetwork(text []byte) (*dockerNetwork, error) {
	var found []struct {
		ID, Driver string
		Options    map[string]string
		Containers map[string]struct{ Name, IPv4Address string }
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("read what docker tells of a network: %w", err)
	}
	if len(found) != 1 || found[0].Driver != "bridge" || len(found[0].ID) < 12 {
		return nil, fmt.Errorf("docker tells of %d networks, want one, and a bridge", len(found))
	}
	n := dockerNetwork{bridge: found[0].Options["com.docker.network.bridge.name"], containers: map[string]netip.Addr{}}
	if n.bridge == "" {
		n.bridge = "br-" + found[0].ID[:12]
	}
	for _, c := range found[0].Containers {
		if p, err := netip.ParsePrefix(c.IPv4Address); err == nil {
			n.containers[c.Name] = p.Addr()
		}
	}
	return &n, nil
}
