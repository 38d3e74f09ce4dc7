package agave

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules"
)

// ValidatorHealthKind is how far a validator may be behind: for invariants.
var ValidatorHealthKind = modules.Kind{
	Name: "validator_health", Label: "a name for the validator in messages", Platform: host.Linux, Layer: "agave",
	Doc: "How far the validator may be behind its cluster, for an `invariant` and for health checks: bisc repairs none of it, and no layer waits for it. " +
		"Both slots are asked from the host, twice, a window apart, so that slots a second are measured and never assumed: the gap is said in slots and in the cluster's time, with the rate at which it closes, when it will be closed, " +
		"and, where a snapshot's size and `fetch_speed` are known, how long a fresh one would take to fetch and which of the two is the cheaper. With `min_headroom` its memory is judged too, before the kernel is out of it. A validator that loads its snapshot answers nobody for many minutes: while its process lives that is `starting`, not gone.",
	Checks: []string{
		"now: getSlot of the validator and of the cluster, at the commitment `processed`, and getHealth",
		"now, where the validator's RPC is silent: the host's process table",
		"now, with `min_headroom`: the process table, and the control groups of the validators in it",
		"now, where it is too far behind and `snapshots` is given: the sizes of the archives there",
	},
	Example: `validator_health "agave" {
  rpc         = "http://127.0.0.1:8899"
  cluster_rpc = "https://rpc.example.org"
  max_behind  = "30s"
}
`,
	New: func(label string) modules.Resource {
		return &ValidatorHealth{Name: label, RPC: "http://127.0.0.1:8899", MaxBehind: Behind{Time: 30 * time.Second}, Window: 5 * time.Second}
	},
}

// ValidatorHealth is the resource of ValidatorHealthKind.
type ValidatorHealth struct {
	Name        string
	RPC         string        `hcl:"rpc,optional" doc:"the validator's own JSON-RPC, as the host reaches it" default:"\"http://127.0.0.1:8899\""`
	ClusterRPC  string        `hcl:"cluster_rpc,optional" doc:"the cluster's JSON-RPC, asked from the host too. Without it the validator's own getHealth has the word, which compares with the validators that it knows"`
	MaxBehind   Behind        `hcl:"max_behind,optional" doc:"how far it may be behind: in the cluster's time (30s), or in slots (100 slots)" default:"\"30s\""`
	Window      time.Duration `hcl:"window,optional" doc:"between the two looks; a longer one tells slower closing from chance" default:"\"5s\""`
	Snapshots   string        `hcl:"snapshots,optional" doc:"the validator's folder of snapshot archives on the host: how large a fresh one will be is taken from the newest there"`
	MinHeadroom modules.Bytes `hcl:"min_headroom,optional" doc:"memory that the validator has to have left of its control groups' tightest limit, or of the host's memory where there is none; pages of files that were not used lately count as left. Default: not looked at"`
	FetchSpeed  modules.Bytes `hcl:"fetch_speed,optional" doc:"bytes a second that a fetch of a snapshot reaches (bisc snapshot find measures it). Default: not known, and said so"`
}

// Behind is a distance in time or in slots; one of them is set.
type Behind struct {
	Time  time.Duration
	Slots int64
}

// UnmarshalText reads "30s" or "100 slots".
func (b *Behind) UnmarshalText(text []byte) error {
	s := string(text)
	if n, ok := strings.CutSuffix(s, " slots"); ok {
		slots, err := strconv.ParseInt(n, 10, 32)
		if err == nil && slots > 0 {
			*b = Behind{Slots: slots}
			return nil
		}
	} else if d, err := time.ParseDuration(s); err == nil && d > 0 {
		*b = Behind{Time: d}
		return nil
	}
	return fmt.Errorf("%q is no distance: write a time (\"30s\") or slots (\"100 slots\")", s)
}

// String is as it is written.
func (b Behind) String() string {
	if b.Slots > 0 {
		return fmt.Sprintf("%d slots", b.Slots)
	}
	return b.Time.String()
}

// Validate finds endpoints that cannot be asked.
func (v *ValidatorHealth) Validate() error {
	var faults []error
	bad := func(attr, reason string) { faults = append(faults, &modules.AttrError{Attr: attr, Reason: reason}) }
	if err := (host.RPCQuery{URL: v.RPC, Method: "getSlot"}).Check(); err != nil {
		bad("rpc", fmt.Sprintf("%q is no endpoint: write http:// or https://, a host and a port", v.RPC))
	}
	if err := (host.RPCQuery{URL: v.ClusterRPC, Method: "getSlot"}).Check(); v.ClusterRPC != "" && err != nil {
		bad("cluster_rpc", fmt.Sprintf("%q is no endpoint: write http:// or https:// and a host", v.ClusterRPC))
	}
	if v.ClusterRPC == "" && v.MaxBehind.Slots == 0 && v.MaxBehind.Time != 30*time.Second {
		bad("max_behind", "without cluster_rpc nothing measures a time: give cluster_rpc, or slots")
	}
	if v.Window < 10*time.Millisecond || v.Window > time.Minute {
		bad("window", "from 10ms to 1m: every plan and every check waits for it")
	}
	if v.Snapshots != "" && !strings.HasPrefix(v.Snapshots, "/") {
		bad("snapshots", fmt.Sprintf("%q: write an absolute path", v.Snapshots))
	}
	return errors.Join(faults...)
}

// Plan looks. The error is all that keeps from knowing.
func (v *ValidatorHealth) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var (
		got    Health
		room   headroom
		lives  bool
		narrow error // the headroom is not known
	)
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			got, err = ReadHealth(ctx, h, HealthQuery{RPC: v.RPC, ClusterRPC: v.ClusterRPC, Window: v.Window})
			return err
		},
		func(ctx context.Context) error {
			if v.MinHeadroom > 0 {
				room, lives, narrow = readHeadroom(ctx, h)
			}
			return nil
		})
	if err != nil {
		return modules.Change{}, fmt.Errorf("ask how far %s is: %w", v.Name, err)
	}
	fetch, unread := v.fetchTime(ctx, h, got)
	if errors.Is(unread, host.ErrUnreachable) {
		return modules.Change{}, unread
	}
	c, err := v.decide(got, fetch)
	if unread != nil && len(c.Diffs) > 0 { // the gap is the verdict, whatever the folder says
		c.Diffs[0].Text += unread.Error() + "\n"
	}
	if lives && room.left < float64(v.MinHeadroom) {
		c.Refuse("memory", fmt.Sprintf("%s left of %s", snapshots.Bytes(int64(max(0, room.left))), room.of), fmt.Sprintf("at least %s", v.MinHeadroom),
			"the kernel kills it where none is left, and indexing a snapshot takes the most: a larger limit (resources.containers.limits.memory of spec.yml), or a smaller index")
	}
	if narrow != nil && len(c.Diffs) > 0 && !errors.Is(narrow, host.ErrUnreachable) { // a verdict stands, whatever else is not known
		c.Diffs[0].Text += narrow.Error() + "\n"
		narrow = nil
	}
	return c, errors.Join(err, narrow)
}

// fetchTime is how long a snapshot as large as the newest one on the host would take; 0 where that is not known.
func (v *ValidatorHealth) fetchTime(ctx context.Context, h host.Reader, got Health) (time.Duration, error) {
	if v.Snapshots == "" || v.FetchSpeed <= 0 || v.ClusterRPC == "" || got.State != Answers || !got.GapKnown {
		return 0, nil
	}
	if within, err := v.within(got); err != nil || within {
		return 0, nil // decide says why
	}
	names, err := h.Glob(ctx, v.Snapshots+"/snapshot-*.tar.*")
	if err != nil {
		return 0, fmt.Errorf("look at the size of a snapshot: %w", err)
	}
	newest, slot := "", uint64(0)
	for _, n := range names {
		if m := fullSnapshot.FindStringSubmatch(n); m != nil {
			if s, err := strconv.ParseUint(m[1], 10, 64); err == nil && (newest == "" || s > slot) {
				newest, slot = n, s
			}
		}
	}
	if newest == "" {
		return 0, nil
	}
	st, err := h.Stat(ctx, newest)
	if err != nil {
		return 0, fmt.Errorf("look at the size of a snapshot: %w", err)
	}
	return seconds(float64(st.Size) / float64(v.FetchSpeed)), nil
}

var fullSnapshot = regexp.MustCompile(`/snapshot-([0-9]+)-[1-9A-HJ-NP-Za-km-z]+\.tar\.(?:zst|lz4)$`)

// decide compares a look with the limit. fetch is how long a snapshot would take, 0 where that is not known.
func (v *ValidatorHealth) decide(h Health, fetch time.Duration) (modules.Change, error) {
	var c modules.Change
	switch h.State {
	case Gone:
		c.Refuse("validator", "no process lives, and nobody listens at "+v.RPC, "answers", "the runbook start starts it; where it should run by itself, the pod says why it does not")
		return c, nil
	case Starting:
		c.Refuse("validator", fmt.Sprintf("starting: %s, and its RPC does not answer yet", h.Process), "answers", "it answers once its snapshot is loaded and its ledger replayed: wait, and watch its log")
		return c, nil
	case Leaving:
		c.Refuse("validator", fmt.Sprintf("%s: %s", h.Process.State, h.Process), "answers", "it is on its way out, and its RPC is silent")
		return c, nil
	}
	if v.ClusterRPC == "" {
		return v.byOwnWord(h)
	}
	if !h.GapKnown {
		return c, fmt.Errorf("how far %s is behind is not known (its own word: %s): %w", v.Name, orSilent(h.Word), h.GapUnknown)
	}
	within, err := v.within(h)
	if err != nil || within {
		return c, err
	}
	c.Refuse("behind", distance(h), "at most "+v.MaxBehind.String(), outlook(h, fetch))
	return c, nil
}

// within compares the gap with the limit.
func (v *ValidatorHealth) within(h Health) (bool, error) {
	if v.MaxBehind.Slots > 0 {
		return h.Gap <= v.MaxBehind.Slots, nil
	}
	lag, known := h.Lag()
	if !known {
		return false, fmt.Errorf("%s is %d slots behind, and how long that is is not known: the cluster's slot did not move between two looks %s apart (a public endpoint may be several servers): give max_behind in slots, or a longer window",
			v.Name, h.Gap, v.Window)
	}
	return lag <= v.MaxBehind.Time, nil
}

var behindBy = regexp.MustCompile(`behind by ([0-9]+) slots`)

// byOwnWord takes getHealth's word, which is all there is without a cluster.
func (v *ValidatorHealth) byOwnWord(h Health) (modules.Change, error) {
	var c modules.Change
	m := behindBy.FindStringSubmatch(h.Word)
	switch {
	case h.Word == "ok":
		return c, nil
	case m == nil:
		return c, fmt.Errorf("%s answers, and does not say how far it is behind: %s: give cluster_rpc", v.Name, orSilent(h.Word))
	}
	slots, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return c, fmt.Errorf("%s says %q: %w", v.Name, h.Word, err)
	}
	if v.MaxBehind.Slots > 0 && slots <= v.MaxBehind.Slots {
		return c, nil
	}
	c.Refuse("behind", h.Word, "at most "+v.MaxBehind.String(), "how fast the gap closes is not measured without cluster_rpc")
	return c, nil
}

func orSilent(word string) string {
	if word == "" {
		return "nothing"
	}
	return word
}

// distance is the gap in slots, and in the cluster's time where that was measured.
func distance(h Health) string {
	lag, known := h.Lag()
	if !known {
		return fmt.Sprintf("%d slots", h.Gap)
	}
	return fmt.Sprintf("%d slots (%s, at the cluster's %.2f slots/s)", h.Gap, lag, h.Cluster.PerSecond)
}

// outlook says whether waiting ends it, when, and whether a fresh snapshot would be faster.
func outlook(h Health, fetch time.Duration) string {
	fresh := "how long a fresh snapshot would take is not known"
	if fetch > 0 {
		fresh = fmt.Sprintf("a fresh snapshot would take about %s to fetch, and its unpacking and replay on top", fetch)
	}
	closing, known := h.Closing()
	eta, ends := h.ETA()
	switch {
	case !h.Own.Known || !h.Cluster.Known:
		return "how fast the gap closes was not measured; " + fresh
	case !known:
		return fmt.Sprintf("the gap neither closes nor grows measurably (%+.2f slots/s in %s): look again with a longer window; %s", closing, h.Own.Window.Round(time.Millisecond), fresh)
	case !ends:
		return fmt.Sprintf("the gap grows by %.2f slots/s, it will not catch up like this; %s: the runbook recover", -closing, fresh)
	case fetch <= 0:
		return fmt.Sprintf("the gap closes by %.2f slots/s, in about %s; %s: wait, or the runbook recover, whichever is the sooner (bisc snapshot find measures how fast sources are)", closing, eta, fresh)
	case fetch < eta:
		return fmt.Sprintf("the gap closes by %.2f slots/s, in about %s; %s: the runbook recover may be the cheaper", closing, eta, fresh)
	}
	return fmt.Sprintf("the gap closes by %.2f slots/s, in about %s; %s: to wait is the cheaper", closing, eta, fresh)
}
