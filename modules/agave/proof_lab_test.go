package agave

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/reached"
	"bisc/modules"
	"bisc/modules/kindtest"
	"bisc/modules/kube"
)

// rigged is a lab host with a cluster whose validator runs, reached as an operator would.
type rigged struct {
	*cluster.Cluster
	*reached.Bench
	*testing.T
	w host.Writer
}

func newRigged(t *testing.T) rigged {
	t.Helper()
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}}).Host("a")
	// What can be frozen: XFS where the validator's folders are.
	if out, err := h.Shell(t.Context(), `modprobe brd rd_nr=1 rd_size=1048576; mkfs.xfs -q /dev/ram0; mkdir -p /srv/kind; mount /dev/ram0 /srv/kind`); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := reached.New(t, h)
	return rigged{Cluster: cluster.Start(t, h, cluster.Options{}), Bench: b, T: t, w: b.Hands(t)}
}

func (r rigged) query() ProofQuery {
	return ProofQuery{Kubeconfig: r.Kubeconfig, Namespace: r.Namespace, Deployment: r.Deployment, Node: r.Node}
}

// becomes reads the proof until it has a state.
func (r rigged) becomes(want ProofState) Proof {
	r.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		p, err := ReadProof(r.Context(), r.w, r.query())
		if err == nil && p.State == want {
			return p
		}
		if time.Now().After(end) {
			r.Fatalf("the proof is %v %v, want %s", p, err, want)
		}
	}
}

// guarded does an act under the proof.
func (r rigged) guarded() error {
	return r.w.Do(r.Context(), host.Script{Argv: []string{"true"}, Guards: []host.Guard{host.ValidatorStopped()}})
}

// TestProofOnACluster goes through a validator's end on one cluster: each part begins where the one before has ended.
func TestProofOnACluster(t *testing.T) {
	r := newRigged(t)
	r.frozen()
	r.stops()
	r.late()
	r.down()
}

// frozen: a real thread in D. Everything refuses; after the thaw all is as before.
func (r rigged) frozen() {
	if p := r.becomes(Running); len(p.Processes) != 1 || p.Replicas != 1 || len(p.Pods) != 1 {
		r.Errorf("running: %+v", p)
	}
	r.Shell(r.T, "fsfreeze -f /srv/kind")
	thawed := false
	thaw := func() {
		if !thawed {
			thawed = true
			r.Shell(r.T, "fsfreeze -u /srv/kind")
		}
	}
	r.Cleanup(thaw)
	p := r.becomes(Stuck)
	if len(p.Processes) != 1 || len(p.Processes[0].Threads) == 0 || p.Processes[0].Threads[0].State != "D" || !strings.Contains(strings.Join(p.WaysOut, "\n"), "fsfreeze -u") {
		r.Errorf("frozen: %+v", p)
	}
	var refused *host.GuardError
	if err := r.guarded(); !errors.As(err, &refused) || refused.Unknown || !strings.Contains(refused.Reason, "is stuck") {
		r.Errorf("the guard of a frozen one: %v", err)
	}
	thaw()
	if again := r.becomes(Running); again.Processes[0].PID != p.Processes[0].PID || again.Processes[0].Start != p.Processes[0].Start {
		r.Errorf("thawed it is another: %+v, was %+v", again, p)
	}
}

// stops is the runbook's way with a pod whose own grace is short: cordon, delete with a long one, no replicas, exit, proof. No second
// process ever starts.
func (r rigged) stops() {
	was := r.becomes(Running).Processes[0]
	cordon := &kube.CordonedNode{Name: r.Node, Kubeconfig: r.Kubeconfig, Cordoned: true, Namespace: r.Namespace, ForPodsOf: r.Deployment, GraceBelow: 300}
	pods := kube.PodsKind.New(r.Deployment).(*kube.GonePods)
	pods.Kubeconfig, pods.Namespace, pods.GraceBelow, pods.Deleting = r.Kubeconfig, r.Namespace, 300, true
	if c, err := pods.Plan(r.Context(), r.w); err != nil || len(c.Steps) != 0 || c.InSync() {
		r.Errorf("before the cordon: %v\n%s", err, kindtest.Print(c))
	}
	r.Does(r.T, cordon)
	r.Does(r.T, pods)
	p := r.becomes(Exiting)
	if len(p.Processes) != 1 || p.Processes[0].PID != was.PID {
		r.Errorf("deleted: %+v", p)
	}
	if err := r.w.Do(r.Context(), host.Kube{Kubeconfig: r.Kubeconfig, Verb: host.KubeMergePatch, Resource: kube.Deployments, Namespace: r.Namespace, Name: r.Deployment, Body: []byte(`{"spec":{"replicas":0}}`)}); err != nil {
		r.Fatal(err)
	}
	if err := r.guarded(); err == nil {
		r.Error("the guard let an act through while it lives")
	}
	exit := ValidatorExitKind.New(r.Deployment).(*ValidatorExit)
	exit.Kubeconfig, exit.Namespace, exit.Node, exit.Log = r.Kubeconfig, r.Namespace, r.Node, "/srv/kind/solana/log/validator.log"
	r.Does(r.T, exit)
	if p := r.becomes(Stopped); len(p.Processes) != 0 || len(p.Pods) != 0 {
		r.Errorf("stopped: %+v", p)
	}
	if err := r.guarded(); err != nil {
		r.Errorf("the guard of a stopped one: %v", err)
	}
	if got := r.Shell(r.T, `grep -c "Validator exiting" /srv/kind/solana/log/validator.log`); got != "1" {
		r.Errorf("it exited %s times", got)
	}
	for _, what := range []modules.Resource{exit, pods, cordon} {
		if c, err := what.Plan(r.Context(), r.w); err != nil || !c.InSync() {
			r.Errorf("a second time: %v\n%s", err, kindtest.Print(c))
		}
	}
	r.Does(r.T, &kube.CordonedNode{Name: r.Node, Kubeconfig: r.Kubeconfig, Container: "agave-validator"})
}

// late: an API that takes its time to make a pod makes it after its Deployment is at no replicas again, observed and counted, and a kubelet
// starts it. Until the ReplicaSet's controller has followed, nothing is proved. The pod is kept from being made for as long as the API
// waits for a webhook, and let go when everything was looked at; on a machine that takes longer than that, it is tried again.
func (r rigged) late() {
	for try := 1; ; try++ {
		end := r.Slow(r.T, 30, cluster.MakePod)
		r.scaled(1)
		r.scaled(0)
		p, err := ReadProof(r.Context(), r.w, r.query())
		d := r.deployed()
		end()
		if len(d.Behind) > 0 && len(d.Pods) == 0 {
			if err != nil || p.State != Unknown || !strings.Contains(p.Reason, "may still make a pod") {
				r.Errorf("a pod is being made: %v %v", p, err)
			}
			break
		}
		if try == 3 {
			r.Fatalf("the pod was made before anybody could look: %+v", d)
		}
		r.leaves()
	}
	r.leaves()
}

// leaves waits until the late pod has come and gone.
func (r rigged) leaves() {
	r.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		p, err := ReadProof(r.Context(), r.w, r.query())
		if err == nil && p.State == Stopped {
			return
		}
		if time.Now().After(end) {
			r.Fatalf("the late pod does not go: %v %v", err, p)
		}
		for _, one := range p.Processes { // its grace is the template's 30 s, and nobody has to wait for that here
			r.Shell(r.T, `kill -9 "$1" 2>/dev/null || true`, strconv.Itoa(one.PID))
		}
	}
}

// scaled writes replicas, and waits until the Deployment's own controller has followed and counted.
func (r rigged) scaled(replicas int) {
	r.Helper()
	if err := r.w.Do(r.Context(), host.Kube{Kubeconfig: r.Kubeconfig, Verb: host.KubeMergePatch, Resource: kube.Deployments, Namespace: r.Namespace, Name: r.Deployment, Body: fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)}); err != nil {
		r.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if d := r.deployed(); d.Deployment.Status.Observed >= d.Deployment.Meta.Generation && d.Coming == int64(replicas) {
			return
		}
		if time.Now().After(end) {
			r.Fatalf("nobody follows the scale to %d", replicas)
		}
	}
}

func (r rigged) deployed() kube.Deployed {
	r.Helper()
	d, err := kube.ReadDeployed(r.Context(), r.w, kube.API{Kubeconfig: r.Kubeconfig}, r.Namespace, r.Deployment)
	if err != nil {
		r.Fatal(err)
	}
	return d
}

// down: without the API the node's container decides.
func (r rigged) down() {
	r.Shell(r.T, `docker exec "$1" mkdir -p /var/lib/kubelet/pods/left; docker pause "$1"`, r.Node)
	p, err := ReadProof(r.Context(), r.w, r.query())
	if err != nil || p.State != Unknown || p.API == nil || len(p.Pods) != 1 {
		r.Errorf("the node hangs, its kubelet keeps a pod: %v %+v", err, p)
	}
	r.Shell(r.T, `docker unpause "$1"; docker exec "$1" rmdir /var/lib/kubelet/pods/left; docker stop -t 2 "$1"`, r.Node)
	if p, err := ReadProof(r.Context(), r.w, r.query()); err != nil || p.State != Stopped || p.API == nil {
		r.Errorf("the node is off: %v %+v", err, p)
	}
}
