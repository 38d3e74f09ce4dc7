package agave

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bisc/hostbin"
	"bisc/internal/host"
	"bisc/modules/kindtest"
)

// validatorExit is the kind as the plan has it.
func validatorExit() *ValidatorExit {
	v := ValidatorExitKind.New(q.Deployment).(*ValidatorExit)
	v.Kubeconfig, v.Namespace, v.Node = q.Kubeconfig, q.Namespace, q.Node
	return v
}

// TestOnlyItsOwnAreAsked: a validator of other making keeps the proof shut, by its name, and is asked nothing; nor is one of which nobody
// can tell whose it is. One whose pod's object is gone (kubectl delete --force) is the node's, and is asked.
func TestOnlyItsOwnAreAsked(t *testing.T) {
	gone := world{deployment: deploymentJSON(0, 0), pods: list(), processes: alive}
	with := func(change func(*world)) world { w := gone; change(&w); return w }
	for situation, c := range map[string]struct {
		world world
		asked bool
		waits bool
		want  []string
	}{
		"its pod's object is gone": {world: gone, asked: true, waits: true},
		"its pod's object is gone, and a successor is being deleted": {world: with(func(w *world) { w.deployment, w.pods = deploymentJSON(0, 1), list(podJSON("u2", "Running", deleting)) }), asked: true, waits: true,
			want: []string{"its pod (uid u1) is gone from the cluster"}},
		"its pod's object is gone, and a successor stays": {world: with(func(w *world) { w.deployment, w.pods = deploymentJSON(1, 1), list(podJSON("u2", "Running", "")) }), asked: true, waits: true},
		"a unit of systemd's":                             {world: with(func(w *world) { w.homes = ofUnit }), want: []string{"process 4711", "not of this pod: in no pod, control group /system.slice/sol.service", "stop it by its own means"}},
		"another pod of the node":                         {world: with(func(w *world) { w.homes, w.elsewhere = ofOther, list(elsewhere) }), want: []string{"not of this pod: in the container agave-validator of the pod with uid u9"}},
		"another node's pod":                              {world: with(func(w *world) { w.homes = strings.Replace(ofOther, " node ", " - ", 1) }), want: []string{"not of this pod"}},
		"another container":                               {world: with(func(w *world) { w.homes = strings.Replace(ofOther, "agave-validator", "other", 1) }), want: []string{"in the container other of the pod"}},
		"no line of it":                                   {world: with(func(w *world) { w.homes = hostNow }), waits: true, want: []string{"process 4711 is asked nothing"}},
		"another process of that pid":                     {world: with(func(w *world) { w.homes = strings.Replace(atHome, " 900 ", " 901 ", 1) }), waits: true, want: []string{"process 4711 is asked nothing"}},
		"garbled":                                         {world: with(func(w *world) { w.homes = "nonsense\n" }), waits: true, want: []string{"process 4711 is asked nothing", "nonsense"}},
	} {
		got, err := validatorExit().Plan(t.Context(), c.world.fake())
		text := kindtest.Print(got)
		if asked := strings.Contains(text, "[let-validator-exit] 4711 900"); err != nil || asked != c.asked || got.InSync() || got.Mendable() != c.waits {
			t.Errorf("%s: asked: %t, waited for: %t, %v\n%s", situation, asked, got.Mendable(), err, text)
		}
		v := ValidatorStoppedKind.New(q.Deployment).(*ValidatorStopped)
		v.Kubeconfig, v.Namespace, v.Node = q.Kubeconfig, q.Namespace, q.Node
		stopped, err := v.Plan(t.Context(), c.world.fake())
		if err != nil || stopped.InSync() {
			t.Errorf("%s: the proof opens: %v", situation, err)
		}
		for _, w := range c.want {
			if proof := kindtest.Print(stopped) + stopped.Diffs[0].Text; !strings.Contains(proof, w) || !strings.Contains(text+got.Diffs[0].Text, w) {
				t.Errorf("%s: want %q of\n%s%s", situation, w, text, proof)
			}
		}
	}
}

// TestAskedNothingIsSaidOfWhatRuns: one that ends by itself needs nobody to ask it, and one that is stuck does not hear; of one that runs the command is told by which a person asks.
func TestAskedNothingIsSaidOfWhatRuns(t *testing.T) {
	for processes, says := range map[string]bool{alive: true, frozen: false, ending: false} {
		w := world{deployment: deploymentJSON(0, 0), pods: list(), processes: processes, homes: hostNow}
		p, err := ReadProof(t.Context(), w.fake(), q)
		text := p.detail()
		if err != nil || strings.Contains(text, "is asked nothing") != says || strings.Contains(text, "nsenter -t 4711 -m -p -w -- PROGRAM") != says {
			t.Errorf("%q: %v\n%s", processes, err, text)
		}
	}
}

// TestWhoseWithoutTheAPI: then a pod of the node is its own, one in no pod is not, and of another pod it cannot be told.
func TestWhoseWithoutTheAPI(t *testing.T) {
	for says, want := range map[string]Whose{atHome: Own, ofUnit: Foreign, strings.Replace(atHome, " node ", " - ", 1): Untold, strings.Replace(atHome, " node ", " ? ", 1): Untold, hostNow: Untold} {
		w := world{apiErr: host.ErrNoAPI, node: nodeUp, processes: alive, homes: says}
		p, err := ReadProof(t.Context(), w.fake(), q)
		if err != nil || p.State != Running || p.Processes[0].Whose != want {
			t.Errorf("%s: %v %v, want %v", says, p, err, want)
		}
	}
}

// TestStuckAndDoomed: stop does not begin with one that is stuck; where its grace runs already, the refusal says how much is left, and how it
// is asked.
func TestStuckAndDoomed(t *testing.T) {
	v := ValidatorStoppedKind.New(q.Deployment).(*ValidatorStopped)
	v.Kubeconfig, v.Namespace, v.Node, v.MayRun = q.Kubeconfig, q.Namespace, q.Node, true
	w := world{deployment: deploymentJSON(0, 1), pods: list(podJSON("u1", "Running", deleting)), processes: frozen}
	c, err := v.Plan(t.Context(), w.fake())
	if text := kindtest.Print(c); err != nil || !strings.Contains(text, "the kubelet kills it in 2m0s") || !strings.Contains(text, "By hand, on the host as root: nsenter -t 4711") {
		t.Errorf("%v\n%s", err, text)
	}
}

// TestDoomedAreAsked: where the pod is being deleted already and the watch cannot be had, bisc asks, and says how a person does and how much
// of the grace is left; what is not begun yet is refused as before.
func TestDoomedAreAsked(t *testing.T) {
	going := world{deployment: deploymentJSON(0, 1), pods: list(podJSON("u1", "Running", deleting)), processes: alive}
	with := func(change func(*world)) world { w := going; change(&w); return w }
	unsaid := "job x\nunit inactive\nnow b 1773014280\n"
	for situation, c := range map[string]struct {
		world   world
		jobs    string // what the host says of its jobs; "" is that it cannot look
		want    []string
		not     string
		unknown bool
	}{
		"the jobs cannot be read":           {world: going, want: []string{"[let-validator-exit] 4711 900", "the kubelet kills it in 2m0s", "nsenter -t 4711 -m -p -w -- /bin/agave-validator --ledger /data/ledger exit --force", "settle: 3m0s"}, not: "sleep"},
		"the watch is not at work":          {world: going, jobs: unsaid, want: []string{"[let-validator-exit] 4711 900\nstep: run [start job] exit-on-deletion-"}, not: "sleep"},
		"the watch has failed":              {world: going, jobs: unsaid + "status exit-code exited 1 1773014200 running\nstarted 1773014199\nboot b\nlimit 7200\n", want: []string{"[let-validator-exit] 4711 900", "[start job]", "settle: 3m0s"}},
		"a watch that has not seen the pod": {world: going, jobs: strings.Replace(unsaid, "inactive", "active", 1) + "started 1773014199\nboot b\nlimit 7200\n", want: []string{"[let-validator-exit] 4711 900"}, not: "[start job]"},
		"deleted two seconds ago": {world: with(func(w *world) { w.homes = strings.Replace(atHome, hostNow, "now 1773014102\n", 1) }),
			want: []string{"step: run sleep 5\nstep: ", "is running, in pod x-u1 (uid u1", "the kubelet kills it in 4m58s"}},
		"nobody knows when":                     {world: with(func(w *world) { w.homes = strings.Replace(atHome, hostNow, "", 1) }), want: []string{"step: run sleep 5\nstep: ", "the kubelet kills it in 5m0s at most"}},
		"the grace is over":                     {world: with(func(w *world) { w.homes = strings.Replace(atHome, hostNow, "now 1773019999\n", 1) }), want: []string{"[let-validator-exit] 4711 900", "its grace is over", "settle: 1m0s"}},
		"its pod stays":                         {world: with(func(w *world) { w.pods = list(podJSON("u1", "Running", "")) }), unknown: true},
		"one that asks":                         {world: with(func(w *world) { w.processes = "4711 agave-validator 900 exiting " + itAsks + "\n" }), unknown: true},
		"a foreign one, its own ended":          {world: with(func(w *world) { w.homes = ofUnit }), want: []string{"in sync"}},
		"whose one that runs is cannot be told": {world: with(func(w *world) { w.homes = hostNow }), jobs: unsaid, unknown: true},
		"no pod has such a container": {world: with(func(w *world) {
			w.pods = list(strings.Replace(podJSON("u1", "Running", ""), `"name":"agave-validator"`, `"name":"solana"`, 1))
		}), jobs: unsaid, unknown: true},
		"one beside it cannot be told":         {world: with(func(w *world) { w.processes += "4900 agave-validator 990 running\n" }), jobs: unsaid, want: []string{"[let-validator-exit] 4711 900", "no watch is begun: process 4900"}, not: "[start job]"},
		"a stuck one beside it cannot be told": {world: with(func(w *world) { w.processes = strings.ReplaceAll(frozen, "4711", "4900") + alive }), jobs: unsaid, want: []string{"[let-validator-exit] 4711 900", "[start job]"}},
		"a stuck one is asked last": {world: with(func(w *world) {
			w.processes, w.homes = strings.ReplaceAll(frozen, "4711", "4700")+alive, atHome+strings.Replace(strings.TrimPrefix(atHome, hostNow), "4711 ", "4700 ", 1)
		}), jobs: unsaid, want: []string{"[let-validator-exit] 4711 900\nstep: run [let-validator-exit] 4700"}},
		"a successor lives beside it": {world: with(func(w *world) {
			w.deployment, w.pods = deploymentJSON(1, 2), list(podJSON("u1", "Running", deleting), podJSON("u2", "Running", ""))
			w.processes, w.homes = alive+"4800 agave-validator 990 running\n", atHome+"4800 990 u2 agave-validator node /kubepods/podu2/c"+asks
		}), jobs: unsaid, want: []string{"[let-validator-exit] 4711 900", "[start job]"}, not: "exit] 4800"},
	} {
		f := c.world.fake()
		e := ExitOnDeletionKind.New(q.Deployment).(*ExitOnDeletion)
		e.Kubeconfig, e.Namespace = q.Kubeconfig, q.Namespace
		for _, pods := range [][]Pod{{{UID: "u1"}}, {{UID: "u1"}, {UID: "u2"}}} {
			id, exit := e.watch(pods).job("").ID, 0
			if c.jobs == "" {
				exit = 3
			}
			f.Answer(exit, strings.Replace(c.jobs, "job x", "job "+id, 1), host.Jobs.Argv(id)...)
		}
		f.Answer(0, "x86_64\n", "uname", "-m")
		b, err := hostbin.For(hostbin.Exit, "x86_64")
		if err != nil {
			t.Fatal(err)
		}
		f.Answer(0, b.SHA256+"  x\n", "sha256sum", "--", hostbin.Path(b))
		got, err := e.Plan(t.Context(), f)
		text := kindtest.Print(got)
		if (err != nil) != c.unknown || got.Ended != "" || c.not != "" && strings.Contains(text, c.not) {
			t.Errorf("%s: %v, ended %q, want no %q in\n%s", situation, err, got.Ended, c.not, text)
		}
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: want %q of\n%s", situation, w, text)
			}
		}
	}
}

// TestAskedAgain: one that just starts has no socket yet. That it cannot be asked keeps nothing else from being done.
func TestAskedAgain(t *testing.T) {
	t.Parallel()
	ledger, seen := livingValidator(t)
	socket := filepath.Join(ledger, "admin.rpc")
	if err := os.Rename(socket, socket+".away"); err != nil {
		t.Fatal(err)
	}
	argv := askingOn(seen).(host.Script).Command()
	cmd := exec.Command(argv[0], argv[1:]...)
	said, err := os.Create(filepath.Join(ledger, "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "it asks in vain", func() bool {
		text, err := os.ReadFile(said.Name())
		return err == nil && strings.Contains(string(text), "could not be asked to exit")
	})
	if err := os.Rename(socket+".away", socket); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	until(t, "the validator and what asked it end", func() bool { return len(ours(ledger)) == 0 })
}

// TestExitAsksBesideADeadWatch: validator_exit too asks by itself where the watch is not at work, and where nothing is known of it.
func TestExitAsksBesideADeadWatch(t *testing.T) {
	w := world{deployment: deploymentJSON(0, 1), pods: list(podJSON("u1", "Running", deleting)), processes: alive}
	f := w.fake()
	v := validatorExit()
	f.Answer(3, "", host.Jobs.Argv((exitWatch{pods: []Pod{{UID: "u1"}}}).job("").ID)...)
	c, err := v.Plan(t.Context(), f)
	if text := kindtest.Print(c); strings.Contains(text, "sleep") || !strings.Contains(text, "nothing is known of that") {
		t.Errorf("deleted long ago:\n%s", text)
	}
	if text := kindtest.Print(c); err != nil || !strings.Contains(text, "[let-validator-exit] 4711 900") || !strings.Contains(text, "By hand, on the host as root: nsenter -t 4711") {
		t.Errorf("%v\n%s", err, text)
	}
	w.homes = strings.Replace(atHome, hostNow, "now 1773014102\n", 1)
	f = w.fake()
	f.Answer(3, "", host.Jobs.Argv((exitWatch{pods: []Pod{{UID: "u1"}}}).job("").ID)...)
	if c, err = v.Plan(t.Context(), f); err != nil || !strings.Contains(kindtest.Print(c), "step: run sleep 5\nstep: run [let-validator-exit] 4711 900") {
		t.Errorf("deleted two seconds ago: %v\n%s", err, kindtest.Print(c))
	}
}
