package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// PodsKind is the pods of a Deployment: that none is left, or that those with too short a grace are deleted with a longer one.
var PodsKind = modules.Kind{
	Name: "kube_pods", Label: "the name of the Deployment", Platform: host.Linux, Layer: "agave",
	Doc: "The pods of a Deployment, which are to go: each is deleted by its UID, with a grace that is at least its own and never 0 (the object would go, and its processes stay). " +
		"A pod's grace is what it was made with, and a change of the Deployment's never reaches it: a pod with 30 s is deleted with 300 s, and then nobody's later deletion makes that shorter. " +
		"`grace_below` concerns the pods with a shorter grace alone; `deleting` is content when the deletion is under way. While the Deployment wants replicas a deleted pod's successor would start beside it: " +
		"the node must be cordoned then, by a kube_node in the same stage before it, or already. Pods that no node runs, and those that have ended, are left alone.",
	Checks: []string{
		"now: the Deployment's pods, by the UIDs of its ReplicaSets and by its own selector; their grace, and whether they are being deleted",
		"after boot: the same, since it is in the cluster's own store",
	},
	Losses: []modules.Loss{{
		What: "the pods' processes, which get SIGTERM, and SIGKILL after the grace", When: "a pod lives",
		Guards: []string{"the pod's UID is the one that was seen", "a grace of at least the pod's own, and never 0", "the node is cordoned, where the Deployment wants replicas"},
	}},
	Example: `kube_pods "laconic-70ce4c4b47e23b85-deployment" {
  kubeconfig  = "/home/rix/.kube/config"
  namespace   = "laconic-laconic-70ce4c4b47e23b85"
  grace_below = 300
  grace       = 300
  deleting    = true
}
`,
	New: func(label string) modules.Resource { return &GonePods{Deployment: label, Absent: true, Grace: 300} },
}

// GonePods is the resource of PodsKind.
type GonePods struct {
	Deployment string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Namespace  string `hcl:"namespace" doc:"the Deployment's namespace"`
	Absent     bool   `hcl:"absent,optional" default:"true" doc:"they are to go; there is no other way to write it"`
	Grace      int    `hcl:"grace,optional" default:"300" doc:"how many seconds their processes get between SIGTERM and SIGKILL; a pod that has more keeps it"`
	GraceBelow int    `hcl:"grace_below,optional" default:"0" doc:"only pods whose own grace is shorter than so many seconds; 0: all"`
	Deleting   bool   `hcl:"deleting,optional" default:"false" doc:"do not wait until they are gone"`

	cordons bool // a kube_node before it, in the same stage, cordons the node
}

// Agree learns whether the stage cordons the node first.
func (g *GonePods) Agree(with []modules.Resource) error {
	for _, r := range with {
		if n, ok := r.(*CordonedNode); ok && n.Cordoned {
			g.cordons = true
		}
		if r == modules.Resource(g) {
			break
		}
	}
	return nil
}

func (g *GonePods) api() API { return API{Kubeconfig: g.Kubeconfig, Context: g.Context} }

// Validate finds what can be known without a host.
func (g *GonePods) Validate() error {
	var faults []error
	if !strings.HasPrefix(g.Kubeconfig, "/") {
		faults = append(faults, &modules.AttrError{Attr: "kubeconfig", Reason: "write the path on the host, from its root: \"/home/rix/.kube/config\""})
	}
	if !g.Absent {
		faults = append(faults, &modules.AttrError{Attr: "absent", Reason: "bisc makes no pods: leave the block out"})
	}
	if g.Grace < 1 {
		faults = append(faults, &modules.AttrError{Attr: "grace", Reason: "with no grace the object goes and its processes stay: write 300"})
	}
	if g.GraceBelow > g.Grace {
		faults = append(faults, &modules.AttrError{Attr: "grace_below", Reason: "pods with less than this would get less than this: write grace as large"})
	}
	return errors.Join(faults...)
}

// podsSeen is what was observed.
type podsSeen struct {
	Deployed
	missing  bool            // there is no such Deployment
	cordoned map[string]bool // by node
}

// Plan reads the Deployment and its pods, and the nodes that they are on.
func (g *GonePods) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	s := podsSeen{cordoned: map[string]bool{}}
	var nodes []NodeObject
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			s.Deployed, err = ReadDeployed(ctx, h, g.api(), g.Namespace, g.Deployment)
			if errors.Is(err, host.ErrNoObject) {
				s.missing, err = true, nil
			}
			return err
		},
		func(ctx context.Context) (err error) {
			nodes, err = List[NodeObject](ctx, h, g.api(), Nodes, "")
			return err
		},
	)
	if err != nil {
		return modules.Change{}, err
	}
	for _, n := range nodes {
		s.cordoned[n.Meta.Name] = n.Spec.Unschedulable
	}
	return g.decide(s), nil
}

// Living are the pods that a node has and that may have processes.
func Living(pods []Pod) []Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p Pod) bool {
		return p.Spec.NodeName == "" || p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed"
	})
}

// decide is the whole sense of the kind.
func (g *GonePods) decide(s podsSeen) (c modules.Change) {
	if s.missing {
		return c
	}
	for _, p := range Living(s.All()) {
		switch own := p.Spec.GraceSeconds(); {
		case g.GraceBelow > 0 && own >= int64(g.GraceBelow):
		case p.Meta.Terminating() && g.Deleting:
			g.hurried(&c, p)
		case p.Meta.Terminating():
			c.Differ("pod "+p.Meta.Name, p.Describe(), "(none)")
			c.Settle = max(c.Settle, g.wait(max(int64(g.Grace), deref(p.Meta.DeletionGrace))))
		case s.Deployment.Replicas() > 0 && !g.cordons && !s.cordoned[p.Spec.NodeName]:
			c.Refuse("pod "+p.Meta.Name, p.Describe(), "(none)", fmt.Sprintf(
				"the Deployment wants %d replicas, and the node %s takes pods: its successor would start beside it (kube_node cordons the node)", s.Deployment.Replicas(), p.Spec.NodeName))
		default:
			g.remove(&c, p, max(int64(g.Grace), own))
		}
	}
	return c
}

// hurried tells of a pod that is being deleted with less than it should get: Kubernetes makes a grace shorter, never longer.
func (g *GonePods) hurried(c *modules.Change, p Pod) {
	if got := deref(p.Meta.DeletionGrace); p.Meta.DeletionGrace != nil && got < int64(g.Grace) {
		c.Refuse("grace of "+p.Meta.Name, fmt.Sprintf("%d s", got), fmt.Sprintf("%d s", g.Grace),
			"it is being deleted already, and Kubernetes makes that grace no longer: ask the validator to exit at once (validator_exit)")
	}
}

func (g *GonePods) remove(c *modules.Change, p Pod, grace int64) {
	want := "(none)"
	if g.Deleting {
		want = "being deleted"
	}
	c.Differ("pod "+p.Meta.Name, p.Describe(), want)
	step := g.api().write(host.KubeDelete, Pods, g.Namespace, p.Meta.Name, nil)
	step.UID, step.Grace = p.Meta.UID, &grace
	c.Do(step)
	c.Settle = max(c.Settle, g.wait(grace))
}

// wait is how long the end of the pods may take.
func (g *GonePods) wait(grace int64) time.Duration {
	if g.Deleting {
		return 30 * time.Second
	}
	return time.Duration(grace+60) * time.Second
}

func deref(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
