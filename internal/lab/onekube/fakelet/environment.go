package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// environment is a container's: the image's, then what envFrom names, then its own; later ones win.
func (w *worker) environment(ctx context.Context, pod *corev1.Pod, c *corev1.Container, image []string) ([]string, error) {
	env := append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + pod.Name}, image...)
	if pod.Spec.HostNetwork {
		env = setEnv(env, "HOSTNAME", w.node)
	}
	for _, from := range c.EnvFrom {
		more, err := w.envFrom(ctx, pod.Namespace, from)
		if err != nil {
			return nil, err
		}
		for name, value := range more {
			env = setEnv(env, from.Prefix+name, value)
		}
	}
	for _, v := range c.Env {
		value := expander(env)(v.Value)
		if v.ValueFrom != nil {
			var err error
			if value, err = w.valueFrom(ctx, pod, v.ValueFrom); err != nil {
				return nil, fmt.Errorf("env %s: %w", v.Name, err)
			}
		}
		env = setEnv(env, v.Name, value)
	}
	return env, nil
}

func setEnv(env []string, name, value string) []string {
	env = slices.DeleteFunc(env, func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
	return append(env, name+"="+value)
}

// expander replaces $(NAME) by its value, as the kubelet does in args and env; an unknown one stays as it is.
func expander(env []string) func(string) string {
	return func(text string) string {
		for _, pair := range env {
			name, value, _ := strings.Cut(pair, "=")
			text = strings.ReplaceAll(text, "$("+name+")", value)
		}
		return text
	}
}

func (w *worker) envFrom(ctx context.Context, namespace string, from corev1.EnvFromSource) (map[string]string, error) {
	if r := from.ConfigMapRef; r != nil {
		return w.configMap(ctx, namespace, r.Name, r.Optional)
	}
	if r := from.SecretRef; r != nil {
		return w.secret(ctx, namespace, r.Name, r.Optional)
	}
	return nil, nil
}

func (w *worker) valueFrom(ctx context.Context, pod *corev1.Pod, from *corev1.EnvVarSource) (string, error) {
	switch {
	case from.ConfigMapKeyRef != nil:
		r := from.ConfigMapKeyRef
		data, err := w.configMap(ctx, pod.Namespace, r.Name, r.Optional)
		return data[r.Key], err
	case from.SecretKeyRef != nil:
		r := from.SecretKeyRef
		data, err := w.secret(ctx, pod.Namespace, r.Name, r.Optional)
		return data[r.Key], err
	case from.FieldRef != nil:
		fields := map[string]string{"metadata.name": pod.Name, "metadata.namespace": pod.Namespace, "metadata.uid": string(pod.UID),
			"spec.nodeName": pod.Spec.NodeName, "status.hostIP": w.address(), "status.podIP": w.podIP(pod)}
		if value, ok := fields[from.FieldRef.FieldPath]; ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("this node agent has no such source of a value")
}

func (w *worker) configMap(ctx context.Context, namespace, name string, optional *bool) (map[string]string, error) {
	m, err := w.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional != nil && *optional {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}

func (w *worker) secret(ctx context.Context, namespace, name string, optional *bool) (map[string]string, error) {
	s, err := w.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) && optional != nil && *optional {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data := map[string]string{}
	for key, value := range s.Data {
		data[key] = string(value)
	}
	return data, nil
}
