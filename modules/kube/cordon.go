package kube

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// NodeKind is whether a node takes new pods.
var NodeKind = modules.Kind{
	Name: "kube_node", Label: "the node's name in the cluster", Platform: host.Linux, Layer: "kind",
	Doc: "Whether a node takes new pods. Cordoned, it starts none; those that run go on. With `for_pods_of` and `grace_below` the cordon is wanted only while that Deployment wants replicas and a pod of it lives whose own grace is " +
		"shorter: such a pod must be deleted while its Deployment still wants replicas, and its successor must not start beside it. The same where no pod lives yet, and the template's grace is shorter: " +
		"one that is just being made would start with it. Else nothing is looked at. A cordon is not taken back while a validator's pod waits for a node: a runbook that was cut off left it, " +
		"and it would start at once, beside the one that is ending or on what is half wiped.",
	Checks: []string{
		"now and after boot (both are the cluster's own store): the node's spec.unschedulable",
		"now, where a cordon is to be taken back: that no validator's pod waits for a node",
		"now, with for_pods_of: the grace of the Deployment's living pods",
	},
	Example: `kube_node "laconic-70ce4c4b47e23b85-control-plane" {
  kubeconfig = "/home/rix/.kube/config"
  cordoned   = false
}
`,
	New: func(label string) modules.Resource { return &CordonedNode{Name: label, Container: "agave-validator"} },
}

// CordonedNode is the resource of NodeKind.
type CordonedNode struct {
	Name       string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Cordoned   bool   `hcl:"cordoned" doc:"it takes no new pods"`
	Namespace  string `hcl:"namespace,optional" doc:"of for_pods_of"`
	ForPodsOf  string `hcl:"for_pods_of,optional" doc:"a Deployment: the cordon is wanted only for its pods' sake"`
	GraceBelow int    `hcl:"grace_below,optional" default:"0" doc:"with for_pods_of: wanted only while a pod of it lives whose own grace is shorter than so many seconds"`
	Container  string `hcl:"container,optional" default:"\"agave-validator\"" doc:"a validator's container in its pod: while such a pod waits for a node, no cordon is taken back"`
}

func (n *CordonedNode) api() API { return API{Kubeconfig: n.Kubeconfig, Context: n.Context} }

// Validate finds what can be known without a host.
func (n *CordonedNode) Validate() error {
	var faults []error
	if !strings.HasPrefix(n.Kubeconfig, "/") {
		faults = append(faults, &modules.AttrError{Attr: "kubeconfig", Reason: "write the path on the host, from its root: \"/home/rix/.kube/config\""})
	}
	if n.ForPodsOf != "" && (n.Namespace == "" || n.GraceBelow < 1 || !n.Cordoned) {
		faults = append(faults, &modules.AttrError{Attr: "for_pods_of", Reason: "it goes with cordoned = true, namespace and grace_below"})
	}
	if n.ForPodsOf == "" && (n.Namespace != "" || n.GraceBelow != 0) {
		faults = append(faults, &modules.AttrError{Attr: "for_pods_of", Reason: "namespace and grace_below mean something only with it"})
	}
	return errors.Join(faults...)
}

// Interim tells of a cordon: while it stands, no pod of any Deployment starts on the node.
func (n *CordonedNode) Interim() string {
	if !n.Cordoned {
		return ""
	}
	return "the node " + n.Name + " is cordoned: no pod starts on it, the validator's neither (going on with the runbook ends that; by hand: kubectl uncordon " + n.Name + ")"
}

// Plan reads the node, and the pods that the cordon is for.
func (n *CordonedNode) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	if n.ForPodsOf != "" {
		d, err := ReadDeployed(ctx, h, n.api(), n.Namespace, n.ForPodsOf)
		if errors.Is(err, host.ErrNoObject) {
			return c, nil
		}
		if err != nil {
			return c, err
		}
		if !n.wanted(d) {
			return c, nil
		}
	}
	var node NodeObject
	var pods []Pod
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			node, err = Get[NodeObject](ctx, h, n.api(), Nodes, "", n.Name)
			return err
		},
		func(ctx context.Context) (err error) {
			if !n.Cordoned {
				pods, err = List[Pod](ctx, h, n.api(), Pods, "")
			}
			return err
		},
	)
	if err != nil {
		return c, err
	}
	return n.decide(node, pods), nil
}

// waiting are the validators' pods that wait for a node.
func (n *CordonedNode) waiting(pods []Pod) []Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p Pod) bool {
		return p.Spec.NodeName != "" || p.Status.Phase != "Pending" || !p.Spec.Has(n.Container)
	})
}

// wanted tells whether there is a pod for whose sake the node is to be cordoned: one that is to be deleted while its Deployment wants
// it, or one that is yet to come, or to be given to the node. That one would come with a short grace after everybody has looked, and be
// killed when the Deployment goes to no replicas.
func (n *CordonedNode) wanted(d Deployed) bool {
	if d.Deployment.Replicas() == 0 {
		return false
	}
	living := Living(d.All())
	for _, p := range living {
		if p.Spec.GraceSeconds() < int64(n.GraceBelow) {
			return true
		}
	}
	return len(living) == 0 && d.Deployment.Spec.Template.Spec.GraceSeconds() < int64(n.GraceBelow)
}

// decide is the whole sense of the kind.
func (n *CordonedNode) decide(node NodeObject, pods []Pod) (c modules.Change) {
	got, want := strconv.FormatBool(node.Spec.Unschedulable), strconv.FormatBool(n.Cordoned)
	if waiting := n.waiting(pods); got != want && !n.Cordoned && len(waiting) > 0 {
		c.Refuse("cordoned", got, want, "a validator would start at once: the pod "+describe(waiting)+" waits for the node. A runbook that was cut off left it so: "+
			"go on with that, or bisc run stop (where it is to start as it is: kubectl uncordon "+n.Name+")")
		return c
	}
	if !c.Differ("cordoned", got, want) {
		return c
	}
	step := n.api().write(host.KubeMergePatch, Nodes, "", n.Name, map[string]any{"spec": map[string]any{"unschedulable": n.Cordoned}})
	step.UID = node.Meta.UID // not its version: that moves with each of the kubelet's heartbeats, between the plan and the act
	c.Do(step)
	c.Settle = 10 * time.Second
	return c
}
