// onekube is a Kubernetes control plane and its kubelet in one static program, for the lab's clusters:
//
//	onekube control-plane [flags]     etcd, kube-apiserver, kube-controller-manager and kube-scheduler in one process
//	onekube kubelet [flags]           the kubelet as it is, of rig B
//	onekube crictl [flags]            what an operator asks a node's container runtime, over its CRI socket
//
// A link by one of these names does the same. The parts are Kubernetes' own packages, linked and not copied.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubeletapp "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	if name == "onekube" && len(args) > 0 {
		name, args = args[0], args[1:]
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	var err error
	switch name {
	case "control-plane":
		err = controlPlane(ctx, args)
	case "crictl":
		err = crictl(ctx, args)
	case "kubelet":
		os.Args = append([]string{name}, args...)
		os.Exit(cli.Run(kubeletapp.NewKubeletCommand(context.Background())))
	default:
		err = fmt.Errorf("unknown command %q; want control-plane, kubelet or crictl", name)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "onekube %s: %v\n", name, err)
		os.Exit(1)
	}
}
