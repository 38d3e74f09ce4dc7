package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mountError is why a volume cannot be had now; the kubelet says it and tries again.
type mountError struct{ volume, because string }

func (e *mountError) Error() string {
	return fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", e.volume, e.because)
}

// volumes gives the folder on the node of each of the pod's volumes.
func (w *worker) volumes(ctx context.Context, pod *corev1.Pod) (map[string]string, error) {
	at := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		var err error
		switch {
		case v.HostPath != nil:
			at[v.Name], err = hostPath(v.Name, v.HostPath)
		case v.PersistentVolumeClaim != nil:
			at[v.Name], err = w.claimed(ctx, pod.Namespace, v.PersistentVolumeClaim.ClaimName)
		case v.ConfigMap != nil:
			at[v.Name], err = w.configVolume(ctx, pod, v.Name, v.ConfigMap)
		default: // emptyDir, and the service account's token, which no program here reads
			at[v.Name] = w.own(pod, "empty-dir", v.Name)
			err = os.MkdirAll(at[v.Name], 0o777)
		}
		if err != nil {
			return nil, err
		}
	}
	return at, nil
}

func (w *worker) own(pod *corev1.Pod, kind, name string) string {
	return filepath.Join(podsDir, string(pod.UID), "volumes", "kubernetes.io~"+kind, name)
}

// claimed finds the folder behind a claim. The scheduler has seen that it is bound.
func (w *worker) claimed(ctx context.Context, namespace, name string) (string, error) {
	claim, err := w.client.CoreV1().PersistentVolumeClaims(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	volume, err := w.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if volume.Spec.HostPath == nil {
		return "", &mountError{volume.Name, "this node agent has host paths alone"}
	}
	return hostPath(volume.Name, volume.Spec.HostPath)
}

// hostPath checks a host path as the kubelet does by its type. Without a type a missing folder is made, which is the
// runtime's doing.
func hostPath(name string, h *corev1.HostPathVolumeSource) (string, error) {
	kind := corev1.HostPathUnset
	if h.Type != nil {
		kind = *h.Type
	}
	info, err := os.Stat(h.Path)
	switch kind {
	case corev1.HostPathUnset, corev1.HostPathDirectoryOrCreate:
		if os.IsNotExist(err) {
			err = os.MkdirAll(h.Path, 0o755)
		}
	case corev1.HostPathDirectory:
		if err != nil || !info.IsDir() {
			return "", &mountError{name, fmt.Sprintf("hostPath type check failed: %s is not a directory", h.Path)}
		}
	case corev1.HostPathFile:
		if err != nil || !info.Mode().IsRegular() {
			return "", &mountError{name, fmt.Sprintf("hostPath type check failed: %s is not a file", h.Path)}
		}
	}
	if err != nil {
		return "", &mountError{name, err.Error()}
	}
	return h.Path, nil
}

// configVolume writes a ConfigMap's entries as files.
func (w *worker) configVolume(ctx context.Context, pod *corev1.Pod, name string, v *corev1.ConfigMapVolumeSource) (string, error) {
	data, err := w.configMap(ctx, pod.Namespace, v.Name, v.Optional)
	if err != nil {
		return "", &mountError{name, err.Error()}
	}
	dir := w.own(pod, "configmap", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	mode := os.FileMode(0o644)
	if v.DefaultMode != nil {
		mode = os.FileMode(*v.DefaultMode)
	}
	for key, text := range data {
		file := filepath.Join(dir, key)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			return "", err
		}
		if err := os.Chmod(file, mode); err != nil {
			return "", err
		}
	}
	return dir, nil
}
