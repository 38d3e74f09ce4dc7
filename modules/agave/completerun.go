package agave

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/docker"
)

// CompleteRunKind is a run of complete slots at the tip of a running validator's ledger.
var CompleteRunKind = modules.Kind{
	Name:     "complete_run",
	Label:    "a name: the Deployment whose validator it is",
	Platform: host.Linux,
	Layer:    "agave",
	Doc: "A run of complete slots without a gap at the tip of a running validator's ledger: what a leapfrog leaps to. A validator that replays through incomplete slots makes 0.4 slots a " +
		"second, through complete ones 5; from a snapshot within such a run it catches up. The ledger tool that lies beside the validator is run from the host in its mount namespace, and only " +
		"reads. The run is followed from block to parent: a slot that was skipped breaks nothing, and one whose data is missing does, though the tool lists neither. The newest slots, which " +
		"are still arriving, do not count. With `snapshot` the pair in that folder has to lie within the run: below its first slot the gap is in front of it again, beyond its last there is " +
		"nothing to replay yet. It is only looked at: a run grows while the validator hears the cluster.",
	Checks: []string{
		"now: one validator runs (in the node, where `node` is given), and its ledger tool answers",
		"now: how many blocks the run has, and where and why it begins where it does",
		"now, with `snapshot`: that the newest usable pair of the folder is of a slot within the run",
	},
	Example: `complete_run "laconic-70ce4c4b47e23b85-deployment" {
  node     = "laconic-70ce4c4b47e23b85-control-plane"
  snapshot = "/srv/solana/bisc-snapshots"
}
`,
	New: func(label string) modules.Resource { return &CompleteRun{Name: label, Min: 100} },
}

// CompleteRun is the resource of CompleteRunKind.
type CompleteRun struct {
	Name     string
	Node     string `hcl:"node,optional" doc:"the container that is the node. Default: the host's only validator is meant, wherever it runs"`
	Ledger   string `hcl:"ledger,optional" doc:"the ledger, as the validator sees it. Default: by its command line"`
	Min      int    `hcl:"min,optional" doc:"blocks that the run has to have" default:"100"`
	Snapshot string `hcl:"snapshot,optional" doc:"the folder whose newest pair has to lie within the run"`
}

// mostDepth is how many slots below the tip the ledger is read for a snapshot: what is further behind is no tip any more.
const mostDepth = 5000

// Validate finds what cannot be.
func (r *CompleteRun) Validate() error {
	var faults []error
	if r.Min < 1 || r.Min > mostDepth {
		faults = append(faults, &modules.AttrError{Attr: "min", Reason: fmt.Sprintf("%d: write 1 to %d blocks", r.Min, mostDepth)})
	}
	for attr, p := range map[string]string{"snapshot": r.Snapshot, "ledger": r.Ledger} {
		if p != "" && (!path.IsAbs(p) || path.Clean(p) != p) {
			faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q: write an absolute path without a slash at its end", p)})
		}
	}
	return errors.Join(faults...)
}

// Plan finds the validator, and reads its ledger.
func (r *CompleteRun) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var c modules.Change
	found, err := r.find(ctx, h)
	if err != nil {
		return c, err
	}
	if len(found) != 1 {
		c.Refuse("validator", number(found), "1", "the ledger is read where a validator runs, by the tool beside it")
		return c, nil
	}
	var pair *snapshots.Pair
	if r.Snapshot != "" {
		files, _, err := Held(ctx, h, r.Snapshot)
		if err != nil {
			return c, err
		}
		if pairs := snapshots.Pairs(snapshots.Usable(files)); len(pairs) > 0 {
			pair = &pairs[0]
		} else {
			c.Refuse("snapshot", "none in "+r.Snapshot, "one within the run", "fetch one first")
		}
	}
	read, err := readLedger(ctx, h, found[0], r.Min+tipSlack+300, pair)
	if err != nil {
		return c, err
	}
	r.decide(&c, runAtTip(read), pair)
	return c, nil
}

func number(found []validating) string {
	if len(found) == 0 {
		return "no validator runs"
	}
	var pids []string
	for _, v := range found {
		pids = append(pids, fmt.Sprint(v.pid))
	}
	return fmt.Sprintf("%d validators (processes %s)", len(found), strings.Join(pids, ", "))
}

// decide compares the run with what is wanted.
func (r *CompleteRun) decide(c *modules.Change, run Run, pair *snapshots.Pair) {
	if run.Blocks < r.Min {
		c.Refuse("run", run.String(), fmt.Sprintf("at least %d complete blocks up to the tip", r.Min), "a run grows while the validator hears the cluster: look again in a minute; repair fills the gaps below it")
	}
	if pair == nil {
		return
	}
	within := fmt.Sprintf("within %d to %d", run.First, run.Last)
	switch slot := pair.Slot(); {
	case run.Blocks == 0 || run.has(slot):
	case slot < run.First:
		c.Refuse("snapshot", pair.String(), within, fmt.Sprintf("it is %d slots before the run: a validator that starts from it has the gap in front of it again; fetch a newer one", run.First-slot))
	case slot > run.Last:
		c.Refuse("snapshot", pair.String(), within, fmt.Sprintf("it is %d slots beyond the last complete one: the gap is only moved; look again when the validator has received them", slot-run.Last))
	}
}

// find reads the process table, and which of the validators are meant.
func (r *CompleteRun) find(ctx context.Context, h host.Reader) ([]validating, error) {
	all, unread, err := readProcesses(ctx, h)
	if err = errors.Join(err, unread); err != nil {
		return nil, fmt.Errorf("find the validator: %w", err)
	}
	return r.which(ctx, h, all)
}

// which finds the validators, in the node where one is named. A program that only asks one to exit is none.
func (r *CompleteRun) which(ctx context.Context, h host.Reader, all []Process) ([]validating, error) {
	id := ""
	if r.Node != "" {
		box, there, err := docker.ReadContainer(ctx, h, r.Node)
		if err != nil {
			return nil, fmt.Errorf("find the node: %w", err)
		}
		if !there {
			return nil, fmt.Errorf("find the node: docker has no container %s", r.Node)
		}
		id = box.ID
	}
	var out []validating
	for _, p := range all {
		v, err := ledgerOf(ctx, h, p, r.Ledger)
		switch {
		case err != nil:
			return nil, err
		case v.ledger == "" || id != "" && !strings.Contains(v.group, id):
			continue
		}
		out = append(out, v)
	}
	return out, nil
}
