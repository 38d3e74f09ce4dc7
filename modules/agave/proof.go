// Package agave holds the kinds of the validator's layer: what proves that it is stopped, what lets it exit, and how it does.
package agave

import (
	"fmt"
	"strings"
	"time"
)

// Proof is what is known of whether a validator lives. Only Stopped opens what could hurt one: every other state refuses.
type Proof struct {
	State ProofState
	// Processes are the validators in the host's process table, whatever namespace they are in.
	Processes []Process
	// Unread tells why the process table is not known, and with it what lives; nil where it is.
	Unread error
	// Replicas is what the Deployment wants, -1 where that is not known; API tells why it is not, and is nil where it is.
	Replicas int
	API      error
	// Unclear tells why it is not known which pods the Deployment has; nil where it is.
	Unclear error
	// Lags tells that nothing lives and the Deployment wants nothing, and that only its controller has yet to count that. It is no
	// proof, but it ends by itself.
	Lags bool
	// Pods are the Deployment's, by its own selector, and those that the node's kubelet has while the API does not answer.
	Pods []Pod
	// Reason says in one line what the state follows from.
	Reason string
	// WaysOut is what an operator can do, in the order to try; empty unless stuck.
	WaysOut []string

	now    time.Time // by the host's clock
	untold error     // why nothing tells whose the processes are
}

// ProofState is what a Proof comes to.
type ProofState string

// The states. Exiting ends by itself; Stuck does not, as far as can be seen.
const (
	Running ProofState = "running"
	Exiting ProofState = "exiting"
	Stuck   ProofState = "stuck"
	Unknown ProofState = "unknown"
	Stopped ProofState = "stopped"
)

// Process is a validator in the process table. PID and Start together are its identity: a pid is used again.
type Process struct {
	PID   int
	Start uint64 // in the kernel's ticks since boot
	Name  string
	State ProofState // Running, Exiting or Stuck
	Why   string
	Whose Whose // who may ask it to exit: Own is the pod's in question
	Home  Home  // empty where Whose is Untold
	// Threads are the first of those that stand still.
	Threads []Thread
}

// Thread is one that nothing ends, as far as its having stood still tells.
type Thread struct {
	TID   int
	Name  string
	State string        // the kernel's letter: D, or another where it was killed or its leader has ended
	Where string        // the kernel's function that it waits in
	For   time.Duration // how long it has not run, as far as the kernel tells
	Stack []string      // functions of the kernel's stack, innermost first
}

// Pod is a pod object, or what a kubelet keeps of one.
type Pod struct {
	UID, Name string // Name is empty where only the kubelet's folder is known
	Phase     string
	Node      string // that it is on; empty: none has it yet, and it has no process
	Deleting  bool
	Ends      time.Time // when the grace of a deletion under way is over, and the kubelet kills: by the API server's clock
	// Grace is how long its processes get: of a deletion under way, else what the pod says.
	Grace time.Duration
	// Waiting is why its container does not run: CrashLoopBackOff, ImagePullBackOff.
	Waiting string
}

// over tells that the kubelet starts none of the pod's containers again.
func (p Pod) over() bool { return p.Phase == "Succeeded" || p.Phase == "Failed" }

// String is one line: the state and what it follows from.
func (p Proof) String() string {
	if p.Reason == "" {
		return string(p.State)
	}
	return string(p.State) + ": " + p.Reason
}

// String names the process and what is known of it.
func (p Process) String() string {
	s := fmt.Sprintf("process %d (%s) is %s", p.PID, p.Name, p.State)
	if p.Why != "" {
		s += ": " + p.Why
	}
	if p.Whose == Foreign {
		s += "; not of this pod: " + p.Home.String()
	}
	return s
}

// String says what the thread waits for.
func (t Thread) String() string {
	s := fmt.Sprintf("thread %d (%s) is in %s at %s, for %s", t.TID, t.Name, t.State, t.Where, t.For)
	if len(t.Stack) > 0 {
		s += ": " + strings.Join(t.Stack, " < ")
	}
	return s
}

// String names the pod and what is known of it.
func (p Pod) String() string {
	name := "pod " + p.Name
	if p.Name == "" {
		name = "a pod that the kubelet keeps"
	}
	name += " (uid " + p.UID
	if p.Phase != "" {
		name += ", " + p.Phase
	}
	if p.Deleting {
		name += ", being deleted with " + p.Grace.String() + " of grace"
	}
	if p.Waiting != "" {
		name += ", " + p.Waiting
	}
	return name + ")"
}
