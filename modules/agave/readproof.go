package agave

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules/kube"
)

// ProofQuery says where a validator would be.
type ProofQuery struct {
	Kubeconfig, Context string
	Namespace           string
	Deployment          string
	Node                string // the name of the container that is the node; "": not known, and then no API means unknown
	Container           string // of the pod: "" is agave-validator
}

func (q ProofQuery) container() string {
	if q.Container == "" {
		return "agave-validator"
	}
	return q.Container
}

// ReadProof asks the host's process table and the cluster, in one turn, and the node where the cluster does not answer. An error
// means that the host itself gave no answer; what only could not be told is a Proof that says Unknown. It asks anew each time
// where the context says so (host.Anew).
func ReadProof(ctx context.Context, r host.Reader, q ProofQuery) (Proof, error) {
	var e evidence
	var all homes
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { e.processes, e.table, err = readProcesses(ctx, r); return err },
		func(ctx context.Context) (err error) { all, err = readHomes(ctx, r, q.Node); return err },
		func(ctx context.Context) error { return e.askCluster(ctx, r, q) },
	)
	if err != nil {
		return Proof{}, fmt.Errorf("prove that the validator is stopped: %w", err)
	}
	if e.api != nil && len(e.processes) == 0 {
		if err := e.askNode(ctx, r, q); err != nil {
			return Proof{}, fmt.Errorf("prove that the validator is stopped: %w", err)
		}
	}
	if err := e.place(ctx, r, q, all); err != nil {
		return Proof{}, fmt.Errorf("prove that the validator is stopped: %w", err)
	}
	return prove(e), nil
}

// place says whose the processes are: by the pods that the API has, or, where it is silent, by those of the node. A pod's object may be gone
// before its processes are (kubectl delete --force): then they are the node's, and nobody else's in the cluster.
func (e *evidence) place(ctx context.Context, r host.Reader, q ProofQuery, all homes) error {
	e.homes = all
	switch {
	case e.api != nil:
		all.place(e.processes, ofNode(q.container()))
		return nil
	case e.unclear != nil:
		return nil
	}
	all.place(e.processes, ofPods(e.pods, q.container()))
	if !slices.ContainsFunc(e.processes, func(p Process) bool { return p.Whose == Foreign && ofNode(q.container())(p.Home) == Own }) {
		return nil
	}
	pods, err := kube.List[kube.Pod](ctx, r, kube.API{Kubeconfig: q.Kubeconfig, Context: q.Context}, kube.Pods, "")
	if err != nil && !apiSilent(err) {
		return err
	}
	for i, p := range e.processes {
		left := p.Whose == Foreign && ofNode(q.container())(p.Home) == Own
		switch {
		case left && err != nil:
			e.processes[i].Whose = Untold
		case left && !slices.ContainsFunc(pods, func(k kube.Pod) bool { return k.Meta.UID == p.Home.Pod }):
			e.processes[i].Whose = Own
		}
	}
	return nil
}

// readProcesses asks the process table. unread is a table that could not be read; err is a host without an answer.
func readProcesses(ctx context.Context, r host.Reader) (all []Process, unread, err error) {
	argv := host.WatchValidators()
	out, err := r.Query(ctx, argv...)
	switch {
	case errors.Is(err, host.ErrStuck):
		return nil, fmt.Errorf("the process table could not be read: %w", err), nil
	case err != nil:
		return nil, nil, fmt.Errorf("ask which validators live: %w", err)
	case out.Exit != 0:
		return nil, fmt.Errorf("the process table could not be read: %w", &host.ExitError{Argv: argv[:1], Exit: out.Exit, Stderr: out.Stderr}), nil
	}
	all, unread = parseProcesses(string(out.Stdout))
	return all, unread, nil
}

// parseProcesses reads the lines of host.Validators.
func parseProcesses(text string) ([]Process, error) {
	var all []Process
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 4 {
			return nil, fmt.Errorf("the process table's reading says %q", strings.TrimSpace(line))
		}
		pid, tid, thread := strings.Cut(words[0], "/")
		start, err := strconv.ParseUint(words[2], 10, 64)
		if n, e := strconv.Atoi(pid); e == nil && err == nil && !thread {
			all = append(all, Process{PID: n, Start: start, Name: words[1], State: ProofState(words[3]), Why: strings.Join(words[4:], " ")})
			continue
		}
		t, ok := parseThread(tid, words)
		if !ok || len(all) == 0 {
			return nil, fmt.Errorf("the process table's reading says %q", strings.TrimSpace(line))
		}
		last := &all[len(all)-1]
		last.Threads = append(last.Threads, t)
	}
	return all, nil
}

func parseThread(tid string, words []string) (t Thread, ok bool) {
	if len(words) < 7 {
		return t, false
	}
	n, err := strconv.Atoi(tid)
	seconds, err2 := strconv.Atoi(words[6])
	return Thread{TID: n, Name: words[1], State: words[3], Where: words[5], For: time.Duration(seconds) * time.Second, Stack: words[7:]}, err == nil && err2 == nil
}

// askCluster asks for the Deployment and its own pods, or, where there is none, for what of it or of another one is in the cluster.
func (e *evidence) askCluster(ctx context.Context, r host.Reader, q ProofQuery) error {
	api := kube.API{Kubeconfig: q.Kubeconfig, Context: q.Context}
	d, err := kube.ReadDeployed(ctx, r, api, q.Namespace, q.Deployment)
	switch {
	case errors.Is(err, host.ErrNoObject):
		e.missing = true
		err = e.askElsewhere(ctx, r, q)
	case err == nil:
		e.replicas, e.behind = int(d.Deployment.Replicas()), d.Unfollowed()
		e.pods = podsOf(d.All(), q.container())
	}
	if err == nil || errors.Is(err, kube.ErrNoMatch) {
		e.lags = d.Deployment.Replicas() == 0 && len(d.All()) == 0 && d.Unfollowed() != ""
	}
	switch {
	case errors.Is(err, kube.ErrNoMatch):
		e.unclear = err
	case apiSilent(err):
		e.api = err
	case err != nil:
		return err
	}
	return nil
}

// apiSilent tells that the cluster, not the host, gave no answer.
func apiSilent(err error) bool {
	var refused *host.KubeError
	return errors.Is(err, host.ErrNoAPI) || errors.Is(err, host.ErrForwarding) || errors.Is(err, host.ErrStuck) || errors.As(err, &refused)
}

// askElsewhere looks through the whole cluster where there is no such Deployment: it may be that it was deleted and left its pods or a
// ReplicaSet that makes them anew (kubectl delete --cascade=orphan), or that the plan names another namespace than laconic-so did.
func (e *evidence) askElsewhere(ctx context.Context, r host.Reader, q ProofQuery) error {
	api := kube.API{Kubeconfig: q.Kubeconfig, Context: q.Context}
	var pods []kube.Pod
	var sets []kube.ReplicaSet
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			pods, err = kube.List[kube.Pod](ctx, r, api, kube.Pods, "")
			return err
		},
		func(ctx context.Context) (err error) {
			sets, err = kube.List[kube.ReplicaSet](ctx, r, api, kube.ReplicaSets, "")
			return err
		},
	)
	if err != nil {
		return err
	}
	ours := func(m kube.Meta, spec kube.PodSpec, set string) bool {
		return spec.Has(q.container()) || m.Namespace == q.Namespace && strings.HasPrefix(set, q.Deployment+"-")
	}
	e.pods = podsOf(slices.DeleteFunc(pods, func(p kube.Pod) bool {
		return !ours(p.Meta, p.Spec, "") && !slices.ContainsFunc(p.Meta.Owners, func(o kube.Owner) bool { return o.Kind == "ReplicaSet" && ours(p.Meta, p.Spec, o.Name) })
	}), q.container())
	for _, s := range sets {
		if (s.Spec.Replicas > 0 || !s.Followed()) && ours(s.Meta, s.Spec.Template.Spec, s.Meta.Name) {
			e.unclear = fmt.Errorf("there is no Deployment %s in the namespace %s, but the ReplicaSet %s/%s wants %d pods with a validator%s", q.Deployment, q.Namespace, s.Meta.Namespace, s.Meta.Name, s.Spec.Replicas, behind(s))
		}
	}
	return nil
}

func behind(s kube.ReplicaSet) string {
	if s.Followed() {
		return ""
	}
	return ", and its controller has yet to follow"
}

func podsOf(pods []kube.Pod, container string) []Pod {
	var out []Pod
	for _, k := range pods {
		p := Pod{UID: k.Meta.UID, Name: k.Meta.Name, Phase: k.Status.Phase, Node: k.Spec.NodeName, Deleting: k.Meta.Terminating(), Grace: time.Duration(k.Spec.GraceSeconds()) * time.Second}
		if k.Meta.DeletionGrace != nil {
			p.Grace = time.Duration(*k.Meta.DeletionGrace) * time.Second
		}
		if k.Meta.Terminating() {
			p.Ends = *k.Meta.DeletionTimestamp
		}
		for _, c := range k.Status.Containers {
			if c.Name == container && c.State.Waiting != nil {
				p.Waiting = c.State.Waiting.Reason
			}
		}
		out = append(out, p)
	}
	return out
}

// askNode reads what the host sees of the node: whether its container runs, and the folders that its kubelet has of pods with the
// container. They are read from the host, through the node's first process: docker exec hangs where the host ails.
func (e *evidence) askNode(ctx context.Context, r host.Reader, q ProofQuery) error {
	if q.Node == "" {
		e.nodeErr = errors.New("no node is named")
		return nil
	}
	b, err := r.Docker(ctx, host.DockerQuery{What: host.DockerContainer, Name: q.Node})
	var c struct {
		State struct {
			Running, Restarting bool
			Pid                 int
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.node = nodeOff
		return nil
	case errors.Is(err, host.ErrNotListening), errors.Is(err, host.ErrForwarding), errors.Is(err, host.ErrStuck):
		e.nodeErr = err
		return nil
	case err != nil:
		return fmt.Errorf("ask docker for the node %s: %w", q.Node, err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return fmt.Errorf("ask docker for the node %s: %w", q.Node, err)
	}
	if !c.State.Running && !c.State.Restarting {
		e.node = nodeOff
		return nil
	}
	e.node = nodeOn
	if c.State.Pid <= 0 {
		e.nodeErr = fmt.Errorf("docker names no first process of the node %s", q.Node)
		return nil
	}
	e.kept, e.nodeErr = keptPods(ctx, r, c.State.Pid, q.container())
	return nil
}

// keptPods lists the folders /var/lib/kubelet/pods/UID, without those of pods of which other containers are known. A folder of the
// kubelet's that cannot be listed is no empty one: it must be there.
func keptPods(ctx context.Context, r host.Reader, pid int, container string) ([]Pod, error) {
	folder := fmt.Sprintf("/proc/%d/root/var/lib/kubelet/pods", pid)
	var st host.Stat
	var pods, containers []string
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { st, err = r.Stat(ctx, folder); return err },
		func(ctx context.Context) (err error) { pods, err = r.Glob(ctx, folder+"/*"); return err },
		func(ctx context.Context) (err error) {
			containers, err = r.Glob(ctx, folder+"/*/containers/*")
			return err
		},
	)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", folder, err)
	}
	if st.Type != host.Directory {
		return nil, fmt.Errorf("%s is no folder", folder)
	}
	ours, told := map[string]bool{}, map[string]bool{}
	for _, name := range containers {
		uid := path.Base(path.Dir(path.Dir(name)))
		told[uid] = true
		ours[uid] = ours[uid] || path.Base(name) == container
	}
	var out []Pod
	for _, name := range pods {
		if uid := path.Base(name); ours[uid] || !told[uid] {
			out = append(out, Pod{UID: uid})
		}
	}
	return out, nil
}
