package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// leastGrace is what the kubelet leaves a container after its preStop hook, and one whose object went by force.
const leastGrace = 2 * time.Second

// stuckAfter is how long after SIGKILL the kubelet says that a container does not go.
const stuckAfter = 15 * time.Second

// terminate ends a pod as the kubelet does: preStop, SIGTERM, SIGKILL when the grace is over, and when no process is left
// the final deletion, of this pod and no other of its name. A pod whose process does not die stays.
func (w *worker) terminate(ctx context.Context) {
	pod, _ := w.now()
	w.adopt(pod)
	begin := time.Now()
	w.preStop(ctx, pod, begin)
	if ctx.Err() != nil {
		return
	}
	w.signal(syscall.SIGTERM)
	asked := time.Now()
	killed := time.Time{}
	for w.running() && ctx.Err() == nil {
		pod, _ = w.now()
		end := begin.Add(w.grace())
		if least := asked.Add(leastGrace); end.Before(least) {
			end = least
		}
		if killed.IsZero() && time.Now().After(end) {
			killed = time.Now()
		}
		if !killed.IsZero() {
			w.signal(syscall.SIGKILL)
			if time.Since(killed) > stuckAfter && !w.told["FailedKillPod"] {
				w.told["FailedKillPod"] = true
				w.event(ctx, pod, "FailedKillPod", "error killing pod: context deadline exceeded")
			}
		}
		w.wait(ctx, 100*time.Millisecond)
	}
	for ctx.Err() == nil {
		err := w.finish(ctx)
		if err == nil {
			w.forget(pod.UID)
			return
		}
		log.Printf("end pod %s: %v", pod.Name, err)
		w.wait(ctx, time.Second)
	}
}

// grace is how long the pod has from the first asking. It may become shorter meanwhile, and never longer.
func (w *worker) grace() time.Duration {
	pod, gone := w.now()
	if gone || pod.DeletionGracePeriodSeconds == nil {
		return 0
	}
	return time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second
}

func (w *worker) running() bool {
	for _, in := range w.containers {
		if in.folder == "" {
			continue
		}
		if _, ended := in.folder.Exit(); !ended {
			return true
		}
	}
	return false
}

func (w *worker) signal(s syscall.Signal) {
	for _, in := range w.containers {
		if in.folder != "" {
			if err := in.folder.Signal(s); err != nil {
				log.Print(err)
			}
		}
	}
}

// preStop runs the containers' hooks side by side, within the grace.
func (w *worker) preStop(ctx context.Context, pod *corev1.Pod, begin time.Time) {
	limited, cancel := context.WithDeadline(ctx, begin.Add(w.grace()))
	defer cancel()
	var all sync.WaitGroup
	for _, c := range pod.Spec.Containers {
		in := w.containers[c.Name]
		if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Exec == nil || in == nil || in.folder == "" {
			continue
		}
		all.Go(func() {
			if err := in.exec(limited, c.Lifecycle.PreStop.Exec.Command); err != nil {
				w.event(ctx, pod, "FailedPreStopHook", "PreStopHook failed: %v", err)
			}
		})
	}
	all.Wait()
}

// exec runs a program in a container. Once the container has ended, or the time is over, it does not wait for it.
func (c *instance) exec(ctx context.Context, argv []string) error {
	pid := c.folder.Pid()
	if _, ended := c.folder.Exit(); ended || pid == 0 {
		return nil
	}
	args := append([]string{"--target", fmt.Sprint(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"}, argv...)
	cmd := exec.Command("/usr/bin/nsenter", args...)
	cmd.Env = c.spec.Env
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			cmd.Process.Kill()
			return ctx.Err()
		case <-time.After(look):
			if _, ended := c.folder.Exit(); ended {
				return nil
			}
		}
	}
}

// finish tells how the containers ended, clears up and deletes the object. Its first error leaves the rest for the next try.
func (w *worker) finish(ctx context.Context) error {
	pod, gone := w.now()
	if !gone && len(w.containers) > 0 {
		if err := w.report(ctx, pod); err != nil {
			return err
		}
	}
	for name, in := range w.containers {
		if in.folder == "" {
			continue
		}
		if err := in.folder.Remove(); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		delete(w.containers, name)
	}
	if err := os.RemoveAll(filepath.Join(podsDir, string(pod.UID))); err != nil {
		return err
	}
	if gone {
		return nil
	}
	now := int64(0)
	err := w.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name,
		metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // gone, or another of its name
		return nil
	}
	return err
}
