package kube

import (
	"errors"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// VolumeKind is a PersistentVolume and its claim, as laconic-so makes them for a volume of its spec.
var VolumeKind = modules.Kind{
	Name: "kube_volume", Label: "the volume's name in laconic-so's spec: validator-ledger", Platform: host.Linux, Layer: "agave",
	Doc: "A PersistentVolume CLUSTER_ID-LABEL and the claim of the same name. The volume's path is never assumed: it is derived from the node's own mounts, as the path at which the node sees host_path, " +
		"and proved by device and inode (laconic-so's branches have mapped it in two ways). A stale claimRef, left by a namespace that was deleted, is cleared where the volume is ours " +
		"(name, label app, path) and nothing uses it; the reference keeps the claim's name, so that nobody else's claim takes the volume. A wrong path cannot be changed: the pair is deleted and made anew, " +
		"only while no validator lives and no pod names the claim, with the labels app and volume-label, so that laconic-so still finds it. The data stays: the policy Retain is written first.",
	Checks: []string{
		"now and after boot (both are the cluster's own store): the volume's path, its labels, the policy Retain; claim and volume bound to each other, by UID",
		"now: the node sees the host's folder at that path, by device and inode",
	},
	Losses: []modules.Loss{{
		What:   "the objects of the volume and its claim; what is in the folder stays",
		When:   "the volume's path is not where the node sees host_path, or the claim is Lost",
		Guards: []string{"no validator lives, as the host's own process table proves", "no pod names the claim", "the volume's policy is Retain"},
	}},
	Example: `kube_volume "validator-ledger" {
  kubeconfig = "/home/rix/.kube/config"
  namespace  = "laconic-laconic-70ce4c4b47e23b85"
  cluster_id = "laconic-70ce4c4b47e23b85"
  node       = "laconic-70ce4c4b47e23b85-control-plane"
  host_path  = "/srv/kind/solana/ledger"
  capacity   = "2Ti"
}
`,
	New: func(label string) modules.Resource {
		return &WantedVolume{Name: label, Capacity: "2Gi", Class: "manual"}
	},
}

// WantedVolume is the resource of VolumeKind.
type WantedVolume struct {
	Name       string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Namespace  string `hcl:"namespace" doc:"the claim's namespace"`
	ClusterID  string `hcl:"cluster_id" doc:"laconic-so's cluster id: volume and claim are CLUSTER_ID-LABEL, their label app is CLUSTER_ID"`
	Node       string `hcl:"node" doc:"the node's container, from whose mounts the path is derived"`
	HostPath   string `hcl:"host_path" doc:"the folder on the host"`
	Capacity   string `hcl:"capacity,optional" default:"\"2Gi\"" doc:"of a new volume; that of one that is there is kept (a hostPath has no size)"`
	Class      string `hcl:"storage_class,optional" default:"\"manual\"" doc:"of a new volume and claim"`
}

func (w *WantedVolume) api() API       { return API{Kubeconfig: w.Kubeconfig, Context: w.Context} }
func (w *WantedVolume) object() string { return w.ClusterID + "-" + w.Name }

// labels are those by which laconic-so finds its volumes and claims (stop --delete-volumes).
func (w *WantedVolume) labels() map[string]string {
	return map[string]string{"app": w.ClusterID, "volume-label": w.Name}
}

// Validate finds what can be known without a host.
func (w *WantedVolume) Validate() error {
	var faults []error
	for attr, path := range map[string]string{"kubeconfig": w.Kubeconfig, "host_path": w.HostPath} {
		if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: "write the path on the host, from its root and without a slash at its end"})
		}
	}
	for attr, text := range map[string]string{"cluster_id": w.ClusterID, "node": w.Node, "namespace": w.Namespace} {
		if text == "" {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: "it is empty"})
		}
	}
	return errors.Join(faults...)
}
