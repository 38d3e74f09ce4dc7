// Package node says how the container of a lab cluster's node is made: what kind does, as far as this machine lets it.
// Whoever makes one (package cluster, the stand-in of kind) makes it by this.
package node

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"bisc/internal/lab/standin/image"
)

// Image is the name of the node's image in the host's docker. Rig says which rig it is for, in its environment.
const Image = "kindest/node:v1.36.3"

// Programs is where the host keeps the programs that the image's names lead to; a node sees the host's /usr.
const Programs = "/usr/lib/bisc-lab"

// APIPort is where the API listens in the node.
const APIPort = 6443

// names are the node's own programs, which come before the host's in its path, and the file each is a link to.
var names = map[string]string{"init": "kindnode", "systemctl": "kindnode"}

// ofRig are a rig's: A and M have theirs in the place of containerd's, and M a way to a control plane in the place of that. B's runc
// lets containerd's start what this machine can give.
var ofRig = map[string]map[string]string{
	"A": {"kube-control-plane": "onekube", "kubelet": "fakelet", "containerd-shim-lab": "kindnode", "ctr": "kindnode", "crictl": "kindnode"},
	"B": {"kube-control-plane": "onekube", "kubelet": "onekube", "runc": "kindnode", "crictl": "onekube"},
	"M": {"kube-control-plane": "kindnode", "kubelet": "fakelet", "containerd-shim-lab": "kindnode", "ctr": "kindnode", "crictl": "kindnode"},
}

// Files are the programs that a rig's node has of Programs.
func Files(rig string) []string {
	files := slices.AppendSeq(slices.Collect(maps.Values(names)), maps.Values(ofRig[rig]))
	slices.Sort(files)
	return slices.Compact(files)
}

// ControlPlane is where the host keeps, for a node of rig M, what leads to the control plane of another host: the socket api.sock, and
// the kubeconfigs admin.conf (by the node's name) and kubeconfig (by its loopback).
const ControlPlane = Programs + "/control-plane"

// entrypoint is the node's first process. It has one thread, as systemd has; see kindnode's init. 37 is SIGRTMIN+3.
const entrypoint = `#!/bin/sh
trap 'kill -37 "$init"' 37 15 2
/kind/bin/init &
init=$!
while kill -0 "$init" 2>/dev/null; do wait "$init"; done
`

// PauseImage is what rig B's sandboxes run. It is loaded into a new node.
const PauseImage = "lab/pause:1"

// containerdConfig: what runs pods is by the wrapper of runc, and the machine's own oom scores are no process' here to lower.
const containerdConfig = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + PauseImage + `"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "/kind/bin/runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.high-memlock]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.high-memlock.options]
        BinaryName = "/kind/bin/runc"
`

// cniConfig makes the node's network ready in containerd's eyes. Pods here are in the node's own network, so that no plugin
// is ever called.
const cniConfig = `{"cniVersion":"0.4.0","name":"lab","plugins":[{"type":"ptp","ipam":{"type":"host-local","subnet":"10.244.0.0/24"}}]}
`

// kubeletConfig is what the kubelet needs in a container on a machine that keeps its sysctls and control groups to itself.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
featureGates: {KubeletInUserNamespace: true}
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
evictionHard: {nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%", memory.available: "1Mi"}
imageGCHighThresholdPercent: 100
registerNode: true
`

// WriteImage writes the image's file system as docker import takes it: a few links and files. pause is the program of rig
// B's sandboxes, which the node's init gives to containerd.
func WriteImage(w io.Writer, rig string, pause []byte) error {
	out := tar.NewWriter(w)
	for _, name := range []string{"etc", "etc/cni", "etc/cni/net.d", "etc/containerd", "etc/kubernetes", "dev", "home", "kind", "kind/bin", "mnt", "opt", "proc", "root", "run", "srv", "sys", "tmp", "usr", "var"} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}); err != nil {
			return err
		}
	}
	links := map[string]string{"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib32": "usr/lib32", "lib64": "usr/lib64", "libx32": "usr/libx32"}
	for _, some := range []map[string]string{names, ofRig[rig]} {
		for name, file := range some {
			links["kind/bin/"+name] = Programs + "/" + file
		}
	}
	for name, target := range links {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}); err != nil {
			return err
		}
	}
	var archive strings.Builder
	sandbox := image.Image{Tag: PauseImage, Files: []image.File{{Name: "pause", Mode: 0o755, Content: pause}}, Entrypoint: []string{"/pause"}}
	if _, err := sandbox.Write(&archive); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"kind/pause.tar":                archive.String(),
		"etc/passwd":                    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
		"etc/group":                     "root:x:0:\nnogroup:x:65534:\n",
		"etc/os-release":                "PRETTY_NAME=\"a node of bisc's lab\"\nID=bisc-lab\n",
		"kind/version":                  "v1.36.3",
		"kind/entrypoint":               entrypoint,
		"kind/kubelet.yaml":             kubeletConfig,
		"etc/containerd/config.toml":    containerdConfig,
		"etc/cni/net.d/10-lab.conflist": cniConfig,
	} {
		if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
			return err
		}
		if _, err := io.WriteString(out, text); err != nil {
			return err
		}
	}
	return out.Close()
}

// ImportArgs are the arguments of docker that read the image from standard input.
func ImportArgs(rig string) []string {
	return []string{"import", "--change", "ENTRYPOINT [\"/kind/entrypoint\"]", "--change", "ENV container=docker",
		"--change", "ENV PATH=/kind/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "--change", "ENV LAB_RIG=" + rig, "-", Image}
}

// Node is a node as kind would make it.
type Node struct {
	Cluster string            // its name; the node's is CLUSTER-control-plane
	Mounts  map[string]string // host path to node path, HostToContainer
	Publish []int             // TCP ports of the node that the host has as well, on all its addresses
	APIPort int               // on 127.0.0.1 of the host; 0: any
	Network string            // "" is kind's own, which must be there: docker network create kind
}

// Name is the container's, which is its host name and the Kubernetes node's.
func (n Node) Name() string { return n.Cluster + "-control-plane" }

// RunArgs are the arguments of docker that start the node. They are kind's, but for two: --privileged fails on a machine
// that lacks CAP_SYS_RESOURCE, so all other capabilities are given by name, and /usr is the host's own.
func (n Node) RunArgs() []string {
	network := n.Network
	if network == "" {
		network = "kind"
	}
	if n.APIPort == 0 {
		n.APIPort = 20000 + rand.IntN(10000) // not docker's choice, which is another after a restart; below the kernel's own range
	}
	api := fmt.Sprintf("127.0.0.1:%d:%d/TCP", n.APIPort, APIPort)
	args := []string{"run", "--name", n.Name(), "--hostname", n.Name(),
		"--label", "io.x-k8s.kind.cluster=" + n.Cluster, "--label", "io.x-k8s.kind.role=control-plane",
		"--cap-add=ALL", "--cap-drop=SYS_RESOURCE", "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
		"--security-opt", "systempaths=unconfined", "--cgroupns=private", "--stop-signal=SIGRTMIN+3",
		"--tmpfs", "/tmp", "--tmpfs", "/run", "--volume", "/var", "--volume", "/usr:/usr:ro",
		"--detach", "--net", network, "--restart=on-failure:1", "--init=false", "--publish", api}
	for _, port := range n.Publish {
		args = append(args, "--publish", fmt.Sprintf("%d:%d/TCP", port, port))
	}
	var binds []string
	for from, to := range n.Mounts {
		binds = append(binds, from+":"+to+":rslave")
	}
	slices.Sort(binds)
	for _, bind := range binds {
		args = append(args, "--volume", bind)
	}
	return append(args, Image)
}

// Kubeconfig makes the administrator's kubeconfig of a node (docker exec NODE cat /etc/kubernetes/admin.conf) one for the
// host, where the API is at a port of the loopback.
func (n Node) Kubeconfig(text string, port int) string {
	return strings.ReplaceAll(text, fmt.Sprintf("https://%s:%d", n.Name(), APIPort), fmt.Sprintf("https://127.0.0.1:%d", port))
}
