package kube

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/docker"
	"bisc/modules/storage"
)

// volumeSeen is what was observed of a volume and its claim.
type volumeSeen struct {
	volume    Volume
	hasVolume bool
	claim     Claim
	hasClaim  bool
	users     []string // pods that name the claim and are on the node
	waiting   []string // pods that name the claim and have not been given to the node: they start once it is bound
	inside    string   // where the node sees the host's folder; empty where it does not
	unseen    string   // why inside is not known
}

// Plan observes the pair, its users, and where the node sees the folder.
func (w *WantedVolume) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	s, err := w.observe(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	return w.decide(s), nil
}

func (w *WantedVolume) observe(ctx context.Context, h host.Reader) (s volumeSeen, err error) {
	var (
		pods   []Pod
		node   Node
		tables [2]storage.Table // the host's, the node's
	)
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			s.volume, s.hasVolume, err = Find[Volume](ctx, h, w.api(), Volumes, "", w.object())
			return err
		},
		func(ctx context.Context) (err error) {
			s.claim, s.hasClaim, err = Find[Claim](ctx, h, w.api(), Claims, w.Namespace, w.object())
			return err
		},
		func(ctx context.Context) (err error) {
			pods, err = List[Pod](ctx, h, w.api(), Pods, w.Namespace)
			return err
		},
		func(ctx context.Context) (err error) {
			tables[0], err = mountTable(ctx, h, "/proc/self/mountinfo")
			return err
		},
		func(ctx context.Context) (err error) {
			if node, err = ReadNode(ctx, h, w.Node); err == nil {
				tables[1], err = mountTable(ctx, h, fmt.Sprintf("/proc/%d/mountinfo", node.PID))
			}
			return err
		},
	)
	if err != nil {
		return s, err
	}
	for _, p := range pods {
		switch names := slices.Contains(p.Spec.Claims(), w.object()); {
		case names && p.Spec.NodeName == "":
			s.waiting = append(s.waiting, p.Describe())
		case names:
			s.users = append(s.users, p.Describe())
		}
	}
	s.inside, s.unseen, err = w.seenAt(ctx, h, node, seenPaths(w.HostPath, tables[0], tables[1]), s.volume.path())
	return s, err
}

func mountTable(ctx context.Context, h host.Reader, name string) (storage.Table, error) {
	text, err := h.ReadFile(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading the mount table %s: %w", name, err)
	}
	return storage.ParseMounts(text)
}

// seenAt chooses the path in the node: that of the volume as it is, where the node sees the folder there, else the shortest. What
// the tables say is proved by device and inode.
func (w *WantedVolume) seenAt(ctx context.Context, h host.Reader, n Node, paths []string, now string) (inside, why string, err error) {
	if len(paths) == 0 {
		return "", fmt.Sprintf("no mount of the node leads to %s: kind_config and kind_node tell what the node mounts", w.HostPath), nil
	}
	if slices.Contains(paths, now) {
		inside = now
	} else {
		inside = paths[0]
	}
	same, why, err := docker.SameFolder(ctx, h, n.PID, inside, w.HostPath)
	if err != nil {
		return "", "", err
	}
	if !same {
		return "", fmt.Sprintf("the node's %s is not the host's %s: %s", inside, w.HostPath, why), nil
	}
	return inside, "", nil
}

// seenPaths are the paths at which a node sees a folder of the host, shortest first: of each mount of the node that shows the same
// file system, and of it a folder that the host's one lies in. The kubelet's own mounts for pods come and go, and are none.
func seenPaths(outside string, ours, nodes storage.Table) []string {
	on, err := ours.Visible(outside)
	if err != nil {
		return nil
	}
	within := path.Join(on.Root, strings.TrimPrefix(outside, on.Target)) // the folder, in its file system
	var out []string
	for _, m := range nodes {
		rest, ok := below(within, m.Root)
		if m.Dev != on.Dev || !ok || strings.HasPrefix(m.Target, "/var/lib/kubelet/") {
			continue
		}
		inside := path.Join(m.Target, rest)
		if v, err := nodes.Visible(inside); err == nil && v.ID == m.ID && !slices.Contains(out, inside) {
			out = append(out, inside)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return out
}

// below gives what of a path lies below a folder: by whole names, since /srv/kind2 is not within /srv/kind (laconic-so took it so).
func below(name, folder string) (rest string, ok bool) {
	if name == folder {
		return "", true
	}
	return strings.CutPrefix(name, strings.TrimSuffix(folder, "/")+"/")
}
