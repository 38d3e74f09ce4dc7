package agave

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
)

// evidence is what was read; prove makes a Proof of it.
type evidence struct {
	processes []Process
	table     error // the process table could not be read
	homes     homes // whose the processes are; each has its own already

	api      error  // the API could not be asked: nothing below is known
	unclear  error  // it was, and what it says does not fit together
	missing  bool   // there is no such Deployment
	replicas int    // spec
	behind   string // what the controllers have still to do at 0 replicas; empty where nothing
	lags     bool   // it wants none and has none, and its controllers do not count so yet
	pods     []Pod  // the Deployment's own, and those that only its selector matches

	node    nodeState // read where the API does not answer
	nodeErr error
	kept    []Pod // by the node's kubelet
}

// nodeState is that of the container which is the node.
type nodeState int

const (
	nodeUnknown nodeState = iota
	nodeOff               // it does not run, or is not there
	nodeOn
)

// prove is the whole sense of the proof. The process table has the last word on what lives; that nothing lives opens only where
// nothing is left that would start it.
func prove(e evidence) Proof {
	p := Proof{Processes: e.processes, now: e.homes.now, untold: e.homes.unread, Unread: e.table, Replicas: e.replicas, API: e.api, Unclear: e.unclear, Pods: e.pods}
	if e.api != nil || e.missing || e.unclear != nil {
		p.Replicas = -1
	}
	if e.api != nil {
		p.Pods = e.kept
	}
	switch {
	case e.table != nil:
		p.State, p.Reason = Unknown, e.table.Error()
	case len(e.processes) > 0:
		p.State, p.Reason = lives(e)
	case e.api != nil:
		p.State, p.Reason = withoutAPI(e)
	default:
		p.State, p.Reason = withAPI(e)
	}
	p.Lags = p.State == Unknown && e.lags && e.table == nil
	if p.State == Stuck {
		p.WaysOut = waysOut(e.processes)
	}
	return p
}

// lives is for processes that are there, whatever anybody says of their pod.
func lives(e evidence) (ProofState, string) {
	worst := e.processes[0]
	for _, p := range e.processes[1:] {
		if rank(p.State) > rank(worst.State) {
			worst = p
		}
	}
	reason := worst.String()
	if worst.State == Stuck && len(worst.Threads) > 0 {
		reason += "; " + worst.Threads[0].String()
	}
	if n := len(e.processes); n > 1 {
		reason = fmt.Sprintf("%d processes live; %s", n, reason)
	}
	// A successor that waits for a node has no process: with the node cordoned one stands beside the pod that is being deleted.
	placed := slices.DeleteFunc(slices.Clone(e.pods), func(p Pod) bool { return p.Node == "" })
	if worst.Whose == Foreign {
		return worst.State, reason
	}
	if worst.Whose == Own && e.api == nil && len(placed) > 0 && len(orphans([]Process{worst}, e.pods)) > 0 {
		return worst.State, reason + "; its pod (uid " + worst.Home.Pod + ") is gone from the cluster"
	}
	if worst.State == Running && e.api == nil && len(placed) > 0 && allDeleting(placed) {
		return Exiting, reason + "; " + placed[0].String()
	}
	if e.api == nil && !e.missing && e.replicas == 0 && len(e.pods) == 0 {
		reason += "; the API has no pod of it any more"
	}
	return worst.State, reason
}

func rank(s ProofState) int {
	switch s {
	case Stuck:
		return 2
	case Running:
		return 1
	}
	return 0
}

func allDeleting(pods []Pod) bool {
	for _, p := range pods {
		if !p.Deleting && !p.over() {
			return false
		}
	}
	return true
}

// withAPI is for no process, and a cluster that answers.
func withAPI(e evidence) (ProofState, string) {
	var live []Pod
	for _, p := range e.pods {
		if !p.over() {
			live = append(live, p)
		}
	}
	switch {
	case e.unclear != nil:
		return Unknown, "no process lives, but which pods may start one is not known: " + e.unclear.Error()
	case e.replicas > 0 && len(live) == 0:
		return Unknown, fmt.Sprintf("no process lives, but the Deployment wants %d replicas and its own selector matches no pod: one may start at any moment", e.replicas)
	case e.replicas > 0:
		return Unknown, fmt.Sprintf("no process lives, but the Deployment wants %d replicas: %s may start at any moment", e.replicas, live[0])
	case len(live) > 0 && allDeleting(live):
		return Exiting, "no process lives; the kubelet has yet to let go of " + live[0].String()
	case len(live) > 0:
		return Unknown, "no process lives, but the API still has " + live[0].String()
	case !e.missing && e.behind != "":
		return Unknown, "no process lives, but the cluster's controllers have yet to follow, and may still make a pod: " + e.behind
	case e.missing:
		return Stopped, "no process lives, and there is neither a Deployment nor a pod of it"
	}
	return Stopped, "no process lives, the Deployment wants none, and no pod of it is left"
}

// withoutAPI is for no process, and a cluster that tells nothing: then what the host sees of the node decides.
func withoutAPI(e evidence) (ProofState, string) {
	var refused *host.KubeError
	switch {
	case errors.As(e.api, &refused):
		return Unknown, "no process lives, but the cluster does not tell whether one may start: " + e.api.Error()
	case e.node == nodeOff:
		return Stopped, "no process lives, and the node that would start one does not run"
	case errors.Is(e.api, host.ErrUnasked): // it may be at work, and its kubelet have no pod yet of one that it wants
		return Unknown, "no process lives, but the cluster was not asked whether one may start: " + e.api.Error()
	case e.node == nodeUnknown:
		return Unknown, fmt.Sprintf("no process lives, but neither the API (%v) nor docker (%v) tells whether one may start", e.api, e.nodeErr)
	case e.nodeErr != nil:
		return Unknown, fmt.Sprintf("no process lives, but the API does not answer, and what the node's kubelet keeps could not be read: %v", e.nodeErr)
	case len(e.kept) > 0:
		uids := make([]string, len(e.kept))
		for i, p := range e.kept {
			uids[i] = p.UID
		}
		return Unknown, "no process lives, but the API does not answer, and the node's kubelet, which may start one at any moment, keeps pod " + strings.Join(uids, ", ")
	}
	return Stopped, "no process lives, and the node's kubelet keeps no pod of it (the API does not answer)"
}
