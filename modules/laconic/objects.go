package laconic

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
	"bisc/modules/kube"
)

// soon is how long after laconic-so's end what it made may take to be in order.
const soon = 2 * time.Minute

// objects compares what is in the cluster, and starts laconic-so where something is missing and nothing stands in its way.
func (d *Deployment) objects(c *modules.Change, o deployed) {
	if o.hasBox && o.cluster == nil {
		c.Refuse("node", o.node.State.Status, "running", "a kind_node starts it: what is in the cluster cannot be seen before")
		return
	}
	before := len(c.Diffs)
	d.terminating(c, o)
	d.staleVolumes(c, o)
	missing := d.missing(o)
	if len(missing) > 0 {
		d.run(c, o, missing, refused(c.Diffs[before:]))
		return
	}
	d.healthy(c, o)
	d.flips(c, o)
}

func refused(diffs []modules.Diff) bool {
	return slices.ContainsFunc(diffs, func(d modules.Diff) bool { return d.Why != "" })
}

// missing are the wanted objects that are not there.
func (d *Deployment) missing(o deployed) []string {
	if o.cluster == nil {
		return []string{"the cluster"}
	}
	if !o.cluster.hasNamespace {
		return []string{"the namespace " + d.namespace()}
	}
	var out []string
	for _, name := range o.spec.volumeNames() {
		claim := d.ClusterID + "-" + name
		if !slices.ContainsFunc(o.cluster.claims, func(c kube.Claim) bool { return c.Meta.Name == claim }) {
			out = append(out, "the claim "+claim)
		}
	}
	if service := "service/" + d.ClusterID + "-service"; o.spec.serves() && !slices.Contains(o.cluster.made, service) {
		out = append(out, "the "+service)
	}
	if d.State == "started" && !o.cluster.hasDeployment {
		out = append(out, "the Deployment "+d.object())
	}
	return out
}

// terminating names a namespace that goes, and what holds it: in it every create is refused (403).
func (d *Deployment) terminating(c *modules.Change, o deployed) {
	if o.cluster == nil || !o.cluster.hasNamespace || !o.cluster.namespace.Meta.Terminating() && o.cluster.namespace.Status.Phase != "Terminating" {
		return
	}
	var held []string
	for _, cond := range o.cluster.namespace.Status.Conditions {
		if cond.Status == "True" {
			held = append(held, cond.Type+": "+cond.Message)
		}
	}
	c.Refuse("namespace", "Terminating", "Active", "nothing can be made in it until it is gone, which takes 10 to 16 s where nothing is wrong. What holds it: "+orNone(strings.Join(held, "; ")))
}

// staleVolumes frees volumes of this deployment that are kept for claims which are gone: the new claims would stay Pending.
func (d *Deployment) staleVolumes(c *modules.Change, o deployed) {
	if o.cluster == nil {
		return
	}
	for _, v := range o.cluster.volumes {
		ref := v.Spec.Claim
		if ref == nil || v.Status.Phase != "Released" || ref.Namespace != d.namespace() || ref.Name != v.Meta.Name || !strings.HasPrefix(v.Meta.Name, d.ClusterID+"-") {
			continue
		}
		if slices.ContainsFunc(o.cluster.claims, func(c kube.Claim) bool { return c.Meta.UID == ref.UID }) {
			continue
		}
		c.Differ("volume["+v.Meta.Name+"]", "Released, kept for a claim that is gone ("+ref.UID+")", "free")
		body, err := json.Marshal([]map[string]string{{"op": "test", "path": "/spec/claimRef/uid", "value": ref.UID}, {"op": "remove", "path": "/spec/claimRef"}})
		if err != nil {
			panic(fmt.Sprintf("laconic: %v", err)) // a programmer's mistake: it is plain text
		}
		c.Do(host.Kube{Kubeconfig: d.Kubeconfig, Context: d.Context, Verb: host.KubeJSONPatch, Resource: kube.Volumes, Name: v.Meta.Name, UID: v.Meta.UID,
			Version: v.Meta.ResourceVersion, Body: body, Guards: []host.Guard{host.ValidatorStopped()}})
	}
}

// run has laconic-so make what is missing, or says why it is not run.
func (d *Deployment) run(c *modules.Change, o deployed, missing []string, blocked bool) {
	verb, flags, why := d.call(o)
	diff := modules.Diff{Attr: d.State, Got: "missing: " + strings.Join(missing, ", "), Want: fmt.Sprintf("laconic-so %s, at %s", strings.Join(append([]string{verb}, flags...), " "), o.toolText())}
	if o.job.Phase == job.Failed || o.job.Phase == job.Lost {
		diff.Got += "; laconic-so " + o.job.String()
		diff.Text = o.job.Tail
	}
	switch {
	case why != "":
		diff.Why = why
	case blocked:
		diff.Why = "what stands in its way comes first"
	case o.ours && o.job.Phase == job.Done:
		diff.Why, diff.Text = "laconic-so has ended well, and this is missing all the same: its output is "+d.job("").Output(), o.job.Tail
	case o.ours:
		diff.Why = "laconic-so did not do it: look at its output first (" + d.job("").Output() + "); the next run of bisc offers to start it again"
	default:
		diff.Why = d.halfMade(o, missing)
	}
	c.Diffs = append(c.Diffs, diff)
	if diff.Why != "" {
		for i := range c.Diffs { // one act after the other: nothing is half done here
			if c.Diffs[i].Attr == "caddy" {
				return
			}
		}
		return
	}
	d.clearCaddy(c, o)
	c.Do(d.job(verb, flags...).Start()...)
	c.Settle = d.Limit + soon
}

// call says how laconic-so is to be called, or why it is not.
func (d *Deployment) call(o deployed) (verb string, flags []string, why string) {
	verb = "start"
	if !o.forms.known {
		return verb, nil, fmt.Sprintf("which forms this laconic-so has is not known: %s/%s cannot be read (name its repository)", d.Repository, formsFile)
	}
	switch {
	case d.State == "started":
	case o.forms.prepare:
		verb = "prepare"
	case o.cluster != nil && o.cluster.hasNode && !o.cluster.node.Spec.Unschedulable:
		why = "this laconic-so has no `prepare`, and `start` makes the pod too: a validator would start on the old snapshot and be killed. Cordon the node first (kube_node, cordoned = true)"
	}
	if o.forms.manages {
		// A cluster that is there is never managed: the same option of stop destroys it, and clean-up of its etcd is part of making it.
		flags = []string{"--skip-cluster-management"}
		if !o.hasBox {
			flags = []string{"--perform-cluster-management"}
		}
	}
	return verb, flags, why
}

// halfMade names objects that laconic-so would make again, and fail: it creates by POST, and only volumes and claims may be there.
func (d *Deployment) halfMade(o deployed, missing []string) string {
	if o.cluster == nil || !o.cluster.hasNamespace {
		return ""
	}
	there := o.cluster.made
	if o.cluster.hasDeployment {
		there = append(slices.Clone(there), "deployment/"+d.object())
	}
	// A laconic-so that has prepare starts what it has prepared.
	onlyDeployment := len(missing) == 1 && missing[0] == "the Deployment "+d.object()
	if len(there) == 0 || onlyDeployment && o.forms.prepare {
		return ""
	}
	return fmt.Sprintf("half made by a start that was interrupted: laconic-so makes %s anew and gets 409 AlreadyExists. Let the validator stop, delete the namespace (kube_namespace, absent = true; the volumes stay), and start again",
		strings.Join(there, ", "))
}

// clearCaddy takes away what an interrupted installation of Caddy has left: laconic-so installs it where it does not run, and each of
// these answers that with 409 (FailToCreateError), at every start from then on.
func (d *Deployment) clearCaddy(c *modules.Change, o deployed) {
	if o.cluster == nil || o.cluster.caddy.whole || len(o.cluster.caddy.pieces) == 0 {
		return
	}
	var names []string
	for _, p := range o.cluster.caddy.pieces {
		names = append(names, p.resource[strings.LastIndex(p.resource, "/")+1:]+"/"+p.name)
		c.Do(host.Kube{Kubeconfig: d.Kubeconfig, Context: d.Context, Verb: host.KubeDelete, Resource: p.resource, Name: p.name, UID: p.uid, Wait: 2 * time.Minute,
			Guards: []host.Guard{host.ValidatorStopped()}})
	}
	c.Differ("caddy", "left by an interrupted start: "+strings.Join(names, ", "), "none, or all of them")
	c.Destroy("what is left of Caddy's installation: " + strings.Join(names, ", "))
}

// healthy looks at what a start may leave broken.
func (d *Deployment) healthy(c *modules.Change, o deployed) {
	fresh := o.job.Phase == job.Done && o.job.Now.Sub(o.job.Ended) < soon
	wait := func(got, want, why string) { // under the attribute that the start was to mend
		if fresh {
			c.Differ(d.State, got, want)
			c.Settle = soon
			return
		}
		c.Refuse(d.State, got, want, why)
	}
	if !o.cluster.kubernetes {
		wait("no service default/kubernetes", "the service", "laconic-so's clean-up of etcd has deleted it (biscayne.md 3.4): kindnet ends without it, and nothing is scheduled. The API server makes it again when it starts: restart the node")
	}
	ready := "(none)"
	for _, cond := range o.cluster.node.Status.Conditions {
		if cond.Type == "Ready" {
			ready = strings.TrimSpace(cond.Status + " " + cond.Reason)
		}
	}
	if !strings.HasPrefix(ready, "True") {
		wait("the node's Ready: "+ready, "Ready: True", "docker logs --tail 50 "+d.node()+", and the kubelet's journal in it")
	}
}

// flips compares where each volume lies in the node with where kind's configuration puts it: which of the two forms laconic-so writes
// depends on its commit, and a volume that exists is never corrected by a start (incident 19).
func (d *Deployment) flips(c *modules.Change, o deployed) {
	if !o.hasConfig || len(o.config.Nodes) != 1 {
		return
	}
	for _, name := range o.spec.volumeNames() {
		want, ok := o.config.Nodes[0].inside(o.spec.Volumes[name])
		if !ok {
			continue
		}
		for _, v := range o.cluster.volumes {
			if v.Meta.Name != d.ClusterID+"-"+name || v.Spec.HostPath == nil || v.Spec.HostPath.Path == want {
				continue
			}
			c.Refuse("volume["+name+"]", v.Spec.HostPath.Path, want, fmt.Sprintf("kind's configuration puts %s there; the volume was made by another laconic-so (now %s), and no start corrects it: a kube_volume does",
				o.spec.Volumes[name], o.toolText()))
		}
	}
}
