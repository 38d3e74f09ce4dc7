package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	logsapi "k8s.io/component-base/logs/api/v1"

	"bisc/internal/lab/onekube/access"
)

// Where a kind node keeps these, which is where bisc and laconic-so look for them.
const (
	etcdDir   = "/var/lib/etcd"
	pkiDir    = "/etc/kubernetes/pki"
	adminFile = "/etc/kubernetes/admin.conf"
	apiPort   = 6443
)

// startLimit is how long the API may take to be ready. It takes three seconds; on two cores that compile Go, thirty.
const startLimit = 3 * time.Minute

// controllers are those that a deployment of laconic-so and the runbooks need. Naming them keeps an idle cluster cheap.
var controllers = []string{
	"deployment-controller", "replicaset-controller", "namespace-controller", "serviceaccount-controller",
	"garbage-collector-controller", "persistentvolume-binder-controller", "persistentvolumeclaim-protection-controller",
	"persistentvolume-protection-controller", "pod-garbage-collector-controller", "root-ca-certificate-publisher-controller",
	"endpointslice-controller", "node-lifecycle-controller", "taint-eviction-controller",
}

// controlPlane runs the cluster until ctx ends. The file ready in --run is there while a pod could be started.
func controlPlane(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("control-plane", flag.ContinueOnError)
	name := flags.String("name", "kind", "the cluster's name; kubeconfigs call it kind-NAME")
	run := flags.String("run", "/run/onekube", "folder of sockets and the file ready")
	if err := flags.Parse(args); err != nil {
		return err
	}
	node := *name + "-control-plane"
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged // more than one component sets logging up
	ready := filepath.Join(*run, "ready")
	if err := os.MkdirAll(*run, 0o700); err != nil {
		return err
	}
	os.Remove(ready) // a control plane that was killed left it
	defer os.Remove(ready)
	if err := os.Chdir(*run); err != nil { // etcd's sockets
		return err
	}
	certs, err := ensurePKI(pkiDir, node)
	if err != nil {
		return err
	}
	if err := certs.kubeconfig(adminFile, "kind-"+*name, fmt.Sprintf("https://%s:%d", node, apiPort)); err != nil {
		return err
	}
	// Its own clients do not wait for the node's name to be known.
	local := filepath.Join(*run, "kubeconfig")
	if err := certs.kubeconfig(local, "kind-"+*name, fmt.Sprintf("https://127.0.0.1:%d", apiPort)); err != nil {
		return err
	}
	return serve(ctx, certs, local, ready)
}

func serve(ctx context.Context, certs *pki, kubeconfig, ready string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	start, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	etcd, endpoint, err := startEtcd(start, etcdDir)
	if err != nil {
		return err
	}
	// Clients end with ctx, but a full Close waits for them. Every write is in the log: what stops hard loses nothing.
	defer etcd.Server.HardStop()
	failed := make(chan error, 3)
	run := func(name string, f func(context.Context, []string) error, args []string) {
		go func() {
			if err := f(ctx, args); ctx.Err() == nil {
				failed <- fmt.Errorf("%s ended: %w", name, err)
			}
		}()
	}
	run("kube-apiserver", runAPIServer, apiServerFlags(certs, endpoint))
	client, err := access.Client(kubeconfig)
	if err != nil {
		return err
	}
	if err := await(start, failed, "kube-apiserver ready", func() bool {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(start).Error() == nil
	}); err != nil {
		return err
	}
	run("kube-controller-manager", runControllers, controllerFlags(certs, kubeconfig))
	run("kube-scheduler", runScheduler, []string{"--kubeconfig=" + kubeconfig, "--leader-elect=false", "--secure-port=0"})
	if err := await(start, failed, "a node and the default service account", func() bool { return usable(start, client) }); err != nil {
		return err
	}
	if err := os.WriteFile(ready, nil, 0o644); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

func apiServerFlags(certs *pki, etcd string) []string {
	return []string{
		"--etcd-servers=" + etcd, "--bind-address=0.0.0.0", fmt.Sprintf("--secure-port=%d", apiPort),
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + certs.path("apiserver.crt"), "--tls-private-key-file=" + certs.path("apiserver.key"),
		"--client-ca-file=" + certs.path("ca.crt"),
		"--service-account-key-file=" + certs.path("sa.key"), "--service-account-signing-key-file=" + certs.path("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=Node,RBAC", "--allow-privileged=true",
		"--profiling=false", "--shutdown-delay-duration=0s", "--shutdown-send-retry-after=false",
	}
}

func controllerFlags(certs *pki, kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig, "--leader-elect=false", "--secure-port=0",
		"--controllers=" + strings.Join(controllers, ","), "--use-service-account-credentials=false",
		"--service-account-private-key-file=" + certs.path("sa.key"), "--root-ca-file=" + certs.path("ca.crt"),
		"--kube-api-qps=1000", "--kube-api-burst=1000", "--pvclaimbinder-sync-period=1s", "--namespace-sync-period=5s",
	}
}

// usable tells whether a pod would be taken: the node is there, its taint of the beginning taken away, and service accounts
// are made.
func usable(ctx context.Context, client kubernetes.Interface) bool {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil || len(nodes.Items) == 0 || len(nodes.Items[0].Status.Conditions) == 0 || len(nodes.Items[0].Spec.Taints) > 0 {
		return false
	}
	_, err = client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err == nil
}

// await asks every 50 ms until good says so, a component fails or the time is over.
func await(ctx context.Context, failed <-chan error, what string, good func() bool) error {
	for !good() {
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("waiting for %s", what), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}
