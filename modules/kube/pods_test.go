package kube

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

// livingPod is a pod on a node, with its own grace; more stands in its metadata.
func livingPod(uid, node string, grace int, phase, more string) string {
	return fmt.Sprintf(`{"metadata":{"name":"agave-%[1]s","uid":%[1]q,"labels":{"app":%[2]q},"ownerReferences":[{"kind":"ReplicaSet","uid":"rs-1","controller":true}]%[3]s},"spec":{"nodeName":%[4]q,"terminationGracePeriodSeconds":%[5]d},"status":{"phase":%[6]q}}`,
		uid, id, more, node, grace, phase)
}

func terminating(grace int) string {
	return fmt.Sprintf(`,"deletionTimestamp":"2026-03-09T00:00:00Z","deletionGracePeriodSeconds":%d`, grace)
}

// noded is a cluster whose one node is cordoned, or is not.
func noded(replicas int, cordoned bool, pods ...string) *hosttest.Fake {
	h := withPods(replicas, pods...)
	h.Kubes["v1/nodes"] = fmt.Sprintf(`{"items":[{"metadata":{"name":"n","uid":"n-1","resourceVersion":"5"},"spec":{"unschedulable":%t}}]}`, cordoned)
	h.Kubes["v1/pods"] = h.Kubes[namespace+" v1/pods"]
	h.Kubes["v1/nodes/n"] = fmt.Sprintf(`{"metadata":{"name":"n","uid":"n-1","resourceVersion":"5"},"spec":{"unschedulable":%t}}`, cordoned)
	return h
}

// TestPods: a pod is deleted by its UID, never with less than its own grace, and never while its successor could start beside it
// (seen: a Deployment at 1 starts a second pod beside a Terminating one).
func TestPods(t *testing.T) {
	const short = `step: kubernetes delete ` + namespace + ` v1/pods/agave-p1 (uid p1) with 300s of grace`
	for what, tt := range map[string]struct {
		h      *hosttest.Fake
		change func(*GonePods)
		want   []string
		not    string
	}{
		"none": {h: noded(0, false), want: []string{"in sync"}},
		"no Deployment": {h: func() *hosttest.Fake {
			h := noded(0, false)
			h.Kubes[namespace+" apps/v1/deployments/"+name] = ""
			return h
		}(), want: []string{"in sync"}},
		"one, at 0":                     {h: noded(0, false, livingPod("p1", "n", 30, "Running", "")), want: []string{short, "settle: 6m0s"}},
		"one with more grace keeps it":  {h: noded(0, false, livingPod("p1", "n", 900, "Running", "")), want: []string{"with 900s of grace", "settle: 16m0s"}},
		"at 1, the node takes pods":     {h: noded(1, false, livingPod("p1", "n", 30, "Running", "")), want: []string{"why: the Deployment wants 1 replicas, and the node n takes pods"}, not: "step:"},
		"at 1, the node is cordoned":    {h: noded(1, true, livingPod("p1", "n", 30, "Running", "")), want: []string{short}},
		"at 1, the stage cordons first": {h: noded(1, false, livingPod("p1", "n", 30, "Running", "")), change: func(g *GonePods) { _ = g.Agree([]modules.Resource{&CordonedNode{Name: "n", Cordoned: true}, g}) }, want: []string{short}},
		"at 1, the stage cordons after": {h: noded(1, false, livingPod("p1", "n", 30, "Running", "")), change: func(g *GonePods) { _ = g.Agree([]modules.Resource{g, &CordonedNode{Name: "n", Cordoned: true}}) }, not: "step:"},
		"at 1, the stage uncordons":     {h: noded(1, false, livingPod("p1", "n", 30, "Running", "")), change: func(g *GonePods) { _ = g.Agree([]modules.Resource{&CordonedNode{Name: "n"}, g}) }, not: "step:"},
		"one with enough, not meant":    {h: noded(1, true, livingPod("p1", "n", 300, "Running", "")), change: func(g *GonePods) { g.GraceBelow = 300 }, want: []string{"in sync"}},
		"one with less, meant":          {h: noded(1, true, livingPod("p1", "n", 299, "Running", "")), change: func(g *GonePods) { g.GraceBelow, g.Deleting = 300, true }, want: []string{short, "-> being deleted", "settle: 30s"}},
		"its deletion is under way":     {h: noded(1, true, livingPod("p1", "n", 30, "Running", terminating(300))), change: func(g *GonePods) { g.Deleting = true }, want: []string{"in sync"}},
		"under way, with too little":    {h: noded(1, true, livingPod("p1", "n", 30, "Running", terminating(30))), change: func(g *GonePods) { g.Deleting = true }, want: []string{"now grace of agave-p1: 30 s -> 300 s", "validator_exit"}, not: "step:"},
		"under way, waited for":         {h: noded(0, true, livingPod("p1", "n", 30, "Running", terminating(600))), want: []string{"-> (none)", "settle: 11m0s"}, not: "step:"},
		"its successor, on no node":     {h: noded(1, true, livingPod("p2", "", 30, "Pending", "")), want: []string{"in sync"}},
		"evicted long ago":              {h: noded(1, true, livingPod("p3", "n", 30, "Failed", "")), want: []string{"in sync"}},
	} {
		g := PodsKind.New(name).(*GonePods)
		g.Kubeconfig, g.Namespace = here.Kubeconfig, namespace
		if tt.change != nil {
			tt.change(g)
		}
		c, err := g.Plan(t.Context(), tt.h)
		got := kindtest.Print(c)
		for _, w := range tt.want {
			if err != nil || !strings.Contains(got, w) {
				t.Errorf("%s: %v\n%s\nwant %q", what, err, got, w)
			}
		}
		if tt.not != "" && strings.Contains(got, tt.not) {
			t.Errorf("%s:\n%s\nwant no %q", what, got, tt.not)
		}
	}
	for question, err := range map[string]error{"kube " + namespace + " v1/pods": host.ErrNoAPI, "kube v1/nodes": host.ErrNoAPI} {
		h := noded(0, false)
		h.Errors[question] = err
		g := PodsKind.New(name).(*GonePods)
		g.Kubeconfig, g.Namespace = here.Kubeconfig, namespace
		if c, err := g.Plan(t.Context(), h); !errors.Is(err, host.ErrNoAPI) {
			t.Errorf("%s does not answer: %v %v", question, c, err)
		}
	}
}

func TestPodsAndNodesThatMakeNoSense(t *testing.T) {
	for what, r := range map[string]modules.Validator{
		"no grace":         &GonePods{Kubeconfig: "/k", Absent: true, Grace: 0},
		"a grace too few":  &GonePods{Kubeconfig: "/k", Absent: true, Grace: 30, GraceBelow: 300},
		"pods to be there": &GonePods{Kubeconfig: "/k", Grace: 300},
		"a relative path":  &GonePods{Kubeconfig: "k", Absent: true, Grace: 300},
		"a node's":         &CordonedNode{Kubeconfig: "k"},
		"for uncordoning":  &CordonedNode{Kubeconfig: "/k", Namespace: "x", ForPodsOf: "d", GraceBelow: 300},
		"for no grace":     &CordonedNode{Kubeconfig: "/k", Namespace: "x", ForPodsOf: "d", Cordoned: true},
		"for nobody":       &CordonedNode{Kubeconfig: "/k", GraceBelow: 300, Cordoned: true},
	} {
		var fault *modules.AttrError
		if err := r.Validate(); !errors.As(err, &fault) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNode: the patch says which object was looked at, and a cordon for pods' sake is wanted only while there is such a pod.
func TestNode(t *testing.T) {
	const cordon = `step: kubernetes merge-patch v1/nodes/n (uid n-1) {"spec":{"unschedulable":true}}`
	waiting := strings.Replace(livingPod("p1", "", 30, "Pending", ""), `"spec":{`, `"spec":{"containers":[{"name":"agave-validator"}],`, 1)
	coming := noded(1, false)
	edit(namespace+" apps/v1/deployments/"+name, `"status":{"replicas":1}`, `"status":{"replicas":0}`)(coming)
	for what, tt := range map[string]struct {
		h    *hosttest.Fake
		node CordonedNode
		want string
	}{
		"to be cordoned": {noded(1, false), CordonedNode{Cordoned: true}, cordon},
		"is cordoned":    {noded(1, true), CordonedNode{Cordoned: true}, "in sync"},
		"to be uncordoned, and a validator's pod waits":     {noded(1, true, waiting), CordonedNode{}, "now cordoned: true -> false\n    why: a validator would start at once: the pod agave-p1"},
		"to be uncordoned, and a pod of another kind waits": {noded(1, true, strings.Replace(waiting, "agave-validator", "caddy", 1)), CordonedNode{}, `{"spec":{"unschedulable":false}}`},
		"to be uncordoned, and a validator's pod is there":  {noded(1, true, strings.Replace(waiting, `"nodeName":""`, `"nodeName":"n"`, 1)), CordonedNode{}, `{"spec":{"unschedulable":false}}`},
		"to be uncordoned":          {noded(1, true), CordonedNode{}, `{"spec":{"unschedulable":false}}`},
		"a pod with a short one":    {noded(1, false, livingPod("p1", "n", 30, "Running", "")), CordonedNode{Cordoned: true, Namespace: namespace, ForPodsOf: name, GraceBelow: 300}, cordon},
		"a pod with a long one":     {noded(1, false, livingPod("p1", "n", 300, "Running", "")), CordonedNode{Cordoned: true, Namespace: namespace, ForPodsOf: name, GraceBelow: 300}, "in sync"},
		"a short one, at 0":         {noded(0, false, livingPod("p1", "n", 30, "Running", "")), CordonedNode{Cordoned: true, Namespace: namespace, ForPodsOf: name, GraceBelow: 300}, "in sync"},
		"a successor on no node":    {noded(1, false, livingPod("p1", "", 30, "Pending", "")), CordonedNode{Cordoned: true, Namespace: namespace, ForPodsOf: name, GraceBelow: 300}, cordon},
		"a pod that is yet to come": {coming, CordonedNode{Cordoned: true, Namespace: namespace, ForPodsOf: name, GraceBelow: 300}, cordon},
		"no pod at all":             {noded(0, false), CordonedNode{Cordoned: true, Namespace: namespace, ForPodsOf: name, GraceBelow: 300}, "in sync"},
		"a Deployment that is no":   {noded(0, false), CordonedNode{Cordoned: true, Namespace: "else", ForPodsOf: name, GraceBelow: 300}, "in sync"},
	} {
		n := tt.node
		n.Name, n.Kubeconfig, n.Container = "n", here.Kubeconfig, "agave-validator"
		tt.h.Kubes["else apps/v1/deployments/"+name], tt.h.Kubes["else apps/v1/replicasets"], tt.h.Kubes["else v1/pods"] = "", `{"items":[]}`, `{"items":[]}`
		c, err := n.Plan(t.Context(), tt.h)
		if got := kindtest.Print(c); err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %v\n%s\nwant %q", what, err, got, tt.want)
		}
		for _, s := range c.Steps {
			if k := s.(host.Kube); k.UID != "n-1" || k.Version != "" {
				t.Errorf("%s: the patch has no preconditions: %+v", what, k)
			}
		}
	}
	n := CordonedNode{Name: "n", Kubeconfig: here.Kubeconfig, Cordoned: true}
	h := noded(1, false)
	h.Errors["kube v1/nodes/n"] = host.ErrNoAPI
	if _, err := n.Plan(t.Context(), h); !errors.Is(err, host.ErrNoAPI) {
		t.Errorf("no API: %v", err)
	}
}

// A runbook that ends early says which node it leaves cordoned.
func TestCordonIsInterim(t *testing.T) {
	for cordoned, want := range map[bool]string{true: "the node n is cordoned", false: ""} {
		var r modules.Resource = &CordonedNode{Name: "n", Cordoned: cordoned}
		interim, ok := r.(modules.Interim)
		if !ok {
			t.Fatal("kube_node tells nothing of a cordon that is left")
		}
		if got := interim.Interim(); !strings.HasPrefix(got, want) || (got == "") != (want == "") {
			t.Errorf("cordoned %v: %q", cordoned, got)
		}
	}
}
