package discover

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// container is what docker keeps of a container in its folder. The daemon is not asked: a question to its socket may start it.
type container struct {
	Name  string
	State struct{ Running bool }
	// Config is read as far as it is told; the environment, which may hold secrets, is not.
	Config struct {
		Image  string
		Labels map[string]string
	}
	MountPoints map[string]struct{ Type, Source string }
	restart     string
}

const dockerRoot = "/var/lib/docker"

// containersIn is the pattern of the files.
func containersIn(root string) string { return globLiteral(root) + "/containers/*/config.v2.json" }

// readContainers reads the containers' own files: those found where docker keeps them, or, where its configuration says so,
// elsewhere.
func (r *reader) readContainers(ctx context.Context, daemon string, names []string) ([]container, error) {
	var conf struct {
		Root string `json:"data-root"`
	}
	if daemon != "" {
		if err := json.Unmarshal([]byte(daemon), &conf); err != nil {
			r.lost("containers", "/etc/docker/daemon.json", err)
		} else if root := path.Clean(conf.Root); path.IsAbs(root) && root != dockerRoot {
			if err := r.wave(ctx, r.paths(&names, "containers", containersIn(root))); err != nil {
				return nil, err
			}
		}
	}
	texts, hosts := make([]string, len(names)), make([]string, len(names))
	var asks []question
	for i, n := range names {
		asks = append(asks, r.optional(&texts[i], "container", n), r.optional(&hosts[i], "container", path.Join(path.Dir(n), "hostconfig.json")))
	}
	if err := r.wave(ctx, asks...); err != nil {
		return nil, err
	}
	var out []container
	for i, n := range names {
		c, err := parseContainer(texts[i], hosts[i])
		if err != nil {
			r.lost("container", n, err)
			continue
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b container) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func globLiteral(p string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]", `\`, `\\`).Replace(p)
}

func parseContainer(config, hostConfig string) (c container, err error) {
	var h struct{ RestartPolicy struct{ Name string } }
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(hostConfig), &h); err != nil {
		return c, err
	}
	c.Name, c.restart = strings.TrimPrefix(c.Name, "/"), h.RestartPolicy.Name
	return c, nil
}

// binds are the host's folders that the container sees.
func (c container) binds() (out []string) {
	for _, m := range c.MountPoints {
		if m.Type == "bind" && path.IsAbs(m.Source) {
			out = append(out, path.Clean(m.Source))
		}
	}
	slices.Sort(out)
	return out
}

// kind is the cluster of which the container is a node, empty for none.
func (c container) kind() string { return c.Config.Labels["io.x-k8s.kind.cluster"] }

// remark says what it is and whether a reboot brings it back.
func (c container) remark() Remark {
	out := Remark{Outside, "container", c.Name, "bisc has no kind for containers yet; image " + c.Config.Image}
	if k := c.kind(); k != "" {
		out.Subject, out.Why = "kind node", fmt.Sprintf("of cluster %s; it belongs to the layer kind, which bisc does not have yet; image %s", k, c.Config.Image)
	}
	if b := c.binds(); len(b) > 0 {
		out.Why += "; sees " + strings.Join(b, ", ")
	}
	switch {
	case c.State.Running && (c.restart == "" || c.restart == "no"):
		out.State, out.Why = Ephemeral, out.Why+"; runs, and has no restart policy"
	case c.State.Running:
		out.Why += "; runs, restart " + c.restart
	default:
		out.Why += "; does not run"
	}
	return out
}
