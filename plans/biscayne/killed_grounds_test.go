package biscayne_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/solana/slot"
	"bisc/internal/lab/standin/agave"
	"bisc/internal/lab/standin/stack"
	"bisc/internal/lab/standin/validator"
)

// marks are files in the validator's folders: what is emptied loses its own.
const marks = "/srv/solana/ramdisk/accounts/bisc-test-mark /srv/solana/ledger/bisc-test-mark"

// ages has the cluster ahead of the validator's snapshots by more than a fetch lets pass, with nothing fetched, and marks what may be wiped.
func (h *house) ages() {
	h.Helper()
	h.peers.SetClock(slot.Clock{Slot: h.peers.Tip() + 1000, At: time.Now(), Rate: slot.Default().Rate})
	h.sh("rm -rf /srv/solana/bisc-snapshots /var/lib/bisc/jobs/snapshot-fetch-*; touch " + marks) // a fetch that has just ended is not begun again
}

// gains has the validator hear a thousand slots at once and all of them whole, as long as it has been behind; and the cluster ahead of
// its snapshots, as ages has it. Before that it is brought to the cluster's time: what is too far ahead for it is missed, and repaired by nobody.
func (h *house) gains() {
	h.Helper()
	h.follows(h.peers.Tip())
	h.ages()
	h.follows(h.peers.Tip())
}

// follows has the validator's time be that of its peers, and waits until its ledger has a slot.
func (h *house) follows(slot uint64) {
	h.Helper()
	h.behave(validator.Fault{Clock: h.peers.Clock()})
	ledger := filepath.Join(h.host.(*lab.Host).Root(), "srv/solana/ledger")
	for {
		if slots, err := validator.ReadSlots(ledger); err != nil {
			h.Fatal(err)
		} else if len(slots) > 0 && slots[len(slots)-1].Slot >= slot {
			return
		}
		select {
		case <-h.Context().Done():
			h.Fatalf("the validator does not hear slot %d", slot)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// silences ends the API server in a node that is well.
func (h *house) silences() {
	h.Helper()
	h.sh(`docker exec "$1" systemctl stop kube-control-plane`, aNode)
}

// keptDown wants nothing left that would start the validator.
func (h *house) keptDown() {
	h.Helper()
	if got := h.sh(`docker exec "$1" systemctl is-active kubelet || true`, aNode); got != "inactive" {
		h.Errorf("the kubelet is %s, want inactive", got)
	}
}

// heard has the API server answer again where a deed has silenced it, and the kubelet run, which starts the validator again.
func (h *house) heard() {
	h.Helper()
	if h.sh(`docker inspect -f '{{.State.Status}}' "$1"`, aNode) != "running" || h.sh(`docker exec "$1" systemctl is-active kube-control-plane || true`, aNode) == "active" {
		return
	}
	h.sh(`docker exec "$1" systemctl start kube-control-plane; docker exec "$1" systemctl start kubelet`, aNode)
	if err := h.WaitReady(h.Context()); err != nil {
		h.Fatal(err)
	}
	h.answers()
}

// archives are the names in the validator's folder of snapshots.
func (h *house) archives() (names []string) {
	h.Helper()
	entries, err := os.ReadDir(filepath.Join(h.host.(*lab.Host).Root(), "srv/solana/snapshots"))
	if err != nil {
		h.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") { // the lock of who moves and prunes
			names = append(names, e.Name())
		}
	}
	return names
}

// renewed wants the accounts gone that were there, the ledger kept or gone, and one pair of snapshots: the one that was fetched.
func (h *house) renewed(ledger bool) {
	h.Helper()
	want := ""
	if ledger {
		want = "/srv/solana/ledger/bisc-test-mark"
	}
	if got := h.sh("ls " + marks + " 2>/dev/null || true"); got != want {
		h.Errorf("of the marks there is %q, want %q", got, want)
	}
	if got := h.archives(); len(got) != 2 || !strings.HasPrefix(got[0], "incremental-") || !strings.HasPrefix(got[1], "snapshot-") {
		h.Errorf("the validator's snapshots are %q, want one pair", got)
	}
	for _, name := range h.archives() {
		if got := h.sh(`ls "/srv/solana/bisc-snapshots/$1" 2>/dev/null || true`, name); got != "" {
			h.Errorf("what was moved in is still where it was fetched to: %s", got)
		}
	}
}

// deployment is the validator's, as the API has it.
func (h *house) deployment() dynamic.ResourceInterface {
	h.Helper()
	return h.Client(h).Resource(cluster.Deployments).Namespace(h.Namespace)
}

func (h *house) patches(body string) {
	h.Helper()
	if _, err := h.deployment().Patch(h.Context(), h.Deployment, types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
		h.Fatal(err)
	}
}

// shortens gives the validator a pod as laconic-so makes them: 30 s of grace, and nothing that asks agave to exit.
func (h *house) shortens() {
	h.Helper()
	h.ready(0)
	h.bisc(0, "hold", "release", "biscayne")
	d, err := h.deployment().Get(h.Context(), h.Deployment, metav1.GetOptions{})
	if err != nil {
		h.Fatal(err)
	}
	containers, _, err := unstructured.NestedSlice(d.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) == 0 {
		h.Fatal(err, containers)
	}
	for _, c := range containers {
		delete(c.(map[string]any), "lifecycle")
	}
	spec := d.Object["spec"].(map[string]any)
	spec["replicas"] = int64(1)
	pod := spec["template"].(map[string]any)["spec"].(map[string]any)
	pod["terminationGracePeriodSeconds"], pod["containers"] = int64(30), containers
	if _, err := h.deployment().Update(h.Context(), d, metav1.UpdateOptions{}); err != nil {
		h.Fatal(err)
	}
	h.answers()
}

// rebuilds has another build of the image on the host, of which the inventory has the id: the two take turns.
func (h *house) rebuilds() {
	h.Helper()
	next := h.Image
	if strings.Contains(h.sh(`docker image inspect -f '{{.Id}}' "$1"`, next.Tag), next.ID) {
		var err error
		if next, err = agave.Build(h.Context(), agave.Options{Note: "the next build"}); err != nil {
			h.Fatal(err)
		}
	}
	if err := h.LoadImage(h.Context(), next); err != nil {
		h.Fatal(err)
	}
	h.pins(next.ID)
}

// pins writes an image's id into the inventory.
func (h *house) pins(id string) {
	h.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "lab.hcl"))
	if err != nil {
		h.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), "image_id ") })
	if at < 0 {
		h.Fatal("the inventory has no image_id")
	}
	lines[at] = fmt.Sprintf("      image_id = %q", id)
	h.write("lab.hcl", strings.Join(lines, "\n"))
}

// runsBuild wants the pod to run the build that the host has.
func (h *house) runsBuild() {
	h.Helper()
	id := h.sh(`docker image inspect -f '{{.Id}}' "$1"`, h.Image.Tag)
	for _, p := range h.Pods(h) {
		if text := fmt.Sprint(p.Object["status"]); p.GetDeletionTimestamp() == nil && !strings.Contains(text, id) {
			h.Errorf("the pod runs another image than %s:\n%s", id, text)
		}
	}
}

// ledgerVolume is the pair that is misplaced.
func (h *house) ledgerVolume() (volumes, claims dynamic.ResourceInterface, name string) {
	h.Helper()
	c := h.Client(h)
	return c.Resource(cluster.Volumes), c.Resource(cluster.Claims).Namespace(h.Namespace), h.ID + "-validator-ledger"
}

// misplaces makes the ledger's volume one of the other form's path, as another laconic-so would have (biscayne.md 3.3).
func (h *house) misplaces() {
	h.Helper()
	volumes, claims, name := h.ledgerVolume()
	var kept []*unstructured.Unstructured
	for _, of := range []dynamic.ResourceInterface{claims, volumes} {
		o, err := of.Get(h.Context(), name, metav1.GetOptions{})
		if err != nil {
			h.Fatal(err)
		}
		kept = append(kept, o)
		if err := of.Delete(h.Context(), name, metav1.DeleteOptions{}); err != nil {
			h.Fatal(err)
		}
	}
	for _, of := range []dynamic.ResourceInterface{claims, volumes} {
		for {
			if _, err := of.Get(h.Context(), name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
				break
			}
			select {
			case <-h.Context().Done():
				h.Fatal("the pair does not go")
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	if err := unstructured.SetNestedField(kept[1].Object, "/mnt/validator-ledger", "spec", "hostPath", "path"); err != nil {
		h.Fatal(err)
	}
	for i, of := range []dynamic.ResourceInterface{volumes, claims} {
		o := kept[1-i]
		unstructured.RemoveNestedField(o.Object, "spec", "claimRef")
		unstructured.RemoveNestedField(o.Object, "status")
		o.Object["metadata"] = map[string]any{"name": name, "labels": o.Object["metadata"].(map[string]any)["labels"]}
		if _, err := of.Create(h.Context(), o, metav1.CreateOptions{}); err != nil {
			h.Fatal(err)
		}
	}
	h.bound("/mnt/validator-ledger")
}

// bound waits until the ledger's claim is bound to its volume, and wants that at a path.
func (h *house) bound(path string) {
	h.Helper()
	volumes, claims, name := h.ledgerVolume()
	for {
		c, err := claims.Get(h.Context(), name, metav1.GetOptions{})
		if phase := ""; err == nil {
			if phase, _, _ = unstructured.NestedString(c.Object, "status", "phase"); phase == "Bound" {
				break
			}
		}
		select {
		case <-h.Context().Done():
			h.Fatal("the claim is not bound", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	v, err := volumes.Get(h.Context(), name, metav1.GetOptions{})
	if err != nil {
		h.Fatal(err)
	}
	if got, _, _ := unstructured.NestedString(v.Object, "spec", "hostPath", "path"); got != path {
		h.Errorf("the ledger's volume is at %s, want %s", got, path)
	}
}

func (h *house) placed() { h.Helper(); h.bound("/mnt/solana/ledger") }

// unsyncs puts the repositories and the deployment's folder back to what they were at first.
func (h *house) unsyncs() {
	h.Helper()
	h.sh(`keep=/root/bisc-test-tools
if [ ! -e $keep ]; then mkdir $keep; cp -a "$1" $keep/so; cp -a "$2" $keep/stack; cp -a "$3" $keep/deployment; fi
rm -rf "$1" "$2"; cp -a $keep/so "$1"; cp -a $keep/stack "$2"
for f in spec.yml config.env deployment.yml; do cp -a $keep/deployment/$f "$3"/; done`, stack.Repository, stack.Stack, stack.Deployment)
	h.notes()
}

// synced wants both repositories at their commits, and the validator left alone: the specification is the folder's own here.
func (h *house) synced() {
	h.Helper()
	for repository, want := range map[string]string{stack.Repository: h.Commits[stack.Synced], stack.Stack: h.StackOld} {
		if got := h.sh("cat " + repository + "/.git/HEAD"); got != want {
			h.Errorf("%s is at %s, want %s", repository, got, want)
		}
	}
	h.spared()
}

// notes keeps which validator lives on the host itself; spared wants it to live still.
func (h *house) notes() {
	h.Helper()
	h.sh(`printf %s "$1" >/root/bisc-test-alive`, h.processes())
}

func (h *house) spared() {
	h.Helper()
	if was, is := h.sh("cat /root/bisc-test-alive"), h.processes(); was != is || is == "" {
		h.Errorf("process %s lived before, and %s does now", was, is)
	}
}

// halts has the host as prepare-reboot leaves it.
func (h *house) halts() {
	h.Helper()
	if h.sh(`docker inspect -f '{{.State.Status}}' "$1"`, aNode) == "running" {
		h.bisc(0, "run", "prepare-reboot", "--auto-approve", "--destroy", nodeIn(`prepare-reboot/"the node is down"`))
	}
}

// nodeDown wants the node's container to have ended.
func (h *house) nodeDown() {
	h.Helper()
	if got := h.sh(`docker inspect -f '{{.State.Status}}' "$1"`, aNode); got != "exited" {
		h.Errorf("the node is %s, want exited", got)
	}
}
