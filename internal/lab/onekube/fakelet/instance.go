package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"bisc/internal/lab/onekube/container"
	"bisc/internal/lab/onekube/store"
)

// The kubelet's back-off between two starts of a container that ends: the second start comes at once.
const (
	backoffFirst = 10 * time.Second
	backoffMost  = 5 * time.Minute
	backoffReset = 10 * time.Minute // after a run as long as that it counts anew
)

// instance is a container of a pod in its present attempt.
type instance struct {
	spec     container.Spec
	folder   container.Folder // "" before the first
	attempt  int              // of the next start
	backoff  time.Duration    // before the next start, from the last end
	image    store.Image
	waiting  *corev1.ContainerStateWaiting // why it is not started
	last     *corev1.ContainerStateTerminated
	counted  bool // the end of this attempt has gone into backoff and last
	nextLook time.Time
}

// lost is a container that a restart of the node has ended: the runtime does not know it any more.
func (c *instance) lost(s corev1.ContainerStatus) {
	c.attempt = int(s.RestartCount)
	c.last = s.LastTerminationState.Terminated
	if s.State.Running != nil || s.State.Terminated != nil {
		c.attempt++
		c.last = &corev1.ContainerStateTerminated{ExitCode: 255, Reason: "Unknown", ContainerID: s.ContainerID}
		if r := s.State.Running; r != nil {
			c.last.StartedAt = r.StartedAt
		}
		c.last.FinishedAt.Time = time.Now()
	}
}

// keep starts a container that does not run, if it may.
func (w *worker) keep(ctx context.Context, pod *corev1.Pod, c *corev1.Container, volumes map[string]string) error {
	in := w.containers[c.Name]
	if in.folder != "" {
		exit, ended := in.folder.Exit()
		if !ended {
			return nil
		}
		in.count(exit)
		if !again(pod, exit) {
			return nil
		}
		if left := time.Until(exit.At.Add(in.backoff)); left > 0 {
			in.wait("CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)", in.backoff, c.Name, pod.Name, pod.Namespace, pod.UID))
			return nil
		}
	}
	if time.Now().Before(in.nextLook) {
		return nil
	}
	image, err := w.images.Find(c.Image)
	if errors.Is(err, store.ErrNoImage) {
		w.noImage(ctx, pod, c, in)
		return nil
	}
	if err != nil {
		return err
	}
	in.image = image
	spec, err := w.specOf(ctx, pod, c, in, volumes)
	if err != nil {
		in.wait("CreateContainerConfigError", err.Error())
		return nil
	}
	return in.start(spec)
}

// noImage says what the kubelet says when it cannot pull: there is no registry here.
func (w *worker) noImage(ctx context.Context, pod *corev1.Pod, c *corev1.Container, in *instance) {
	in.nextLook = time.Now().Add(time.Second)
	if c.ImagePullPolicy == corev1.PullNever {
		in.wait("ErrImageNeverPull", fmt.Sprintf("Container image %q is not present with pull policy of Never", c.Image))
		return
	}
	if in.waiting == nil || !strings.Contains(in.waiting.Reason, "Pull") {
		in.wait("ErrImagePull", fmt.Sprintf("failed to pull and unpack image %q: no registry answers", c.Image))
		w.event(ctx, pod, "Failed", "Failed to pull image %q: no registry answers", c.Image)
		return
	}
	in.wait("ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q", c.Image))
}

func (c *instance) wait(reason, message string) {
	c.waiting = &corev1.ContainerStateWaiting{Reason: reason, Message: message}
}

// count takes an attempt's end into account, once.
func (c *instance) count(e container.Exit) {
	if c.counted {
		return
	}
	c.counted = true
	c.last = terminated(c, e)
	c.attempt = c.spec.Attempt + 1
	switch {
	case c.attempt == 1 || e.At.Sub(e.Started) > backoffReset:
		c.backoff = 0
	case c.backoff == 0:
		c.backoff = backoffFirst
	default:
		c.backoff = min(2*c.backoff, backoffMost)
	}
}

func again(pod *corev1.Pod, e container.Exit) bool {
	switch pod.Spec.RestartPolicy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return e.Code != 0
	}
	return true
}

// start starts an attempt and returns when it runs, or has failed to.
func (c *instance) start(spec container.Spec) error {
	folder, err := container.Create(spec)
	if err != nil {
		return err
	}
	shim := exec.Command(container.Shim, string(folder))
	shim.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	shim.Env = []string{"PATH=" + os.Getenv("PATH")}
	shim.Dir = "/"
	shim.Stderr = os.Stderr
	if err := shim.Start(); err != nil {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- shim.Wait() }()
	c.spec, c.folder, c.waiting, c.counted = spec, folder, nil, false
	for {
		if _, over := folder.Exit(); over || folder.Pid() != 0 {
			return nil
		}
		select {
		case err := <-ended:
			if _, over := folder.Exit(); over {
				return nil
			}
			now := time.Now()
			return folder.Ended(container.Exit{Code: 128, Started: now, At: now, Failed: fmt.Sprintf("its shim ended: %v", err)})
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// specOf says what the next attempt of a container is.
func (w *worker) specOf(ctx context.Context, pod *corev1.Pod, c *corev1.Container, in *instance, volumes map[string]string) (container.Spec, error) {
	var id [32]byte
	rand.Read(id[:])
	spec := container.Spec{ID: hex.EncodeToString(id[:]), Pod: string(pod.UID), Name: c.Name, Attempt: in.attempt,
		Image: in.image.ID, ImageRoot: w.images.Root(in.image.ID), Dir: c.WorkingDir, User: in.image.Config.User,
		HostNetwork: pod.Spec.HostNetwork,
		Log:         fmt.Sprintf("/var/log/pods/%s_%s_%s/%s/%d.log", pod.Namespace, pod.Name, pod.UID, c.Name, in.attempt)}
	spec.Layer = filepath.Join("/var/lib/containerd/lab.layers", spec.ID)
	if spec.Dir == "" {
		spec.Dir = in.image.Config.WorkingDir
	}
	if !pod.Spec.HostNetwork {
		spec.Hostname = pod.Name
	}
	if s := c.SecurityContext; s != nil && s.RunAsUser != nil {
		spec.User = fmt.Sprint(*s.RunAsUser)
	}
	spec.Args = append(append(spec.Args, entrypoint(c, in.image.Config)...), arguments(c, in.image.Config)...)
	if len(spec.Args) == 0 {
		return spec, errors.New("neither the image nor the pod says what to run")
	}
	var err error
	if spec.Env, err = w.environment(ctx, pod, c, in.image.Config.Env); err != nil {
		return spec, err
	}
	expand := expander(spec.Env)
	for i := range spec.Args {
		spec.Args[i] = expand(spec.Args[i])
	}
	for _, m := range c.VolumeMounts {
		source, ok := volumes[m.Name]
		if !ok {
			return spec, fmt.Errorf("the pod has no volume %s", m.Name)
		}
		slave := m.MountPropagation != nil && *m.MountPropagation != corev1.MountPropagationNone
		spec.Mounts = append(spec.Mounts, container.Mount{Source: filepath.Join(source, m.SubPath), Target: m.MountPath, ReadOnly: m.ReadOnly, Slave: slave})
	}
	if spec.Mounts, err = lastWords(spec.Mounts, pod, c, spec.ID); err != nil {
		return spec, err
	}
	return spec, nil
}

// lastWords adds the file for what a container says as it ends, in its pod's folder as the kubelet has it, whatever network it is in: its
// mount is how a container can tell which pod it is of.
func lastWords(mounts []container.Mount, pod *corev1.Pod, c *corev1.Container, id string) ([]container.Mount, error) {
	if c.TerminationMessagePath == "" {
		return mounts, nil
	}
	file := filepath.Join(podsDir, string(pod.UID), "containers", c.Name, id[:8])
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		return nil, err
	}
	return append(mounts, container.Mount{Source: file, Target: c.TerminationMessagePath}), nil
}

func entrypoint(c *corev1.Container, image store.Config) []string {
	if len(c.Command) > 0 {
		return c.Command
	}
	return image.Entrypoint
}

// arguments: a pod's command without its args takes nothing of the image's.
func arguments(c *corev1.Container, image store.Config) []string {
	if len(c.Args) > 0 || len(c.Command) > 0 {
		return c.Args
	}
	return image.Cmd
}
