package agave

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

// q is the names of biscayne (reference 3.1).
var q = ProofQuery{Kubeconfig: "/k", Namespace: "laconic-x", Deployment: "x-deployment", Node: "x-control-plane"}

const (
	deploymentQ = "laconic-x apps/v1/deployments/x-deployment"
	setsQ       = "laconic-x apps/v1/replicasets"
	podsQ       = "laconic-x v1/pods"
	keptAt      = "/proc/77/root/var/lib/kubelet/pods/"
	nodeUp      = `{"State":{"Running":true,"Pid":77}}`
)

func deploymentJSON(replicas, status int) string {
	return fmt.Sprintf(`{"metadata":{"name":"x-deployment","uid":"d1","generation":3,"resourceVersion":"9"},"spec":{"replicas":%d,"selector":{"matchLabels":{"app":"x"}},"template":{"spec":{"terminationGracePeriodSeconds":30}}},"status":{"replicas":%d,"observedGeneration":3}}`, replicas, status)
}

// podJSON is a pod; more is JSON to stand in its metadata.
func podJSON(uid, phase, more string) string {
	return fmt.Sprintf(`{"metadata":{"name":"x-%s","uid":%q%s,"labels":{"app":"x"},"ownerReferences":[{"kind":"ReplicaSet","name":"x-deployment-1","uid":"rs1","controller":true}]},"spec":{"nodeName":"x-control-plane","terminationGracePeriodSeconds":30,"containers":[{"name":"agave-validator"}]},"status":{"phase":%q}}`, uid, uid, more, phase)
}

const deleting = `,"deletionTimestamp":"2026-03-09T00:00:00Z","deletionGracePeriodSeconds":300`

func list(pods ...string) string { return `{"items":[` + strings.Join(pods, ",") + `]}` }

// world is what a host answers.
type world struct {
	processes        string // what the process table's reading prints
	homes            string // whose they are; "" is of the node's pod u1
	exit             int
	deployment, pods string
	own              string // the end of its ReplicaSet's JSON, from within the metadata on
	elsewhere, sets  string // all pods of the cluster, and all ReplicaSets; "" is as in the namespace
	apiErr           error
	node             string // docker's answer; "none": there is no such container
	nodeErr          error
	kept, containers []string // what the kubelet has: pods, and their containers
}

func (w world) fake() *hosttest.Fake {
	f := hosttest.New("h").Answer(w.exit, w.processes, host.WatchValidators()...)
	for _, node := range []string{"", q.Node} {
		f.Answer(0, cmp.Or(w.homes, atHome), host.Homes.Argv(node)...)
	}
	f.Kubes[deploymentQ], f.Kubes[podsQ] = w.deployment, w.pods
	f.Kubes[setsQ] = `{"items":[{"metadata":{"name":"x-deployment-1","uid":"rs1","ownerReferences":[{"kind":"Deployment","uid":"d1","controller":true}]` + cmp.Or(w.own, "}") + `}]}`
	f.Kubes["v1/pods"], f.Kubes["apps/v1/replicasets"] = cmp.Or(w.elsewhere, inNamespace(w.pods)), cmp.Or(w.sets, inNamespace(f.Kubes[setsQ]))
	if w.apiErr != nil {
		f.Errors["kube "+deploymentQ], f.Errors["kube "+setsQ], f.Errors["kube "+podsQ] = w.apiErr, w.apiErr, w.apiErr
	}
	f.Dockers["docker container x-control-plane"] = w.node
	if w.nodeErr != nil {
		f.Errors["docker container x-control-plane"] = w.nodeErr
	}
	f.Stats["/proc/77/root/var/lib/kubelet/pods"] = host.Stat{Type: host.Directory}
	f.Globs[keptAt+"*"], f.Globs[keptAt+"*/containers/*"] = w.kept, w.containers
	return f
}

// inNamespace says of objects where they are, as the API server does.
func inNamespace(items string) string {
	return strings.ReplaceAll(items, `{"metadata":{`, `{"metadata":{"namespace":"laconic-x",`)
}

// What the host says of whose the process is: in the node's pod u1; in a unit of systemd's; in another pod of the node.
const (
	hostNow = "now 1773014280\n" // 2026-03-08T23:58:00Z, two minutes before deleting's end
	asks    = " L2Jpbi9hZ2F2ZS12YWxpZGF0b3I= L2RhdGEvbGVkZ2Vy\n"
	atHome  = hostNow + "4711 900 u1 agave-validator node /kubepods/podu1/c" + asks
	ofUnit  = hostNow + "4711 900 - - - /system.slice/sol.service" + asks
	ofOther = hostNow + "4711 900 u9 agave-validator node /kubepods/podu9/c" + asks
)

const (
	alive  = "4711 agave-validator 900 running\n"
	ending = "4711 agave-validator 900 exiting it was asked to exit\n"
	frozen = "4711 agave-validator 900 stuck it was killed, 1 of 1 threads stand still\n4711/4712 solWriter 901 D waits percpu_rwsem_wait 75 percpu_rwsem_wait __percpu_down_read\n"
)

// elsewhere is a validator's pod under a name that the plan does not have.
const elsewhere = `{"metadata":{"name":"y-1","namespace":"default","uid":"u9","labels":{"app":"y"}},"spec":{"nodeName":"x-control-plane","containers":[{"name":"agave-validator"}]},"status":{"phase":"Running"}}`

// TestFaultF22_OnlyTheHostOpens is the truth table of what the API says against what the host sees.
func TestFaultF22_OnlyTheHostOpens(t *testing.T) {
	down := fmt.Errorf("%w: connection refused", host.ErrNoAPI)
	gone := world{deployment: deploymentJSON(0, 0), pods: list()}
	with := func(w world, change func(*world)) world { change(&w); return w }
	noAPI := world{apiErr: down, node: nodeUp}
	for _, c := range []struct {
		situation string
		world     world
		want      ProofState
		says      string
	}{
		{"API says gone, no process", gone, Stopped, "no pod of it is left"},
		{"API says gone, process alive", with(gone, func(w *world) { w.processes = alive }), Running, "the API has no pod of it any more"},
		{"API says gone, process exiting", with(gone, func(w *world) { w.processes = ending }), Exiting, "asked to exit"},
		{"API says gone, process stuck", with(gone, func(w *world) { w.processes = frozen }), Stuck, "percpu_rwsem_wait, for 1m15s"},
		{"API says gone, the table cannot be read", with(gone, func(w *world) { w.exit = 3 }), Unknown, "process table could not be read"},
		{"API says gone, the table says what nobody understands", with(gone, func(w *world) { w.processes = "nonsense\n" }), Unknown, `says "nonsense"`},
		{"API down, process alive", with(noAPI, func(w *world) { w.processes = alive }), Running, "process 4711"},
		{"API down, process exiting", with(noAPI, func(w *world) { w.processes = ending }), Exiting, "process 4711"},
		{"API down, process stuck", with(noAPI, func(w *world) { w.processes = frozen }), Stuck, "process 4711"},
		{"API down, no process, the kubelet keeps a pod", with(noAPI, func(w *world) {
			w.kept, w.containers = []string{keptAt + "u1"}, []string{keptAt + "u1/containers/agave-validator"}
		}), Unknown, "keeps pod u1"},
		{"API down, no process, the kubelet keeps a pod of which it has no container yet", with(noAPI, func(w *world) { w.kept = []string{keptAt + "u1"} }), Unknown, "keeps pod u1"},
		{"API down, no process, the kubelet keeps others' pods", with(noAPI, func(w *world) {
			w.kept, w.containers = []string{keptAt + "u2"}, []string{keptAt + "u2/containers/etcd"}
		}), Stopped, "keeps no pod of it"},
		{"API down, no process, the kubelet keeps none", noAPI, Stopped, "the API does not answer"},
		{"API down, no process, the node is off", with(noAPI, func(w *world) { w.node = `{"State":{"Running":false,"Pid":0}}` }), Stopped, "does not run"},
		{"API down, no process, the node starts again and again", with(noAPI, func(w *world) { w.node = `{"State":{"Restarting":true,"Pid":0}}` }), Unknown, "no first process"},
		{"API down, no process, there is no node", with(noAPI, func(w *world) { w.nodeErr = fs.ErrNotExist }), Stopped, "does not run"},
		{"API down, no process, no docker", with(noAPI, func(w *world) { w.nodeErr = host.ErrNotListening }), Unknown, "neither the API"},
		{"API refuses, no process", world{apiErr: &host.KubeError{Code: 403, Reason: "Forbidden"}, node: nodeUp}, Unknown, "does not tell whether one may start"},
		{"API is overloaded, no process, the kubelet keeps none", world{apiErr: fmt.Errorf("%w: %w", host.ErrNoAPI, &host.KubeError{Code: 429, Reason: "TooManyRequests"}), node: nodeUp}, Unknown, "does not tell whether one may start"},
		{"API is without its etcd, no process, the kubelet keeps none", world{apiErr: fmt.Errorf("%w: %w", host.ErrNoAPI, &host.KubeError{Code: 503}), node: nodeUp}, Unknown, "does not tell whether one may start"},
		{"no kubeconfig, no process, the kubelet keeps none", world{apiErr: fmt.Errorf("kubeconfig /k: %w: no such file", host.ErrUnasked), node: nodeUp}, Unknown, "was not asked whether one may start"},
		{"a certificate of another's, no process, the kubelet keeps none", world{apiErr: fmt.Errorf("%w: x509: certificate signed by unknown authority", host.ErrUnasked), node: nodeUp}, Unknown, "signed by unknown authority"},
		{"no kubeconfig, no process, the node is off", world{apiErr: fmt.Errorf("kubeconfig /k: %w: no such file", host.ErrUnasked), node: `{"State":{"Running":false,"Pid":0}}`}, Stopped, "does not run"},
		{"no way to the API, no process, the node is off", world{apiErr: host.ErrForwarding, node: `{"State":{}}`}, Stopped, "does not run"},
		{"API says alive, process gone", world{deployment: deploymentJSON(1, 1), pods: list(podJSON("u1", "Running", ""))}, Unknown, "may start at any moment"},
		{"incident 3: replicas 1, the selector matches nothing", world{deployment: deploymentJSON(1, 0), pods: list()}, Unknown, "its own selector matches no pod"},
		{"incident 3: it counts 1, and the selector matches nothing", world{deployment: deploymentJSON(1, 1), pods: list()}, Unknown, "the Deployment's selector matches no pod"},
		{"replicas 0, a pod being deleted, its process gone", world{deployment: deploymentJSON(0, 0), pods: list(podJSON("u1", "Running", deleting))}, Exiting, "yet to let go of pod x-u1 (uid u1, Running, being deleted with 5m0s of grace)"},
		{"replicas 0, a pod that nobody has deleted yet", world{deployment: deploymentJSON(0, 1), pods: list(podJSON("u1", "Pending", ""))}, Unknown, "still has pod x-u1"},
		{"replicas 0, an evicted pod is left", world{deployment: deploymentJSON(0, 0), pods: list(podJSON("u1", "Failed", ""))}, Stopped, ""},
		{"replicas 0, its status says 1, no pod", world{deployment: deploymentJSON(0, 1), pods: list()}, Unknown, "matches no pod"},
		{"replicas 0, its status says 1, its only pod has failed", world{deployment: deploymentJSON(0, 1), pods: list(podJSON("u1", "Failed", ""))}, Unknown, "status.replicas 1"},
		{"replicas 0, nobody has seen that yet", world{deployment: strings.Replace(deploymentJSON(0, 0), `"generation":3`, `"generation":4`, 1), pods: list()}, Unknown, "generation 3 of 4"},
		{"replicas 0, its ReplicaSet is still to have a pod", with(gone, func(w *world) { w.own = `},"spec":{"replicas":1}` }), Unknown, "may still make a pod: status.replicas 0, 1 pods to come"},
		{"replicas 0, its ReplicaSet counts a pod that nobody lists yet", with(gone, func(w *world) { w.own = `},"status":{"replicas":1}` }), Unknown, "1 pods to come"},
		{"replicas 0, its ReplicaSet's controller is still making the pod of before", with(gone, func(w *world) { w.own = `,"generation":3},"status":{"observedGeneration":2}` }), Unknown, "has not followed the last change of x-deployment-1"},
		{"a pod being deleted, its process runs", world{processes: alive, deployment: deploymentJSON(0, 0), pods: list(podJSON("u1", "Running", deleting))}, Exiting, "being deleted"},
		{"a pod being deleted, its process runs, its successor waits for a node", world{processes: alive, deployment: deploymentJSON(1, 2), pods: list(strings.Replace(podJSON("u2", "Pending", ""), `"nodeName":"x-control-plane",`, "", 1), podJSON("u1", "Running", deleting))}, Exiting, "pod x-u1"},
		{"no Deployment, no pod", world{pods: list()}, Stopped, "neither a Deployment"},
		{"no Deployment, but a pod of it", world{pods: list(podJSON("u1", "Running", ""))}, Unknown, "still has pod x-u1"},
		{"no Deployment here, but a validator's pod in another namespace", world{pods: list(), elsewhere: list(elsewhere)}, Unknown, "still has pod y-1"},
		{"no Deployment, but its ReplicaSet makes pods anew", world{pods: list(), sets: inNamespace(list(`{"metadata":{"name":"x-deployment-1","uid":"rs1"},"spec":{"replicas":1}}`))}, Unknown, "ReplicaSet laconic-x/x-deployment-1 wants 1"},
		{"no Deployment here, but a validator's ReplicaSet in another namespace", world{pods: list(), sets: list(`{"metadata":{"name":"y-7","namespace":"default","uid":"rs7"},"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"agave-validator"}]}}}}`)}, Unknown, "ReplicaSet default/y-7 wants 1"},
		{"no Deployment here, and others' pods", world{pods: list(), elsewhere: list(strings.Replace(elsewhere, "agave-validator", "caddy", 1))}, Stopped, "neither a Deployment"},
		{"two processes, one stuck", with(gone, func(w *world) { w.processes = alive + strings.ReplaceAll(frozen, "4711", "5000") }), Stuck, "2 processes live; process 5000"},
	} {
		got, err := ReadProof(t.Context(), c.world.fake(), q)
		if err != nil || got.State != c.want || !strings.Contains(got.String(), c.says) {
			t.Errorf("%s: %v %v, want %s and %q", c.situation, got, err, c.want, c.says)
		}
		if (len(got.WaysOut) > 0) != (c.want == Stuck) {
			t.Errorf("%s: ways out %q", c.situation, got.WaysOut)
		}
	}
	f := gone.fake()
	f.Errors["query "+hosttest.Question(host.WatchValidators()...)] = host.ErrUnreachable
	if p, err := ReadProof(t.Context(), f, q); !errors.Is(err, host.ErrUnreachable) || p.State == Stopped {
		t.Errorf("a host that does not answer: %v %v", p, err)
	}
}

// TestFaultF22_WhatIsNotKnownOpensNothing: each question that the proof asks may fail in a way of its own, while no process is seen and the
// other answers would open. None of them is taken for a no.
func TestFaultF22_WhatIsNotKnownOpensNothing(t *testing.T) {
	noAPI := world{apiErr: fmt.Errorf("%w: connection refused", host.ErrNoAPI), node: nodeUp}
	strange := errors.New("an answer that nobody has thought of")
	for situation, w := range map[string]world{
		"the API's answer is strange":          {apiErr: strange, node: nodeUp},
		"docker's answer about the node is":    {apiErr: noAPI.apiErr, nodeErr: strange},
		"the table breaks off within a thread": {deployment: deploymentJSON(0, 0), pods: list(), processes: "4711/4712 solWriter 901 D waits\n"},
	} {
		if p, err := ReadProof(t.Context(), w.fake(), q); err == nil && p.State != Unknown {
			t.Errorf("%s: %v", situation, p)
		}
		for _, mayRun := range []bool{true, false} {
			v := &ValidatorStopped{Deployment: q.Deployment, Kubeconfig: q.Kubeconfig, Namespace: q.Namespace, Node: q.Node, MayRun: mayRun}
			if c, err := v.Plan(t.Context(), w.fake()); w.apiErr != nil && err == nil {
				t.Errorf("%s, may run %t: %+v", situation, mayRun, c)
			}
		}
	}
	f := noAPI.fake()
	f.Stats["/proc/77/root/var/lib/kubelet/pods"] = host.Stat{Type: host.Regular}
	if p, err := ReadProof(t.Context(), f, q); err == nil && p.State != Unknown {
		t.Errorf("the kubelet's folder is a file: %v", p)
	}
	nameless := q
	nameless.Node = ""
	if p, err := ReadProof(t.Context(), noAPI.fake(), nameless); err != nil || p.State != Unknown {
		t.Errorf("no node is named, and the API is silent: %v %v", p, err)
	}
}

// TestExitWaitsForTheController: the validator has ended, and the Deployment's controller has not counted that yet. It is no proof, and
// it is nothing to end a runbook for: it is waited for, with no act. What only looks like it is not.
func TestExitWaitsForTheController(t *testing.T) {
	unseen := strings.Replace(deploymentJSON(0, 0), `"generation":3`, `"generation":4`, 1)
	for _, c := range []struct {
		situation string
		world     world
		waits     bool
	}{
		{"it counts 1, and there is no pod", world{deployment: deploymentJSON(0, 1), pods: list()}, true},
		{"it counts 1, and the only pod has failed", world{deployment: deploymentJSON(0, 1), pods: list(podJSON("u1", "Failed", ""))}, true},
		{"it has not seen that none is wanted", world{deployment: unseen, pods: list()}, true},
		{"one is wanted, and the selector matches nothing (incident 3)", world{deployment: deploymentJSON(1, 1), pods: list()}, false},
		{"a pod that nobody has deleted", world{deployment: deploymentJSON(0, 1), pods: list(podJSON("u1", "Pending", ""))}, false},
		{"a process table that nobody understands", world{processes: "nonsense\n", deployment: deploymentJSON(0, 1), pods: list()}, false},
		{"the API is silent", world{apiErr: fmt.Errorf("%w: refused", host.ErrNoAPI), nodeErr: host.ErrNotListening}, false},
	} {
		p, err := ReadProof(t.Context(), c.world.fake(), q)
		if err != nil || p.State != Unknown {
			t.Errorf("%s: %v %v", c.situation, p, err)
		}
		change, err := ValidatorExitKind.New("x").(*ValidatorExit).decide(p, watchSeen{}, "")
		acts := slices.DeleteFunc(change.Steps, func(s host.Step) bool { return s.(host.Script).Argv[0] == "true" })
		if (err == nil) != c.waits || c.waits && (len(acts) != 0 || len(change.Diffs) != 1 || change.Settle == 0) {
			t.Errorf("%s: %v %v", c.situation, change, err)
		}
	}
}

// TestIncident1_ProofByProcess: a teardown killed kind under a running agave. Whatever the API, docker and the kubelet say, a process
// that lives is one: no answer of theirs makes it stopped.
func TestIncident1_ProofByProcess(t *testing.T) {
	down := fmt.Errorf("%w: connection refused", host.ErrNoAPI)
	for situation, w := range map[string]world{
		"scaled to 0, no pod":         {deployment: deploymentJSON(0, 0), pods: list()},
		"the namespace is gone":       {pods: list()},
		"the cluster is gone":         {apiErr: down, nodeErr: fs.ErrNotExist},
		"the node is said to be off":  {apiErr: down, node: `{"State":{"Running":false}}`},
		"docker is down":              {apiErr: down, nodeErr: host.ErrNotListening},
		"the API refuses":             {apiErr: &host.KubeError{Code: 401}},
		"its pod is said to be over":  {deployment: deploymentJSON(0, 0), pods: list(podJSON("u1", "Succeeded", ""))},
		"its pod is said to be going": {deployment: deploymentJSON(0, 0), pods: list(podJSON("u1", "Running", deleting))},
	} {
		for _, processes := range []string{alive, ending, frozen} {
			w.processes = processes
			if p, err := ReadProof(t.Context(), w.fake(), q); err != nil || p.State == Stopped || p.State == Unknown {
				t.Errorf("%s, %q: %v %v", situation, processes, p, err)
			}
		}
	}
}

// TestIncident2_TheDeadlockIsNamed: a SIGKILL during I/O on ZFS left threads that only a power cycle ended (biscayne.md 4.5).
func TestIncident2_TheDeadlockIsNamed(t *testing.T) {
	for _, function := range []string{"io_wq_put_and_exit", "dsl_dir_tempreserve_space", "zap_pid_ns_processes"} {
		processes, err := parseProcesses("7 agave-validator 9 stuck it was killed, 1 of 2 threads stand still\n7/8 iou-wrk-7 10 D waits x 600 schedule " + function + "\n")
		if err != nil {
			t.Fatal(err)
		}
		p := prove(evidence{processes: processes})
		text := p.detail()
		for _, want := range []string{"io_uring on ZFS", "thread 8 (iou-wrk-7) is in D at x, for 10m0s", "switching the power off and on", "no signal does"} {
			if p.State != Stuck || !strings.Contains(text, want) {
				t.Errorf("%s: %s\n%s\nwant %q", function, p, text, want)
			}
		}
	}
}

// TestIncident3_TheSelectorMatchesNothing: every wait of the playbooks was by a label that no pod has, and so over at once.
func TestIncident3_TheSelectorMatchesNothing(t *testing.T) {
	trap := strings.Replace(podJSON("u1", "Running", ""), `"app":"x"`, `"app":"x-deployment"`, 1)
	orphan := strings.Replace(trap, `"uid":"rs1"`, `"uid":"rs0"`, 1)
	for situation, c := range map[string]struct {
		deployment, pods string
		says             string
	}{
		"its pod has another label":           {deploymentJSON(1, 1), list(trap), "matches no pod"},
		"its pod has another label, at 0":     {deploymentJSON(0, 0), list(trap), "matches no pod"},
		"nothing owns it and it says it does": {deploymentJSON(1, 1), list(orphan), "matches no pod"},
		"there is none":                       {deploymentJSON(1, 0), list(), "matches no pod"},
	} {
		p, err := ReadProof(t.Context(), world{deployment: c.deployment, pods: c.pods}.fake(), q)
		if err != nil || p.State != Unknown || !strings.Contains(p.Reason, c.says) {
			t.Errorf("%s: %v %v", situation, p, err)
		}
	}
}

// TestIncident5_NoRebootWhileExiting: the old playbooks told operators to reboot before the processes had had their time.
func TestIncident5_NoRebootWhileExiting(t *testing.T) {
	stuckFor := func(d time.Duration, state, why string) []Process {
		return []Process{{PID: 7, Start: 9, Name: "agave-validator", State: Stuck, Why: why, Threads: []Thread{{TID: 8, State: state, Where: "folio_wait_bit", For: d}}}}
	}
	for _, c := range []struct {
		situation string
		processes []Process
		power     bool
	}{
		{"exiting", []Process{{PID: 7, State: Exiting, Why: "it was killed"}}, false},
		{"still for 4 s", stuckFor(4*time.Second, "D", "1 of 9 threads stand still"), false},
		{"still for 5 min in D", stuckFor(5*time.Minute, "D", "1 of 9 threads stand still"), true},
		{"still for 5 min, but nobody has killed it", stuckFor(5*time.Minute, "S", "its main thread has ended, 1 others live"), false},
	} {
		p := prove(evidence{processes: c.processes})
		text := strings.Join(p.WaysOut, "\n")
		if strings.Contains(text, "the power off") != c.power {
			t.Errorf("%s: %q", c.situation, text)
		}
		if detail := p.detail(); c.processes[0].State == Stuck && (!strings.Contains(detail, "thread 8") || !strings.Contains(detail, "started at tick 9")) {
			t.Errorf("%s: it does not say what is stuck: %q", c.situation, detail)
		}
		if strings.Contains(text, "thread 8") {
			t.Errorf("%s: what is stuck is said to be a way out: %q", c.situation, text)
		}
	}
}
