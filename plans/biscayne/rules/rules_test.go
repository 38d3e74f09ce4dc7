package rules_test

import (
	"fmt"
	"slices"

	"bisc/layers"
	"bisc/modules/agave"
	"bisc/modules/docker"
	"bisc/modules/kube"
	"bisc/modules/laconic"
	"bisc/modules/storage"
	"bisc/plans"
)

// walk goes through a runbook's items in order and notes what holds where it stands.
type walk struct {
	rb     plans.Runbook
	faults []string

	proved   bool          // that the validator is stopped, and nothing has started one since
	provedIn *layers.Stage // the stage of that proof: a run that is taken up again passes over earlier ones, and their proofs
	nodeUp   bool          // the node was started, and nobody has looked at what it sees since
	fetched  string        // the folder of the snapshot that was fetched
	pair     bool          // one was, or the validator's own was judged before anything stopped

	// of the stage
	notStuck, sees, known, cordoned, watched, silent bool
	// of the runbook
	run, runWithSnapshot bool
}

// faultsOf are the rules that a runbook breaks: what must stand in front of what.
func faultsOf(rb plans.Runbook) []string {
	w := &walk{rb: rb}
	for i := range rb.Stages {
		w.notStuck, w.sees, w.known, w.cordoned, w.watched, w.silent = false, false, false, false, false, false
		for _, it := range rb.Stages[i].Items {
			if it.Invariant {
				w.look(&rb.Stages[i], it)
			} else {
				w.act(&rb.Stages[i], it)
			}
		}
	}
	return w.faults
}

func (w *walk) want(ok bool, it layers.Item, rule string) {
	if !ok {
		w.faults = append(w.faults, fmt.Sprintf("%s (%s): %s", it.Address, it.Where, rule))
	}
}

func (w *walk) look(st *layers.Stage, it layers.Item) {
	switch r := it.Resource.(type) {
	case *agave.ValidatorStopped:
		if w.notStuck = true; !r.MayRun {
			w.proved, w.provedIn = true, st
		}
	case *docker.KindNode:
		if len(r.Sees) > 0 {
			w.sees, w.nodeUp = true, false
		}
	case *agave.Identity:
		w.known = true
	case *agave.ExitWithoutAPI:
		w.silent = r.MayRun
	case *agave.Snapshot:
		w.pair = w.pair || !w.proved
	case *agave.CompleteRun:
		w.run = true
		w.runWithSnapshot = w.runWithSnapshot || r.Snapshot != "" && r.Snapshot == w.fetched
	}
}

func (w *walk) act(st *layers.Stage, it layers.Item) {
	here := w.proved && w.provedIn == st
	w.want(!w.nodeUp, it, "the node was started: first comes a look at what it sees")
	switch r := it.Resource.(type) {
	case *kube.WantedNamespace:
		w.want(here, it, "a namespace goes only behind a proof in its own stage")
	case *docker.KindNode:
		w.want(here || r.Running, it, "a node is stopped only behind a proof in its own stage")
		w.want(here || r.RestartedAfter == "", it, "a node is restarted only behind a proof in its own stage")
		w.nodeUp = r.Running
	case *storage.Emptied:
		w.want(here, it, "what a validator stands on is emptied only behind a proof in its own stage")
		w.want(w.pair, it, "what is made again from a snapshot is emptied only where one was fetched, or there is a pair")
	case *storage.Mount:
		w.want(here || w.proved && !r.Absent, it, "what a validator stands on goes only behind a proof in its own stage")
	case *storage.Bind:
		w.want(here || w.proved && !r.Absent, it, "what a validator stands on goes only behind a proof in its own stage")
	case *storage.Ramdisk:
		w.want(here || w.proved && !r.Absent, it, "what a validator stands on goes only behind a proof in its own stage")
	case *agave.ExitWithoutAPI:
		w.want(w.silent, it, "the kubelet is stopped, and the hold set before, only where the API server is silent")
	case *agave.Snapshot:
		w.snapshot(it, r, here)
	case *kube.WantedVolume:
		w.want(w.proved || w.starts(), it, "a volume is made anew only behind the proof that nothing uses it")
	case *kube.CordonedNode:
		w.cordoned = r.Cordoned
	case *kube.Image:
		w.want(len(r.Flags) > 0, it, "an image that is to run next is asked for the flags that it will be given (incident 27)")
	case *agave.ExitOnDeletion:
		w.watched = true
	case *kube.GonePods:
		w.want(w.notStuck, it, "a pod is deleted only where no thread of its validator is stuck")
		w.want(w.watched, it, "a pod is deleted only under a watch on the host: where bisc dies then, nobody else asks its validator to exit")
	case *laconic.Deployment:
		w.want(w.cordoned || r.State != "started", it, "laconic-so starts the pod with its objects: only on a cordoned node")
		w.proved = w.proved && r.State != "started"
	case *kube.WantedDeployment:
		w.deployment(it, r)
	}
}

// lacking are the values that a kind can do without, and the plan cannot: each is in a layer or a runbook, and what it is for is in the rule.
func lacking(st layers.Stage) (faults []string) {
	want := func(ok bool, it layers.Item, rule string) {
		if !ok {
			faults = append(faults, fmt.Sprintf("%s (%s): %s", it.Address, it.Where, rule))
		}
	}
	ports := false
	defer func() {
		if st.Name == "agave" && !ports {
			faults = append(faults, "agave: nobody looks whether the ports of the validator's container are there, each once, and mapped to the node (incident 25)")
		}
	}()
	for _, it := range st.Items {
		switch r := it.Resource.(type) {
		case *kube.WantedDeployment:
			ports = ports || it.Invariant && len(r.Ports) > 0 && len(r.Published) > 0
		case *agave.Snapshot:
			want(st.Name != "agave" || r.FullEvery > 0, it, "a validator that makes fulls too often stands still for minutes each time (incident 35)")
		case *agave.ValidatorExit:
			want(r.Log != "", it, "a validator that was killed has ended too: its log tells a clean exit (incident 7)")
		case *agave.ValidatorHealth:
			want(r.Snapshots != "" && r.FetchSpeed > 0, it, "of a validator that is behind it is said which is the sooner, to wait or to fetch: by a snapshot's size and the speed")
			want(r.MinHeadroom > 0 || st.Name == "agave", it, "a validator that runs out of memory is killed by the kernel: health-check says so before (incident 28)")
		}
	}
	return faults
}

func (w *walk) snapshot(it layers.Item, r *agave.Snapshot, here bool) {
	leap := w.rb.Name == "recover"
	if r.Fetch {
		w.want(w.run || !leap, it, "what takes an hour is not begun before the run at the tip is known to be long enough")
		w.fetched, w.pair = r.Path, true
	}
	if r.From != "" {
		w.want(here, it, "a snapshot takes the place of another only behind a proof in its own stage")
	}
}

func (w *walk) deployment(it layers.Item, r *kube.WantedDeployment) {
	switch {
	case r.Replicas == nil:
	case *r.Replicas == 0:
		w.want(w.notStuck || w.cordoned, it, "from no replicas on the grace runs: only where no thread of the validator is stuck")
		w.want(w.watched || w.cordoned, it, "from no replicas on the kubelet kills at the end of the grace: only under a watch on the host that asks before")
		w.want(w.rb.Name != "recover" || w.runWithSnapshot, it, "the validator is stopped only for a snapshot that lies within its run")
	default:
		w.want(w.sees, it, "a validator starts only where its own stage has seen that the node sees its folders")
		w.want(w.known, it, "a validator starts only where its own stage has seen its key file: without one it makes itself a new identity (incident 26)")
		w.proved = false
	}
}

// starts tells whether the runbook starts a validator at its end: its kinds refuse what is in use by themselves.
func (w *walk) starts() bool {
	return slices.ContainsFunc(w.rb.Stages, func(st layers.Stage) bool {
		return slices.ContainsFunc(st.Items, func(it layers.Item) bool {
			d, ok := it.Resource.(*kube.WantedDeployment)
			return ok && !it.Invariant && d.Replicas != nil && *d.Replicas == 1
		})
	})
}

// judged are the types of a stage's invariants, or of all stages', in order.
func judged(stages ...layers.Stage) (kinds []string) {
	for _, st := range stages {
		for _, it := range st.Items {
			if it.Invariant {
				kinds = append(kinds, fmt.Sprintf("%T", it.Resource))
			}
		}
	}
	return kinds
}
