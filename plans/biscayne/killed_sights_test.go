package biscayne_test

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"bisc/internal/lab/cluster"
	"bisc/internal/lab/standin/validator"
)

// sight is what is looked at before a deed, to be compared afterwards.
type sight struct {
	since  string // the host's clock, as docker takes it
	starts int    // of validators, ever
	runs   int    // what their record has
}

func (h *house) look() sight {
	h.Helper()
	return sight{since: h.sh("date +%s.%N"), starts: h.started(), runs: len(h.record())}
}

// started counts the validators that were ever started.
func (h *house) started() (n int) {
	h.Helper()
	for _, r := range h.record() {
		if r.Event == validator.Started {
			n++
		}
	}
	return n
}

// restarted counts the validators that the kubelet has started at once in the pod of one that exited, as it had not heard of the pod's
// deletion yet, and that have exited as well: one that lives on in such a pod counts as a start like any.
func (h *house) restarted(was sight) (n int) {
	h.Helper()
	lives := map[string]int{} // by pod
	all := h.record()
	for i, r := range all {
		if r.Event != validator.Started {
			continue
		}
		if r.Pod == "" {
			h.Fatalf("a validator does not say of which pod it is: %+v", r)
		}
		if lives[r.Pod]++; i >= was.runs && lives[r.Pod] > 1 && exited(all[i+1:], r.Start) {
			n++
		}
	}
	return n
}

// exited tells whether the validator that was started at a time has exited.
func exited(later []validator.Run, start time.Time) bool {
	return slices.ContainsFunc(later, func(r validator.Run) bool { return r.Event == validator.Exited && r.Start.Equal(start) })
}

// answers waits until the validator does.
func (h *house) answers() {
	h.Helper()
	if err := h.Answers(h.Context()); err != nil {
		h.Fatal(err)
	}
}

// held tells whether the host has the hold that stop sets.
func (h *house) held() bool {
	h.Helper()
	return strings.Contains(h.sh(`cat /var/lib/bisc/holds.json 2>/dev/null || true`), `"stop"`)
}

// unlocked waits until the dead bisc's agent has let go of the host.
func (h *house) unlocked() {
	h.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(h.bisc(0, "who", "biscayne"), "not locked"); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			h.Fatal("the host is still locked, a minute after bisc was killed")
		}
	}
}

// asMeant wants as many starts of validators and of the node as the deed has, a hold where none lives, no cordon, and a Deployment that
// wants what is.
func (h *house) asMeant(d deed, was sight) {
	h.Helper()
	if got := h.started() - was.starts - h.restarted(was); got != d.starts {
		h.Errorf("%d validators were started, want %d: %+v", got, d.starts, h.record())
	}
	starts := h.sh(`docker events --since "$2" --until "$(date +%s.%N)" --filter container="$1" --filter event=start --format x`, aNode, was.since)
	if n := len(strings.Fields(starts)); n != d.nodeStarts {
		h.Errorf("the node was started %d times, want %d", n, d.nodeStarts)
	}
	if h.held() != (d.after == 0) {
		h.Errorf("a hold: %v, with %d validators", h.held(), d.after)
	}
	if d.silent {
		return
	}
	if replicas, cordoned, there := h.wants(); there && (cordoned || replicas != int64(d.after)) {
		h.Errorf("the Deployment wants %d replicas, with %d validators; the node is cordoned: %v", replicas, d.after, cordoned)
	}
}

// wants is what the cluster is told; there is no cluster where the node is down.
func (h *house) wants() (replicas int64, cordoned, there bool) {
	h.Helper()
	if h.sh(`docker inspect -f '{{.State.Status}}' "$1"`, aNode) != "running" {
		return 0, false, false
	}
	n, err := h.Client(h).Resource(cluster.Nodes).Get(h.Context(), aNode, metav1.GetOptions{})
	if err != nil {
		h.Fatal(err)
	}
	o, err := h.deployment().Get(h.Context(), h.Deployment, metav1.GetOptions{})
	if err != nil {
		h.Fatal(err)
	}
	cordoned, _, _ = unstructured.NestedBool(n.Object, "spec", "unschedulable")
	replicas, _, _ = unstructured.NestedInt64(o.Object, "spec", "replicas")
	return replicas, cordoned, true
}

// rests tells whether so many validators live, with nothing left to be done by stop or start.
func (h *house) rests(alive int) bool {
	h.Helper()
	if len(strings.Fields(h.processes())) != alive || h.held() != (alive == 0) {
		return false
	}
	replicas, cordoned, there := h.wants()
	return !there && alive == 0 || there && !cordoned && replicas == int64(alive)
}

// hostRecord is what the host has written down of runs that acted.
type hostRecord struct {
	Steps     []hostStep
	Torn      bool
	Altered   string
	Disagrees []string
}

type hostStep struct {
	Run            string
	ID             int64
	Address, State string
	Step           string
}

func (h *house) recorded() hostRecord {
	h.Helper()
	var doc struct{ Hosts []hostRecord }
	if err := json.Unmarshal([]byte(h.bisc(0, "journal", "--host", "biscayne", "--json")), &doc); err != nil || len(doc.Hosts) != 1 {
		h.Fatal(err, doc)
	}
	return doc.Hosts[0]
}

// once fails the test where the host's record has a step of the runs twice that was done, but for the question to exit, the making of a
// folder, a file of the same content and the sweeping of old jobs' folders; the namespace's end and the node's start are done once whatever the step says.
func (h *house) once(record hostRecord, runs ...string) {
	h.Helper()
	done := map[string]int{}
	harmless := func(step string) bool {
		return slices.ContainsFunc([]string{"run mkdir -p ", "put ", "run [prune jobs] "}, func(is string) bool { return strings.HasPrefix(step, is) })
	}
	asks := func(s hostStep) bool { // beside the end of the kubelet, which is done once
		return strings.Contains(s.Address, ".exit_without_api[") && !strings.Contains(s.Step, "stop kubelet")
	}
	for _, s := range record.Steps {
		if !slices.Contains(runs, s.Run) || s.State != "done" || strings.Contains(s.Address, ".validator_exit[") || asks(s) || harmless(s.Step) {
			continue
		}
		what := s.Address + ": " + s.Step
		if strings.Contains(s.Address, ".kube_namespace[") || strings.Contains(s.Address, ".kind_node[") {
			what = s.Address
		}
		if done[what]++; done[what] > 1 {
			h.Errorf("done twice: %s: %s", s.Address, s.Step)
		}
	}
}

// told is what the journal says of a run.
type told struct {
	Run, Runbook, Resumes, Cut string
	Ended                      *string
	Exit                       *int
	Steps                      []struct {
		Address, Step, State string
		Begun                *string
		Looked               *struct{ Run, State, Says string } `json:"looked_at"`
	}
}

func (h *house) journal(args ...string) []told {
	h.Helper()
	var doc struct{ Runs []told }
	if err := json.Unmarshal([]byte(h.bisc(0, append([]string{"journal"}, append(args, "--json")...)...)), &doc); err != nil || len(doc.Runs) == 0 {
		h.Fatal(err, doc)
	}
	return doc.Runs
}

// lastRun is the last run of a runbook, as the list of runs has it.
func (h *house) lastRun() told {
	h.Helper()
	runs := h.journal()
	i := slices.IndexFunc(runs, func(r told) bool { return r.Runbook != "" })
	if i < 0 {
		h.Fatal("the journal has no run of a runbook")
	}
	return runs[i]
}

// truth wants the journal to say of each step of a run that was cut what the host says of it, where the run itself did not see its
// end by what the next one has seen.
func (h *house) truth(record hostRecord, first string, last told) {
	h.Helper()
	if record.Torn || record.Altered != "" {
		h.Errorf("the host's record is torn (%v) or altered (%q)", record.Torn, record.Altered)
	}
	for _, text := range record.Disagrees {
		if strings.Contains(text, first) && !strings.Contains(text, "is unknown here; by the host's record it is ") || strings.Contains(text, last.Run) {
			h.Errorf("the host and the journal disagree: %s", text)
		}
	}
	for _, s := range h.journal("show", first)[0].Steps {
		switch {
		case s.State == "done" || s.State == "not done":
		case s.State != "unknown" || s.Looked == nil:
			h.Errorf("%s (%s) is %q, and nobody looked: %+v", s.Address, s.Step, s.State, s.Looked)
		default:
			h.agrees(record, first, s.Address, s.Step, s.Looked.Says)
		}
	}
}

// agrees wants what was seen of a step to begin with what the host recorded of it, where that knows: what an API was asked for has its
// end recorded by bisc alone.
func (h *house) agrees(record hostRecord, run, address, step, says string) {
	h.Helper()
	for _, s := range record.Steps {
		if s.Run == run && s.Address == address && s.Step == step && s.State != "unknown" && !strings.HasPrefix(says, s.State+": ") {
			h.Errorf("of %s (%s) the journal says %q, and the host that it is %s", address, step, says, s.State)
		}
	}
}
