package agave

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kube"
)

// ExitOnDeletionKind has a validator asked to exit when its pod is deleted, whatever becomes of who deletes it.
var ExitOnDeletionKind = modules.Kind{
	Name: "exit_on_deletion", Label: "the name of the validator's Deployment", Platform: host.Linux, Layer: "agave",
	Doc: "A watch on the host, to be written before what deletes a validator's pod (kube_pods, a kube_deployment with replicas = 0): from then on the kubelet counts the grace and kills, " +
		"and where bisc dies before validator_exit has asked, nobody would ask. The watch is a program of ours in a detached job, which outlives the connection and is found again: it asks the API server each second for these very pods, " +
		"and when all of them are being deleted, or are gone, it asks their validators to exit, by their admin socket, and again any that the kubelet has started in them meanwhile. It never asks before: that a Deployment wants no replicas is no deletion yet " +
		"(its controller comes later), and the kubelet would start the validator again. Where a pod has no such container, or one that works may be its and nobody can tell, a watch would ask nobody, and nothing is begun. A silent API server is no deletion either, nor is one of another cluster than had the pods (a kubeconfig's current context changes). " +
		"It is proved to be at work (it has seen the pods) before what follows is begun. Where a pod is being deleted already and no watch of it is at work, bisc asks its validator itself, and first: its grace runs, whether or not a watch can be started. It ends with the pods, or by itself after two hours, and is armed again then; where the deletion does not come about it asks nobody.",
	Checks: []string{
		"now: the Deployment's pods that a node runs, by their UIDs",
		"now: the watch's job, that it has seen these pods, and how long it may still run",
		"after boot: nothing; a boot ends what lives",
	},
	Losses: []modules.Loss{{
		What: "the validator's process, which is asked to exit", When: "somebody deletes its pod while the watch is armed",
		Guards: []string{"its pods, by UID, are being deleted or gone, by the API server's own word", "it is in one of these pods, by what the kubelet mounts into their containers, and the process that was seen, by pid and start"},
	}},
	Example: `exit_on_deletion "laconic-70ce4c4b47e23b85-deployment" {
  kubeconfig = "/home/rix/.kube/config"
  namespace  = "laconic-laconic-70ce4c4b47e23b85"
}
`,
	New: func(label string) modules.Resource {
		return &ExitOnDeletion{Deployment: label, Container: "agave-validator"}
	},
}

// ExitOnDeletion is the resource of ExitOnDeletionKind.
type ExitOnDeletion struct {
	Deployment string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Namespace  string `hcl:"namespace" doc:"the Deployment's namespace"`
	Container  string `hcl:"container,optional" default:"\"agave-validator\"" doc:"the pod's container"`
}

// Validate finds what can be known without a host.
func (e *ExitOnDeletion) Validate() error {
	return ProofQuery{Kubeconfig: e.Kubeconfig, Context: e.Context, Namespace: e.Namespace, Deployment: e.Deployment, Container: e.Container}.validate()
}

// Plan reads the pods, the processes and the job.
func (e *ExitOnDeletion) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var (
		deployed kube.Deployed
		alive    []Process
		all      homes
		unread   error
	)
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) { alive, unread, err = readProcesses(ctx, h); return err },
		func(ctx context.Context) (err error) { all, err = readHomes(ctx, h, ""); return err },
		func(ctx context.Context) (err error) {
			deployed, err = kube.ReadDeployed(ctx, h, kube.API{Kubeconfig: e.Kubeconfig, Context: e.Context}, e.Namespace, e.Deployment)
			if errors.Is(err, host.ErrNoObject) {
				return nil // nothing will delete its pods
			}
			return err
		},
	)
	if err = errors.Join(err, unread); err != nil {
		return c, err
	}
	pods := podsOf(kube.Living(deployed.All()), e.Container)
	all.place(alive, ofPods(pods, e.Container))
	if len(pods) == 0 || len(owned(alive)) == 0 && allDeleting(pods) {
		return c, nil
	}
	doom := doomedOf(alive, pods)
	blind := errors.Join(e.named(kube.Living(deployed.Pods)), allTold(alive, all.unread))
	if blind != nil && len(doom) == 0 {
		return c, blind
	}
	var s watchSeen
	if blind == nil {
		s, blind = e.watch(pods).read(ctx, h)
	}
	return s.armed(blind, doom, all.now)
}

// named wants the container in every pod: a watch of a container that none has would ask nobody.
func (e *ExitOnDeletion) named(pods []kube.Pod) error {
	for _, p := range pods {
		if !p.Spec.Has(e.Container) {
			return &modules.AttrError{Attr: "container", Reason: fmt.Sprintf("the pod %s has no container %s: write the name of the validator's", p.Meta.Name, e.Container)}
		}
	}
	return nil
}

// allTold wants to know of one that works whose it is: a watch asks the pods' own, and where that cannot be told, nobody.
func allTold(alive []Process, unread error) error {
	for _, p := range alive {
		if p.Whose == Untold && p.State != Exiting && p.State != Stuck {
			return fmt.Errorf("%s, and whose it is cannot be told, so that nobody would ask it: %w. By hand, once its pod is being deleted, on the host as root: %s", p, cmp.Or(unread, errNoHome), p.byHand())
		}
	}
	return nil
}

func (e *ExitOnDeletion) watch(pods []Pod) exitWatch {
	return exitWatch{kubeconfig: e.Kubeconfig, context: e.Context, namespace: e.Namespace, container: e.Container, pods: pods}
}
