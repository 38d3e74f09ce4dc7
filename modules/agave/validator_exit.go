package agave

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bisc/hostbin/letexit"
	"bisc/internal/host"
	"bisc/modules"
)

// ValidatorExitKind lets a validator exit.
var ValidatorExitKind = modules.Kind{
	Name: "validator_exit", Label: "the name of the validator's Deployment", Platform: host.Linux, Layer: "agave",
	Doc: "A validator that was let exit. It is asked through its admin socket, with its own program, from the host: agave has no handler for SIGTERM, and as the first process of its container it " +
		"does not even get it, so that a pod's deletion alone waits for the grace to run out and kills it in the middle of its writes. It is asked when its pod (by UID) is being deleted, and not before: the kubelet starts a validator that " +
		"exits in a pod that stays. The watch of exit_on_deletion asks, which is written before what deletes the pod; where it is not at work it is started here, and bisc asks as well: when the kubelet has had five seconds to hear of the deletion, or at once where little of the grace is left. A process whose pod is gone is asked at once. Only the pod's own processes are asked, as the kubelet's mounts in them tell: a validator of other making (a unit of systemd's, another pod) is named and asked nothing, " +
		"and so is one of which it cannot be told. " +
		"bisc waits for the proof (as of `validator_stopped`) for as long as `grace`, and says what it waits for; it never kills. Who was asked before is asked again: that harms nothing. Where the API does not answer nobody is asked.",
	Checks: []string{
		"now: as validator_stopped",
		"now, with `log`: that the log's end tells a clean exit, where it can be read, of a validator that lived when it was first looked at; how one ended before that is not asked",
		"after boot: nothing; a boot ends what lives",
	},
	Losses: []modules.Loss{{
		What: "the validator's process, which is asked to exit", When: "one lives, and its pod is being deleted or there is none",
		Guards: []string{"it is the pod's, by what the kubelet mounts into its containers", "it is the process that was seen, by pid and start", "an API server that does not answer has nobody asked"},
	}},
	Example: `validator_exit "laconic-70ce4c4b47e23b85-deployment" {
  kubeconfig = "/home/rix/.kube/config"
  namespace  = "laconic-laconic-70ce4c4b47e23b85"
  node       = "laconic-70ce4c4b47e23b85-control-plane"
  grace      = 300
}
`,
	New: func(label string) modules.Resource {
		return &ValidatorExit{Deployment: label, Container: "agave-validator", Grace: 300, ExitLine: "Validator exiting"}
	},
}

// ValidatorExit is the resource of ValidatorExitKind.
type ValidatorExit struct {
	Deployment string
	Kubeconfig string `hcl:"kubeconfig" doc:"the kubeconfig, a path on the host"`
	Context    string `hcl:"context,optional" doc:"the kubeconfig's context; unset is its current one"`
	Namespace  string `hcl:"namespace" doc:"the Deployment's namespace"`
	Node       string `hcl:"node,optional" doc:"the container that is the node; without it an API that does not answer means unknown"`
	Container  string `hcl:"container,optional" default:"\"agave-validator\"" doc:"the pod's container"`
	Grace      int    `hcl:"grace,optional" default:"300" doc:"for how many seconds its end is waited for"`
	Log        string `hcl:"log,optional" doc:"the validator's log, a path on the host: its end must tell a clean exit. Unset: not looked at"`
	ExitLine   string `hcl:"exit_line,optional" default:"\"Validator exiting\"" doc:"what the log says at a clean exit; also taken for one is agave's \"validator exit timeout\", after which it ends itself"`

	lives atomic.Pointer[[]Process] // those that Plan saw last
	lived atomic.Bool               // Plan has seen one: then its end is this one's, and the log's end tells how it was
}

// Await waits on the host for the end of one of the processes that Plan saw, so that it is noticed when it comes.
func (v *ValidatorExit) Await(ctx context.Context, h host.Reader, limit time.Duration) bool {
	lives := v.lives.Load()
	if lives == nil || len(*lives) == 0 {
		return false
	}
	words := []string{strconv.Itoa(int(limit / (100 * time.Millisecond)))}
	for _, p := range *lives {
		words = append(words, strconv.Itoa(p.PID), strconv.FormatUint(p.Start, 10))
	}
	out, err := h.Query(ctx, host.AwaitEnd.Argv(words...)...)
	return err == nil && out.Exit == 0
}

func (v *ValidatorExit) query() ProofQuery {
	return ProofQuery{Kubeconfig: v.Kubeconfig, Context: v.Context, Namespace: v.Namespace, Deployment: v.Deployment, Node: v.Node, Container: v.Container}
}

// Validate finds what can be known without a host.
func (v *ValidatorExit) Validate() error {
	faults := []error{v.query().validate()}
	if v.Grace < 1 {
		faults = append(faults, &modules.AttrError{Attr: "grace", Reason: "write how many seconds the validator gets: 300"})
	}
	if v.Log != "" && (!path.IsAbs(v.Log) || path.Clean(v.Log) != v.Log) {
		faults = append(faults, &modules.AttrError{Attr: "log", Reason: "write the path on the host, from its root"})
	}
	if v.ExitLine == "" {
		faults = append(faults, &modules.AttrError{Attr: "exit_line", Reason: "write what the log says at a clean exit"})
	}
	return errors.Join(faults...)
}

// Plan reads the proof, the watch, and the log of what has exited.
func (v *ValidatorExit) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	p, err := ReadProof(ctx, h, v.query())
	if err != nil {
		return c, err
	}
	v.lives.Store(&p.Processes)
	if len(owned(p.Processes)) > 0 {
		v.lived.Store(true)
	}
	last := ""
	if p.State == Stopped && v.Log != "" && v.lived.Load() {
		if last, err = logTail(ctx, h, v.Log); err != nil {
			return c, err
		}
	}
	var w watchSeen
	if pods := p.placed(); len(pods) > 0 && allDeleting(pods) && len(owned(p.Processes)) > 0 {
		w, err = (exitWatch{kubeconfig: v.Kubeconfig, context: v.Context, namespace: v.Namespace, container: v.Container, pods: pods}).read(ctx, h)
		if err != nil && len(doomedOf(p.Processes, pods))+len(orphans(p.Processes, p.Pods)) == 0 {
			return c, err
		}
		w.unread = err
	}
	return v.decide(p, w, last)
}

// logTail is the end of a log; "" where there is none or it cannot be read.
func logTail(ctx context.Context, h host.Reader, name string) (string, error) {
	out, err := h.Query(ctx, host.FileEnd.Argv(name)...)
	if err != nil && !errors.Is(err, host.ErrStuck) {
		return "", fmt.Errorf("read the end of %s: %w", name, err)
	}
	if err != nil || out.Exit != 0 {
		return "", nil
	}
	return string(out.Stdout), nil
}

// decide is the whole sense of the kind. What only its controller has yet to count is waited for: on a slow host a validator may be
// gone before that is. A process that is stuck is waited for as any other, until the grace is over: a device may
// answer again (incident 5).
func (v *ValidatorExit) decide(p Proof, w watchSeen, log string) (c modules.Change, err error) {
	switch {
	case p.State == Stopped:
		v.clean(&c, log)
		return c, nil
	case p.State == Unknown && len(p.Processes) == 0 && !p.Lags:
		return c, errors.New(p.Reason)
	}
	if len(p.Processes) > 0 && len(owned(p.Processes)) == 0 && len(p.placed()) == 0 && p.API == nil && p.Unclear == nil {
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "validator", Got: p.String(), Want: string(Stopped), Why: p.advice(), Text: p.detail()})
		return c, nil
	}
	got := p.String() + " (bisc waits, and kills nothing)"
	if p.State == Stuck {
		got += "; what is left to do: " + strings.Join(p.WaysOut, "; ")
	}
	text := p.detail()
	if p.Replicas > 0 {
		text += fmt.Sprintf("the Deployment wants %d replicas: unless it wants 0 by then, the kubelet starts the validator again\n", p.Replicas)
	}
	c.Settle = time.Duration(v.Grace) * time.Second
	switch {
	case p.API != nil || p.Unclear != nil:
		text += "nobody is asked while it is not known whether its pod is being deleted: the kubelet would start the validator again\n"
	case len(p.placed()) > 0: // who asks then has to ask again: the kubelet may start a validator that exits before it has heard of the deletion
		text += "it is asked when its pod is being deleted, by the watch on the host (exit_on_deletion)\n"
		for _, left := range orphans(p.Processes, p.Pods) {
			c.Do(askingOn(left))
			text += fmt.Sprintf("the pod of process %d is gone, and it is left: no watch is its, and bisc asks it\n", left.PID)
		}
		if all := doomedOf(p.Processes, p.Pods); len(all) > 0 && !(w.lasts() && w.told()) {
			askAll(&c, all, p.now)
			text += w.idle() + ", and bisc asks too\n"
		}
		if strings.Contains(w.job.LastLine, letexit.NotAsked) {
			text += "the watch says: " + w.job.LastLine + "\n"
		}
		c.Do(w.start...)
	default:
		askToExit(&c, p.Processes)
	}
	c.Diffs = append(c.Diffs, modules.Diff{Attr: "validator", Got: got, Want: string(Stopped), Text: text})
	return c, nil
}

// askToExit asks those that nothing would bring back, where they are known to be the pod's. A step a process, and one that only waits: what is left to do as they end is always
// fewer of the steps that were shown. Who asks is not asked.
func askToExit(c *modules.Change, all []Process, guards ...host.Guard) {
	for _, process := range slices.SortedStableFunc(slices.Values(all), stuckLast) {
		if process.Whose == Own && (process.State != Exiting || process.Why != itAsks) {
			c.Do(asking(process, guards...))
		}
	}
	c.Do(host.Script{Argv: []string{"true"}, Limit: time.Minute})
}

// asking is the step that asks one.
func asking(p Process, guards ...host.Guard) host.Step {
	argv := []string{"sh", "-c", letexit.Script, "let-validator-exit", strconv.Itoa(p.PID), strconv.FormatUint(p.Start, 10)}
	return host.Script{Argv: argv, Limit: time.Minute, Guards: guards}
}

// placed are the pods that a node has and that may have processes: a successor that waits for a node has none.
func (p Proof) placed() []Pod {
	return slices.DeleteFunc(slices.Clone(p.Pods), func(pod Pod) bool { return pod.Node == "" || pod.over() })
}

// itAsks is what readings/validators.sh says of a process that asks a validator to exit, such as the pod's own hook.
const itAsks = "it asks a validator to exit"

// exitedHard is what agave's log says where it was asked to exit, its services have ended, and some thread of it has not five seconds later: it
// then ends itself, with status 0 (validator/src/admin_rpc_service.rs). That is a clean exit too, and a usual one.
const exitedHard = "validator exit timeout"

// clean says so where a log's end tells of no clean exit (incident 7: a validator that is killed has ended too).
func (v *ValidatorExit) clean(c *modules.Change, log string) {
	if log == "" || strings.Contains(log, v.ExitLine) || strings.Contains(log, exitedHard) {
		return
	}
	lines := strings.Split(strings.TrimSpace(log), "\n")
	c.Refuse("clean exit", fmt.Sprintf("%.200s", lines[len(lines)-1]), v.ExitLine,
		"it has ended, but its log does not end with a clean exit: it was killed, or it crashed (dmesg tells whether the kernel killed it for want of memory); a start from its local state may fail (bisc run recover). Who looks again asks no more how it ended: bisc run --resume goes on")
}
