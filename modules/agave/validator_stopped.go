package agave

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// ValidatorStoppedKind is the proof as a resource, for invariants: it has no steps.
var ValidatorStoppedKind = modules.Kind{
	Name: "validator_stopped", Label: "the name of the validator's Deployment", Platform: host.Linux, Layer: "agave",
	Doc: "The proof that a validator is stopped, to be written first in a stage that could hurt one. It has no steps. It holds where no process of a validator is in the host's process table, " +
		"no thread of one whose main thread has ended, the Deployment wants no replicas and no pod of it is left. A validator of other making (a unit of systemd's, another pod) counts, and is named as what it is. Where the API does not answer, the node's container and what its kubelet keeps decide; one that could not be asked (no kubeconfig, a certificate of another's) is not silent. " +
		"Anything else is `running`, `exiting` (it ends by itself: wait), `stuck` (nothing ends it: what it waits for and what is left to do are shown) or unknown, which refuses too. " +
		"`--override` does not pass it. What stands in every kind that could hurt a validator is its host half, read again in the same script as the act.",
	Checks: []string{
		"now: of each process whose it is, by the pod's folder that the kubelet mounts into its container, and its control group",
		"now: the host's processes by name and program, and all their threads: in D or with a SIGKILL at one place for three seconds without being woken, or living on under a leader that has ended",
		"now: the Deployment's replicas, and its pods by the UIDs of its ReplicaSets and its own selector",
		"now, where the API does not answer: whether the node's container runs, and the pods that its kubelet keeps",
		"after boot: nothing; a boot ends what lives",
	},
	Example: `validator_stopped "laconic-70ce4c4b47e23b85-deployment" {
  kubeconfig = "/home/rix/.kube/config"
  namespace  = "laconic-laconic-70ce4c4b47e23b85"
  node       = "laconic-70ce4c4b47e23b85-control-plane"
}
`,
	New: func(label string) modules.Resource {
		return &ValidatorStopped{Deployment: label, Container: "agave-validator"}
	},
}

// ValidatorStopped is the resource of ValidatorStoppedKind.
type ValidatorStopped struct {
	Deployment string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Namespace  string `hcl:"namespace" doc:"the Deployment's namespace"`
	Node       string `hcl:"node,optional" doc:"the container that is the node; without it an API that does not answer means unknown"`
	Container  string `hcl:"container,optional" default:"\"agave-validator\"" doc:"the pod's container"`
	MayRun     bool   `hcl:"may_run,optional" default:"false" doc:"only a stuck one is refused, and a process table that cannot be read, in which one may be: before what asks a validator to exit, or lets its pod's grace begin, which ends in a SIGKILL"`
}

func (v *ValidatorStopped) query() ProofQuery {
	return ProofQuery{Kubeconfig: v.Kubeconfig, Context: v.Context, Namespace: v.Namespace, Deployment: v.Deployment, Node: v.Node, Container: v.Container}
}

// Validate finds what can be known without a host.
func (v *ValidatorStopped) Validate() error { return v.query().validate() }

// objectName is what Kubernetes takes for a name: RFC 1123's.
var objectName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`)

func (q ProofQuery) validate() error {
	var faults []error
	if !strings.HasPrefix(q.Kubeconfig, "/") {
		faults = append(faults, &modules.AttrError{Attr: "kubeconfig", Reason: "write the path on the host, from its root: \"/home/rix/.kube/config\""})
	}
	for _, n := range [][2]string{{"", q.Deployment}, {"namespace", q.Namespace}, {"container", q.container()}} {
		if !objectName.MatchString(n[1]) {
			faults = append(faults, &modules.AttrError{Attr: n[0], Reason: fmt.Sprintf("%q is no name of an object of Kubernetes", n[1])})
		}
	}
	return errors.Join(faults...)
}

// NoOverride keeps an operator from passing the proof.
func (v *ValidatorStopped) NoOverride() string {
	return "what comes after it would hurt a validator that may live: see bisc run stop"
}

// Plan reads the proof. Unknown is an error: it is no fact that anything could be decided upon.
func (v *ValidatorStopped) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	p, err := ReadProof(ctx, h, v.query())
	switch {
	case err != nil:
		return c, err
	case v.MayRun && p.State != Stuck && p.Unread == nil:
		return c, nil
	case p.State == Unknown:
		return c, errors.New(p.Reason)
	case p.State != Stopped:
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "validator", Got: p.String(), Want: string(Stopped), Why: p.advice(), Text: p.detail()})
	}
	return c, nil
}

// advice says what to do about a validator that is not stopped.
func (p Proof) advice() string {
	if len(p.Processes) > 0 && len(owned(p.Processes)) == 0 && p.State != Stuck {
		return "bisc asks no process to exit that is not the pod's, and goes no further while one lives: stop it by its own means (systemctl status PID tells its unit)"
	}
	switch p.State {
	case Exiting:
		return "it ends by itself: wait for it"
	case Stuck:
		return "nothing that bisc does ends it; what is left to do: " + strings.Join(p.WaysOut, "; ")
	}
	return "bisc run stop stops it"
}

// errNoHome is why nothing tells whose a process is that the host told nothing of.
var errNoHome = errors.New("its mounts cannot be read, as of one that is ending; or which pods there are, or which of them are the node's, is not known")

// detail lists all that was seen, a line each. One that ends by itself needs nobody to ask it, whosever it is, and one that is stuck cannot be asked.
func (p Proof) detail() string {
	var b strings.Builder
	for _, process := range p.Processes {
		fmt.Fprintf(&b, "%s (started at tick %d)\n", process, process.Start)
		for _, t := range process.Threads {
			fmt.Fprintf(&b, "  %s\n", t)
		}
	}
	for _, process := range p.Processes {
		if process.Whose == Untold && process.State != Exiting && process.State != Stuck && (p.untold != nil || !p.now.IsZero()) {
			fmt.Fprintf(&b, "process %d is asked nothing: whose it is cannot be told (%v). By hand, where it is the pod's and nothing starts it again, on the host as root: %s\n", process.PID, cmp.Or(p.untold, errNoHome), process.byHand())
		}
	}
	for _, pod := range p.Pods {
		fmt.Fprintln(&b, pod)
	}
	for _, d := range doomedOf(p.Processes, p.Pods) {
		fmt.Fprintln(&b, d.remaining(p.now))
	}
	if p.API != nil {
		fmt.Fprintf(&b, "the API: %v\n", p.API)
	}
	for i, way := range p.WaysOut {
		fmt.Fprintf(&b, "way out %d: %s\n", i+1, way)
	}
	return b.String()
}
