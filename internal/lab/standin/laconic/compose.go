package laconic

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// compose is a pod's file: each service a container of one pod.
type compose struct {
	Services map[string]service `yaml:"services"`
}

type service struct {
	Image       string    `yaml:"image"`
	Environment yaml.Node `yaml:"environment"`
	Volumes     []string  `yaml:"volumes"` // NAME:PATH
	NetworkMode string    `yaml:"network_mode"`
}

func readCompose(file string) (c compose, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(text, &c)
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	return c, nil
}

func (c compose) names() (names []string) {
	for name := range c.Services {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (c compose) images() (images []string) {
	for _, name := range c.names() {
		if image := c.Services[name].Image; !slices.Contains(images, image) {
			images = append(images, image)
		}
	}
	return images
}

// env is a container's: the compose file's, each ${NAME:-default} put in, then all of config.env over it, whatever the file lists.
func (s service) env(config [][2]string) (all []any) {
	set := map[string]string{}
	for _, kv := range config {
		set[kv[0]] = kv[1]
	}
	values, order := map[string]string{}, []string{}
	put := func(name, value string) {
		if _, ok := values[name]; !ok {
			order = append(order, name)
		}
		values[name] = value
	}
	variable := regexp.MustCompile(`\$\{(\w+)(?::?-([^}]*))?\}`)
	for _, kv := range pairs(s.Environment) {
		put(kv[0], variable.ReplaceAllStringFunc(kv[1], func(text string) string {
			parts := variable.FindStringSubmatch(text)
			if v, ok := set[parts[1]]; ok {
				return v
			}
			return parts[2]
		}))
	}
	for _, kv := range config {
		put(kv[0], kv[1])
	}
	for _, name := range order {
		all = append(all, map[string]any{"name": name, "value": values[name]})
	}
	return all
}

// mounts are a container's volumes, by name.
func (s service) mounts() (all []any) {
	for _, v := range s.Volumes {
		name, path, ok := strings.Cut(v, ":")
		if ok {
			all = append(all, map[string]any{"name": name, "mountPath": path})
		}
	}
	return all
}

// containerPort is a port of the specification: 8899 is TCP, 8001/udp UDP.
type containerPort struct {
	port     int
	protocol string
}

func (s spec) containerPorts() (all []containerPort) {
	for _, ports := range s.Network.Ports {
		for _, text := range ports {
			c := containerPort{protocol: "TCP"}
			number, protocol, _ := strings.Cut(text, "/")
			if _, err := fmt.Sscan(number, &c.port); err != nil {
				continue // HOST:CONTAINER forms are not in this stack
			}
			if protocol != "" {
				c.protocol = strings.ToUpper(protocol)
			}
			all = append(all, c)
		}
	}
	return all
}
