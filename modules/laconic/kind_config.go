package laconic

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/docker"
)

// KindConfigKind is the configuration that laconic-so makes a kind cluster with.
var KindConfigKind = modules.Kind{
	Name:     "kind_config",
	Label:    "the file: /srv/deployments/agave/kind-config.yml",
	Platform: host.Linux,
	Layer:    "kind",
	Doc: "The configuration of a kind cluster, as laconic-so has written it. It is only looked at: laconic-so writes the file, and kind reads it when it makes the cluster, " +
		"so another configuration takes another cluster. laconic-so has two forms, by which commit of it is installed: one mount of the whole root (`mount_root`), under which the volumes " +
		"are found by their path, or a mount a volume. Which of them is live decides the paths of every volume. With `node` the container that runs is held against the file too.",
	Checks: []string{
		"now: the form: `mount_root` is mounted at `mount_at`, and no volume under it on its own; or, without `mount_root`, each volume is",
		"now: each mount's propagation: with None what the host mounts after the node's start stays outside it",
		"now: a volume whose path only begins like the root (/srv/kind2 with /srv/kind): laconic-so compares letters, and takes it for one under it",
		"now: a port that is mapped twice, from either side",
		"now, with `node`: what docker has bound and published is what the file says",
	},
	Example: `kind_config "/srv/deployments/agave/kind-config.yml" {
  mount_root = "/srv/kind"
  node       = "laconic-70ce4c4b47e23b85-control-plane"
}
`,
	New: func(label string) modules.Resource {
		return &KindConfig{Path: label, Propagation: "HostToContainer", MountAt: "/mnt"}
	},
}

// KindConfig is the resource of KindConfigKind.
type KindConfig struct {
	Path        string
	MountRoot   string `hcl:"mount_root,optional" doc:"the folder of the host that is mounted whole. Default: the form with a mount a volume is wanted"`
	MountAt     string `hcl:"mount_at,optional" doc:"where in the node the root is mounted" default:"\"/mnt\""`
	Propagation string `hcl:"propagation,optional" doc:"of every mount: HostToContainer, Bidirectional or None" default:"\"HostToContainer\""`
	Node        string `hcl:"node,optional" doc:"the node's container, to be held against the file. Default: it is not looked at"`
	Spec        string `hcl:"spec,optional" doc:"the specification whose volumes are meant. Default: spec.yml in the same folder"`
}

// propagations are kind's words and docker's.
func propagations() map[string]string {
	return map[string]string{"HostToContainer": "rslave", "Bidirectional": "rshared", "None": "rprivate", "": "rprivate"}
}

// Validate checks paths and the propagation's word.
func (k *KindConfig) Validate() error {
	var faults []error
	for attr, p := range map[string]string{"": k.Path, "mount_root": k.MountRoot, "mount_at": k.MountAt, "spec": k.Spec} {
		if p != "" && (!path.IsAbs(p) || path.Clean(p) != p) || p == "" && attr == "" {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q: write an absolute path without a slash at its end", p)})
		}
	}
	if _, ok := propagations()[k.Propagation]; !ok || k.Propagation == "" {
		faults = append(faults, &modules.AttrError{Attr: "propagation", Reason: fmt.Sprintf("%q is none of kind's: write HostToContainer, Bidirectional or None", k.Propagation)})
	}
	return errors.Join(faults...)
}

// configured is what was observed of a configuration.
type configured struct {
	there  bool
	config clusterConfig
	spec   spec
	box    docker.Container
	runs   bool // there is such a container
}

// Plan reads the file, the specification beside it, and the container.
func (k *KindConfig) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var o configured
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { o.config, o.there, err = readConfig(ctx, h, k.Path); return err },
		func(ctx context.Context) (err error) { o.spec, _, err = readSpec(ctx, h, k.specPath()); return err },
		func(ctx context.Context) (err error) {
			if k.Node != "" {
				o.box, o.runs, err = docker.ReadContainer(ctx, h, k.Node)
			}
			return err
		},
	)
	if err != nil {
		return modules.Change{}, err
	}
	return k.decide(o), nil
}

func (k *KindConfig) specPath() string {
	if k.Spec != "" {
		return k.Spec
	}
	return path.Join(path.Dir(k.Path), "spec.yml")
}

// another is what every diff of this kind ends in.
const another = "kind reads the file when it makes the cluster: let the installed laconic-so write it anew (deploy create --update), let the validator exit, and make another cluster"

// decide says what of the configuration is not as wanted. Nothing of it is mended.
func (k *KindConfig) decide(o configured) modules.Change {
	var c modules.Change
	if !o.there {
		c.Refuse("file", "(none)", k.Path, "laconic-so writes it: deploy create makes the deployment's folder")
		return c
	}
	if n := len(o.config.Nodes); n != 1 {
		c.Refuse("nodes", fmt.Sprint(n), "1", "laconic-so makes clusters of one node: this file is somebody else's")
		return c
	}
	node := o.config.Nodes[0]
	k.form(&c, node, o.spec)
	for _, m := range node.ExtraMounts {
		if propagations()[m.Propagation] != propagations()[k.Propagation] {
			c.Refuse("propagation["+m.ContainerPath+"]", orNone(m.Propagation), k.Propagation, "what the host mounts there later is otherwise not as wanted in the node. "+another)
		}
	}
	for _, twice := range node.portsTwice() {
		c.Refuse("ports", twice+" twice", "once", "docker refuses to publish a port twice, and the cluster cannot be made: laconic-so lists a port of both protocols as if they were one. "+another)
	}
	if o.runs {
		live(&c, node, o.box)
	}
	return c
}

// form compares how the volumes come into the node.
func (k *KindConfig) form(c *modules.Change, node nodeConfig, s spec) {
	root, mounted := node.mountOf(k.MountRoot)
	if k.MountRoot != "" && (!mounted || root.ContainerPath != k.MountAt) {
		got := "not mounted"
		if mounted {
			got = "mounted at " + root.ContainerPath
		}
		c.Refuse("mount_root", got, k.MountRoot+" at "+k.MountAt, "the laconic-so that wrote this ignores kind-mount-root (it is in some commits and not in others), or the specification does not name it. "+another)
	}
	for _, name := range s.volumeNames() {
		at := s.Volumes[name]
		_, own := node.mountOf(at)
		switch {
		case k.MountRoot == "":
			if !own {
				c.Refuse("volumes["+name+"]", "not mounted", at, "a volume without a mount is a folder in the node's own layer, and gone with it. "+another)
			}
		case strings.HasPrefix(at, k.MountRoot) && !under(at, k.MountRoot):
			c.Refuse("volumes["+name+"]", at, "under "+k.MountRoot+"/ or elsewhere",
				"laconic-so compares letters: it takes this for a folder under "+k.MountRoot+" and makes no mount of it. Give the volume another path in the specification")
		case under(at, k.MountRoot) && own && at != k.MountRoot:
			c.Refuse("volumes["+name+"]", at+" is mounted on its own", "under "+k.MountRoot, "the volumes' paths in the node are /mnt/NAME then, not those under the root. "+another)
		case !under(at, k.MountRoot) && !own:
			c.Refuse("volumes["+name+"]", "not mounted", at, "it lies outside the root, and a volume without a mount is a folder in the node's own layer. "+another)
		}
	}
}

// live compares what the file says with what docker has made of it, whenever that was.
func live(c *modules.Change, node nodeConfig, box docker.Container) {
	const why = "the file has changed since the cluster was made, or another made it: what runs counts until there is a new cluster"
	for _, m := range node.ExtraMounts {
		want := docker.Mountpoint{Source: m.HostPath, Destination: m.ContainerPath, Propagation: propagations()[m.Propagation], RW: !m.ReadOnly}.String()
		got := "(none)"
		if is, ok := box.Bound(m.ContainerPath); ok {
			got = is.String()
		}
		if got != want {
			c.Refuse("node["+m.ContainerPath+"]", got, want, why)
		}
	}
	for _, p := range node.ExtraPortMappings {
		if !box.Publishes(p.ContainerPort, p.protocol()) {
			c.Refuse("node["+p.String()+"]", "not published", "published", why)
		}
	}
	for _, is := range box.Mounts {
		if is.Type == "bind" && is.Destination != "/lib/modules" && !node.mounts(is.Destination) { // kind adds /lib/modules itself
			c.Refuse("node["+is.Destination+"]", is.String(), "(none)", why)
		}
	}
}

func readConfig(ctx context.Context, h host.Reader, name string) (c clusterConfig, there bool, err error) {
	b, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("kind's configuration: %w", err)
	}
	c, err = parseConfig(b)
	if err != nil {
		return c, false, fmt.Errorf("kind's configuration %s: %w", name, err)
	}
	return c, true, nil
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
