package biscayne_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/solana"
	"bisc/internal/lab/standin/agave"
	"bisc/internal/lab/standin/stack"
	"bisc/internal/lab/standin/validator"
)

// house is a host that stands for biscayne, with a node as kind makes one and a stand-in validator in it, made by a stand-in laconic-so,
// among a cluster of Solana nodes; with inventory/validator.hcl.
type house struct {
	*bench
	*stack.Site
	peers *solana.Cluster
	slow  int // times as long as a lab host it takes over anything; 0 is once
}

// within is a flag's time for what a lab host has done in d.
func (h *house) within(d time.Duration) string { return (d * time.Duration(max(h.slow, 1))).String() }

// newHouse starts one: storage and units as the plan has them, then what laconic-so makes above them, with everything that it leaves
// otherwise than wanted (grace, strategy, hook).
func newHouse(t *testing.T, rig cluster.Kind) *house {
	t.Helper()
	t.Parallel()
	l := lab.ForTest(t, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{{Name: "biscayne", Docker: true}}})
	h := &house{bench: &bench{T: t, host: l.Host("biscayne"), dir: t.TempDir(), variant: "plain"}}
	h.sh(strings.Replace(blockDevice, "1 << 30", "8 << 30", 1)) // a fetch leaves 2 GiB free
	h.sh("systemctl start docker")
	h.desk("validator.hcl")
	h.peers = solana.Start(t, solana.Options{Host: l.Host("biscayne"), Network: netip.MustParsePrefix("198.51.100.0/24")})
	h.inventory("http://198.51.100.1:8899", h.peers.RPC)
	h.build(l.Host("biscayne"), rig)
	return h
}

// build makes the layers below the node by the plan, and has laconic-so start the validator above them.
func (h *house) build(on cluster.Host, rig cluster.Kind) {
	h.Helper()
	for _, layer := range []string{"storage", "units", "relay"} {
		h.bisc(0, "apply", "--layer", layer, "--auto-approve", "--until-clean")
	}
	var err error
	if h.Site, err = stack.Up(h.Context(), on, rig); err != nil {
		h.Fatal(err)
	}
}

// behave sets the stand-in's fault switch. The clock stays that of the peers.
func (h *house) behave(f validator.Fault) {
	h.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		h.Fatal(err)
	}
	h.sh(`printf %s "$2" >"$1.new"; mv "$1.new" "$1"`, "/srv/kind/solana/ledger/"+validator.FaultFile, string(text))
}

// processes are the validators that live, whatever namespace they are in. By their program: a thread of the stand-in's gives itself a
// name of agave's, and may be the first one.
func (h *house) processes() string {
	h.Helper()
	return h.sh(`find /proc/[0-9]*/exe -maxdepth 0 -lname '*/agave-validator' -printf '%h\n' 2>/dev/null || true`)
}

// record is what the stand-in has noted of its lives: in order, and never two at once.
func (h *house) record() []validator.Run {
	h.Helper()
	h.write(validator.RunsFile, h.sh("cat /srv/kind/solana/log/"+validator.RunsFile))
	runs, err := validator.ReadRuns(h.dir)
	if err != nil {
		h.Fatal(err)
	}
	return runs
}

// sound fails the test where a validator was killed, or started beside another, or on a ledger that was in use: every life but the one
// that lasts ended by itself.
func (h *house) sound(when string, alive int) {
	h.Helper()
	count := map[string]int{}
	for _, r := range h.record() {
		count[r.Event]++
	}
	if count[validator.Refused] > 0 || count[validator.Failed] > 0 || count[validator.Started] != count[validator.Exited]+alive {
		h.Errorf("%s: a validator was killed, or started beside another: %v", when, count)
	}
	if got := len(strings.Fields(h.processes())); got != alive {
		h.Errorf("%s: %d validators live, want %d", when, got, alive)
	}
}

var (
	toDestroy = regexp.MustCompile(`--destroy[ =]('[^']*'|\S+)`)
	toResume  = regexp.MustCompile(`bisc run --resume (\S+)`)
)

// runs lets bisc run a runbook to its end. What it destroys is named where it stops for that, as its own words say, and it goes on.
func (h *house) runs(args ...string) {
	h.Helper()
	next, named := append([]string{"run", "--auto-approve"}, args...), []string{}
	for {
		out, errs, status := h.types(append(next, named...)...)
		if status == 0 {
			return
		}
		found, resume := toDestroy.FindAllStringSubmatch(out+errs, -1), toResume.FindStringSubmatch(errs)
		before := len(named)
		for _, m := range found {
			if flag := "--destroy=" + strings.Trim(m[1], "'"); !slices.Contains(named, flag) {
				named = append(named, flag)
			}
		}
		if status != 4 || resume == nil || len(named) == before {
			h.Fatalf("bisc run %q: exit %d\n%s%s", args, status, out, errs)
		}
		next = []string{"run", "--auto-approve", "--resume", resume[1]}
		for i, a := range args {
			if a == "--set" {
				next = append(next, a, args[i+1])
			}
		}
	}
}

// again runs a runbook a second time, which is to change nothing.
func (h *house) again(args ...string) {
	h.Helper()
	if out := h.bisc(0, append([]string{"run", "--auto-approve"}, args...)...); regexp.MustCompile(`(?m)^  [~+-] `).MatchString(out) {
		h.Errorf("a second bisc run %q changes something:\n%s", args, out)
	}
}

// lives waits until the validator answers.
func (h *house) lives(when string) {
	h.Helper()
	if err := h.Answers(h.Context()); err != nil {
		h.Errorf("%s: %v", when, err)
	}
	h.sound(when, 1)
}

// act is something that happens in a house; the next begins where it ends.
type act struct {
	name string
	do   func(*house)
}

// TestRunbooks runs the runbooks of the validator, one after the other, on one host of rig A.
func TestRunbooks(t *testing.T) {
	newHouse(t, cluster.A).play(
		act{"stop", (*house).stops},
		act{"start", (*house).starts},
		act{"health-check", (*house).health},
		act{"status", (*house).looks},
		act{"deleted by hand", (*house).deletedByHand},
		act{"stop-without-api", (*house).stopsWithoutAPI},
		act{"restart-node", (*house).restartsNode},
		act{"a stuck validator", (*house).stuck},
		act{"a stubborn validator", (*house).stubborn},
		act{"redeploy", (*house).redeploys},
		act{"recover", (*house).recovers},
		act{"fix-volumes", (*house).fixesVolumes},
		act{"upgrade-image", (*house).upgrades},
		act{"sync-tools", (*house).syncsTools},
		act{"reboot", (*house).reboots},
	)
}

// TestRunbooksOnKubelet is where a kubelet, containerd and runc may answer otherwise than rig A's node agent.
func TestRunbooksOnKubelet(t *testing.T) {
	newHouse(t, cluster.B).play(
		act{"stop", (*house).stops},
		act{"start", (*house).starts},
		act{"a stuck validator", (*house).stuck},
		act{"restart-node", (*house).restartsNode},
	)
}

func (h *house) play(acts ...act) {
	h.Helper()
	for _, a := range acts {
		if !h.Run(a.name, func(t *testing.T) { a.do(h.on(t)) }) {
			return // the next would begin in another house than it expects
		}
	}
}

func (h *house) on(t *testing.T) *house {
	sub := *h
	sub.bench = h.bench.on(t)
	return &sub
}

func (h *house) stops() {
	h.runs("stop")
	h.sound("after stop", 0)
	h.again("stop")
	h.says(h.bisc(0, "apply", "--layer", "agave", "--target", "*.kube_deployment*", "--auto-approve"), "held")
	h.sound("after an apply under the hold", 0)
}

func (h *house) starts() {
	h.runs("start")
	h.lives("after start")
	h.again("start")
	for _, layer := range []string{"kind", "agave"} {
		h.bisc(0, "plan", "--layer", layer)
	}
}

// health wants a verdict that follows the truth, also when the validator, the API or docker is down.
func (h *house) health() {
	h.bisc(0, "run", "health-check")
	h.behave(validator.Fault{RPC: validator.RPCSilent})
	h.says(h.bisc(7, "run", "health-check"), "keeps up")
	h.inventory(`max_behind  = "60s"`, `max_behind  = "2 slots"`)
	h.behave(validator.Fault{Behind: 50_000}) // it stands still, and the cluster goes on
	for try := 0; ; try++ {
		out, _, status := h.types("run", "health-check")
		if status == 3 && strings.Contains(out, "keeps up") {
			break
		}
		if try == 30 {
			h.Fatalf("a validator that stands still: exit %d\n%s", status, out)
		}
		time.Sleep(200 * time.Millisecond)
	}
	h.behave(validator.Fault{})
	h.inventory(`max_behind  = "2 slots"`, `max_behind  = "60s"`)
	h.sh(`docker exec "$1" systemctl stop kubelet; docker pause "$1"`, h.Node)
	h.bisc(7, "run", "health-check")
	h.saysOfPaused()
	h.sh(`docker unpause "$1"; docker exec "$1" systemctl start kubelet`, h.Node)
	h.lives("after the node was paused")
}

// stopsWithoutAPI has an API server that is silent in a node that is well: stop cannot begin, and the kubelet would start a validator
// again that exits.
func (h *house) stopsWithoutAPI() {
	h.says(h.bisc(4, "run", "stop-without-api", "--auto-approve"), "bisc run stop")
	h.lives("where the API answers")
	lives := len(h.record())
	h.sh(`docker exec "$1" systemctl stop kube-control-plane`, h.Node)
	h.bisc(7, "run", "stop", "--auto-approve")
	h.bisc(0, "run", "stop-without-api", "--auto-approve")
	h.sound("after stop-without-api", 0)
	h.again("stop-without-api")
	if state := h.sh(`docker exec "$1" systemctl is-active kubelet || true`, h.Node); state != "inactive" {
		h.Errorf("the kubelet is %s", state)
	}
	if runs := h.record(); len(runs) != lives+1 {
		h.Errorf("it was started again: %v", runs[lives:])
	}
	h.bisc(7, "run", "health-check") // unknown is not stopped
	h.sh(`docker exec "$1" systemctl start kube-control-plane; docker exec "$1" systemctl start kubelet`, h.Node)
	if err := h.WaitReady(h.Context()); err != nil {
		h.Fatal(err)
	}
	h.lives("after the kubelet's start")
	h.runs("start")
	h.lives("the hold released")
}

func (h *house) restartsNode() {
	started := func() string { return h.sh(`docker inspect -f '{{.State.StartedAt}}' "$1"`, h.Node) }
	was := started()
	h.runs("restart-node")
	if started() == was {
		h.Error("the node was not restarted")
	}
	h.lives("after restart-node")
}

// stuck freezes the data's file system: real threads in D. Nothing is touched, and what is printed names a thread and no reboot.
func (h *house) stuck() {
	h.sh("fsfreeze -f /srv/solana")
	frozen := true
	thaw := func() {
		if frozen {
			frozen = false
			h.sh("fsfreeze -u /srv/solana")
		}
	}
	defer thaw()
	h.sh(`for i in $(seq 600); do ps -eLo stat=,comm= | grep -q '^D.*\(rocksdb\|solAcct\|solWin\)' && exit; sleep 0.1; done; exit 1`)
	started := h.sh(`docker inspect -f '{{.State.StartedAt}}' "$1"`, h.Node)
	h.saysOfFrozen()
	for _, runbook := range []string{"restart-node", "stop"} {
		out, errs, status := h.types("run", runbook, "--auto-approve", "--timeout", h.within(40*time.Second))
		if status == 0 || strings.Contains(strings.ToLower(out+errs), "reboot the host") || !strings.Contains(out+errs, "stuck") {
			h.Errorf("%s with a stuck validator: exit %d\n%s%s", runbook, status, out, errs)
		}
	}
	if h.sh(`docker inspect -f '{{.State.StartedAt}}' "$1"`, h.Node) != started {
		h.Error("the node was restarted under a stuck validator")
	}
	thaw()
	h.runs("stop")
	h.sound("after the thaw", 0)
	h.runs("start")
	h.lives("after the thaw")
}

// stubborn takes no notice of the question: nobody kills it, and the second run waits on.
func (h *house) stubborn() {
	h.behave(validator.Fault{Exit: validator.ExitStubborn})
	out, errs, status := h.types("run", "stop", "--auto-approve", "--timeout", "20s")
	if status == 0 || h.processes() == "" {
		h.Errorf("a stubborn validator: exit %d, processes %q\n%s%s", status, h.processes(), out, errs)
	}
	h.behave(validator.Fault{})
	h.runs("stop")
	h.sound("after the stubborn one", 0)
	h.runs("start")
	h.lives("after the stubborn one")
}

// redeploys has an API server that takes three seconds over what controllers and scheduler write: what bisc has written is followed long
// after it was taken.
func (h *house) redeploys() {
	end := h.Slow(h.T, 3, cluster.CountDeployment, cluster.ScaleSet, cluster.CountSet, cluster.MakePod, cluster.GivePod, cluster.BindVolume, cluster.BindClaim)
	defer end()
	h.runs("redeploy", "--set", "wipe_accounts=true")
	h.lives("after redeploy")
}

// recovers has a validator with too short a run at the tip, which is refused; when that has grown it leaps. It leaps with fewer slots than
// the plan's 600, for which the lab's chain takes two minutes (make demo-validator waits for them).
func (h *house) recovers() {
	h.says(h.bisc(4, "run", "recover", "--auto-approve"), "complete blocks", "want at least 600")

	h.inventory("complete_run        = 600", "complete_run        = 230")
	h.inventory(`snapshot_fresh      = "500"`, `snapshot_fresh      = "200"`)
	for try := 0; ; try++ {
		out, errs, status := h.types("run", "recover", "--plan")
		if status != 4 && status != 2 || try == 120 {
			h.Fatalf("waiting for a longer run at the tip: exit %d\n%s%s", status, out, errs)
		}
		if !strings.Contains(out, "complete blocks") {
			break
		}
		time.Sleep(time.Second)
	}
	h.runs("recover")
	h.lives("after the leap")
	h.inventory("complete_run        = 230", "complete_run        = 600")
	h.inventory(`snapshot_fresh      = "200"`, `snapshot_fresh      = "500"`)
}

// fixesVolumes has a volume whose path is another form's.
func (h *house) fixesVolumes() {
	h.bisc(4, "run", "fix-volumes", "--auto-approve") // it lives
	h.runs("stop")
	h.again("fix-volumes")
	h.runs("start")
	h.lives("after fix-volumes")
}

// upgrades brings another build under the same tag to the node and the pod; one whose agave lacks a flag that the start script gives
// (incident 27: the relay's patch is not in it) comes no further than the host.
func (h *house) upgrades() {
	h.refusesUnpatched()
	next, err := agave.Build(h.Context(), agave.Options{Note: "the next build"})
	if err != nil {
		h.Fatal(err)
	}
	if err := h.LoadImage(h.Context(), next); err != nil {
		h.Fatal(err)
	}
	h.inventory("image_id = null", fmt.Sprintf("image_id = %q", next.ID))
	h.runs("upgrade-image")
	h.lives("after upgrade-image")
	h.bisc(0, "plan", "--layer", "agave", "--target", "*.kube_deployment*")
}

// refusesUnpatched has the wanted image be one that would end in a crash loop: nothing stops, and the tag in the node stays the old one's.
func (h *house) refusesUnpatched() {
	h.Helper()
	plain, err := agave.Build(h.Context(), agave.Options{Made: validator.Made{Version: "3.1.9", Commit: "9f6c3ad2"}})
	if err != nil {
		h.Fatal(err)
	}
	if err := h.LoadImage(h.Context(), plain); err != nil {
		h.Fatal(err)
	}
	const inNode = `docker exec "$1" ctr -n k8s.io images ls`
	lives, images := h.processes(), h.sh(inNode, h.Node)
	out, _, status := h.types("run", "upgrade-image", "--auto-approve")
	if status != 2 || !strings.Contains(out, "flags[--public-tvu-address]") || strings.Contains(out, "stage 2") {
		h.Errorf("an image without the relay's patch: exit %d\n%s", status, out)
	}
	if h.processes() != lives || h.sh(inNode, h.Node) != images {
		h.Error("the validator was stopped, or the image is in the node")
	}
	h.sound("after the image that lacks a flag", 1)
}

func (h *house) syncsTools() {
	h.bisc(1, "run", "sync-tools", "--auto-approve", "--set", "laconic_so_commit=main") // a branch moves
	h.runs("sync-tools", "--set", "laconic_so_commit="+h.Commits[stack.Synced], "--set", "stack_commit="+h.StackOld)
	if got := h.sh("cat " + stack.Repository + "/.git/HEAD"); got != h.Commits[stack.Synced] {
		h.Errorf("laconic-so is at %s", got)
	}
	h.lives("after sync-tools")
}

func (h *house) reboots() {
	h.runs("prepare-reboot")
	h.sound("before the reboot", 0)
	h.reboot()
	h.settled()
	h.runs("after-reboot")
	h.lives("after the reboot") // its peers are gone: they were in the network that went with the boot
}
