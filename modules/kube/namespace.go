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

// NamespaceKind is a namespace: that it is there and stays, or that it is gone with all that is in it.
var NamespaceKind = modules.Kind{
	Name: "kube_namespace", Label: "the namespace's name", Platform: host.Linux, Layer: "agave",
	Doc: "A namespace of the cluster. absent = true deletes it with all objects in it, only while no validator lives: a namespace that is deleted under a validator ends its pod with whatever grace that has. " +
		"Volumes outlive it, and their data: a volume of one of its claims whose policy is not Retain stops the deletion. A deletion that hangs shows the namespace's own conditions, which name what holds it; " +
		"that takes 10 to 16 s with nothing wrong.",
	Checks: []string{
		"now and after boot (both are the cluster's own store): that the namespace is there and Active, or that there is none",
		"what holds one that is Terminating: its status.conditions",
	},
	Losses: []modules.Loss{{
		What:   "the namespace and every object in it: Deployment, claims, ConfigMaps, Services; no data of volumes",
		When:   "absent = true",
		Guards: []string{"no validator lives, as the host's own process table proves", "every volume of its claims has the policy Retain"},
	}},
	Example: `kube_namespace "laconic-laconic-70ce4c4b47e23b85" {
  kubeconfig = "/home/rix/.kube/config"
  absent     = true
}
`,
	New: func(label string) modules.Resource { return &WantedNamespace{Name: label} },
}

// WantedNamespace is the resource of NamespaceKind.
type WantedNamespace struct {
	Name       string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Absent     bool   `hcl:"absent,optional" default:"false" doc:"there must be no such namespace"`
}

// deleteLimit is how long a namespace may take to go: the controller's rounds behind the claims' protection are 10 s each.
const deleteLimit = 5 * time.Minute

func (w *WantedNamespace) api() API { return API{Kubeconfig: w.Kubeconfig, Context: w.Context} }

// Validate finds what can be known without a host.
func (w *WantedNamespace) Validate() error {
	var faults []error
	if !strings.HasPrefix(w.Kubeconfig, "/") {
		faults = append(faults, &modules.AttrError{Attr: "kubeconfig", Reason: "write the path on the host, from its root: \"/home/rix/.kube/config\""})
	}
	if w.Absent && (w.Name == "default" || strings.HasPrefix(w.Name, "kube-")) {
		faults = append(faults, &modules.AttrError{Attr: "absent", Reason: w.Name + " is the cluster's own: without it nothing in the cluster works"})
	}
	return errors.Join(faults...)
}

// namespaceSeen is what was observed of a namespace.
type namespaceSeen struct {
	namespace Namespace
	there     bool
	pods      []Pod
	volumes   []Volume // of the cluster
	deployed  []string // Deployments in it
}

// Plan observes the namespace, and what a deletion would take with it.
func (w *WantedNamespace) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	s, err := w.observe(ctx, h)
	if err != nil {
		return modules.Change{}, err
	}
	return w.decide(s), nil
}

func (w *WantedNamespace) observe(ctx context.Context, h host.Reader) (s namespaceSeen, err error) {
	if s.namespace, s.there, err = Find[Namespace](ctx, h, w.api(), Namespaces, "", w.Name); err != nil || !s.there || !w.Absent {
		return s, err
	}
	var deployments []Deployment
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			s.pods, err = List[Pod](ctx, h, w.api(), Pods, w.Name)
			return err
		},
		func(ctx context.Context) (err error) {
			s.volumes, err = List[Volume](ctx, h, w.api(), Volumes, "")
			return err
		},
		func(ctx context.Context) (err error) {
			deployments, err = List[Deployment](ctx, h, w.api(), Deployments, w.Name)
			return err
		},
	)
	for _, d := range deployments {
		s.deployed = append(s.deployed, d.Meta.Name)
	}
	return s, err
}

// decide is the whole sense of the kind.
func (w *WantedNamespace) decide(s namespaceSeen) (c modules.Change) {
	state := "(none)"
	if s.there {
		state = phase(s.namespace.Status.Phase, s.namespace.Meta)
	}
	switch {
	case !w.Absent && state != "Active":
		c.Refuse("namespace", state, "Active", "laconic_deployment makes it"+held(s.namespace))
	case !w.Absent, !s.there:
	case state == "Terminating":
		c.Differ("namespace", state+held(s.namespace), "(none)")
		c.Settle = deleteLimit
	default:
		w.remove(&c, s)
	}
	return c
}

func (w *WantedNamespace) remove(c *modules.Change, s namespaceSeen) {
	live := slices.DeleteFunc(slices.Clone(s.pods), func(p Pod) bool { return p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" })
	if len(live) > 0 {
		c.Refuse("namespace", "Active", "(none)", "a pod is in it: "+describe(live)+": a deletion of the namespace ends it with whatever grace it has; bisc run stop, then this again")
		return
	}
	for _, v := range s.volumes {
		if of := v.Spec.Claim; of != nil && of.Namespace == w.Name && v.Spec.Reclaim != "Retain" {
			c.Refuse("namespace", "Active", "(none)", fmt.Sprintf("the volume %s of the claim %s has the policy %s: its data would go with the claim; kube_volume writes Retain", v.Meta.Name, of.Name, v.Spec.Reclaim))
			return
		}
	}
	c.Differ("namespace", "Active", "(none)")
	of := ""
	if len(s.deployed) > 0 {
		of = ", of them the Deployments " + strings.Join(s.deployed, ", ")
	}
	c.Destroy("the namespace " + w.Name + " and all objects in it" + of + " (no data of volumes)")
	step := w.api().write(host.KubeDelete, Namespaces, "", w.Name, nil)
	step.UID, step.Guards = s.namespace.Meta.UID, stopped()
	c.Do(step)
	c.Settle = deleteLimit
}

// held says what holds a namespace that is Terminating: those of its conditions that are True.
func held(n Namespace) string {
	var out []string
	for _, c := range n.Status.Conditions {
		if c.Status == "True" {
			out = append(out, fmt.Sprintf("%s: %s", c.Type, c.Message))
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}
