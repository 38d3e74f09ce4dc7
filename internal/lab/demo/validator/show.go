package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"bisc/internal/lab/standin/stack"
	"bisc/internal/lab/standin/validator"
)

// play is the show.
func (s *stage) play(ctx context.Context) error {
	for _, act := range []func(context.Context) error{s.install, s.stop, s.stuck, s.restartNode, s.redeploy, s.recover, s.count} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// install applies the storage and the units, and then does by hand what was done on biscayne: laconic-so starts the validator.
func (s *stage) install(ctx context.Context) (err error) {
	title("the ground: storage and units, by bisc")
	for _, layer := range []string{"storage", "units"} {
		if _, err := s.bisc(ctx, []int{0}, nil, "apply", "--layer", layer, "--auto-approve", "--until-clean"); err != nil {
			return err
		}
	}
	title("what laconic-so makes of it: a node, and in it the validator, with no strategy and 30 s of grace")
	if s.site, err = stack.Up(ctx, s.host, s.rig); err != nil {
		return err
	}
	if err := s.inventory(s.site.Identity); err != nil {
		return err
	}
	return s.processes(ctx)
}

// stop stops the validator, whose pod has a short grace, and starts it with a long one.
func (s *stage) stop(ctx context.Context) error {
	title("stop: the pod's grace is 30 s, so it is deleted by its UID with 300 s, and agave is asked to exit")
	if err := s.runs(ctx, "stop"); err != nil {
		return err
	}
	if err := s.processes(ctx); err != nil {
		return err
	}
	title("start: at no replicas the Deployment gets its strategy, its grace and its hook")
	if err := s.runs(ctx, "start"); err != nil {
		return err
	}
	return s.site.Answers(ctx)
}

// stuck freezes the file system under the validator: its threads hang in the kernel, and no signal ends them. bisc asks it to exit,
// waits, and does nothing else; the node is not touched. Thawed, the validator exits by itself.
func (s *stage) stuck(ctx context.Context) error {
	title("the file system freezes: threads of the validator are in D, which no signal ends; bisc refuses to restart the node")
	before, err := s.nodeSince(ctx)
	if err != nil {
		return err
	}
	if _, err := s.host.Exec(ctx, "fsfreeze", "-f", "/srv/solana"); err != nil {
		return err
	}
	err = s.refused(ctx, before)
	if _, thaw := s.host.Exec(ctx, "fsfreeze", "-u", "/srv/solana"); thaw != nil {
		return errors.Join(err, thaw)
	}
	fmt.Println("\n(the file system thaws)")
	return err
}

func (s *stage) refused(ctx context.Context, before string) error {
	if err := s.threads(ctx); err != nil {
		return err
	}
	if _, err := s.bisc(ctx, []int{4}, []string{"is stuck", "frozen file system"}, "run", "restart-node", "--plan"); err != nil {
		return err
	}
	// Its limits are minutes; here 40 s are enough to see it wait. 7: the end of what it waited for was not seen.
	said, err := s.bisc(ctx, []int{4, 7}, []string{"the runbook ends here"}, "run", "restart-node", "--auto-approve", "--timeout", "40s")
	if err != nil {
		return err
	}
	for _, word := range []string{"reboot", "power cycle"} {
		if strings.Contains(strings.ToLower(said), word) {
			return fmt.Errorf("bisc speaks of a %s while a file system is only frozen", word)
		}
	}
	after, err := s.nodeSince(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("the node was started again under a stuck validator: %s, before %s", after, before)
	}
	return err
}

// nodeSince is when the node's container was started.
func (s *stage) nodeSince(ctx context.Context) (string, error) {
	out, err := s.host.Exec(ctx, "docker", "inspect", "-f", "{{.State.StartedAt}}", s.site.Node)
	return strings.TrimSpace(string(out)), err
}

func (s *stage) restartNode(ctx context.Context) error {
	title("restart-node: stop, restart the node's container, look at what it sees, start")
	if err := s.runs(ctx, "restart-node"); err != nil {
		return err
	}
	return s.site.Answers(ctx)
}

func (s *stage) redeploy(ctx context.Context) error {
	title("redeploy: a snapshot from the fastest of the sources, the namespace away, laconic-so prepares it anew")
	if err := s.runs(ctx, "redeploy"); err != nil {
		return err
	}
	return s.site.Answers(ctx)
}

func (s *stage) recover(ctx context.Context) error {
	title("recover: the ledger has a complete run of slots at the tip; the accounts go, the validator begins within it")
	if err := s.completeRun(ctx); err != nil { // it takes the chain two minutes
		return err
	}
	if err := s.runs(ctx, "recover"); err != nil {
		return err
	}
	return s.site.Answers(ctx)
}

// completeRun waits until recover's first stage finds the ledger as it wants it.
func (s *stage) completeRun(ctx context.Context) error {
	s.quiet, s.untold = true, true
	defer func() { s.quiet, s.untold = false, false }()
	for range 240 {
		plan, err := s.bisc(ctx, []int{0, 2, 3, 4, 7}, nil, "run", "recover", "--plan")
		if err != nil || strings.Contains(plan, `complete run of slots": 1 in sync`) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
	return errors.New("no complete run of slots within four minutes")
}

// destroy finds the flags that a plan asks for: --destroy ADDRESS, quoted for a shell where it must be.
var destroy = regexp.MustCompile(`--destroy ('(?:[^']|'\\'')*'|[^'\s]+)`)

// resume finds how a run that was refused in a later stage goes on: what its earlier stages have done is not there to be done again.
var resume = regexp.MustCompile(`bisc run --resume (\S+)`)

// runs runs a runbook with what its plan says must be named.
func (s *stage) runs(ctx context.Context, name string) error {
	args := []string{"run", name, "--auto-approve"}
	s.quiet = true
	// 0: nothing to do; 2: it would change something; 4: something must be named, or what is seen now would refuse.
	plan, err := s.bisc(ctx, []int{0, 2, 4}, nil, "run", name, "--plan")
	s.quiet = false
	if err != nil {
		return err
	}
	args, _ = named(args, plan)
	for {
		// A stage that waits for another's end may say only then what must be named: the operator reads it, and types it.
		said, err := s.bisc(ctx, []int{0, 4}, nil, args...)
		if err != nil || strings.HasSuffix(said, exited(0)) {
			return err
		}
		more := false
		if args, more = named(args, said); !more {
			return fmt.Errorf("bisc run %s refuses, and names nothing that would permit it", name)
		}
		if begun := resume.FindStringSubmatch(said); begun != nil {
			args = append([]string{"run", "--resume", begun[1]}, args[slices.Index(args, "--auto-approve"):]...)
		}
	}
}

// named adds what a plan says must be named, and tells whether there is something that was not named yet.
func named(args []string, said string) (all []string, more bool) {
	for _, found := range destroy.FindAllStringSubmatch(said, -1) {
		address := strings.Trim(strings.ReplaceAll(found[1], `'\''`, "\x00"), "'")
		if address = strings.ReplaceAll(address, "\x00", "'"); !slices.Contains(args, address) {
			args, more = append(args, "--destroy", address), true
		}
	}
	return args, more
}

// processes shows the validators that live.
func (s *stage) processes(ctx context.Context) error {
	out, err := s.host.Shell(ctx, "echo; echo '$ pgrep -ax agave-validator'; pgrep -ax agave-validator | cut -c1-150 || true")
	fmt.Print(string(out))
	return err
}

// threads shows the threads that hang, once there are some.
func (s *stage) threads(ctx context.Context) error {
	out, err := s.host.Shell(ctx, `
for i in $(seq 300); do ps -eLo stat=,comm= | grep -q '^D.*\(rocksdb\|solAcct\|solWin\)' && break; sleep 0.1; done
echo; echo '$ ps -eLo pid,tid,stat,comm,wchan | grep " D"'
ps -eLo pid,tid,stat,comm,wchan | grep ' D'`)
	fmt.Print(string(out))
	return err
}

// count tells what processes there were since the beginning. Two at a time would be one too many.
func (s *stage) count(ctx context.Context) error {
	title("what validators there were, by their own record")
	runs, err := validator.ReadRuns(filepath.Join(s.host.Root(), "srv/kind/solana/log"))
	if err != nil {
		return err
	}
	count := map[string]int{}
	for _, r := range runs {
		count[r.Event]++
		fmt.Printf("%s  %-8s  %s\n", r.At.Format("15:04:05.000"), r.Event, r.Why+r.File)
	}
	if count[validator.Refused] > 0 || count[validator.Failed] > 0 || count[validator.Started] != count[validator.Exited]+1 {
		return fmt.Errorf("a validator was started beside another, failed or was killed: %v", count)
	}
	return nil
}
