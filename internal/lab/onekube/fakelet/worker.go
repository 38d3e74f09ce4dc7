package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"bisc/internal/lab/onekube/container"
)

// podsDir is the kubelet's folder of pods, each by its UID.
const podsDir = "/var/lib/kubelet/pods"

// look is how often a worker looks at its containers when nobody tells it anything.
const look = 200 * time.Millisecond

// worker keeps one pod, from the moment it is bound to the node to its final deletion.
type worker struct {
	*agent
	mu         sync.Mutex
	pod        *corev1.Pod // as last heard of
	gone       bool        // the object is no more
	changed    chan struct{}
	containers map[string]*instance // by name
	told       map[string]bool      // reasons of events that were told
}

func newWorker(a *agent, pod *corev1.Pod) *worker {
	return &worker{agent: a, pod: pod, changed: make(chan struct{}, 1), containers: map[string]*instance{}, told: map[string]bool{}}
}

// tell changes what the worker knows and wakes it.
func (w *worker) tell(change func()) {
	w.mu.Lock()
	change()
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *worker) now() (pod *corev1.Pod, gone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pod.DeepCopy(), w.gone
}

func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		pod, gone := w.now()
		if gone || pod.DeletionTimestamp != nil {
			w.terminate(ctx)
			return
		}
		if err := w.sync(ctx, pod); err != nil && ctx.Err() == nil {
			log.Printf("pod %s: %v", pod.Name, err)
		}
		w.wait(ctx, look)
	}
}

func (w *worker) wait(ctx context.Context, limit time.Duration) {
	select {
	case <-ctx.Done():
	case <-w.changed:
	case <-time.After(limit):
	}
}

// sync starts what should run and does not, and tells the API how it stands.
func (w *worker) sync(ctx context.Context, pod *corev1.Pod) error {
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return nil
	}
	w.adopt(pod)
	dir := filepath.Join(podsDir, string(pod.UID))
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	volumes, err := w.volumes(ctx, pod)
	if refused := new(mountError); errors.As(err, &refused) {
		if !w.told[refused.Error()] {
			w.event(ctx, pod, "FailedMount", "%s", refused)
			w.told[refused.Error()] = true
		}
		return w.report(ctx, pod)
	}
	if err != nil {
		return err
	}
	for i := range pod.Spec.Containers {
		if err := w.keep(ctx, pod, &pod.Spec.Containers[i], volumes); err != nil {
			return err
		}
	}
	return w.report(ctx, pod)
}

// adopt finds the pod's containers that an earlier kubelet started.
func (w *worker) adopt(pod *corev1.Pod) {
	if len(w.containers) > 0 {
		return
	}
	for _, c := range pod.Spec.Containers {
		w.containers[c.Name] = &instance{}
	}
	specs, _ := container.All() // none: they are started
	for _, s := range specs {
		c := w.containers[s.Name]
		if s.Pod == string(pod.UID) && c != nil && (c.folder == "" || s.Attempt > c.spec.Attempt) {
			c.spec, c.folder = s, container.In(s.ID)
		}
	}
	for _, s := range pod.Status.ContainerStatuses {
		if c := w.containers[s.Name]; c != nil && c.folder == "" && s.ContainerID != "" {
			c.lost(s)
		}
	}
}

// orphans ends the containers whose pod was deleted while no kubelet ran.
func (a *agent) orphans(ctx context.Context, known cache.Store) error {
	uids := map[string]bool{}
	for _, o := range known.List() {
		uids[string(o.(*corev1.Pod).UID)] = true
	}
	specs, err := container.All()
	if err != nil {
		return err
	}
	for _, s := range specs {
		if uids[s.Pod] {
			continue
		}
		w := newWorker(a, &corev1.Pod{})
		w.pod.UID, w.pod.Name, w.gone = types.UID(s.Pod), "orphan "+s.Name, true
		w.containers[s.Name] = &instance{spec: s, folder: container.In(s.ID)}
		go w.terminate(ctx)
	}
	dirs, _ := os.ReadDir(podsDir)
	for _, dir := range dirs {
		if !uids[dir.Name()] && !alive(specs, dir.Name()) {
			if err := os.RemoveAll(filepath.Join(podsDir, dir.Name())); err != nil {
				return fmt.Errorf("remove an orphan: %w", err)
			}
		}
	}
	return nil
}

func alive(specs []container.Spec, uid string) bool {
	for _, s := range specs {
		if s.Pod == uid {
			return true
		}
	}
	return false
}
