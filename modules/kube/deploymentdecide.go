package kube

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// startLimit is how long a pod may take to be scheduled, mount its volumes and start its containers from images that the node has.
// That the validator is healthy is another kind's.
const startLimit = 5 * time.Minute

// followLimit is how long the cluster's controllers may take to follow a change that starts no pod. They take a fraction of a second; on
// a host without memory or disk to spare, a minute.
const followLimit = 2 * time.Minute

// onlyStops tells whether nothing is wanted but that there are no replicas: then none at all is as good.
func (d *WantedDeployment) onlyStops() bool {
	shaped := d.Image != "" || d.ImageID != "" || d.Strategy != "" || d.Grace != nil || d.PreStop
	return d.Replicas != nil && *d.Replicas == 0 && !shaped && len(d.Images)+len(d.Env)+len(d.EnvAbsent)+len(d.Ports)+len(d.Published) == 0
}

// decide is the whole sense of the kind.
func (d *WantedDeployment) decide(s deploymentSeen) (c modules.Change) {
	if s.missing && d.onlyStops() {
		return c // a runbook that was cut off after the namespace went is begun anew
	}
	if s.missing {
		c.Refuse("deployment", "(none)", d.Name, "there is no such Deployment: laconic_deployment makes it")
		return c
	}
	if _, ok := s.Deployment.Spec.Template.Spec.container(d.Container); !ok {
		c.Refuse("container", "(none)", d.Container, "the pod template has no such container: "+d.Name+" is not the validator's Deployment, or container names another")
		return c
	}
	d.mapped(&c, s)
	template := d.compare(s.Deployment)
	starting := d.Replicas != nil && *d.Replicas > 0 && s.Deployment.Replicas() == 0
	if starting {
		d.start(&c, s, template)
		return c
	}
	d.reshape(&c, s, template)
	d.followed(&c, s)
	if d.Replicas == nil {
		return c
	}
	if *d.Replicas == 0 {
		d.stop(&c, s)
	} else {
		d.running(&c, s)
	}
	return c
}

// mapped looks at the ports: of the container, and of docker's mapping to the node. Neither is mended here: both come from
// laconic-so's spec, and the mapping is made with the cluster.
func (d *WantedDeployment) mapped(c *modules.Change, s deploymentSeen) {
	main, _ := s.Deployment.Spec.Template.Spec.container(d.Container)
	times := map[string]int{}
	for _, p := range main.Ports {
		times[p.String()]++
	}
	for _, p := range d.Ports {
		switch n := times[p]; {
		case n == 0:
			c.Refuse("ports["+p+"]", "(none)", "once", "laconic-so writes the container's ports from its compose file and network.ports of spec.yml: list it there, and let laconic_deployment make the Deployment again")
		case n > 1:
			c.Refuse("ports["+p+"]", fmt.Sprintf("%d times", n), "once", "the port is listed twice (laconic-so does that with 8001 and 8001/udp): take one out of spec.yml")
		}
	}
	for _, p := range d.Published {
		if !s.node.Published[p] {
			c.Refuse("published["+p+"]", "(none)", "mapped to the node", "docker maps no such port to "+d.Node+": a node's ports are made with the cluster (extraPortMappings of kind-config.yml), and a changed config needs a new one")
		}
	}
}

// reshape changes the pod template at rest, or says when that can be done.
func (d *WantedDeployment) reshape(c *modules.Change, s deploymentSeen, t comparison) {
	if len(t.diffs) == 0 {
		return
	}
	if !s.AtRest() {
		why := "only at 0 replicas, with no pod left: a changed template makes a second pod beside this one, or ends it with the grace it has: bisc run stop, then this again"
		if s.Deployment.Replicas() == 0 && len(s.All()) == 0 {
			why = s.unfollowed()
		}
		for _, diff := range t.diffs {
			c.Refuse(diff.Attr, diff.Got, diff.Want, why)
		}
		return
	}
	c.Diffs = append(c.Diffs, t.diffs...)
	step := d.write(s.Deployment, host.KubeStrategic, t.patch.body(nil))
	step.Version, step.Guards = s.Deployment.Meta.ResourceVersion, stopped()
	c.Do(step)
	c.Settle = followLimit
}

// followed waits, at 0 replicas, until the controllers have seen what was written: only then is it known that no pod comes, and what
// follows starts one, or takes the cordon back. It waits for who has written the template, for who wants it ready for a next pod, whoever
// wrote it (a run that was cut, before this one), and for who waits for the end of the pods; not for who looks at a variable, as invariants do.
func (d *WantedDeployment) followed(c *modules.Change, s deploymentSeen) {
	readies := d.Replicas == nil && (d.Strategy != "" || d.Grace != nil || d.PreStop)
	waits := d.wrote.Load() || readies || d.Replicas != nil && d.AwaitPods
	if !waits || len(c.Diffs) > 0 || s.Deployment.Replicas() > 0 || len(s.All()) > 0 || s.Unfollowed() == "" {
		return
	}
	c.Differ("controllers", s.Unfollowed(), "have followed")
	c.Settle = followLimit
}

// start goes from 0 replicas to 1, in one write with what the template lacks: no pod ever starts from the old one.
func (d *WantedDeployment) start(c *modules.Change, s deploymentSeen, t comparison) {
	if why := d.unready(s); why != "" {
		d.reshape(c, s, t)
		c.Refuse("replicas", "0", fmt.Sprint(*d.Replicas), why)
		return
	}
	c.Differ("replicas", "0", fmt.Sprint(*d.Replicas))
	c.Diffs = append(c.Diffs, t.diffs...)
	step := d.write(s.Deployment, host.KubeStrategic, t.patch.body(d.Replicas))
	step.Version, step.Guards = s.Deployment.Meta.ResourceVersion, stopped()
	c.Do(step)
	c.Settle = startLimit
}

// unready says why no pod may be started now.
func (d *WantedDeployment) unready(s deploymentSeen) string {
	switch {
	case len(s.Pods)+len(s.Strays) > 0:
		return "a pod is still there: " + describe(s.All()) + ": a second validator on its ledger would destroy it; wait for the end of the first (validator_stopped says what it does)"
	case !s.AtRest():
		return s.unfollowed()
	case len(s.unbound) > 0:
		return strings.Join(s.unbound, "; ") + ": kube_volume mends it"
	case len(s.unseen) > 0:
		return "the node does not see " + strings.Join(s.unseen, ", ") + ": the pod would write elsewhere, or wait for ever; kind_node and kube_volume tell why"
	}
	if d.ImageID != "" {
		ref := d.Image
		if ref == "" {
			main, _ := s.Deployment.Spec.Template.Spec.container(d.Container)
			ref = main.Image
		}
		if got := s.images.byRef(ref); got != d.ImageID {
			return fmt.Sprintf("in the node %s is %s, not %s: image brings it there", ref, orNone(shortOf(got)), shortID(d.ImageID))
		}
	}
	return ""
}

// unfollowed says what the controllers have still to do: only at 0 replicas, with no pod left, is it known that none comes.
func (s deploymentSeen) unfollowed() string {
	return fmt.Sprintf("the cluster has not followed the last change yet (%s): only at 0 replicas, in a moment again; if it stays so, the cluster's controllers do not run", s.Unfollowed())
}

// stop goes to 0 replicas, where the live pod's own grace is long enough, and waits for its end.
func (d *WantedDeployment) stop(c *modules.Change, s deploymentSeen) {
	if s.Deployment.Replicas() == 0 {
		d.ended(c, s)
		return
	}
	got := fmt.Sprint(s.Deployment.Replicas())
	if i := slices.IndexFunc(s.Strays, func(p Pod) bool { return p.Spec.NodeName != "" && !p.Meta.Terminating() }); i >= 0 {
		name := s.Strays[i].Meta.Name
		c.Refuse("replicas", got, "0", "the pod "+name+" matches the selector, and nothing owns it: it would live on, and while one does, nobody asks the others to exit (exit_on_deletion): "+
			"they would be killed after their grace. Delete it (kubectl delete pod "+name+" --wait=false), and at once go on: then all are asked")
		return
	}
	longest := int64(minGrace)
	for _, p := range s.All() {
		if why := d.hasty(p); why != "" {
			c.Refuse("replicas", got, "0", why)
			return
		}
		longest = max(longest, p.Spec.GraceSeconds())
	}
	c.Differ("replicas", got, "0")
	c.Do(d.write(s.Deployment, host.KubeMergePatch, map[string]any{"spec": map[string]any{"replicas": 0}}))
	c.Settle = followLimit
	if d.AwaitPods {
		c.Settle = time.Duration(longest+60) * time.Second
	}
}

// hasty says why the end of a pod would be a kill.
func (d *WantedDeployment) hasty(p Pod) string {
	if p.Spec.NodeName == "" { // on no node: nothing of it runs
		return ""
	}
	if p.Spec.NodeName == "" && p.Status.Phase == "Pending" {
		return "" // no node has it: it has no process. With the node cordoned it is the successor of the pod that is being deleted
	}
	if got := p.Spec.GraceSeconds(); got < minGrace && !p.Meta.Terminating() {
		return fmt.Sprintf("the pod %s has %d s of grace, and agave does not end by SIGTERM: it would be killed while it writes; bisc run stop deletes the pod by its UID with %d s first", p.Meta.Name, got, minGrace)
	}
	if !d.AwaitPods || p.Meta.Terminating() || d.hooked(p) {
		return ""
	}
	return fmt.Sprintf("the pod %s has no hook that asks agave to exit, and agave does not end by SIGTERM: it would be killed after its grace; bisc run stop asks it through its admin socket (await_pods = false says that validator_exit follows)", p.Meta.Name)
}

// hooked tells whether the pod's own container has the hook.
func (d *WantedDeployment) hooked(p Pod) bool {
	main, _ := p.Spec.container(d.Container)
	return slices.Equal(command(main.Lifecycle.PreStop), d.hook())
}

func command(h *Hook) []string {
	if h == nil || h.Exec == nil {
		return nil
	}
	return h.Exec.Command
}

// ended waits, at 0 replicas, for the pods that are left; or only until each of its own is being deleted: a validator that exits before is
// started again by the kubelet, in a pod that is deleted then, and nobody asks that one (seen: on a busy node the controller comes later
// than whoever asks).
func (d *WantedDeployment) ended(c *modules.Change, s deploymentSeen) {
	if !d.AwaitPods {
		staying := slices.ContainsFunc(s.Pods, func(p Pod) bool { return !p.Meta.Terminating() })
		if why := s.Unfollowed(); staying || why != "" {
			c.Differ("pods", strings.TrimSuffix("not being deleted yet: "+describe(s.All())+"; "+why, "; "), "being deleted, or gone")
			c.Settle = followLimit
		}
		return
	}
	if len(s.Pods)+len(s.Strays) == 0 {
		return
	}
	if i := slices.IndexFunc(s.Strays, func(p Pod) bool { return !p.Meta.Terminating() }); i >= 0 {
		c.Refuse("pods", describe(s.All()), "(none)", "the pod "+s.Strays[i].Meta.Name+" matches the selector, and nothing owns it: nobody will end it; bisc run stop deletes it by its UID")
		return
	}
	left := int64(minGrace)
	for _, p := range s.All() {
		// To wait here would be to wait for its SIGKILL, in front of what would ask it to exit.
		if p.Spec.NodeName != "" && !d.hooked(p) {
			c.Refuse("pods", describe(s.All()), "(none)", "the pod "+p.Meta.Name+" has no hook that asks agave to exit, and agave does not end by SIGTERM: it is killed when its grace is over, unless validator_exit asks it before; await_pods = false leaves it to that")
			return
		}
		if p.Meta.DeletionGrace != nil {
			left = max(left, *p.Meta.DeletionGrace)
		}
	}
	c.Differ("pods", describe(s.All()), "(none)")
	c.Settle = time.Duration(left+60) * time.Second
}

// running looks at the one pod, by its UID.
func (d *WantedDeployment) running(c *modules.Change, s deploymentSeen) {
	if got := s.Deployment.Replicas(); got != int64(*d.Replicas) {
		c.Refuse("replicas", fmt.Sprint(got), fmt.Sprint(*d.Replicas), "two validators on one ledger destroy it: bisc run stop, then this again")
		return
	}
	alive := slices.DeleteFunc(slices.Clone(s.All()), func(p Pod) bool { return p.Meta.Terminating() })
	if len(s.All()) > 1 {
		c.Refuse("pods", describe(s.All()), "one", "there are two pods: two validators on one ledger destroy it; bisc run stop, and see to it that strategy is Recreate")
		return
	}
	if len(alive) == 0 {
		c.Differ("pods", describe(s.All()), "one, running")
		c.Settle = startLimit
		return
	}
	pod := alive[0]
	status, _ := pod.status(d.Container)
	if pod.Status.Phase != "Running" || status.State.Running == nil {
		c.Differ("pods", pod.Describe(), "one, running")
		c.Settle = startLimit
		return
	}
	if d.ImageID == "" {
		return
	}
	if got := s.images.byPodID(status.ImageID); got != d.ImageID {
		c.Refuse("image_id", orNone(shortOf(got)), shortID(d.ImageID),
			fmt.Sprintf("the pod %s runs another image (its imageID is %s), and a tag that moved changes nothing of a pod that runs: bisc run upgrade-image", pod.Meta.Name, status.ImageID))
	}
}

func shortOf(id string) string {
	if id == "" {
		return ""
	}
	return shortID(id)
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
