package main

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bisc/internal/lab/onekube/access"
	"bisc/internal/lab/onekube/container"
)

// report tells the API how the pod stands, when that is news.
func (w *worker) report(ctx context.Context, pod *corev1.Pod) error {
	before := pod.Status.DeepCopy()
	s := &pod.Status
	if s.StartTime == nil {
		now := metav1.Now()
		s.StartTime = &now
	}
	s.HostIP, s.HostIPs = w.address(), []corev1.HostIP{{IP: w.address()}}
	s.PodIP, s.PodIPs = w.podIP(pod), []corev1.PodIP{{IP: w.podIP(pod)}}
	s.ContainerStatuses = nil
	for i := range pod.Spec.Containers {
		s.ContainerStatuses = append(s.ContainerStatuses, w.statusOf(&pod.Spec.Containers[i]))
	}
	s.Phase = phase(pod)
	ready := corev1.ConditionTrue
	if slices.ContainsFunc(s.ContainerStatuses, func(c corev1.ContainerStatus) bool { return !c.Ready }) {
		ready = corev1.ConditionFalse
	}
	condition(s, corev1.PodInitialized, corev1.ConditionTrue)
	condition(s, corev1.ContainersReady, ready)
	condition(s, corev1.PodReady, ready)
	if equality.Semantic.DeepEqual(before, s) {
		return nil
	}
	_, err := w.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) { // the next look has the newer one
		return nil
	}
	return err
}

// statusOf is a container's status from what the node has of it.
func (w *worker) statusOf(c *corev1.Container) corev1.ContainerStatus {
	s := corev1.ContainerStatus{Name: c.Name, Image: c.Image, Started: new(false)}
	in := w.containers[c.Name]
	if in == nil || in.folder == "" {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
		if in != nil && in.waiting != nil {
			s.State.Waiting = in.waiting
		}
		if in != nil && in.last != nil {
			s.LastTerminationState.Terminated, s.RestartCount = in.last, int32(max(0, in.attempt-1))
		}
		return s
	}
	s.ContainerID, s.ImageID, s.RestartCount = "containerd://"+in.spec.ID, in.spec.Image, int32(in.spec.Attempt)
	exit, ended := in.folder.Exit()
	switch {
	case !ended:
		s.Ready, s.Started = true, new(true)
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.Time{Time: in.folder.Since()}.Rfc3339Copy()}
		s.LastTerminationState.Terminated = in.last
	case in.waiting != nil:
		s.State.Waiting, s.LastTerminationState.Terminated = in.waiting, terminated(in, exit)
	default:
		s.State.Terminated = terminated(in, exit)
	}
	return s
}

func terminated(in *instance, e container.Exit) *corev1.ContainerStateTerminated {
	t := &corev1.ContainerStateTerminated{ExitCode: int32(e.Code), Reason: "Error", ContainerID: "containerd://" + in.spec.ID,
		StartedAt: metav1.Time{Time: e.Started}.Rfc3339Copy(), FinishedAt: metav1.Time{Time: e.At}.Rfc3339Copy(), Message: e.Failed}
	if e.Failed != "" {
		t.Reason = "StartError"
	} else if e.Code == 0 {
		t.Reason = "Completed"
	}
	return t
}

// phase: a pod that restarts its containers runs from the first start on, whatever they do.
func phase(pod *corev1.Pod) corev1.PodPhase {
	started, running, failed := 0, 0, 0
	for _, c := range pod.Status.ContainerStatuses {
		if c.ContainerID != "" {
			started++
		}
		if t := c.State.Terminated; t == nil {
			running++
		} else if t.ExitCode != 0 {
			failed++
		}
	}
	switch {
	case started < len(pod.Status.ContainerStatuses):
		return corev1.PodPending
	case running > 0 || pod.DeletionTimestamp == nil && pod.Spec.RestartPolicy == corev1.RestartPolicyAlways:
		return corev1.PodRunning
	case failed > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

func condition(s *corev1.PodStatus, kind corev1.PodConditionType, status corev1.ConditionStatus) {
	for i := range s.Conditions {
		if c := &s.Conditions[i]; c.Type == kind {
			if c.Status != status {
				c.Status, c.LastTransitionTime = status, metav1.Now()
			}
			return
		}
	}
	s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind, Status: status, LastTransitionTime: metav1.Now()})
}

// address is the node's.
func (a *agent) address() string {
	if ips := access.Addresses(); len(ips) > 0 {
		return ips[0].String()
	}
	return "127.0.0.1"
}

// podIP is the node's for a pod in the node's network; another has only its own loopback.
func (a *agent) podIP(pod *corev1.Pod) string {
	if pod.Spec.HostNetwork {
		return a.address()
	}
	return "127.0.0.1"
}
