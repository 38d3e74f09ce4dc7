package laconic

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// clusterConfig is kind's v1alpha4 Cluster: the part that laconic-so writes.
type clusterConfig struct {
	Kind       string       `json:"kind"`
	APIVersion string       `json:"apiVersion"`
	Nodes      []nodeConfig `json:"nodes"`
}

type nodeConfig struct {
	Role              string        `json:"role"`
	ExtraMounts       []extraMount  `json:"extraMounts"`
	ExtraPortMappings []portMapping `json:"extraPortMappings"`
}

type extraMount struct {
	HostPath      string `json:"hostPath"`
	ContainerPath string `json:"containerPath"`
	ReadOnly      bool   `json:"readOnly"`
	Propagation   string `json:"propagation"`
}

type portMapping struct {
	ContainerPort int    `json:"containerPort"`
	HostPort      int    `json:"hostPort"`
	ListenAddress string `json:"listenAddress"`
	Protocol      string `json:"protocol"`
}

// parseConfig reads the file. YAML that is none of kind's is an error: an empty Cluster would seem to lack everything.
func parseConfig(b []byte) (clusterConfig, error) {
	var c clusterConfig
	if err := yaml.Unmarshal(b, &c); err != nil {
		return c, err
	}
	if c.Kind != "Cluster" || !strings.HasPrefix(c.APIVersion, "kind.x-k8s.io/") {
		return c, errors.New("it is no Cluster of kind.x-k8s.io")
	}
	return c, nil
}

// mountOf gives the mount of a folder of the host.
func (n nodeConfig) mountOf(hostPath string) (extraMount, bool) {
	i := slices.IndexFunc(n.ExtraMounts, func(m extraMount) bool { return hostPath != "" && path.Clean(m.HostPath) == hostPath })
	if i < 0 {
		return extraMount{}, false
	}
	return n.ExtraMounts[i], true
}

func (n nodeConfig) mounts(containerPath string) bool {
	return slices.ContainsFunc(n.ExtraMounts, func(m extraMount) bool { return m.ContainerPath == containerPath })
}

// portsTwice gives each port that is mapped more than once, on either side.
func (n nodeConfig) portsTwice() []string {
	var out []string
	count := map[string]int{}
	for _, p := range n.ExtraPortMappings {
		sides := []string{fmt.Sprintf("the node's %d/%s", p.ContainerPort, p.protocol())}
		if p.HostPort != 0 { // 0: docker chooses one
			sides = append(sides, fmt.Sprintf("the host's %d/%s", p.HostPort, p.protocol()))
		}
		for _, side := range sides {
			if count[side]++; count[side] == 2 {
				out = append(out, side)
			}
		}
	}
	return out
}

func (p portMapping) protocol() string {
	if p.Protocol == "" {
		return "tcp"
	}
	return strings.ToLower(p.Protocol)
}

// String reads as the specification of a port.
func (p portMapping) String() string { return fmt.Sprintf("%d/%s", p.ContainerPort, p.protocol()) }

// under tells whether a path is a folder or in it, by its parts and not by its letters.
func under(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

// inside gives where in the node a folder of the host lies: by the mount that is nearest to it.
func (n nodeConfig) inside(hostPath string) (string, bool) {
	var best extraMount
	for _, m := range n.ExtraMounts {
		if from := path.Clean(m.HostPath); under(hostPath, from) && len(from) > len(best.HostPath) {
			best = extraMount{HostPath: from, ContainerPath: m.ContainerPath}
		}
	}
	return best.ContainerPath + strings.TrimPrefix(hostPath, best.HostPath), best.HostPath != "" && hostPath != ""
}
