package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// KindNodeKind is a kind node: the container in which a cluster's kubelet and its pods run.
var KindNodeKind = modules.Kind{
	Name:     "kind_node",
	Label:    "the container's name: laconic-70ce4c4b47e23b85-control-plane",
	Platform: host.Linux,
	Layer:    "kind",
	Doc: "A node of a kind cluster: a docker container that runs or does not, and what it sees of the host. What it sees is read from outside, in the mount table and " +
		"the root of its first process, and compared with the host by device and inode: a bind may be right on paper and lead to what was there before the volume was mounted. " +
		"A container's mounts are made with it: where they are others than wanted, bisc says so, and that it takes a new cluster. It is started, stopped or restarted only while " +
		"the host's process table proves that the validator has stopped. Where docker says that it runs and its first process has died, something in it cannot be killed: " +
		"that is told, with the ways out, and nothing is tried.",
	Checks: []string{
		"now: the container is there, is of the cluster, and runs (or does not); its first process is alive",
		"now: what docker was told to bind, with its propagation, and what is mounted there in truth: a mount that receives what the host mounts later",
		"now: each path of `sees` is the same folder, by device and inode, as the host's path",
		"now, with `kubeconfig`: the node is Ready, as its kubelet has said since the container was started",
		"after boot: docker's restart policy of the container",
	},
	Losses: []modules.Loss{
		{What: "every pod of the node", When: "running = false, or it was started before restarted_after", Guards: []string{"no validator lives"}},
	},
	Example: `kind_node "laconic-70ce4c4b47e23b85-control-plane" {
  cluster = "laconic-70ce4c4b47e23b85"
  binds   = { "/srv/kind" = "/mnt" }
  sees    = { "/mnt/solana/ledger" = "/srv/solana/ledger" }
}
`,
	New: func(label string) modules.Resource {
		return &KindNode{Name: label, Running: true, Propagation: "rslave", Grace: time.Minute, Settle: 5 * time.Minute, clock: time.Now}
	},
}

// KindNode is the resource of KindNodeKind.
type KindNode struct {
	Name           string
	Cluster        string            `hcl:"cluster" doc:"the cluster that the container must be of, as kind's label says"`
	Running        bool              `hcl:"running,optional" doc:"it runs; false: it does not" default:"true"`
	RestartPolicy  string            `hcl:"restart_policy,optional" doc:"docker's: no, always, unless-stopped, on-failure or on-failure:N. Default: not looked at"`
	Binds          map[string]string `hcl:"binds,optional" doc:"what the container was made with: folder of the host to folder of the node"`
	Propagation    string            `hcl:"propagation,optional" doc:"of the binds: rslave (kind's HostToContainer), rshared or rprivate" default:"\"rslave\""`
	Sees           map[string]string `hcl:"sees,optional" doc:"folder of the node to the folder of the host that it must be, by device and inode"`
	RestartedAfter string            `hcl:"restarted_after,optional" doc:"a time (RFC 3339; run.started in a runbook) by the clock of the machine that bisc runs on, whose difference from the host's is reckoned with: a node that was started before it is restarted"`
	Kubeconfig     string            `hcl:"kubeconfig,optional" doc:"path on the host; with it the node must be Ready"`
	Context        string            `hcl:"context,optional" doc:"of the kubeconfig. Default: its current one"`
	Grace          time.Duration     `hcl:"grace,optional" doc:"how long the node's processes get to end at a stop or restart" default:"\"1m\""`
	Settle         time.Duration     `hcl:"settle,optional" doc:"how long the node may take after a start until all of this holds" default:"\"5m\""`

	clock func() time.Time // this machine's
}

// Owns the container's state.
func (n *KindNode) Owns() []string { return []string{"container:" + n.Name} }

var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

// Validate checks names, paths, the policy and the time.
func (n *KindNode) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if !containerName.MatchString(n.Name) {
		fault("", "%q is no name of a container", n.Name)
	}
	if !regexp.MustCompile(`^(|no|always|unless-stopped|on-failure(:[1-9][0-9]*)?)$`).MatchString(n.RestartPolicy) {
		fault("restart_policy", "%q is none of docker's: write no, always, unless-stopped, on-failure or on-failure:N", n.RestartPolicy)
	}
	if !slices.Contains([]string{"rslave", "rshared", "rprivate"}, n.Propagation) {
		fault("propagation", "%q: write rslave (kind's HostToContainer), rshared (Bidirectional) or rprivate (None)", n.Propagation)
	}
	for _, attr := range []struct {
		name  string
		paths map[string]string
	}{{"binds", n.Binds}, {"sees", n.Sees}} {
		for _, key := range slices.Sorted(maps.Keys(attr.paths)) {
			for _, p := range []string{key, attr.paths[key]} {
				if !path.IsAbs(p) || path.Clean(p) != p {
					fault(attr.name, "%q: write an absolute path without a slash at its end", p)
				}
			}
		}
	}
	if n.RestartedAfter != "" {
		if _, err := time.Parse(time.RFC3339, n.RestartedAfter); err != nil {
			fault("restarted_after", "%q is no time: write it as 2006-01-02T15:04:05Z, or run.started", n.RestartedAfter)
		}
		if !n.Running {
			fault("restarted_after", "what is not to run cannot be restarted")
		}
	}
	return errors.Join(faults...)
}

// Plan asks docker, then looks at what the first process sees.
func (n *KindNode) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	node, err := n.observe(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	return n.decide(node), nil
}
