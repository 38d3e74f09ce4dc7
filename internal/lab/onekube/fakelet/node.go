package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bisc/internal/lab/onekube/access"
)

// register makes the node's object when there is none, and says that the node is ready. The object is an operator's too:
// what he set (unschedulable, labels) stays.
func (a *agent) register(ctx context.Context) error {
	nodes := a.client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, a.node, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		node, err = nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: a.node, Labels: map[string]string{
			"kubernetes.io/hostname": a.node, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
			"node-role.kubernetes.io/control-plane": "", "ingress-ready": "true"}}}, metav1.CreateOptions{})
	}
	if err != nil {
		return err
	}
	// As much as the real machine has: what a deployment asks for is not this machine's to give, and nothing limits it.
	node.Status.Capacity = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("96"),
		corev1.ResourceMemory: resource.MustParse("1200Gi"), corev1.ResourcePods: resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("500Gi")}
	node.Status.Allocatable = node.Status.Capacity
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: a.node}}
	for _, ip := range access.Addresses() {
		node.Status.Addresses = append(node.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: ip.String()})
	}
	node.Status.NodeInfo.KubeletVersion = "v1.36.3"
	node.Status.NodeInfo.ContainerRuntimeVersion = "lab://1"
	beat(&node.Status)
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

func beat(s *corev1.NodeStatus) {
	now := metav1.Now()
	ready := corev1.NodeCondition{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
		Message: "kubelet is posting ready status", LastHeartbeatTime: now, LastTransitionTime: now}
	for _, old := range s.Conditions {
		if old.Type == corev1.NodeReady && old.Status == corev1.ConditionTrue {
			ready.LastTransitionTime = old.LastTransitionTime
		}
	}
	s.Conditions = []corev1.NodeCondition{ready}
}

// event tells of a pod what the kubelet would. Nothing waits for it.
func (a *agent) event(ctx context.Context, pod *corev1.Pod, reason, format string, args ...any) {
	now := metav1.Now()
	a.client.CoreV1().Events(pod.Namespace).Create(ctx, &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{GenerateName: pod.Name + ".", Namespace: pod.Namespace},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Type:           corev1.EventTypeWarning, Reason: reason, Message: fmt.Sprintf(format, args...), Count: 1, FirstTimestamp: now, LastTimestamp: now,
		Source: corev1.EventSource{Component: "kubelet", Host: a.node}}, metav1.CreateOptions{})
}
