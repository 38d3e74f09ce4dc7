package kube

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

const (
	id        = "laconic-70ce4c4b47e23b85"
	namespace = "laconic-" + id
	name      = id + "-deployment"
)

var here = API{Kubeconfig: "/home/rix/.kube/config"}

// withPods is a host whose API server holds one Deployment with a ReplicaSet, and these pods.
func withPods(replicas int, pods ...string) *hosttest.Fake {
	h := hosttest.New("u1")
	h.Kubes[namespace+" apps/v1/deployments/"+name] = fmt.Sprintf(`{"metadata":{"name":%q,"uid":"d-1","resourceVersion":"7"},
"spec":{"replicas":%d,"selector":{"matchLabels":{"app":%q}},"template":{"spec":{"containers":[]}}},"status":{"replicas":%[2]d}}`, name, replicas, id)
	h.Kubes[namespace+" apps/v1/replicasets"] = `{"items":[{"metadata":{"name":"rs","uid":"rs-1","ownerReferences":[{"kind":"Deployment","uid":"d-1","controller":true}]}},
{"metadata":{"name":"other","uid":"rs-9","ownerReferences":[{"kind":"Deployment","uid":"d-9","controller":true}]}}]}`
	h.Kubes[namespace+" v1/pods"] = `{"items":[` + strings.Join(pods, ",") + `]}`
	return h
}

// pod is one with a label app, owned by a ReplicaSet ("": by none).
func pod(uid, app, set string) string {
	owner := ""
	if set != "" {
		owner = fmt.Sprintf(`,"ownerReferences":[{"kind":"ReplicaSet","uid":%q,"controller":true}]`, set)
	}
	return fmt.Sprintf(`{"metadata":{"name":"agave-x","uid":%q,"labels":{"app":%q}%s},"status":{"phase":"Running"}}`, uid, app, owner)
}

// Incident 3, and F23: the playbooks waited for the pods of app=ID-deployment, which is no pod's label, and so "gone" at once. The
// selector is the Deployment's own; where it matches nothing and yet there are replicas nothing is known.
func TestFaultF23_Selector(t *testing.T) {
	for what, tt := range map[string]struct {
		h      *hosttest.Fake
		pods   []string // by UID
		strays []string
		fails  error
	}{
		"one":                         {h: withPods(1, pod("p-1", id, "rs-1")), pods: []string{"p-1"}},
		"none at 0":                   {h: withPods(0)},
		"none at 1: the label trap":   {h: withPods(1, pod("p-1", id+"-deployment", "")), fails: ErrNoMatch},
		"none at 1, no pod anywhere":  {h: withPods(1), fails: ErrNoMatch},
		"owned, with another label":   {h: withPods(0, pod("p-1", "else", "rs-1")), fails: ErrNoMatch},
		"two":                         {h: withPods(1, pod("p-1", id, "rs-1"), pod("p-2", id, "rs-1")), pods: []string{"p-1", "p-2"}},
		"one that is over":            {h: withPods(1, pod("p-1", id, "rs-1"), strings.Replace(pod("p-0", id, "rs-1"), "Running", "Failed", 1)), pods: []string{"p-1"}},
		"same name, other UID":        {h: withPods(1, pod("p-2", id, "rs-1")), pods: []string{"p-2"}},
		"of a Deployment before this": {h: withPods(0, pod("p-1", id, "rs-9")), strays: []string{"p-1"}},
		"of nobody":                   {h: withPods(1, pod("p-1", id, "rs-1"), pod("p-3", id, "")), pods: []string{"p-1"}, strays: []string{"p-3"}},
		"of others":                   {h: withPods(1, pod("p-1", id, "rs-1"), pod("p-4", "caddy", "rs-9")), pods: []string{"p-1"}},
	} {
		t.Run(what, func(t *testing.T) {
			d, err := ReadDeployed(t.Context(), tt.h, here, namespace, name)
			if !errors.Is(err, tt.fails) || (err == nil) != (tt.fails == nil) {
				t.Fatalf("error %v, want %v", err, tt.fails)
			}
			if err == nil && (uids(d.Pods) != strings.Join(tt.pods, " ") || uids(d.Strays) != strings.Join(tt.strays, " ")) {
				t.Errorf("pods %s, strays %s; want %v, %v", uids(d.Pods), uids(d.Strays), tt.pods, tt.strays)
			}
		})
	}
}

func uids(pods []Pod) string {
	var out []string
	for _, p := range pods {
		out = append(out, p.Meta.UID)
	}
	return strings.Join(out, " ")
}

// What the API server does not answer, or answers in another form, is no "no pod".
func TestDeployedIsUnknown(t *testing.T) {
	for what, change := range map[string]func(*hosttest.Fake){
		"no API":  func(h *hosttest.Fake) { h.Errors["kube "+namespace+" v1/pods"] = host.ErrNoAPI },
		"no sets": func(h *hosttest.Fake) { h.Errors["kube "+namespace+" apps/v1/replicasets"] = host.ErrNoAPI },
		"no list": func(h *hosttest.Fake) { h.Kubes[namespace+" v1/pods"] = `{"kind":"Status"}` },
		"no JSON": func(h *hosttest.Fake) { h.Kubes[namespace+" v1/pods"] = `<html>` },
		"a selector of an unknown kind": func(h *hosttest.Fake) {
			edit(namespace+" apps/v1/deployments/"+name, `"selector":{`, `"selector":{"matchExpressions":[{"key":"a","operator":"Near"}],`)(h)
		},
		"empty selector": func(h *hosttest.Fake) { h.Kubes[namespace+" apps/v1/deployments/"+name] = `{"metadata":{"uid":"d-1"}}` },
	} {
		h := withPods(0)
		change(h)
		if d, err := ReadDeployed(t.Context(), h, here, namespace, name); err == nil {
			t.Errorf("%s: it is known: %+v", what, d)
		}
	}
	h := withPods(0)
	h.Kubes[namespace+" apps/v1/deployments/"+name] = ""
	if _, err := ReadDeployed(t.Context(), h, here, namespace, name); !errors.Is(err, host.ErrNoObject) {
		t.Errorf("no Deployment: %v", err)
	}
}

func TestSelectorExpressions(t *testing.T) {
	h := withPods(1, pod("p-1", id, "rs-1"), pod("p-2", "", ""), pod("p-3", "caddy", ""))
	edit(namespace+" apps/v1/deployments/"+name, `"matchLabels":{"app":"`+id+`"}`, `"matchExpressions":[{"key":"app","operator":"NotIn","values":["caddy"]},{"key":"app","operator":"Exists"}]`)(h)
	if d, err := ReadDeployed(t.Context(), h, here, namespace, name); err != nil || uids(d.All()) != "p-1 p-2" {
		t.Errorf("%s, %v", uids(d.All()), err)
	}
}
