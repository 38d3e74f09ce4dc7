package cluster

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"bisc/internal/lab/standin/agave"
)

// volumes of the deployment: name, path on the node, where the container has it.
var volumes = []struct{ name, path, at string }{
	{"validator-config", "/mnt/validator-config", "/data/config"},
	{"validator-ledger", "/mnt/solana/ledger", "/data/ledger"},
	{"validator-accounts", "/mnt/solana/ramdisk/accounts", "/data/accounts"},
	{"validator-snapshots", "/mnt/solana/snapshots", "/data/snapshots"},
	{"validator-log", "/mnt/solana/log", "/data/log"},
}

// env is config.env of the deployment, with documentation addresses.
var env = map[string]string{
	"AGAVE_MODE": "rpc", "VALIDATOR_ENTRYPOINT": "192.0.2.1:8001", "KNOWN_VALIDATOR": "7Np41oeYqPefeNQEHSv1UDhYrehxin3NStELsSKCT4K2",
	"RPC_PORT": "8899", "RPC_BIND_ADDRESS": "0.0.0.0", "GOSSIP_PORT": "8001", "DYNAMIC_PORT_RANGE": "9000-10000",
	"EXPECTED_SHRED_VERSION": "50093", "LIMIT_LEDGER_SIZE": "50000000", "SNAPSHOT_INTERVAL_SLOTS": "1000",
	"MAXIMUM_SNAPSHOTS_TO_RETAIN": "5", "NO_INCREMENTAL_SNAPSHOTS": "true", "RUST_LOG": "info,solana_metrics=warn", "JITO_ENABLE": "false",
}

type object = map[string]any

// deploy makes what laconic-so's start makes, and waits until the validator's container runs.
func (c *Cluster) deploy(ctx context.Context) error {
	image, err := agave.Build(ctx, agave.Options{})
	if err != nil {
		return err
	}
	if err := c.Import(ctx, image.Archive); err != nil {
		return err
	}
	client, err := c.Connect(ctx)
	if err != nil {
		return err
	}
	for _, o := range c.objects(image.Tag) {
		var to dynamic.ResourceInterface = client.Resource(o.kind)
		if o.spaced {
			to = client.Resource(o.kind).Namespace(c.Namespace)
		}
		if _, err := to.Create(ctx, &unstructured.Unstructured{Object: o.object}, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("create %s: %w", o.kind.Resource, err)
		}
	}
	return c.waitRunning(ctx, client)
}

// waitRunning returns when a pod of the deployment is Running.
func (c *Cluster) waitRunning(ctx context.Context, client dynamic.Interface) error {
	limited, cancel := context.WithTimeout(ctx, upLimit)
	defer cancel()
	for {
		list, err := client.Resource(Pods).Namespace(c.Namespace).List(limited, metav1.ListOptions{LabelSelector: "app=" + c.ID})
		if err == nil {
			for _, pod := range list.Items {
				if phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase"); phase == "Running" {
					return nil
				}
			}
		}
		select {
		case <-limited.Done():
			return fmt.Errorf("no pod of %s runs after %s: %v\n%s", c.Deployment, upLimit, err, c.state(ctx, client))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// state tells what a person would look at next.
func (c *Cluster) state(ctx context.Context, client dynamic.Interface) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	said := ""
	for _, kind := range []schema.GroupVersionResource{Pods, Claims, Events} {
		list, err := client.Resource(kind).Namespace(c.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			said += fmt.Sprintf("%s: %v\n", kind.Resource, err)
			continue
		}
		for _, o := range list.Items {
			said += fmt.Sprintf("%s %s: %v %v %v\n", kind.Resource, o.GetName(), o.Object["status"], o.Object["reason"], o.Object["message"])
		}
	}
	logs, _ := c.Host.Shell(ctx, `timeout 10 docker exec "$1" sh -c 'tail -n 15 /var/log/*.log; ps -ef'`, c.Node)
	return said + string(logs)
}

// Import takes an archive of docker save into the node's image store, as kind load does.
func (c *Cluster) Import(ctx context.Context, archive []byte) error {
	if _, err := c.Host.Feed(ctx, bytes.NewReader(archive), "docker", "exec", "-i", c.Node, "ctr", "-n", "k8s.io", "images", "import", "-"); err != nil {
		return fmt.Errorf("import an image into %s: %w", c.Node, err)
	}
	return nil
}

type made struct {
	kind   schema.GroupVersionResource
	spaced bool
	object object
}

// objects are laconic-so's for this deployment, in the order in which it makes them.
func (c *Cluster) objects(image string) []made {
	meta := func(name string) object { return object{"name": name, "labels": object{"app": c.ID}} }
	all := []made{
		{Namespaces, false, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": c.Namespace}}},
		{Runtimes, false, object{"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": object{"name": "high-memlock"}, "handler": "high-memlock"}},
	}
	var mounts, inPod []any
	for _, v := range volumes {
		name := c.ID + "-" + v.name
		common := object{"storageClassName": "manual", "accessModes": []any{"ReadWriteOnce"}}
		volume := object{"capacity": object{"storage": "2Gi"}, "hostPath": object{"path": v.path}}
		claim := object{"volumeName": name, "resources": object{"requests": object{"storage": "2Gi"}}}
		for key, value := range common {
			volume[key], claim[key] = value, value
		}
		all = append(all,
			made{Volumes, false, object{"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta(name), "spec": volume}},
			made{Claims, true, object{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta(name), "spec": claim}})
		mounts = append(mounts, object{"name": v.name, "mountPath": v.at})
		inPod = append(inPod, object{"name": v.name, "persistentVolumeClaim": object{"claimName": name}})
	}
	config := object{}
	var pairs []any
	for key, value := range env {
		config[key] = value
		pairs = append(pairs, object{"name": key, "value": value})
	}
	container := object{"name": "agave-validator", "image": image, "env": pairs, "volumeMounts": mounts,
		"ports":           []any{object{"containerPort": int64(8899)}, object{"containerPort": int64(8001)}},
		"securityContext": object{"privileged": true, "capabilities": object{"add": []any{"IPC_LOCK"}}}}
	pod := object{"metadata": object{"labels": object{"app": c.ID}}, "spec": object{"hostNetwork": true, "dnsPolicy": "ClusterFirstWithHostNet",
		"runtimeClassName": "high-memlock", "containers": []any{container}, "volumes": inPod}}
	return append(all,
		made{ConfigMaps, true, object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(c.ID + "-config"), "data": config}},
		made{Deployments, true, object{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(c.Deployment),
			"spec": object{"replicas": int64(1), "selector": object{"matchLabels": object{"app": c.ID}}, "template": pod}}})
}

// HostPath is where the host has what a volume of the deployment is in the node, by /srv/kind alone.
func HostPath(volume string) string {
	for _, v := range volumes {
		if v.name == volume {
			return path.Join("/srv/kind", strings.TrimPrefix(v.path, "/mnt"))
		}
	}
	panic("cluster: no volume " + volume)
}
