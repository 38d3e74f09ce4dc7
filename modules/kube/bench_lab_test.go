package kube

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/reached"
	"bisc/internal/lab/standin/agave"
)

// bench is a lab host with a cluster, reached as an operator would, and the image of a stand-in validator.
type bench struct {
	*cluster.Cluster
	*reached.Bench
	image   agave.Image
	archive string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}}).Host("a")
	b := &bench{Cluster: cluster.Start(t, h, cluster.Options{NoDeployment: true}), Bench: reached.New(t, h)}
	var err error
	if b.image, err = agave.Build(t.Context(), agave.Options{}); err != nil {
		t.Fatal(err)
	}
	b.archive = filepath.Join(t.TempDir(), "agave.tar")
	if err := os.WriteFile(b.archive, b.image.Archive, 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) api() API { return API{Kubeconfig: b.Kubeconfig} }

// create makes an object as laconic-so does: with a POST.
func (b *bench) create(t *testing.T, resource, namespace, name, object string) {
	t.Helper()
	if !json.Valid([]byte(object)) {
		t.Fatalf("no JSON: %s", object)
	}
	b.Do(t, host.Kube{Kubeconfig: b.Kubeconfig, Verb: host.KubeCreate, Resource: resource, Namespace: namespace, Name: name, Body: []byte(object)})
}

func (b *bench) createNamespace(t *testing.T) {
	t.Helper()
	b.create(t, Namespaces, "", b.Namespace, fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, b.Namespace))
}

// volumes of the lab's validator.
func (b *bench) volumes() []string { return []string{"ledger", "accounts", "snapshots", "log"} }

// createDeployment makes the Deployment as laconic-so's start does (biscayne.md 4.1), at 0 replicas as its prepare leaves it: no strategy,
// no grace, no hook.
func (b *bench) createDeployment(t *testing.T) {
	t.Helper()
	var mounts, claims []string
	for _, v := range b.volumes() {
		mounts = append(mounts, fmt.Sprintf(`{"name":%q,"mountPath":"/data/%s"}`, v, v))
		claims = append(claims, fmt.Sprintf(`{"name":%q,"persistentVolumeClaim":{"claimName":"%s-validator-%s"}}`, v, b.ID, v))
	}
	b.create(t, Deployments, b.Namespace, b.Deployment, fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":%q},"spec":{"replicas":0,
"selector":{"matchLabels":{"app":%q}},"template":{"metadata":{"labels":{"app":%[2]q}},"spec":{"hostNetwork":true,
"containers":[{"name":"agave-validator","image":%q,"env":[{"name":"AGAVE_MODE","value":"rpc"},{"name":"VALIDATOR_ENTRYPOINT","value":"192.0.2.1:8001"},{"name":"KNOWN_VALIDATOR","value":"A"},{"name":"DYNAMIC_PORT_RANGE","value":"9000-10000"},{"name":"GOSSIP_HOST","value":"192.0.2.7"}],
"ports":[{"containerPort":8899},{"containerPort":8001},{"containerPort":8001,"protocol":"UDP"}],"volumeMounts":[%s]}],"volumes":[%s]}}}}`,
		b.Deployment, b.ID, b.image.Tag, strings.Join(mounts, ","), strings.Join(claims, ",")))
}

func (b *bench) volume(of string) *WantedVolume {
	w := VolumeKind.New("validator-" + of).(*WantedVolume)
	w.Kubeconfig, w.Namespace, w.ClusterID, w.Node, w.HostPath = b.Kubeconfig, b.Namespace, b.ID, b.Node, "/srv/kind/solana/"+of
	return w
}

func (b *bench) deployment(n *int) *WantedDeployment {
	d := DeploymentKind.New(b.Deployment).(*WantedDeployment)
	d.Kubeconfig, d.Namespace, d.Node, d.Replicas = b.Kubeconfig, b.Namespace, b.Node, n
	d.Image, d.ImageID, d.Env, d.EnvAbsent = b.image.Tag, b.image.ID, map[string]string{"AGAVE_MODE": "rpc", "PUBLIC_TVU_ADDRESS": "192.0.2.8:20000"}, []string{"GOSSIP_HOST"}
	grace := 300
	d.Strategy, d.Grace, d.PreStop, d.Ports = "Recreate", &grace, true, []string{"8001/udp"}
	return d
}

func (b *bench) namespace() *WantedNamespace {
	return &WantedNamespace{Name: b.Namespace, Kubeconfig: b.Kubeconfig, Absent: true}
}
