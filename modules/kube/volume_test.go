package kube

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules/kindtest"
)

// Mounts of a host as variant B has them: XFS on the zvol at /srv/solana and, as a bind, below /srv/kind; the ramdisk in both.
const hostMounts = `21 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /srv/kind rw shared:2 - zfs tank/srv/kind rw
31 30 230:0 / /srv/kind/solana rw shared:3 - xfs /dev/zd0 rw
32 31 1:0 / /srv/kind/solana/ramdisk rw shared:4 - xfs /dev/ram0 rw
33 21 0:41 / /srv/kind2 rw shared:5 - zfs tank/srv/kind2 rw
`

// The two forms of a node's mounts: the whole tree at /mnt (kind-mount-root), and each volume by itself. The kubelet's mounts come
// and go with the pods.
const (
	rootedNode = `100 99 0:90 / / rw - overlay overlay rw
101 100 0:40 / /mnt rw master:2 - zfs tank/srv/kind rw
102 101 230:0 / /mnt/solana rw master:3 - xfs /dev/zd0 rw
103 102 1:0 / /mnt/solana/ramdisk rw master:4 - xfs /dev/ram0 rw
104 100 230:0 /ledger /var/lib/kubelet/pods/u/volume-subpaths/l rw - xfs /dev/zd0 rw
`
	singleNode = `100 99 0:90 / / rw - overlay overlay rw
101 100 230:0 /ledger /mnt/validator-ledger rw master:3 - xfs /dev/zd0 rw
102 100 1:0 /accounts /mnt/validator-accounts rw master:4 - xfs /dev/ram0 rw
`
	coveredNode = `100 99 0:90 / / rw - overlay overlay rw
101 100 0:40 / /mnt rw master:2 - zfs tank/srv/kind rw
102 101 230:0 / /mnt/solana rw master:3 - xfs /dev/zd0 rw
103 102 0:77 / /mnt/solana/ledger rw - tmpfs tmpfs rw
`
)

const (
	volumeJSON = `{"metadata":{"name":"x-validator-ledger","uid":"v-1","resourceVersion":"5","labels":{"app":"x","volume-label":"validator-ledger","kept":"yes"}},
"spec":{"storageClassName":"manual","persistentVolumeReclaimPolicy":"Retain","capacity":{"storage":"2Ti"},"hostPath":{"path":"/mnt/solana/ledger"},
"claimRef":{"namespace":"ns","name":"x-validator-ledger","uid":"c-1"}},"status":{"phase":"Bound"}}`
	claimJSON = `{"metadata":{"name":"x-validator-ledger","uid":"c-1","resourceVersion":"6","labels":{"app":"x","mine":"1"}},"spec":{"storageClassName":"manual","volumeName":"x-validator-ledger"},"status":{"phase":"Bound"}}`
	userJSON  = `{"items":[{"metadata":{"name":"agave-1","uid":"p-1"},"spec":{"nodeName":"node","volumes":[{"name":"l","persistentVolumeClaim":{"claimName":"x-validator-ledger"}}]},"status":{"phase":"Running"}}]}`
)

const (
	volumeKey = "v1/persistentvolumes/x-validator-ledger"
	claimKey  = "ns v1/persistentvolumeclaims/x-validator-ledger"
)

// volumeHost is a host whose cluster has the pair as it should be.
func volumeHost() *hosttest.Fake {
	h := hosttest.New("u1")
	h.Kubes[volumeKey], h.Kubes[claimKey], h.Kubes["ns v1/pods"] = volumeJSON, claimJSON, `{"items":[]}`
	h.Dockers["docker container node"] = nodeJSON
	h.Files["/proc/self/mountinfo"], h.Files["/proc/77/mountinfo"] = hostMounts, rootedNode
	ledger := host.Stat{Type: host.Directory, Dev: host.DeviceID{Major: 230}, Inode: 128}
	h.Stats["/srv/kind/solana/ledger"], h.Stats["/proc/77/root/mnt/solana/ledger"], h.Stats["/proc/77/root/mnt/validator-ledger"] = ledger, ledger, ledger
	for _, p := range []string{"/mnt", "/mnt/solana"} {
		h.Stats["/proc/77/root"+p] = host.Stat{Type: host.Directory}
	}
	return h
}

func wantedVolume() *WantedVolume {
	w := VolumeKind.New("validator-ledger").(*WantedVolume)
	w.Kubeconfig, w.Namespace, w.ClusterID, w.Node, w.HostPath = "/k", "ns", "x", "node", "/srv/kind/solana/ledger"
	return w
}

type changing = func(*hosttest.Fake)

// edit changes an answer of the API server.
func edit(key string, oldnew ...string) changing {
	return func(h *hosttest.Fake) { h.Kubes[key] = strings.NewReplacer(oldnew...).Replace(h.Kubes[key]) }
}

func put(of func(*hosttest.Fake) map[string]string, key, text string) changing {
	return func(h *hosttest.Fake) { of(h)[key] = text }
}

func kubes(h *hosttest.Fake) map[string]string { return h.Kubes }
func files(h *hosttest.Fake) map[string]string { return h.Files }

func TestVolume(t *testing.T) {
	var (
		noVolume = put(kubes, volumeKey, "")
		noClaim  = put(kubes, claimKey, "")
		released = edit(volumeKey, `"phase":"Bound"`, `"phase":"Released"`)
		used     = put(kubes, "ns v1/pods", userJSON)
		waits    = func(h *hosttest.Fake) { used(h); edit("ns v1/pods", `"nodeName":"node",`, "")(h) }
		wrong    = edit(volumeKey, "/mnt/solana/ledger", "/mnt/validator-ledger")
		guard    = "  [guards: " + stoppedName + "]"
		newer    = edit(claimKey, "c-1", "c-2", "Bound", "Pending")
	)
	const cleared = `step: kubernetes merge-patch v1/persistentvolumes/x-validator-ledger (uid v-1) {"spec":{"claimRef":{"resourceVersion":null,"uid":null}}}`
	for name, tt := range map[string]struct {
		change []changing
		want   []string
		not    []string
		fails  string
	}{
		"in sync":                        {want: []string{"in sync\n"}},
		"in sync, each volume by itself": {change: []changing{put(files, "/proc/77/mountinfo", singleNode), wrong}, want: []string{"in sync\n"}},

		"no pair": {change: []changing{noVolume, noClaim}, want: []string{"now path: (none) -> /mnt/solana/ledger\nnow claim: (none) -> Bound to x-validator-ledger\n",
			"step: kubernetes create v1/persistentvolumes/x-validator-ledger", "step: kubernetes create ns v1/persistentvolumeclaims/x-validator-ledger", "settle: 2m0s"}, not: []string{"guards"}},
		"no pair, a pod waits": {change: []changing{noVolume, noClaim, waits}, want: []string{"kubernetes create v1/persistentvolumes/x-validator-ledger", guard}},
		"no claim": {change: []changing{noClaim, edit(volumeKey, `"uid":"c-1"`, `"uid":""`)},
			want: []string{"step: kubernetes create ns v1/persistentvolumeclaims"}, not: []string{"create v1/persistentvolumes", "merge-patch"}},
		"binding":        {change: []changing{edit(claimKey, "Bound", "Pending")}, want: []string{"now claim: Pending -> Bound to x-validator-ledger\nsettle: 2m0s\n"}, not: []string{"step:"}},
		"claim of other": {change: []changing{edit(claimKey, `"volumeName":"x-`, `"volumeName":"y-`)}, want: []string{"why: the claim names another volume"}, not: []string{"step:"}},
		"labels": {change: []changing{edit(volumeKey, `"app":"x","volume-label":"validator-ledger",`, "")},
			want: []string{`(uid v-1) {"metadata":{"labels":{"app":"x","volume-label":"validator-ledger"}}}`}},
		"policy":             {change: []changing{edit(volumeKey, "Retain", "Delete")}, want: []string{`now reclaim_policy: Delete -> Retain`, `{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}`}},
		"of another cluster": {change: []changing{edit(volumeKey, `"app":"x"`, `"app":"y"`)}, want: []string{"why: the volume x-validator-ledger is another cluster's"}, not: []string{"step:"}},

		"stale":                     {change: []changing{released, noClaim}, want: []string{"now claim_ref: Released: claim ns/x-validator-ledger of uid c-1 -> none that is stale\n", cleared + "\n", "step: kubernetes create ns v1/persistentvolumeclaims"}},
		"stale, a newer claim":      {change: []changing{released, newer}, want: []string{cleared + "\n"}, not: []string{"create"}},
		"stale, a pod waits":        {change: []changing{released, newer, waits}, want: []string{cleared + guard}},
		"stale, used":               {change: []changing{released, newer, used}, want: []string{"why: a pod names the claim: agave-1 (uid p-1) Running"}, not: []string{"step:"}},
		"stale, of another":         {change: []changing{released, noClaim, edit(volumeKey, `"claimRef":{"namespace":"ns"`, `"claimRef":{"namespace":"other"`)}, want: []string{"why: the volume is kept for another claim"}, not: []string{"step:"}},
		"stale, of another cluster": {change: []changing{released, noClaim, edit(volumeKey, `"app":"x"`, `"app":"y"`)}, want: []string{"why:"}, not: []string{"step:"}},

		"wrong path": {change: []changing{wrong}, want: []string{"now path: /mnt/validator-ledger -> /mnt/solana/ledger\n",
			"step: kubernetes delete ns v1/persistentvolumeclaims/x-validator-ledger (uid c-1) and wait up to 2m0s until it is gone" + guard,
			"step: kubernetes delete v1/persistentvolumes/x-validator-ledger (uid v-1) and wait up to 2m0s until it is gone" + guard,
			"destroys: the claim ns/x-validator-ledger", "the policy Retain leaves the data at /mnt/validator-ledger"}},
		"wrong path, used":        {change: []changing{wrong, used}, want: []string{"why: a pod names the claim: agave-1"}, not: []string{"step:", "destroys"}},
		"wrong path, a pod waits": {change: []changing{wrong, waits}, want: []string{"why: a pod names the claim: agave-1"}, not: []string{"step:", "destroys"}},
		"wrong path, no Retain": {change: []changing{wrong, edit(volumeKey, "Retain", "Delete")},
			want: []string{"why: first the policy Retain", `{"spec":{"persistentVolumeReclaimPolicy":"Retain"}}`}, not: []string{"delete", "destroys"}},
		"wrong path, of another claim": {change: []changing{wrong, edit(volumeKey, `"namespace":"ns"`, `"namespace":"other"`)}, want: []string{"why: the volume is kept for the claim other/"}, not: []string{"step:"}},
		"claim Lost":                   {change: []changing{noVolume, edit(claimKey, "Bound", "Lost")}, want: []string{"now claim: Lost -> Bound to x-validator-ledger", "delete ns v1/persistentvolumeclaims", "create v1/persistentvolumes"}, not: []string{"delete v1/persistentvolumes"}},
		"claim Terminating":            {change: []changing{edit(claimKey, `"uid":"c-1"`, `"uid":"c-1","deletionTimestamp":"2026-03-07T10:00:00Z","finalizers":["kubernetes.io/pvc-protection"]`), used}, want: []string{"now objects: the claim is Terminating (kubernetes.io/pvc-protection) -> there", ": agave-1 (uid p-1) Running"}, not: []string{"step:"}},
		"volume Terminating":           {change: []changing{edit(volumeKey, `"uid":"v-1"`, `"uid":"v-1","deletionTimestamp":"2026-03-07T10:00:00Z"`)}, want: []string{"the volume is Terminating"}, not: []string{"step:"}},

		"covered in the node": {change: []changing{put(files, "/proc/77/mountinfo", coveredNode)}, want: []string{"why: no mount of the node leads to /srv/kind/solana/ledger"}, not: []string{"step:"}},
		"another file system in the node": {change: []changing{func(h *hosttest.Fake) {
			h.Stats["/proc/77/root/mnt/solana/ledger"] = host.Stat{Type: host.Directory, Dev: host.DeviceID{Minor: 40}, Inode: 128}
		}}, want: []string{"why: the node's /mnt/solana/ledger is not the host's /srv/kind/solana/ledger: the node looks at another file system"}, not: []string{"step:"}},
		"no node":        {change: []changing{put(func(h *hosttest.Fake) map[string]string { return h.Dockers }, "docker container node", "")}, fails: "does not run"},
		"no API":         {change: []changing{func(h *hosttest.Fake) { h.Errors["kube "+volumeKey] = host.ErrNoAPI }}, fails: "does not answer"},
		"pods not known": {change: []changing{func(h *hosttest.Fake) { h.Errors["kube ns v1/pods"] = host.ErrNoAPI }}, fails: "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			h := volumeHost()
			for _, f := range tt.change {
				f(h)
			}
			c, err := wantedVolume().Plan(t.Context(), h)
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("error %v, want %q", err, tt.fails)
			}
			if err == nil {
				holds(t, kindtest.Print(c), tt.want, tt.not)
			}
		})
	}
}

// holds looks for parts of a text, and for parts that must not be there.
func holds(t *testing.T, got string, want, not []string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("got:\n%s\nwant it to hold:\n%s", got, w)
		}
	}
	for _, w := range not {
		if strings.Contains(got, w) {
			t.Errorf("got:\n%s\nwant nothing of %q", got, w)
		}
	}
}

// What is made anew has the labels by which laconic-so finds it, and the size that was there.
func TestVolumeObjects(t *testing.T) {
	h := volumeHost()
	edit(volumeKey, "/mnt/solana/ledger", "/mnt/validator-ledger")(h)
	c, err := wantedVolume().Plan(t.Context(), h)
	if err != nil || len(c.Steps) != 4 {
		t.Fatalf("%v, %s", err, hosttest.StepText(c.Steps))
	}
	for i, want := range map[int]string{
		2: `{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"labels":{"app":"x","kept":"yes","volume-label":"validator-ledger"},"name":"x-validator-ledger"},"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"2Ti"},"hostPath":{"path":"/mnt/solana/ledger"},"persistentVolumeReclaimPolicy":"Retain","storageClassName":"manual"}}`,
		3: `{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"labels":{"app":"x","mine":"1","volume-label":"validator-ledger"},"name":"x-validator-ledger","namespace":"ns"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"2Ti"}},"storageClassName":"manual","volumeName":"x-validator-ledger"}}`,
	} {
		if got := string(c.Steps[i].(host.Kube).Body); got != want {
			t.Errorf("step %d:\n%s\nwant\n%s", i, got, want)
		}
	}
}

// Incident 19: laconic-so's branches map a volume to /mnt/solana/ledger or to /mnt/validator-ledger, and the playbooks assumed one after
// the other. The path is what the node's mounts make of the host's folder.
func TestIncident19_PathOfTheNode(t *testing.T) {
	for node, want := range map[string]string{rootedNode: "/mnt/solana/ledger", singleNode: "/mnt/validator-ledger"} {
		h := volumeHost()
		h.Files["/proc/77/mountinfo"] = node
		h.Kubes[volumeKey], h.Kubes[claimKey] = "", ""
		c, err := wantedVolume().Plan(t.Context(), h)
		if err != nil || !strings.Contains(kindtest.Print(c), "now path: (none) -> "+want+"\n") {
			t.Errorf("want %s: %v\n%s", want, err, kindtest.Print(c))
		}
	}
}

// Incident 20: claims stayed Pending, since the volumes kept the UIDs of claims that went with an older namespace.
func TestIncident20_StaleClaimRef(t *testing.T) {
	h := volumeHost()
	edit(volumeKey, `"phase":"Bound"`, `"phase":"Released"`)(h)
	edit(claimKey, "c-1", "c-2", "Bound", "Pending")(h)
	c, err := wantedVolume().Plan(t.Context(), h)
	if err != nil || len(c.Steps) != 1 || !strings.Contains(c.Steps[0].String(), `{"spec":{"claimRef":{"resourceVersion":null,"uid":null}}}`) {
		t.Errorf("ours: %v\n%s", err, kindtest.Print(c))
	}
	edit(volumeKey, `"namespace":"ns"`, `"namespace":"another"`)(h)
	if c, err := wantedVolume().Plan(t.Context(), h); err != nil || len(c.Steps) != 0 || c.InSync() {
		t.Errorf("another's: %v\n%s", err, kindtest.Print(c))
	}
}

func TestVolumeValidates(t *testing.T) {
	for want, change := range map[string]func(*WantedVolume){
		"":               func(*WantedVolume) {},
		"kubeconfig: ":   func(w *WantedVolume) { w.Kubeconfig = "k" },
		"host_path: ":    func(w *WantedVolume) { w.HostPath = "/srv/" },
		"cluster_id: it": func(w *WantedVolume) { w.ClusterID = "" },
		"node: it":       func(w *WantedVolume) { w.Node = "" },
		"namespace: it":  func(w *WantedVolume) { w.Namespace = "" },
	} {
		w := wantedVolume()
		change(w)
		if err := w.Validate(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
