package sshhost

import (
	"errors"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
)

// TestRealAPI: what a real API server makes of the preconditions, for every verb. The object changes after everything that bisc
// itself looks at, in the window between the guards and the write, so that only the server is left to see it.
func TestRealAPI(t *testing.T) {
	t.Parallel()
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}}).Host("a")
	c := cluster.Start(t, h, cluster.Options{NoDeployment: true})
	maps := c.Client(t).Resource(cluster.ConfigMaps).Namespace("default")
	w := writer(t, pool(t), config(h, "ops"), "real")
	const patch = `{"data":{"by":"bisc"}}`
	for _, verb := range []struct {
		verb host.KubeVerb
		body string
	}{{host.KubeMergePatch, patch}, {host.KubeStrategic, patch}, {host.KubeJSONPatch, `[{"op":"add","path":"/data","value":{"by":"bisc"}}]`}, {host.KubeDelete, ""}} {
		for _, change := range []string{"nothing", "its version", "its uid", "it is gone"} {
			t.Run(string(verb.verb)+", changed: "+change, func(t *testing.T) {
				name := fmt.Sprintf("m-%d", len(verb.verb)+len(change)*100)
				was := makeMap(t, maps, name)
				k := host.Kube{Kubeconfig: c.Kubeconfig, Verb: verb.verb, Resource: "v1/configmaps", Namespace: "default", Name: name, Body: []byte(verb.body), UID: string(was.GetUID())}
				if change == "its version" {
					k.UID, k.Version = "", was.GetResourceVersion()
				}
				act, err := w.apis.kube().Prepare(t.Context(), k)
				if err != nil {
					t.Fatal(err)
				}
				alter(t, maps, name, change)
				err = act.Do(t.Context())
				now, gone := maps.Get(t.Context(), name, metav1.GetOptions{})
				did := gone != nil && change != "it is gone"
				if gone == nil {
					by, _, _ := unstructured.NestedString(now.Object, "data", "by")
					did = by == "bisc"
				}
				if change == "nothing" && (err != nil || !did) || change != "nothing" && (!errors.Is(err, host.ErrChanged) || did) {
					t.Errorf("%v, done: %v", err, did)
				}
			})
		}
	}
	none := host.KubeQuery{Kubeconfig: c.Kubeconfig, Resource: "v1/configmaps", Namespace: "default", Name: "none"}
	_, err := w.Kube(t.Context(), none)
	says(t, err, host.ErrNoObject)
	none.Resource = "example.org/v1/things"
	if _, err := w.Kube(t.Context(), none); err == nil || errors.Is(err, host.ErrNoObject) {
		t.Errorf("a resource that this server does not have: %v", err)
	}
}

func makeMap(t *testing.T, maps dynamic.ResourceInterface, name string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name}, "data": map[string]any{"by": "test"}}}
	_ = maps.Delete(t.Context(), name, metav1.DeleteOptions{})
	made, err := maps.Create(t.Context(), o, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func alter(t *testing.T, maps dynamic.ResourceInterface, name, how string) {
	t.Helper()
	var err error
	switch how {
	case "its version":
		_, err = maps.Patch(t.Context(), name, types.MergePatchType, []byte(`{"data":{"other":"x"}}`), metav1.PatchOptions{})
	case "its uid":
		makeMap(t, maps, name)
	case "it is gone":
		err = maps.Delete(t.Context(), name, metav1.DeleteOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
