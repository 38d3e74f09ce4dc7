// Package rules_test holds the runbooks of plans/biscayne to rules of their own: what must be proved before what is done. The kinds
// have their guards on the host; these are the plan's, which a resumed run, an included stage or an edit could lose without a word.
package rules_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/source"
	"bisc/inventory"
	"bisc/modules/all"
	"bisc/plans"
)

// load reads the plan with the inventory of the tests, with an address that peers must reach, and with more replaced in it: old, new.
func load(t *testing.T, files []source.File, set map[string]string, replaced ...string) (*plans.Plan, error) {
	t.Helper()
	hosts, err := source.Read(".hcl", "../../../inventory/validator.hcl")
	if err != nil {
		t.Fatal(err)
	}
	text := string(hosts[0].Text)
	replaced = append(replaced, "reachable   = {}", `reachable = { "192.0.2.1:8001" = "entrypoint.example:8001" }`,
		"full_every          = 1000", "full_every = 1000\nmin_headroom = \"1GiB\"")
	for pair := range slices.Chunk(replaced, 2) {
		if strings.Count(text, pair[0]) != 1 {
			t.Fatalf("the inventory no longer says %q", pair[0])
		}
		text = strings.Replace(text, pair[0], pair[1], 1)
	}
	hosts[0].Text = []byte(text)
	inv, diags := inventory.Load(hosts...)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p, diags := plans.Load(plans.Options{
		Files: files, Inventory: inv, Registry: all.Registry(), Root: "../../..", Vars: set,
		Env: func(string) (string, bool) { return "", false }, Run: &plans.Run{ID: "r", Started: time.Unix(1, 0)},
	})
	if diags.HasErrors() {
		return nil, diags
	}
	return p, nil
}

func files(t *testing.T) []source.File {
	t.Helper()
	all, err := source.Read(plans.Suffix, "..")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const (
	nextBoot = `prepare-reboot/"the next boot will be in order"`
	boots    = "*systemd.Unit *systemd.Service *systemd.Unit *files.File"
	health   = "*docker.KindNode *kube.WantedDeployment *agave.Identity *agave.ValidatorHealth *agave.Reachable *relay.Flow"
)

// verdicts are what must be judged where nothing acts, by layer or runbook (and stage).
var verdicts = map[string][]string{
	"kind":         {"*laconic.KindConfig", "*docker.KindNode"},
	"agave":        {"*kube.WantedDeployment", "*kube.WantedDeployment", "*agave.Identity", "*agave.ValidatorHealth", "*agave.Snapshot", "*agave.Reachable"},
	"health-check": strings.Fields("*storage.Mount *storage.Mount " + health),
	// A node that is down for a reboot comes up on what the boot has made: that is looked at while it can still be mended.
	nextBoot: strings.Fields("*systemd.DropIn *storage.Mount *storage.Ramdisk *storage.Mount *storage.Bind " + boots),
	`migrate-storage/"the plan is for the new variant"`: {"*plans.condition"},
	// While a volume is being made anew, no apply may start what uses it.
	`fix-volumes/"nothing uses them"`: {"*agave.ValidatorStopped", "*hold.Hold"},
	// What stop is for.
	`stop/"it is proved"`: {"*agave.ValidatorStopped"},
	// As soon as the node is up, and before the long stages after it.
	`restart-node/"the node sees its folders"`:              {"*docker.KindNode"},
	`after-reboot/"the node is up and sees its folders"`:    {"*docker.KindNode"},
	`migrate-storage/"the node is up and sees its folders"`: {"*docker.KindNode"},
}

// ways are the values of --set under which the plan is held to the rules, with the verdicts that are others then.
var ways = []struct{ set, verdicts map[string]string }{ // kinds by a space
	{},
	{set: map[string]string{"wipe_accounts": "true", "wipe_ledger": "true"}},
	{set: map[string]string{"variant": "C"}, verdicts: map[string]string{
		nextBoot: "*systemd.DropIn *storage.Mount *storage.Ramdisk *storage.Mount *storage.Mount *storage.Mount " + boots}},
	{set: map[string]string{"variant": "D"}, verdicts: map[string]string{
		"health-check": "*storage.Mount *storage.Tmpfs " + health, nextBoot: "*systemd.DropIn *storage.Mount *storage.Tmpfs " + boots}},
	{set: map[string]string{"variant": "E"}, verdicts: map[string]string{
		"health-check": "*storage.ZFSDataset *storage.Tmpfs " + health, nextBoot: "*systemd.DropIn *storage.ZFSDataset *storage.Tmpfs " + boots}},
	// What is wiped is made again from a snapshot: where none is fetched, there must be one, and the validator does not stop for less.
	{set: map[string]string{"fresh_snapshot": "false", "wipe_accounts": "true"}, verdicts: wiping},
	{set: map[string]string{"fresh_snapshot": "false", "wipe_ledger": "true"}, verdicts: wiping},
}

var wiping = map[string]string{`redeploy/"there is a snapshot to start from"`: "*agave.Snapshot"}

// broken are the rules that the plan breaks, in the first way in which it breaks any.
func broken(t *testing.T, files []source.File) (faults []string, err error) {
	t.Helper()
	for _, way := range ways {
		p, err := load(t, files, way.set)
		if err != nil {
			return nil, err
		}
		want := maps.Clone(verdicts)
		for name, kinds := range way.verdicts {
			want[name] = strings.Fields(kinds)
		}
		for _, fault := range faultsIn(p, want) {
			faults = append(faults, fmt.Sprintf("%v: %s", way.set, fault))
		}
		if len(faults) > 0 {
			return faults, nil
		}
	}
	return nil, nil
}

func faultsIn(p *plans.Plan, verdicts map[string][]string) (faults []string) {
	seen := map[string][]string{}
	for _, st := range p.Stages {
		seen[st.Name] = append(seen[st.Name], judged(st)...)
		faults = append(faults, lacking(st)...)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Runbooks)) {
		rb := p.Runbooks[name]
		faults = append(faults, faultsOf(rb)...)
		seen[name] = judged(rb.Stages...)
		for _, st := range rb.Stages {
			seen[st.Name] = judged(st)
			faults = append(faults, lacking(st)...)
		}
	}
	for name, want := range verdicts {
		if got := seen[name]; !slices.Equal(got, want) {
			faults = append(faults, fmt.Sprintf("%s judges %q, want %q", name, got, want))
		}
	}
	return faults
}

// TestRunbooksProveBeforeTheyAct holds the plan to the rules.
func TestRunbooksProveBeforeTheyAct(t *testing.T) {
	faults, err := broken(t, files(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
}

var (
	guarding = regexp.MustCompile(`(?m)^( *)(?:invariant\b.*\{|exit_on_deletion \{|flags +=.*)$`)
	ofIssue  = regexp.MustCompile(`/(kind|agave|runbook-[a-z]+)\.bisc\.hcl$`)
)

// TestFaultF40_EveryInvariantOfTheRunbooksIsMissed takes each invariant, each watch on a pod's deletion, and what an image is held against, out of
// the layers kind and agave and of the runbooks in turn: a rule must miss it.
func TestFaultF40_EveryInvariantOfTheRunbooksIsMissed(t *testing.T) {
	all, tried := files(t), 0
	for i, f := range all {
		if !ofIssue.MatchString("/" + f.Name) {
			continue
		}
		text := string(f.Text)
		for _, at := range guarding.FindAllStringSubmatchIndex(text, -1) {
			what, end := text[at[0]:at[1]], at[1]
			if strings.HasSuffix(what, "{") {
				last := "\n" + text[at[2]:at[3]] + "}\n"
				n := strings.Index(text[end:], last)
				if n < 0 {
					t.Fatalf("%s: %s has no end", f.Name, what)
				}
				end += n + len(last)
			}
			without := slices.Clone(all)
			without[i].Text = []byte(text[:at[0]] + text[end:])
			tried++
			if faults, err := broken(t, without); err != nil || len(faults) == 0 {
				t.Errorf("%s: without %s no rule is broken (%v)", f.Name, strings.TrimSpace(what), err)
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d are found", tried)
	}
}

var given = regexp.MustCompile(`(?m)^ +(?:snapshots|fetch_speed|full_every|ports|published|log|min_headroom) +=.*\n`)

// TestEveryGivenValueIsMissed takes each value out of the plan that its kind can do without, in turn: a rule must miss it.
func TestEveryGivenValueIsMissed(t *testing.T) {
	all, tried := files(t), 0
	for i, f := range all {
		if !ofIssue.MatchString("/" + f.Name) {
			continue
		}
		text := string(f.Text)
		for _, at := range given.FindAllStringIndex(text, -1) {
			without := slices.Clone(all)
			without[i].Text = []byte(text[:at[0]] + text[at[1]:])
			tried++
			if faults, err := broken(t, without); err != nil || len(faults) == 0 {
				t.Errorf("%s: without %q no rule is broken (%v)", f.Name, strings.TrimSpace(text[at[0]:at[1]]), err)
			}
		}
	}
	if tried < 9 {
		t.Errorf("only %d are found", tried)
	}
}
