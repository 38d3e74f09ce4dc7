package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// bindLimit is how long the cluster's controllers may take to bind a claim, and to let go of a deleted one.
const bindLimit = 2 * time.Minute

// decide is the whole sense of the kind.
func (w *WantedVolume) decide(s volumeSeen) (c modules.Change) {
	if s.inside == "" {
		c.Refuse("path", w.pathNow(s), w.HostPath+" as the node sees it", s.unseen)
		return c
	}
	if going := w.going(s); going != "" {
		c.Refuse("objects", going, "there", "its deletion was asked for, and finalizers hold it: it goes when the last pod that names the claim does"+usedBy(s))
		return c
	}
	switch {
	case s.hasVolume && !w.ours(s.volume):
		c.Refuse("labels", fmt.Sprintf("app=%s", s.volume.Meta.Labels["app"]), "app="+w.ClusterID, "the volume "+w.object()+" is another cluster's: bisc leaves it alone")
	case s.hasVolume && s.volume.path() != s.inside, s.hasClaim && s.claim.Status.Phase == "Lost":
		w.remake(&c, s)
	default:
		w.mend(&c, s)
	}
	return c
}

func (w *WantedVolume) pathNow(s volumeSeen) string {
	if !s.hasVolume {
		return "(none)"
	}
	return s.volume.path()
}

// going names what of the pair is being deleted.
func (w *WantedVolume) going(s volumeSeen) string {
	var out []string
	if s.hasClaim && s.claim.Meta.Terminating() {
		out = append(out, "the claim is Terminating ("+strings.Join(s.claim.Meta.Finalizers, ", ")+")")
	}
	if s.hasVolume && s.volume.Meta.Terminating() {
		out = append(out, "the volume is Terminating ("+strings.Join(s.volume.Meta.Finalizers, ", ")+")")
	}
	return strings.Join(out, ", ")
}

func usedBy(s volumeSeen) string {
	if len(s.users) == 0 {
		return ""
	}
	return ": " + strings.Join(s.users, "; ")
}

// ours tells a volume of this deployment from one that only has its name: laconic-so labels its own; what the playbooks made anew has
// no label at all.
func (w *WantedVolume) ours(v Volume) bool {
	app, ok := v.Meta.Labels["app"]
	return !ok || app == w.ClusterID
}

// mend changes what can be changed of the objects, and makes what is missing.
func (w *WantedVolume) mend(c *modules.Change, s volumeSeen) {
	if !s.hasVolume {
		c.Differ("path", "(none)", s.inside)
		c.Do(w.starting(w.create(Volumes, "", w.volumeObject(s)), s))
		c.Settle = bindLimit
	} else {
		w.keep(c, s)
		if !w.release(c, s) {
			return
		}
	}
	switch {
	case !s.hasClaim:
		c.Differ("claim", "(none)", "Bound to "+w.object())
		c.Do(w.starting(w.create(Claims, w.Namespace, w.claimObject(s)), s))
		c.Settle = bindLimit
	case s.claim.Spec.Volume != "" && s.claim.Spec.Volume != w.object():
		c.Refuse("claim", "of the volume "+s.claim.Spec.Volume, "Bound to "+w.object(), "the claim names another volume: nobody but its maker knows what that holds; delete it at 0 replicas, then this again")
	case s.claim.Status.Phase != "Bound":
		c.Differ("claim", s.claim.Status.Phase, "Bound to "+w.object())
		c.Settle = bindLimit
	}
}

// keep holds the volume to its labels and its policy.
func (w *WantedVolume) keep(c *modules.Change, s volumeSeen) {
	body := map[string]any{}
	missing := map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(w.labels())) {
		if want := w.labels()[k]; c.Differ("labels["+k+"]", orNone(s.volume.Meta.Labels[k]), want) {
			missing[k] = want
		}
	}
	if len(missing) > 0 {
		body["metadata"] = map[string]any{"labels": missing}
	}
	if c.Differ("reclaim_policy", s.volume.Spec.Reclaim, "Retain") {
		body["spec"] = map[string]any{"persistentVolumeReclaimPolicy": "Retain"}
	}
	if len(body) > 0 {
		step := w.api().write(host.KubeMergePatch, Volumes, "", w.object(), body)
		step.UID = s.volume.Meta.UID
		c.Do(step)
	}
}

// release clears a stale claimRef: one whose claim is gone, or was made anew. The name stays, the UID goes: the volume is then kept for
// this claim, and for no other. It tells whether the claim may be looked at.
func (w *WantedVolume) release(c *modules.Change, s volumeSeen) bool {
	ref := s.volume.Spec.Claim
	if ref == nil || ref.UID == "" || s.hasClaim && ref.UID == s.claim.Meta.UID && w.refersHere(s) {
		return true
	}
	got := fmt.Sprintf("%s: claim %s/%s of uid %.8s", s.volume.Status.Phase, ref.Namespace, ref.Name, ref.UID)
	if !w.refersHere(s) {
		c.Refuse("claim_ref", got, w.Namespace+"/"+w.object(), "the volume is kept for another claim: bisc does not take it away")
		return false
	}
	if len(s.users) > 0 {
		c.Refuse("claim_ref", got, "none that is stale", "a pod names the claim"+usedBy(s)+": bisc run stop, then this again")
		return false
	}
	c.Differ("claim_ref", got, "none that is stale")
	step := w.api().write(host.KubeMergePatch, Volumes, "", w.object(), map[string]any{"spec": map[string]any{"claimRef": map[string]any{"uid": nil, "resourceVersion": nil}}})
	step.UID = s.volume.Meta.UID
	c.Do(w.starting(step, s))
	c.Settle = bindLimit
	return true
}

// starting guards a step that lets a pod start which waits for the claim: not beside a validator that lives.
func (w *WantedVolume) starting(k host.Kube, s volumeSeen) host.Kube {
	if len(s.waiting) > 0 {
		k.Guards = stopped()
	}
	return k
}

func (w *WantedVolume) refersHere(s volumeSeen) bool {
	ref := s.volume.Spec.Claim
	return ref.Namespace == w.Namespace && ref.Name == w.object()
}

// remake deletes the pair and makes it anew: a volume's hostPath cannot be changed, nor a Lost claim mended.
func (w *WantedVolume) remake(c *modules.Change, s volumeSeen) {
	attr, got, want := "path", w.pathNow(s), s.inside
	if s.hasVolume && got == want || !s.hasVolume {
		attr, got, want = "claim", s.claim.Status.Phase, "Bound to "+w.object()
	}
	if why := w.inUse(s); why != "" {
		c.Refuse(attr, got, want, why)
		return
	}
	if s.hasVolume && s.volume.Spec.Reclaim != "Retain" {
		w.keep(c, s)
		c.Refuse(attr, got, want, "first the policy Retain, so that the deletion of the volume leaves its data alone: the next round shows it")
		return
	}
	c.Differ(attr, got, want)
	if s.hasClaim {
		c.Destroy("the claim " + w.Namespace + "/" + w.object() + " (the object; its data stays)")
		c.Do(w.remove(Claims, w.Namespace, s.claim.Meta))
	}
	if s.hasVolume {
		c.Destroy(fmt.Sprintf("the volume %s of %s (the object; the policy Retain leaves the data at %s)", w.object(), s.volume.path(), s.volume.path()))
		c.Do(w.remove(Volumes, "", s.volume.Meta))
	}
	c.Do(w.create(Volumes, "", w.volumeObject(s)), w.create(Claims, w.Namespace, w.claimObject(s)))
	c.Settle = bindLimit
}

// inUse says why the pair may not be taken away.
func (w *WantedVolume) inUse(s volumeSeen) string {
	ref := s.volume.Spec.Claim
	switch {
	case len(s.users)+len(s.waiting) > 0:
		s.users = append(s.users, s.waiting...)
		return "a pod names the claim" + usedBy(s) + ": the claim would stay until it ends, and vanish then: bisc run stop, then this again"
	case ref != nil && !w.refersHere(s):
		return fmt.Sprintf("the volume is kept for the claim %s/%s: bisc does not take it away", ref.Namespace, ref.Name)
	}
	return ""
}

// remove deletes the object that was looked at, waits until it is gone (finalizers hold it for a while), and is not sent while a
// validator lives. No version is named: the volume's changes when its claim goes.
func (w *WantedVolume) remove(resource, namespace string, m Meta) host.Kube {
	step := w.api().write(host.KubeDelete, resource, namespace, w.object(), nil)
	step.UID, step.Wait, step.Guards = m.UID, bindLimit, stopped()
	return step
}

func (w *WantedVolume) create(resource, namespace string, object any) host.Kube {
	return w.api().write(host.KubeCreate, resource, namespace, w.object(), object)
}

// volumeObject is the volume as laconic-so makes it; labels and capacity of one that was there stay.
func (w *WantedVolume) volumeObject(s volumeSeen) map[string]any {
	capacity := s.volume.Spec.Capacity["storage"]
	if capacity == "" {
		capacity = w.Capacity
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolume",
		"metadata": map[string]any{"name": w.object(), "labels": w.keptLabels(s.volume.Meta)},
		"spec": map[string]any{
			"storageClassName": orElse(s.volume.Spec.Class, w.Class), "accessModes": []string{"ReadWriteOnce"}, "capacity": map[string]any{"storage": capacity},
			"persistentVolumeReclaimPolicy": "Retain", "hostPath": map[string]any{"path": s.inside},
		},
	}
}

func (w *WantedVolume) claimObject(s volumeSeen) map[string]any {
	capacity := s.volume.Spec.Capacity["storage"]
	if capacity == "" {
		capacity = w.Capacity
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolumeClaim",
		"metadata": map[string]any{"name": w.object(), "namespace": w.Namespace, "labels": w.keptLabels(s.claim.Meta)},
		"spec": map[string]any{
			"storageClassName": orElse(s.volume.Spec.Class, w.Class), "accessModes": []string{"ReadWriteOnce"}, "volumeName": w.object(),
			"resources": map[string]any{"requests": map[string]any{"storage": capacity}},
		},
	}
}

func (w *WantedVolume) keptLabels(m Meta) map[string]string {
	out := maps.Clone(m.Labels)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, w.labels())
	return out
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
