package host

import (
	"fmt"
	"strings"
)

// DockerQuery is a question to the host's docker daemon.
type DockerQuery struct {
	What DockerWhat
	// Name is of a container or an image: a name, an id, a digest. Empty for lists and info.
	Name string
	// Label narrows a list of containers: "io.x-k8s.kind.cluster=NAME".
	Label string
}

// DockerWhat is what a DockerQuery asks for. The answers are JSON as docker's own API gives them.
type DockerWhat string

// What may be asked. A list of containers has those that do not run too.
const (
	DockerContainer  DockerWhat = "container"  // GET /containers/NAME/json
	DockerContainers DockerWhat = "containers" // GET /containers/json?all=1
	DockerImage      DockerWhat = "image"      // GET /images/NAME/json
	DockerImages     DockerWhat = "images"     // GET /images/json
	DockerInfo       DockerWhat = "info"       // GET /info
)

// String is the question as a person reads it; a test's fake keeps the answer under it.
func (q DockerQuery) String() string {
	s := "docker " + string(q.What)
	if q.Name != "" {
		s += " " + q.Name
	}
	if q.Label != "" {
		s += " with label " + q.Label
	}
	return s
}

// Check tells whether the question can be asked.
func (q DockerQuery) Check() error {
	single := q.What == DockerContainer || q.What == DockerImage
	switch {
	case !single && q.What != DockerContainers && q.What != DockerImages && q.What != DockerInfo:
		return fmt.Errorf("ask docker: %w: %q", ErrNotReadOnly, q.What)
	case single && !dockerName(q.Name):
		return fmt.Errorf("ask docker for the %s %q: want a name, an id or a digest", q.What, q.Name)
	case !single && q.Name != "", q.What != DockerContainers && q.Label != "":
		return fmt.Errorf("%s: a name is of one thing, and a label of a list of containers", q)
	case strings.ContainsRune(q.Label, 0):
		return fmt.Errorf("%s: the label holds a NUL", q)
	}
	return nil
}

// dockerName tells whether s can be a name that is a path of docker's API as it is.
func dockerName(s string) bool {
	return s != "" && len(s) < 512 && s[0] != '-' && s[0] != '/' && !strings.Contains(s, "..") && strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._:@/", r)
	}) < 0
}
