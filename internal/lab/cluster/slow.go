package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Request is a kind of request to the API server, as its admission knows it.
type Request struct {
	Operation string // CREATE, UPDATE, DELETE
	Group     string // "" is the core's
	Resource  string // pods, replicasets/status
}

// What the cluster's controllers and its scheduler write about a Deployment, in the order in which one follows from the other.
var (
	CountDeployment = Request{"UPDATE", "apps", "deployments/status"}
	ScaleSet        = Request{"UPDATE", "apps", "replicasets"}
	CountSet        = Request{"UPDATE", "apps", "replicasets/status"}
	MakePod         = Request{"CREATE", "", "pods"}
	GivePod         = Request{"CREATE", "", "pods/binding"}
	DeletePod       = Request{"DELETE", "", "pods"}
	BindVolume      = Request{"UPDATE", "", "persistentvolumes"}
	BindClaim       = Request{"UPDATE", "", "persistentvolumeclaims"}
)

var hooks = schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "mutatingwebhookconfigurations"}

// nowhere swallows what is sent to it: a documentation address with a route that leads nowhere.
const nowhere = "192.0.2.99"

// Slow makes the API server take so many seconds (1 to 30) over each such request, whoever sends it, until the returned function is called:
// it asks a webhook first that does not answer. What was begun meanwhile is done all the same: at the end of its time, or soon after that
// call. It returns when that is in force.
func (c *Cluster) Slow(t testing.TB, seconds int, slow ...Request) (end func()) {
	t.Helper()
	c.route(t, "blackhole")
	hook := func(name, policy string, seconds int, on Request, more object) object {
		h := object{"name": name + ".bisc.test", "failurePolicy": policy, "timeoutSeconds": int64(seconds), "sideEffects": "None",
			"admissionReviewVersions": []any{"v1"}, "clientConfig": object{"url": "https://" + nowhere + "/"},
			"rules": []any{object{"apiGroups": []any{on.Group}, "apiVersions": []any{"v1"}, "operations": []any{on.Operation}, "resources": []any{on.Resource}}}}
		for key, value := range more {
			h[key] = value
		}
		return h
	}
	// The probe fails as soon as the API server knows of it, and so of the others.
	all := []any{hook("probe", "Fail", 1, Request{"CREATE", "", "configmaps"}, object{"matchConditions": []any{object{"name": "probe", "expression": "object.metadata.name == 'slow-probe'"}}})}
	for i, r := range slow {
		all = append(all, hook(fmt.Sprintf("slow-%d", i), "Ignore", seconds, r, nil))
	}
	to := c.Client(t).Resource(hooks)
	if _, err := to.Create(t.Context(), &unstructured.Unstructured{Object: object{"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
		"metadata": object{"name": "slow"}, "webhooks": all}}, metav1.CreateOptions{}); err != nil {
		t.Fatalf("make the API slow: %v", err)
	}
	c.probe(t, false)
	return func() {
		t.Helper()
		if err := to.Delete(t.Context(), "slow", metav1.DeleteOptions{}); err != nil {
			t.Fatalf("end the slowness of the API: %v", err)
		}
		c.route(t, "unreachable") // who waits is told so as it knocks again
		c.probe(t, true)
	}
}

// route says what becomes of packets to nowhere.
func (c *Cluster) route(t testing.TB, kind string) {
	t.Helper()
	if out, err := c.Host.Exec(t.Context(), "ip", "route", "replace", kind, nowhere+"/32"); err != nil {
		t.Fatalf("a way that leads nowhere (%s): %v: %s", kind, err, out)
	}
}

// probe waits until the probe's request passes, or does not.
func (c *Cluster) probe(t testing.TB, passes bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), upLimit)
	defer cancel()
	for {
		_, err := c.Client(t).Resource(ConfigMaps).Namespace("default").Create(ctx, &unstructured.Unstructured{Object: object{"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": object{"name": "slow-probe"}}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if (err == nil) == passes {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the API's slowness: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
