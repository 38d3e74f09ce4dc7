// fakelet is rig A's kubelet: a kubelet's part of a pod's life, on processes without containerd.
//
//	fakelet --node=NAME [--kubeconfig=FILE]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"bisc/internal/lab/onekube/access"
	"bisc/internal/lab/onekube/store"
)

// agent is rig A's kubelet: it does with a node's pods what the kubelet does with containerd, by processes of its own.
// Containers do not end with it; the next one finds them.
type agent struct {
	client kubernetes.Interface
	node   string
	images store.Store
	mu     sync.Mutex
	pods   map[types.UID]*worker
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "fakelet: %v\n", err)
		os.Exit(1)
	}
}

// run runs the agent until ctx ends. The API may be up later, or go away for a while.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("fakelet", flag.ContinueOnError)
	node := flags.String("node", "", "the node's name")
	kubeconfig := flags.String("kubeconfig", "/run/onekube/kubeconfig", "how to reach the API")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := access.Client(*kubeconfig)
	if err != nil {
		return err // init starts it again: the control plane writes the file
	}
	a := &agent{client: client, node: *node, images: store.Store{Dir: store.Dir}, pods: map[types.UID]*worker{}}
	if err := a.register(ctx); err != nil {
		return fmt.Errorf("register the node: %w", err)
	}
	go a.heartbeat(ctx)
	if err := a.follow(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// follow gives every pod of the node a worker, and tells it what changes.
func (a *agent) follow(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(a.client, 0)
	mine := func(o any) bool {
		if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = gone.Obj
		}
		pod, ok := o.(*corev1.Pod)
		return ok && pod.Spec.NodeName == a.node
	}
	pods := factory.Core().V1().Pods().Informer()
	if _, err := pods.AddEventHandler(cache.FilteringResourceEventHandler{FilterFunc: mine, Handler: cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { a.tell(ctx, o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { a.tell(ctx, o.(*corev1.Pod)) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			a.gone(o.(*corev1.Pod).UID)
		},
	}}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), pods.HasSynced) {
		return ctx.Err()
	}
	return a.orphans(ctx, pods.GetStore())
}

// tell starts a pod's worker, or tells it of a change.
func (a *agent) tell(ctx context.Context, pod *corev1.Pod) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.pods[pod.UID]
	if w == nil {
		w = newWorker(a, pod)
		a.pods[pod.UID] = w
		go w.run(ctx)
		return
	}
	w.tell(func() { w.pod = pod })
}

// gone tells a worker that its pod's object is no more.
func (a *agent) gone(uid types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.pods[uid]; w != nil {
		w.tell(func() { w.gone = true })
	}
}

func (a *agent) forget(uid types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pods, uid)
}

// heartbeatEvery is the kubelet's own.
const heartbeatEvery = 10 * time.Second

func (a *agent) heartbeat(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(heartbeatEvery):
			a.register(ctx) // the API being away is why there is a next one
		}
	}
}
