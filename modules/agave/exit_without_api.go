package agave

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/kube"
)

// ExitWithoutAPIKind lets a validator exit where the API server is silent.
var ExitWithoutAPIKind = modules.Kind{
	Name: "exit_without_api", Label: "the node: its name, as its container's", Platform: host.Linux, Layer: "agave",
	Doc: "A validator that was let exit though the API server is silent, on the way to a power cycle or the like. The Deployment still wants its pod, and the kubelet would start a validator that exits again: so the node's kubelet is stopped first, " +
		"by the node's own systemd, from the host (neither docker nor the API is asked), and each validator of the node's pods is asked by its admin socket only while that kubelet is proved to be stopped, in the same script. bisc then waits for as long as `grace`; it never kills. " +
		"A validator of other making (a unit of systemd's, another container) is asked nothing, and is refused by its pid and control group: nothing is called stopped while one lives. While it cannot be told whose one is that runs, nothing is begun. " +
		"What it comes to is: stopped on the host, the kubelet stopped; it starts again when the node starts, or its kubelet. That is less than `validator_stopped` proves, and opens nothing that stands behind that. " +
		"Where the API server answers it refuses, also where it answers with a refusal: there bisc run stop is right. One that answers with a failure of its own (500 and more: its etcd is away) counts as silent. One whose certificate has expired counts as silent too: nobody can ask it. One that could not be asked otherwise (no kubeconfig, a certificate of another's) is not known, and nothing is begun.",
	Checks: []string{
		"now: that the API server is silent, by the kubeconfig",
		"now: the node's first process, its systemd's word on the kubelet, and the kubelet's processes",
		"now: the host's processes of a validator, and which are in a pod of the node",
		"after boot: nothing; the node's kubelet starts with the node, and the validator with it",
	},
	Losses: []modules.Loss{
		{What: "the node's kubelet, until it is started again", When: "the API server is silent and it is at work", Guards: []string{"it is the node that was seen, by its first process's pid and start"}},
		{What: "the validator's process, which is asked to exit", When: "one lives", Guards: []string{"the kubelet is stopped", "it is in a pod of the node", "it is the process that was seen, by pid and start"}},
	},
	Example: `exit_without_api "laconic-70ce4c4b47e23b85-control-plane" {
  kubeconfig = "/home/rix/.kube/config"
  grace      = 300
}
`,
	New: func(label string) modules.Resource {
		return &ExitWithoutAPI{Node: label, Container: "agave-validator", Grace: 300}
	},
}

// ExitWithoutAPI is the resource of ExitWithoutAPIKind.
type ExitWithoutAPI struct {
	Node       string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig by which the API server is asked whether it answers, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Container  string `hcl:"container,optional" default:"\"agave-validator\"" doc:"the pod's container"`
	Grace      int    `hcl:"grace,optional" default:"300" doc:"for how many seconds the validator's end is waited for"`
	MayRun     bool   `hcl:"may_run,optional" default:"false" doc:"only what keeps it from beginning is refused (an API server that answers, a node that does not): for an invariant before it"`
}

// Validate finds what can be known without a host.
func (e *ExitWithoutAPI) Validate() error {
	var faults []error
	if !strings.HasPrefix(e.Kubeconfig, "/") {
		faults = append(faults, &modules.AttrError{Attr: "kubeconfig", Reason: "write the path on the host, from its root: \"/home/rix/.kube/config\""})
	}
	if !objectName.MatchString(e.Node) {
		faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%q is no name of a node", e.Node)})
	}
	if e.Grace < 1 {
		faults = append(faults, &modules.AttrError{Attr: "grace", Reason: "write how many seconds the validator gets: 300"})
	}
	return errors.Join(faults...)
}

// silentSeen is what was observed.
type silentSeen struct {
	api     error // why the API server is silent; nil where it answered
	kubelet nodeKubelet
	alive   []Process
	homes   homes
}

// Plan asks the API server whether it answers, and reads the node's kubelet and the process table.
func (e *ExitWithoutAPI) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	var (
		s      silentSeen
		unread error
	)
	err = host.Ask(ctx,
		func(ctx context.Context) error { // a kubeconfig that is not there tells nothing about the API server
			_, err := h.ReadFile(ctx, e.Kubeconfig)
			return err
		},
		func(ctx context.Context) error {
			_, err := kube.List[kube.NodeObject](ctx, h, kube.API{Kubeconfig: e.Kubeconfig, Context: e.Context}, kube.Nodes, "")
			s.api, err = silence(err)
			return err
		},
		func(ctx context.Context) (err error) { s.kubelet, err = readKubelet(ctx, h, e.Node); return err },
		func(ctx context.Context) (err error) { s.alive, unread, err = readProcesses(ctx, h); return err },
		func(ctx context.Context) (err error) { s.homes, err = readHomes(ctx, h, e.Node); return err },
	)
	if err = errors.Join(err, unread); err != nil {
		return c, err
	}
	s.homes.place(s.alive, ofNode(e.Container))
	return e.decide(s)
}

// silence is why the API server is silent; nil where it answers. One that refuses answers, also one that has too much to do (429). One that
// fails itself (500 and more: its etcd is away) is as good as silent: stop could neither ask it nor set it to no replicas. Of one that
// could not be asked (a certificate of another's) nothing is known: that is an error; one whose certificate has expired nobody can ask.
func silence(err error) (silent, unknown error) {
	var refused *host.KubeError
	switch {
	case errors.As(err, &refused) && refused.Code < 500:
		return nil, nil
	case errors.Is(err, host.ErrExpired):
		return err, nil
	case errors.Is(err, host.ErrUnasked):
		return nil, err
	case errors.Is(err, host.ErrNoAPI), errors.Is(err, host.ErrStuck), errors.As(err, &refused):
		return err, nil
	}
	return nil, err
}

// decide is the whole sense of the kind.
func (e *ExitWithoutAPI) decide(s silentSeen) (c modules.Change, err error) {
	switch {
	case s.api == nil:
		c.Refuse("API server", "answers", "silent", "where it answers the Deployment is set to 0 replicas, and nothing starts the validator again: bisc run stop")
		return c, nil
	case s.kubelet.state == "unknown" && s.kubelet.there():
		c.Refuse("kubelet", "unknown", "stopped", "the node's systemd does not answer: is the node paused (docker unpause), or its disk frozen? A paused node's validator cannot exit either")
		return c, nil
	}
	err = e.known(s)
	if err != nil || e.MayRun {
		return c, err
	}
	ours, others := sorted(s.alive)
	if !s.kubelet.stopped() {
		c.Differ("kubelet", s.kubelet.String(), "stopped; it starts again when the node starts")
		c.Do(s.kubelet.stop(e.Node))
	}
	if len(ours) > 0 {
		p := prove(evidence{processes: s.alive, homes: s.homes, api: s.api})
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "validator", Got: p.String() + " (bisc waits, and kills nothing)", Want: "no process", Text: p.detail()})
		askToExit(&c, s.alive, host.KubeletStopped(e.Node))
	}
	for _, p := range others {
		c.Diffs = append(c.Diffs, leaves(p))
	}
	if c.Mendable() {
		c.Settle = time.Duration(e.Grace) * time.Second
	}
	return c, nil
}

// known is an error where nobody can tell whose a validator is that runs: the kubelet would be stopped, and the validator go on, asked by nobody.
// Of one that is stuck it can mostly not be told, and nobody can ask it: it keeps nothing from being begun for others.
func (e *ExitWithoutAPI) known(s silentSeen) error {
	var faults []error
	for _, p := range s.alive {
		if p.Whose == Untold && p.State != Exiting && p.State != Stuck && (p.Home.Pod == "" || p.Home.Unsure) {
			faults = append(faults, fmt.Errorf("%s, and whose it is cannot be told (%w): try again. By hand, where it is the node's, on the host as root: %s; then %s", p, cmp.Or(s.homes.unread, errNoHome), host.Quote("docker", "exec", e.Node, "systemctl", "stop", "kubelet"), p.byHand()))
		}
	}
	for _, p := range s.alive {
		if len(faults) > 0 && p.Whose == Own {
			faults = append(faults, fmt.Errorf("%s, which is the node's. By hand: %s", p, p.byHand()))
		}
	}
	return errors.Join(faults...)
}

// sorted parts those that are waited for from those that are not the node's for sure: of another pod than its kubelet's, or of none.
func sorted(all []Process) (ours, others []Process) {
	for _, p := range all {
		if p.Whose == Foreign || p.Whose == Untold && p.Home.Pod != "" && !p.Home.Unsure {
			others = append(others, p)
			continue
		}
		ours = append(ours, p)
	}
	return ours, others
}

// leaves names a validator that is not the node's: bisc asks it nothing, and calls nothing stopped while it lives. One that ends is waited for.
func leaves(p Process) modules.Diff {
	got := string(p.State)
	if p.Why != "" {
		got += ": " + p.Why
	}
	d := modules.Diff{Attr: fmt.Sprintf("process %d", p.PID), Got: got + ", " + p.Home.String(), Want: "no process"}
	switch p.State {
	case Exiting:
	case Stuck:
		d.Why = "it is a validator too, in no pod of the node, and nothing that bisc does ends it; what is left to do: " + strings.Join(waysOut([]Process{p}), "; ")
	default:
		d.Why = fmt.Sprintf("it is a validator too, in no pod of the node: bisc asks it nothing. Stop it by its own means before the host goes down (systemctl status %d tells its unit)", p.PID)
	}
	return d
}
