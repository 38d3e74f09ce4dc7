package kube

import (
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules/kindtest"
)

func TestNamespace(t *testing.T) {
	const active = `{"metadata":{"name":"ns","uid":"n-1"},"status":{"phase":"Active"}}`
	const going = `{"metadata":{"name":"ns","uid":"n-1","deletionTimestamp":"2026-03-07T10:00:00Z"},"status":{"phase":"Terminating","conditions":[
{"type":"NamespaceDeletionDiscoveryFailure","status":"False","message":"fine"},
{"type":"NamespaceFinalizersRemaining","status":"True","message":"kubernetes.io/pvc-protection in 2 resource instances"}]}}`
	for name, tt := range map[string]struct {
		stays  bool
		is     string
		change func(*hosttest.Fake)
		want   []string
		not    []string
		fails  string
	}{
		"gone":             {want: []string{"in sync\n"}},
		"there, and stays": {stays: true, is: active, want: []string{"in sync\n"}},
		"gone, but wanted": {stays: true, want: []string{"now namespace: (none) -> Active\n    why: laconic_deployment makes it"}, not: []string{"step:"}},
		"goes, but wanted": {stays: true, is: going, want: []string{"now namespace: Terminating -> Active"}, not: []string{"step:"}},
		"to be deleted": {is: active, want: []string{"step: kubernetes delete v1/namespaces/ns (uid n-1)  [guards: " + stoppedName + "]\n",
			"destroys: the namespace ns and all objects in it, of them the Deployments dep (no data of volumes)\nsettle: 5m0s\n"}},
		"hangs": {is: going, want: []string{"now namespace: Terminating (NamespaceFinalizersRemaining: kubernetes.io/pvc-protection in 2 resource instances) -> (none)\nsettle: 5m0s\n"}, not: []string{"step:", "fine"}},
		"a pod is in it": {is: active, change: put(kubes, "ns v1/pods", `{"items":[{"metadata":{"name":"agave-1","uid":"p-1"},"status":{"phase":"Running"}}]}`),
			want: []string{"why: a pod is in it: agave-1 (uid p-1) Running"}, not: []string{"step:", "destroys"}},
		"a pod that is over": {is: active, change: put(kubes, "ns v1/pods", `{"items":[{"metadata":{"name":"job-1","uid":"p-1"},"status":{"phase":"Succeeded"}}]}`), want: []string{"step:"}},
		"a volume that is not retained": {is: active, change: edit("v1/persistentvolumes", "Retain", "Delete"),
			want: []string{"why: the volume x-l of the claim l has the policy Delete: its data would go"}, not: []string{"step:", "destroys"}},
		"another's volume": {is: active, change: edit("v1/persistentvolumes", "Retain", "Delete", `"ns"`, `"other"`), want: []string{"step:"}},
		"pods not known":   {is: active, change: func(h *hosttest.Fake) { h.Errors["kube ns v1/pods"] = host.ErrNoAPI }, fails: "does not answer"},
		"not known":        {change: func(h *hosttest.Fake) { h.Errors["kube v1/namespaces/ns"] = host.ErrNoAPI }, fails: "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			h := hosttest.New("u1")
			h.Kubes["v1/namespaces/ns"], h.Kubes["ns v1/pods"] = tt.is, `{"items":[]}`
			h.Kubes["v1/persistentvolumes"] = `{"items":[{"metadata":{"name":"x-l"},"spec":{"persistentVolumeReclaimPolicy":"Retain","claimRef":{"namespace":"ns","name":"l"}}}]}`
			h.Kubes["ns apps/v1/deployments"] = `{"items":[{"metadata":{"name":"dep"}}]}`
			if tt.change != nil {
				tt.change(h)
			}
			w := &WantedNamespace{Name: "ns", Kubeconfig: "/k", Absent: !tt.stays}
			c, err := w.Plan(t.Context(), h)
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("error %v, want %q", err, tt.fails)
			}
			if err == nil {
				holds(t, kindtest.Print(c), tt.want, tt.not)
			}
		})
	}
}

func TestNamespaceValidates(t *testing.T) {
	for name, want := range map[string]string{"default": "absent: ", "kube-system": "absent: ", "laconic-x": ""} {
		err := (&WantedNamespace{Name: name, Kubeconfig: "/k", Absent: true}).Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&WantedNamespace{Name: "x", Kubeconfig: "k"}).Validate(); err == nil {
		t.Error("a kubeconfig without a folder is one")
	}
}
