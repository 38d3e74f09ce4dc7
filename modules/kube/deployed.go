package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"bisc/internal/host"
)

// ErrNoMatch: a Deployment says that it has pods, and its own selector matches none of them. Whoever waited for "no pod" would
// go on at once: this happened (biscayne.md 8.1, incident 3), so it is not known then which pods there are.
var ErrNoMatch = errors.New("the Deployment's selector matches no pod, although the Deployment says that it has some")

// Deployed is a Deployment with the pods that are its own.
type Deployed struct {
	Deployment Deployment
	// Pods are those that one of the Deployment's ReplicaSets owns, by UID, whatever their labels say, those that are Terminating
	// among them, and not those that are over.
	Pods []Pod
	// Strays match the Deployment's selector, but nothing of it owns them: left by a Deployment of the same name that was deleted,
	// or made by hand.
	Strays []Pod
	// Over are those of both that have ended (Succeeded, Failed: evicted, say). Nobody deletes such objects for a long time, and no
	// process of theirs is left as far as the kubelet tells.
	Over []Pod
	// Coming is how many pods the ReplicaSets are to have, or have: more than the Deployment asks for while it has not been followed.
	Coming int64
	// Behind are the ReplicaSets, by name, whose controller has not followed their last change: it may still make a pod.
	Behind []string
}

// AtRest tells whether there is no pod of it and none is about to come: 0 replicas in spec and status, followed by the controllers
// of the Deployment and of its ReplicaSets, and no pod object. Only then may its pod template be changed: on a Deployment that runs, a changed template makes a second pod, or
// ends the first with the grace that it has (biscayne.md 8.1, incident 8).
func (d Deployed) AtRest() bool {
	return d.Deployment.Replicas() == 0 && d.Unfollowed() == "" && len(d.Pods)+len(d.Strays) == 0
}

// Unfollowed says what the controllers have still to do at 0 replicas before it is known that no pod comes; empty where nothing.
func (d Deployed) Unfollowed() string {
	of := d.Deployment
	switch {
	case of.Status.Replicas > 0 || d.Coming > 0 || of.Status.Observed < of.Meta.Generation:
		return fmt.Sprintf("status.replicas %d, %d pods to come, generation %d of %d", of.Status.Replicas, d.Coming, of.Status.Observed, of.Meta.Generation)
	case len(d.Behind) > 0:
		return "the controller of the ReplicaSets has not followed the last change of " + strings.Join(d.Behind, ", ")
	}
	return ""
}

// All are the pods, and the strays.
func (d Deployed) All() []Pod { return append(slices.Clone(d.Pods), d.Strays...) }

// ReadDeployed reads a Deployment and its pods, in one turn. host.ErrNoObject: there is no such Deployment; ErrNoMatch: which pods
// it has cannot be told.
func ReadDeployed(ctx context.Context, h host.Reader, a API, namespace, name string) (Deployed, error) {
	var (
		d    Deployed
		sets []ReplicaSet
		pods []Pod
	)
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			d.Deployment, err = Get[Deployment](ctx, h, a, Deployments, namespace, name)
			return err
		},
		func(ctx context.Context) (err error) {
			sets, err = List[ReplicaSet](ctx, h, a, ReplicaSets, namespace)
			return err
		},
		// All of the namespace, without a selector: one that matches nothing looks just like "no pod".
		func(ctx context.Context) (err error) { pods, err = List[Pod](ctx, h, a, Pods, namespace); return err },
	)
	if err != nil {
		return d, err
	}
	return sorted(d.Deployment, sets, pods)
}

// sorted tells a Deployment's pods from others.
func sorted(d Deployment, sets []ReplicaSet, pods []Pod) (Deployed, error) {
	out := Deployed{Deployment: d}
	selector, err := d.Spec.Selector.parse()
	if err != nil || selector.Empty() {
		return out, fmt.Errorf("the Deployment %s has a selector that cannot be followed (%v)", d.Meta.Name, err)
	}
	own := map[string]bool{}
	for _, s := range sets {
		if s.Meta.controller().UID == d.Meta.UID {
			own[s.Meta.UID] = true
			out.Coming += max(s.Spec.Replicas, s.Status.Replicas)
			if !s.Followed() {
				out.Behind = append(out.Behind, s.Meta.Name)
			}
		}
	}
	matched := 0
	for _, p := range pods {
		matches := selector.Matches(labels.Set(p.Meta.Labels))
		if matches {
			matched++
		}
		over := p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed"
		switch mine := own[p.Meta.controller().UID]; {
		case over && (mine || matches):
			out.Over = append(out.Over, p)
		case mine:
			out.Pods = append(out.Pods, p)
		case matches:
			out.Strays = append(out.Strays, p)
		}
	}
	if matched == 0 && (d.Status.Replicas > 0 || len(out.Pods) > 0) {
		return out, fmt.Errorf("%w: selector %q, status.replicas %d, %d pods in the namespace%s", ErrNoMatch, selector, d.Status.Replicas, len(pods), apps(pods))
	}
	return out, nil
}

// apps names the pods with their labels app, for who has to find out what matches.
func apps(pods []Pod) string {
	var out []string
	for _, p := range pods[:min(3, len(pods))] {
		out = append(out, fmt.Sprintf("%s with app=%s", p.Meta.Name, p.Meta.Labels["app"]))
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}

// Describe says what a pod is and does, in a few words: an operator knows it again by the first characters of its UID.
func (p Pod) Describe() string {
	s := fmt.Sprintf("%s (uid %.8s) %s", p.Meta.Name, p.Meta.UID, p.Status.Phase)
	if p.Meta.Terminating() {
		s = fmt.Sprintf("%s (uid %.8s) Terminating since %s", p.Meta.Name, p.Meta.UID, p.Meta.DeletionTimestamp.UTC().Format("15:04:05"))
	}
	for _, c := range slices.Concat(p.Status.Init, p.Status.Containers) {
		if w := c.State.Waiting; w != nil {
			s += fmt.Sprintf(", %s: %s", c.Name, w.Reason)
			if e := c.Last.Ended; e != nil {
				s += fmt.Sprintf(" after %s (exit %d, restarts %d)", e.Reason, e.Exit, c.Restarts)
			} else if w.Message != "" {
				s += fmt.Sprintf(": %.200s", w.Message)
			}
		}
	}
	return s
}

// describe lists pods.
func describe(pods []Pod) string {
	if len(pods) == 0 {
		return "(none)"
	}
	var out []string
	for _, p := range pods {
		out = append(out, p.Describe())
	}
	return strings.Join(out, "; ")
}
