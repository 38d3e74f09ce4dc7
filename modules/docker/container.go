package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"bisc/internal/host"
)

// ClusterLabel is the label by which kind knows the containers of a cluster.
const ClusterLabel = "io.x-k8s.kind.cluster"

// Container is what docker tells of a container, as GET /containers/NAME/json has it: the part that a kind compares.
type Container struct {
	ID     string `json:"Id"`
	Name   string // with a slash in front
	Config struct {
		Image  string
		Labels map[string]string
	}
	State      ContainerState
	HostConfig struct {
		RestartPolicy RestartPolicy
		PortBindings  map[string][]struct{ HostIp, HostPort string } // docker's own spelling
	}
	Mounts []Mountpoint
}

// ContainerState is what docker believes of a container's first process. Running stays true where a stop has failed.
type ContainerState struct {
	Status     string // created, running, paused, restarting, removing, exited, dead
	Pid        int    // of its first process, as the host counts; 0 where there is none
	ExitCode   int
	OOMKilled  bool
	Error      string
	StartedAt  time.Time
	FinishedAt time.Time
}

// RestartPolicy says when docker starts a container by itself, and so whether it is there after a boot.
type RestartPolicy struct {
	Name              string // no (or empty), always, unless-stopped, on-failure
	MaximumRetryCount int
}

// String is the form that docker's --restart takes.
func (p RestartPolicy) String() string {
	switch {
	case p.Name == "":
		return "no"
	case p.MaximumRetryCount > 0:
		return fmt.Sprintf("%s:%d", p.Name, p.MaximumRetryCount)
	}
	return p.Name
}

// Mountpoint is what docker was told to mount. What is mounted is told by the mount table of the first process.
type Mountpoint struct {
	Type                string // bind, volume, tmpfs
	Source, Destination string
	Propagation         string // of a bind: rprivate, rslave, rshared...; empty for docker's default
	RW                  bool
}

// String reads as docker's -v, with what docker calls its default written out.
func (m Mountpoint) String() string {
	s := m.Source + ":" + m.Destination + ":" + m.propagation()
	if !m.RW {
		s += ",ro"
	}
	return s
}

func (m Mountpoint) propagation() string {
	if m.Propagation == "" {
		return "rprivate"
	}
	return m.Propagation
}

// Bound gives what docker was told to bind at a path of the container.
func (c Container) Bound(destination string) (Mountpoint, bool) {
	for _, m := range c.Mounts {
		if m.Type == "bind" && m.Destination == destination {
			return m, true
		}
	}
	return Mountpoint{}, false
}

// ReadContainer asks docker for a container; there is false where docker says that it has none of that name. Any error means
// that nothing is known: a daemon that does not answer has not said that there is no container.
func ReadContainer(ctx context.Context, r host.Reader, name string) (c Container, there bool, err error) {
	b, err := r.Docker(ctx, host.DockerQuery{What: host.DockerContainer, Name: name})
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("ask docker for the container %s: %w", name, err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, false, fmt.Errorf("docker's answer for the container %s: %w", name, err)
	}
	// Docker finds a container by the beginning of its id too.
	if strings.TrimPrefix(c.Name, "/") != name {
		return Container{}, false, nil
	}
	return c, true, nil
}

// hostNow is the host's own clock, as docker tells it: when a container was started is told by the same.
func hostNow(ctx context.Context, r host.Reader) (time.Time, error) {
	b, err := r.Docker(ctx, host.DockerQuery{What: host.DockerInfo})
	if err != nil {
		return time.Time{}, fmt.Errorf("ask docker for the time: %w", err)
	}
	var info struct{ SystemTime time.Time }
	if err := json.Unmarshal(b, &info); err != nil || info.SystemTime.IsZero() {
		return time.Time{}, fmt.Errorf("docker's answer tells no time of the host: %v", err)
	}
	return info.SystemTime, nil
}

// Publishes tells whether docker was told to publish a port of the container ("tcp", "udp") on the host.
func (c Container) Publishes(port int, protocol string) bool {
	return len(c.HostConfig.PortBindings[fmt.Sprintf("%d/%s", port, protocol)]) > 0
}
