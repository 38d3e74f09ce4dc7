package cluster

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"testing"

	"golang.org/x/crypto/ssh"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"bisc/internal/lab/cluster/node"
)

// Resources that a deployment of laconic-so has.
var (
	Deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	Pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	Namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	Volumes     = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"}
	Claims      = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	Nodes       = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	ConfigMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	Events      = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	Runtimes    = schema.GroupVersionResource{Group: "node.k8s.io", Version: "v1", Resource: "runtimeclasses"}
)

// Client is the administrator's, dialled on the host over ssh as root, for what a test does or sees beside bisc.
func (c *Cluster) Client(t testing.TB) dynamic.Interface {
	t.Helper()
	client, err := c.Connect(t.Context())
	if err != nil {
		t.Fatalf("reach the API of %s: %v", c.Node, err)
	}
	return client
}

// Connect gives the client of Client where there is no test. It is made once a cluster: it keeps its connection, and dials again when the node was away.
func (c *Cluster) Connect(ctx context.Context) (dynamic.Interface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.api != nil {
		return c.api, nil
	}
	text, err := c.Host.Exec(ctx, "cat", c.Kubeconfig)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(text)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		return dialOn(c.Host, network, address)
	}
	c.api, err = dynamic.NewForConfig(config)
	return c.api, err
}

// Guest is a host that reaches nobody: what it connects to is where its master forwards it to.
type Guest interface {
	Host
	Forward(ctx context.Context, network, address string, to func() (net.Conn, error)) error
}

// Lend has this cluster's control plane be that of a node of rig M and the same name. The own node's agent is stopped, and its object gone.
func (c *Cluster) Lend(ctx context.Context, guest Guest) error {
	if _, err := c.Host.Exec(ctx, "docker", "exec", c.Node, "systemctl", "stop", "kubelet"); err != nil {
		return err
	}
	client, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	if err := client.Resource(Nodes).Delete(ctx, c.Node, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete the node of a control plane to be lent: %w", err)
	}
	if _, err := guest.Exec(ctx, "mkdir", "-p", node.ControlPlane); err != nil {
		return err
	}
	for name, from := range map[string]string{"admin.conf": "/etc/kubernetes/admin.conf", "kubeconfig": "/run/onekube/kubeconfig"} {
		text, err := c.Host.Exec(ctx, "docker", "exec", c.Node, "cat", from)
		if err != nil {
			return err
		}
		if _, err := guest.Feed(ctx, bytes.NewReader(text), "sh", "-c", `umask 077; cat >"$1"`, "sh", node.ControlPlane+"/"+name); err != nil {
			return err
		}
	}
	return guest.Forward(ctx, "unix", node.ControlPlane+"/api.sock", func() (net.Conn, error) {
		return dialOn(c.Host, "tcp", fmt.Sprintf("127.0.0.1:%d", c.Port))
	})
}

// tunnel is a connection that takes its ssh connection with it.
type tunnel struct {
	net.Conn
	over *ssh.Client
}

func (t tunnel) Close() error { t.Conn.Close(); return t.over.Close() }

func dialOn(h Host, network, address string) (net.Conn, error) {
	text, err := os.ReadFile(h.KeyFile())
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, err
	}
	known, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.HostKeys()[0]))
	if err != nil {
		return nil, err
	}
	over, err := ssh.Dial("tcp", h.Dial(), &ssh.ClientConfig{User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.FixedHostKey(known), HostKeyAlgorithms: []string{known.Type()}})
	if err != nil {
		return nil, err
	}
	conn, err := over.Dial(network, address)
	if err != nil {
		over.Close()
		return nil, fmt.Errorf("dial %s on the host at %s: %w", address, h.Dial(), err)
	}
	return tunnel{conn, over}, nil
}

// Pods are those of the deployment's label, in no order.
func (c *Cluster) Pods(t testing.TB) []unstructured.Unstructured {
	t.Helper()
	list, err := c.Client(t).Resource(Pods).Namespace(c.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + c.ID})
	if err != nil {
		t.Fatalf("list pods: %v", err)
	}
	return list.Items
}
