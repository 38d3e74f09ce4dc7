// Package cluster runs a kind-like Kubernetes cluster in a lab host's own docker, for tests: one node, a container with
// kind's labels, mounts and restart policy.
//
// Rig A's node has the real etcd, kube-apiserver, kube-controller-manager and kube-scheduler, and a node agent of ours that
// starts a pod's containers as processes in namespaces of their own (internal/lab/onekube). What a host sees of them
// (processes, mount tables, threads in D state, a docker restart that fails) is real.
//
// Rig B's has the kubelet, containerd and runc in the place of that agent. Its pods must be in the node's network, as
// laconic-so's are: there are no CNI plugins. Pods have no limits, as the lab's control groups have no controllers.
//
// Rig M is A's on the virtual machine, whose processor is emulated: the node is all there, but for the control plane, which would take
// minutes to start and is that of an empty rig A beside the machine (Lend). The API answers where the node has it, and as long as the
// node runs.
package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/dynamic"

	"bisc/internal/lab/cluster/kube"
	"bisc/internal/lab/cluster/node"
)

// Host is what a cluster runs on, with docker, and what a test does there as root: lab.Host, or vm.Machine.
type Host interface {
	Exec(ctx context.Context, argv ...string) ([]byte, error)
	Shell(ctx context.Context, script string, args ...string) ([]byte, error)
	Feed(ctx context.Context, in io.Reader, argv ...string) ([]byte, error)
	Install(ctx context.Context, program io.Reader, path string) error
	Dial() string
	KeyFile() string
	HostKeys() []string
}

// Kind is a rig.
type Kind string

// The rigs.
const (
	A Kind = "A" // containers without containerd
	B Kind = "B" // kubelet, containerd and runc
	M Kind = "M" // A on the virtual machine, with a control plane beside it
)

// Options says what a cluster is to be. The zero value is rig A as laconic-so leaves it on biscayne.
type Options struct {
	Rig          Kind              // "" is A
	ID           string            // "" is laconic-70ce4c4b47e23b85
	Mounted      map[string]string // host path to node path; nil is /srv/kind to /mnt
	Publish      []int             // ports of the node on the host's addresses; nil is 8899, the validator's RPC
	NoDeployment bool              // no namespace, volumes and deployment: an empty cluster
}

// Cluster is a running one.
type Cluster struct {
	Host       Host
	ID         string // laconic-70ce4c4b47e23b85
	Node       string // ID-control-plane: the container and the Kubernetes node
	Namespace  string // laconic-ID
	Deployment string // ID-deployment
	Kubeconfig string // on the host, with the context kind-ID
	Port       int    // of the API, on the host's 127.0.0.1

	mu  sync.Mutex
	api dynamic.Interface
}

// Home is that of the user rix, who runs laconic-so on biscayne.
const Home = "/home/rix"

// upLimit is how long a node may take to be ready. It takes five seconds; on two cores that compile Go, a minute.
const upLimit = 2 * time.Minute

// Start makes a cluster on a host with docker and returns when a pod would be taken. It ends with its host.
func Start(t testing.TB, h Host, o Options) *Cluster {
	t.Helper()
	c, err := start(t.Context(), h, o)
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	return c
}

func start(ctx context.Context, h Host, o Options) (*Cluster, error) {
	if o.Rig == "" {
		o.Rig = A
	}
	if o.ID == "" {
		o.ID = "laconic-70ce4c4b47e23b85"
	}
	if o.Mounted == nil {
		o.Mounted = map[string]string{"/srv/kind": "/mnt"}
	}
	if o.Publish == nil {
		o.Publish = []int{8899}
	}
	n := node.Node{Cluster: o.ID, Mounts: o.Mounted, Publish: o.Publish}
	c := &Cluster{Host: h, ID: o.ID, Node: n.Name(), Namespace: "laconic-" + o.ID, Deployment: o.ID + "-deployment", Kubeconfig: Home + "/.kube/config"}
	if err := Prepare(ctx, h, o.Rig); err != nil {
		return nil, err
	}
	for from := range o.Mounted {
		if _, err := h.Exec(ctx, "mkdir", "-p", from); err != nil {
			return nil, err
		}
	}
	if _, err := h.Exec(ctx, append([]string{"docker"}, n.RunArgs()...)...); err != nil {
		return nil, err
	}
	if err := c.WaitReady(ctx); err != nil {
		return nil, err
	}
	if err := c.writeKubeconfig(ctx, n); err != nil || o.NoDeployment {
		return c, err
	}
	return c, c.deploy(ctx)
}

// Prepare puts the programs, the node's image, kind's network and the user rix on a host: what is there before kind
// create cluster is called.
func Prepare(ctx context.Context, h Host, rig Kind) error {
	dir, release, err := kube.Ensure(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer release()
	if _, err := h.Exec(ctx, "mkdir", "-p", node.Programs); err != nil {
		return err
	}
	for _, name := range node.Files(string(rig)) {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		err = h.Install(ctx, f, node.Programs+"/"+name)
		f.Close()
		if err != nil {
			return err
		}
	}
	if _, err := h.Shell(ctx, prepareScript); err != nil {
		return err
	}
	var image strings.Builder
	pause, err := os.ReadFile(filepath.Join(dir, "kindnode"))
	if err != nil {
		return err
	}
	if err := node.WriteImage(&image, string(rig), pause); err != nil {
		return err
	}
	if _, err := h.Feed(ctx, strings.NewReader(image.String()), append([]string{"docker"}, node.ImportArgs(string(rig))...)...); err != nil {
		return fmt.Errorf("import the node's image: %w", err)
	}
	return nil
}

// docker.service is started by the host's boot, maybe after its sshd.
const prepareScript = `
systemctl start docker
docker network inspect kind >/dev/null 2>&1 || docker network create -o com.docker.network.bridge.enable_ip_masquerade=true kind >/dev/null
id rix >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --groups docker rix
install -d -o rix -g rix -m 700 /home/rix/.kube
`

// WaitReady returns when the node would take a pod: after Start, or after the node was started again. The limit is the
// host's own: a docker that hangs does not hear of ours.
func (c *Cluster) WaitReady(ctx context.Context) error {
	seconds := fmt.Sprint(int(upLimit.Seconds()))
	_, err := c.Host.Exec(ctx, "timeout", "-k", "1", seconds, "docker", "exec", c.Node, "sh", "-c", "until [ -e /run/onekube/ready ]; do sleep 0.05; done")
	if err == nil {
		return nil
	}
	log, _ := c.Host.Shell(ctx, `timeout 10 docker exec "$1" sh -c 'tail -n 15 /var/log/*.log; ps -ef'; timeout 10 docker logs --tail 20 "$1" 2>&1`, c.Node)
	return fmt.Errorf("wait %s for node %s: %w\n%s", upLimit, c.Node, err, log)
}

// writeKubeconfig does what kind does: the node's own, with the port that docker publishes.
func (c *Cluster) writeKubeconfig(ctx context.Context, n node.Node) error {
	out, err := c.Host.Exec(ctx, "docker", "port", c.Node, fmt.Sprintf("%d/tcp", node.APIPort))
	if err != nil {
		return err
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(string(out)), "127.0.0.1:%d", &c.Port); err != nil {
		return fmt.Errorf("docker port said %q: %w", out, err)
	}
	text, err := c.Host.Exec(ctx, "docker", "exec", c.Node, "cat", "/etc/kubernetes/admin.conf")
	if err != nil {
		return err
	}
	_, err = c.Host.Shell(ctx, `umask 077; printf %s "$2" >"$1"; chown rix:rix "$1"`, c.Kubeconfig, n.Kubeconfig(string(text), c.Port))
	return err
}
