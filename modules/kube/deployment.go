package kube

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"bisc/internal/host"
	"bisc/modules"
)

// DeploymentKind is a Deployment that laconic-so made: what bisc holds it to.
var DeploymentKind = modules.Kind{
	Name: "kube_deployment", Label: "the Deployment's name", Platform: host.Linux, Layer: "agave",
	Doc: "A Deployment that laconic-so made, and its one pod. Only what is given is compared. The pod template and the strategy are changed only at rest: 0 replicas in spec and status, and no pod object; " +
		"on a Deployment that runs, a changed template makes a second pod, or ends the first with the grace it has. It is never scaled to 0 while the live pod's own grace is below 300 s " +
		"(kube_pods deletes such a pod by its UID, with the grace that it needs), and never scaled up while a pod of it is still there, a validator process lives, a claim is not bound, or the node does not see a volume's folder. " +
		"pre_stop gives the container a hook that asks agave to exit through its admin socket, so that anyone's deletion of the pod is graceful. " +
		"Pods are found by the Deployment's own selector and by the UIDs of its ReplicaSets; a selector that matches nothing while there are replicas is unknown, never \"no pod\". " +
		"With image_id the node's images are asked for by docker exec, with a limit.",
	Checks: []string{
		"now and after boot (both are the cluster's own store): replicas, images, environment, strategy, grace and hook of the pod template",
		"now: the one pod, by UID: that it runs, and of which image; at 0 replicas: that no pod object is left, and that the controllers have followed (observedGeneration of the Deployment and of its ReplicaSets)",
		"the container's ports, each once, and that docker maps them to the node",
	},
	Losses: []modules.Loss{{
		What:   "the validator's process, which is asked to exit",
		When:   "replicas = 0 and a pod lives",
		Guards: []string{"the live pod's own grace is at least 300 s", "the live pod has the hook that asks agave to exit, or await_pods = false says that validator_exit follows"},
	}, {
		What:   "a second validator on one ledger",
		When:   "replicas = 1, or a change of the pod template",
		Guards: []string{"no validator lives, as the host's own process table proves", "no pod object, Terminating ones included"},
	}},
	Example: `kube_deployment "laconic-70ce4c4b47e23b85-deployment" {
  kubeconfig        = "/home/rix/.kube/config"
  namespace         = "laconic-laconic-70ce4c4b47e23b85"
  node              = "laconic-70ce4c4b47e23b85-control-plane"
  replicas          = 1
  image             = "laconicnetwork/agave:local"
  env               = { AGAVE_MODE = "rpc" }
  env_absent        = ["GOSSIP_HOST"]
  strategy          = "Recreate"
  termination_grace = 300
  pre_stop          = true
  ports             = ["8001/udp"]
  published         = ["8001/udp"]
}
`,
	New: func(label string) modules.Resource {
		return &WantedDeployment{Name: label, Container: "agave-validator", Ledger: "/data/ledger", AwaitPods: true}
	},
}

// WantedDeployment is the resource of DeploymentKind.
type WantedDeployment struct {
	Name       string
	Kubeconfig string            `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string            `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Namespace  string            `hcl:"namespace" doc:"the Deployment's namespace"`
	Node       string            `hcl:"node,optional" doc:"the node's container: before a start its view of the volumes is looked at"`
	Replicas   *int              `hcl:"replicas,optional" doc:"0 or 1: two validators on one ledger destroy it"`
	Container  string            `hcl:"container,optional" default:"\"agave-validator\"" doc:"the validator's container in the pod"`
	Image      string            `hcl:"image,optional" doc:"the container's image, as a reference"`
	Images     map[string]string `hcl:"images,optional" doc:"images of other containers of the pod, by container"`
	ImageID    string            `hcl:"image_id,optional" doc:"the id (sha256:...) of the image that the pod runs, and that the reference names in the node; needs node"`
	Env        map[string]string `hcl:"env,optional" doc:"variables of the container; what else it has is left alone"`
	EnvAbsent  []string          `hcl:"env_absent,optional" doc:"variables that the container must not have: GOSSIP_HOST makes its start script drop --public-tvu-address and say nothing"`
	Strategy   string            `hcl:"strategy,optional" doc:"Recreate: with RollingUpdate a new pod waits for ever for the old one's ports"`
	Grace      *int              `hcl:"termination_grace,optional" doc:"seconds between SIGTERM and SIGKILL, for the next pod"`
	PreStop    bool              `hcl:"pre_stop,optional" default:"false" doc:"a hook asks agave to exit through its admin socket when the pod is deleted, whoever deletes it"`
	Ledger     string            `hcl:"ledger,optional" default:"\"/data/ledger\"" doc:"the ledger in the container, where the admin socket is"`
	Ports      []string          `hcl:"ports,optional" doc:"ports that the container has, each once: \"8001/udp\""`
	Published  []string          `hcl:"published,optional" doc:"ports that docker maps to the node: \"8001/udp\"; needs node"`
	AwaitPods  bool              `hcl:"await_pods,optional" default:"true" doc:"at 0 replicas: wait until no pod is left and none can come. false where validator_exit or kube_pods follow, which end it"`

	wrote atomic.Bool // it has offered to write: what it wrote is to be followed by the controllers
}

// minGrace is what a live pod must have before it is ended: agave needs minutes to flush, and SIGKILL during I/O on ZFS leaves threads
// that nothing can kill (biscayne.md 4.4, 4.5).
const minGrace = 300

func (d *WantedDeployment) api() API { return API{Kubeconfig: d.Kubeconfig, Context: d.Context} }

var (
	portForm    = regexp.MustCompile(`^[1-9][0-9]{0,4}/(tcp|udp)$`)
	imageIDForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// Validate finds what can be known without a host.
func (d *WantedDeployment) Validate() error {
	var faults []error
	fault := func(bad bool, attr, reason string) {
		if bad {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: reason})
		}
	}
	fault(!strings.HasPrefix(d.Kubeconfig, "/"), "kubeconfig", "write the path on the host, from its root: \"/home/rix/.kube/config\"")
	fault(d.Replicas != nil && (*d.Replicas < 0 || *d.Replicas > 1), "replicas", "write 0 or 1: two validators on one ledger destroy it")
	fault(d.Grace != nil && *d.Grace < minGrace, "termination_grace", fmt.Sprintf("write at least %d: agave needs minutes to flush, and is killed after the grace", minGrace))
	fault(d.Strategy != "" && d.Strategy != "Recreate", "strategy", "write \"Recreate\": with RollingUpdate the new pod waits for ever for the ports of the old one")
	fault(d.ImageID != "" && !imageIDForm.MatchString(d.ImageID), "image_id", "write sha256: and 64 hex digits, as docker image inspect gives the Id")
	fault(d.ImageID != "" && d.Node == "", "image_id", "it needs node: the pod's imageID says which image only together with the node's own list")
	fault(len(d.Published) > 0 && d.Node == "", "published", "it needs node")
	for _, p := range slices.Concat(d.Ports, d.Published) {
		fault(!portForm.MatchString(p), "ports", fmt.Sprintf("%q is no port: write \"8001/udp\"", p))
	}
	for _, e := range d.EnvAbsent {
		_, both := d.Env[e]
		fault(both, "env_absent", e+" is wanted in env too")
	}
	if _, own := d.Images[d.Container]; own {
		fault(true, "images", "that of "+d.Container+" is image")
	}
	return errors.Join(faults...)
}
