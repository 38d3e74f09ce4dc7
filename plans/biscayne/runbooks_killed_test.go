package biscayne_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"bisc/internal/lab/cluster"
)

// deed is a runbook that is killed: from where it begins, what it is for, and what is to be afterwards.
type deed struct {
	name          string // of the test, where it is not the runbook's
	runbook       string
	set, destroy  []string
	before, after int // validators that live
	starts        int // validators that it starts
	nodeStarts    int
	status        int // its exit status
	// ground makes what the runbook is to act on; fit fails the test unless it has.
	ground, fit func(*house)
	sample      string // of BISC_TEST_DYING_AT: where it is killed where not all points are taken; "" is nowhere, as another deed has it too
	over        bool   // it is killed over and over also where not all points are taken
	silent      bool   // the API server does not answer, from its ground on
}

// nodeIn is the address of the node's container in a stage.
func nodeIn(stage string) string { return "biscayne:" + stage + ".kind_node[" + aNode + "]" }

// aNode is the node's container and its name in the cluster.
const aNode = "laconic-70ce4c4b47e23b85-control-plane"

// deeds are all runbooks of the validator that this rig can run. Those of one line begin where the other ends: their points alternate.
func (h *house) deeds() map[string][]deed {
	redeployed := []string{`biscayne:redeploy/"the snapshot takes the place of the old".snapshot[/srv/solana/snapshots]`, `biscayne:redeploy/"the namespace goes".kube_namespace[` + h.Namespace + `]`,
		`biscayne:redeploy/"the accounts are wiped".emptied[/srv/solana/ramdisk/accounts]`}
	wiped := append(slices.Clip(redeployed), `biscayne:redeploy/"the ledger is wiped".emptied[/srv/solana/ledger]`)
	recovered := []string{`biscayne:recover/"the snapshot takes the place of the old".snapshot[/srv/solana/snapshots]`, `biscayne:recover/"the accounts go".emptied[/srv/solana/ramdisk/accounts]`}
	return map[string][]deed{
		"stop and start": {
			{runbook: "stop", before: 1, sample: "done .kube_deployment["},
			{runbook: "start", after: 1, starts: 1, sample: `done "the validator starts".kube_deployment[`},
		},
		"stop a pod with a short grace": {{runbook: "stop", before: 1, ground: (*house).shortens, sample: "done .kube_pods["}},
		"restart-node":                  {{runbook: "restart-node", before: 1, after: 1, starts: 1, nodeStarts: 1, destroy: []string{nodeIn(`restart-node/"the node starts again"`)}, sample: "done .kind_node["}},
		"restart":                       {{runbook: "restart", before: 1, after: 1, starts: 1, over: true}},
		"redeploy": {{runbook: "redeploy", before: 1, after: 1, starts: 1, set: []string{"wipe_accounts=true"}, destroy: redeployed, ground: (*house).ages, fit: func(h *house) { h.renewed(true) },
			sample: "done .laconic_deployment["}},
		"redeploy and wipe all": {{name: "wipe", runbook: "redeploy", before: 1, after: 1, starts: 1, set: []string{"wipe_accounts=true", "wipe_ledger=true"}, destroy: wiped, ground: (*house).ages,
			fit: func(h *house) { h.renewed(false) }}},
		"recover":         {{runbook: "recover", before: 1, after: 1, starts: 1, set: []string{"leapfrog=false"}, destroy: recovered, ground: (*house).ages, fit: func(h *house) { h.renewed(true) }, sample: "done .snapshot[/srv/solana/snapshots]"}},
		"recover, a leap": {{name: "leap", runbook: "recover", before: 1, after: 1, status: 4, ground: (*house).notes, fit: (*house).spared, sample: "4"}},
		"recover, a leap that goes on": {{name: "leaps", runbook: "recover", before: 1, after: 1, starts: 1, destroy: recovered, ground: (*house).gains, fit: func(h *house) { h.renewed(true) },
			sample: "done .snapshot[/srv/solana/bisc-snapshots]"}},
		"stop-without-api": {{runbook: "stop-without-api", before: 1, silent: true, ground: (*house).silences, fit: (*house).keptDown, sample: "done .exit_without_api["}},
		"fix-volumes": {{runbook: "fix-volumes", destroy: []string{`biscayne:fix-volumes/"each volume is where the node has it".kube_volume[validator-ledger]`}, ground: (*house).misplaces, fit: (*house).placed,
			sample: "done .kube_volume[validator-ledger]"}},
		"upgrade-image": {{runbook: "upgrade-image", before: 1, after: 1, starts: 1, ground: (*house).rebuilds, fit: (*house).runsBuild, sample: "done .image["}},
		"sync-tools": {{runbook: "sync-tools", before: 1, after: 1, set: []string{"laconic_so_commit=" + h.Commits["feature/sync-config"], "stack_commit=" + h.StackOld}, ground: (*house).unsyncs, fit: (*house).synced,
			sample: "done .git_checkout["}},
		"reboot": {
			{runbook: "prepare-reboot", before: 1, destroy: []string{nodeIn(`prepare-reboot/"the node is down"`)}, fit: (*house).nodeDown, sample: "done .kind_node["},
			{runbook: "after-reboot", after: 1, starts: 1, nodeStarts: 1, ground: (*house).halts, sample: "done .kind_node["},
		},
	}
}

// order is that of the groups.
func order() []string {
	return []string{"restart-node", "redeploy", "recover", "upgrade-image", "reboot", "redeploy and wipe all", "recover, a leap", "recover, a leap that goes on", "stop-without-api", "stop a pod with a short grace", "stop and start", "restart", "fix-volumes", "sync-tools"}
}

// TestFaultF4_ValidatorRunbooksKilled kills bisc at a record of every runbook of the validator that changes anything, but migrate-storage, and
// goes on with each by --resume: nobody ever starts a second validator or kills one, none starts before what it starts on is whole, the
// house ends in the state that the runbook is for, nothing that was done is done again, and the journal says what has happened.
// Each is killed at one record of its own; restart at every record in one course, each resumption in its turn. BISC_FAULTS=all
// (make test-faults-all) does both at every record of every runbook, and of a redeploy that wipes the ledger too.
func TestFaultF4_ValidatorRunbooksKilled(t *testing.T) {
	h := newHouse(t, cluster.A)
	program := h.dying()
	if !t.Run("nobody asks but the watch", func(t *testing.T) { h.on(t).unasked(program) }) {
		return
	}
	h.ready(0) // what laconic-so made, start changes at rest alone
	all := h.deeds()
	for _, group := range order() {
		once := slices.ContainsFunc(all[group], func(d deed) bool { return d.sample != "" })
		over := slices.ContainsFunc(all[group], func(d deed) bool { return d.over })
		if !everyRecord() && !once && !over {
			continue
		}
		h.Run(group, func(t *testing.T) {
			if once || everyRecord() {
				t.Run("once", func(t *testing.T) { h.on(t).killedOnce(program, all[group]) })
			}
			if over || everyRecord() {
				t.Run("over and over", func(t *testing.T) { h.on(t).killedOver(program, all[group]) })
			}
		})
	}
}

// killedOnce kills the deeds of a group at one point each time, and takes them up to their end.
func (h *house) killedOnce(program string, deeds []deed) {
	for _, cut := range h.cuts(program, deeds) {
		h.Run(cut.deed.title()+"-"+cut.at, func(t *testing.T) { h.on(t).killedAt(program, cut) })
	}
}

// everyRecord tells whether all is tried, and not the samples alone.
func everyRecord() bool { return os.Getenv("BISC_FAULTS") == "all" }

func (d deed) title() string {
	if d.name != "" {
		return d.name
	}
	return d.runbook
}

// cut is a deed and where it is killed.
type cut struct {
	deed
	at string
}

// cuts are the points at which the deeds of a group are killed: not the first, at which nothing is recorded but the run, and not those
// that differ from the one before by nothing.
func (h *house) cuts(program string, deeds []deed) (out []cut) {
	if !everyRecord() {
		for _, d := range deeds {
			if d.sample != "" {
				out = append(out, cut{d, d.sample})
			}
		}
		return out
	}
	var points [][]int
	for _, d := range deeds {
		h.prepared(d)
		all, _ := h.cutAt(program, d, "1000000000")
		if len(all) == 0 {
			h.Fatalf("%s died of nothing", d.runbook)
		}
		points = append(points, all)
	}
	for n := range slices.MaxFunc(points, func(a, b []int) int { return len(a) - len(b) }) {
		for i, d := range deeds {
			out = append(out, cut{d, strconv.Itoa(points[i][min(n, len(points[i])-1)])})
		}
	}
	return out
}

// prepared makes what a deed begins from.
func (h *house) prepared(d deed) {
	h.Helper()
	h.ready(d.before)
	if d.ground != nil {
		d.ground(h)
	}
}

// ready makes it that so many validators live, with a hold where none does.
func (h *house) ready(alive int) {
	h.Helper()
	h.heard()
	if !h.rests(alive) {
		h.bisc(0, "run", map[int]string{0: "stop", 1: "start"}[alive], "--auto-approve")
	}
	if alive > 0 {
		h.answers()
	}
}

// args are a deed's flags: of the run, and again of its resumption.
func (d deed) args() (args []string) {
	for _, s := range d.set {
		args = append(args, "--set", s)
	}
	for _, address := range d.destroy {
		args = append(args, "--destroy", address)
	}
	return args
}

// cutAt runs a deed, or goes on with the last, with bisc killed at a point; it tells the points of a run that lived to its end.
func (h *house) cutAt(program string, d deed, at string, goOn ...string) (points []int, died bool) {
	h.Helper()
	args := []string{"run", d.runbook}
	if len(goOn) > 0 {
		args = append([]string{"run"}, goOn...)
	}
	cmd := exec.CommandContext(h.Context(), program, append(append(args, "--set", "variant="+h.variant), d.args()...)...)
	cmd.Env = append(os.Environ(), "BISC_PLANS=.", "BISC_INVENTORY="+filepath.Join(h.dir, "lab.hcl"), "XDG_STATE_HOME="+h.dir, "SSH_AUTH_SOCK=", "BISC_TEST_DYING_AT="+at)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.Fatal(err)
	}
	h.Logf("%s", out)
	if state := cmd.ProcessState.Sys().(syscall.WaitStatus); state.Signaled() {
		return nil, true
	}
	if got := cmd.ProcessState.ExitCode(); got != d.status || !strings.Contains(string(out), "\npoints ") {
		h.Fatalf("%s: exit %d, want %d\n%s", d.runbook, got, d.status, out)
	}
	return distinct(string(out)), false
}

// distinct are the points that a run tells of, but those between which nothing happens anywhere: what is shown after a stage's begin,
// begun after it is approved, begun after another step of the same resource or another stage's end.
func distinct(told string) (points []int) {
	last := ""
	for _, m := range regexp.MustCompile(`(?m)^point (\d+): (.*)$`).FindAllStringSubmatch(told, -1) {
		n, _ := strconv.Atoi(m[1]) // digits
		next, is := strings.CutPrefix(m[2], "next: ")
		_, ended := strings.CutPrefix(last, "after stage done")
		_, begun := strings.CutPrefix(last, "after stage begun")
		same := is && (last == "approved" || last == "recorded: "+next) || m[2] == "shown" && begun || ended
		if last = m[2]; n > 1 && !same {
			points = append(points, n)
		}
	}
	return points
}

func (h *house) killedAt(program string, c cut) {
	h.Helper()
	h.prepared(c.deed)
	was := h.look()
	if _, died := h.cutAt(program, c.deed, c.at); !died {
		h.Fatalf("it lived through point %s", c.at)
	}
	first := h.wasCut(c.deed)
	args := append([]string{"run", "--resume", "last", "--auto-approve"}, c.args()...)
	out, errs, status := h.types(args...)
	h.Logf("bisc %q\n%s%s", args, out, errs)
	if status != c.status {
		h.Fatalf("bisc %q after a kill at point %s: exit %d, want %d", args, c.at, status, c.status)
	}
	h.takenUp(c.deed, was, "killed at "+c.at, first)
}

// wasCut wants the last run to be a deed's that was cut, and the house fit to be left like this.
func (h *house) wasCut(d deed) (run string) {
	h.Helper()
	h.unlocked()
	last := h.lastRun()
	if last.Runbook != d.runbook || last.Ended != nil || last.Cut == "" {
		h.Errorf("the journal does not have the run as cut: %+v", last)
	}
	if len(strings.Fields(h.processes())) == 0 && !h.held() {
		h.Error("it was killed where no validator lives and no hold is set: an apply would start one")
	}
	return last.Run
}

// takenUp wants the house as a deed is to leave it, whose runs were cut and taken up in order, the last one to its end.
func (h *house) takenUp(d deed, was sight, how string, cut ...string) {
	h.Helper()
	if d.after > 0 {
		h.answers()
	}
	h.sound(fmt.Sprintf("%s, %s and taken up again", d.runbook, how), d.after)
	h.asMeant(d, was)
	record, last := h.recorded(), h.lastRun()
	h.once(record, append(cut, last.Run)...)
	for _, run := range cut {
		h.truth(record, run, last)
	}
	if last.Resumes != cut[0] || last.Ended == nil {
		h.Errorf("the run that took up %s: %+v", cut[0], last)
	}
	if d.fit != nil {
		d.fit(h)
	}
}

// dying builds bisc with a recorder that kills it: cmd/bisc's own test binary is that program too, by the name of which it is called.
func (h *house) dying() string {
	h.Helper()
	name := filepath.Join(h.dir, "bisc-dying")
	cmd := exec.CommandContext(h.Context(), "go", "test", "-c", "-o", name, "bisc/cmd/bisc")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		h.Fatalf("build the bisc that dies: %v\n%s", err, out)
	}
	return name
}
