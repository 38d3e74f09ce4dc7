package agave

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"bisc/hostbin/snapshots"
	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
)

// SnapshotKind is a fresh pair of snapshots in a folder.
var SnapshotKind = modules.Kind{
	Name:     "snapshot",
	Label:    "the folder: /srv/kind/solana/snapshots",
	Platform: host.Linux,
	Layer:    "agave",
	Doc: "A pair of snapshots that a validator can start from: a full, and the newest incremental that fits it. The pair's freshness is that of its newest slot, by the files' names, " +
		"against the finalized slot that the cluster's RPC tells the host; slots a second are measured, never assumed. Without `fetch` and `from` it is only judged: a question of health. " +
		"With `fetch = true` a pair is brought into the folder by a program of ours that runs on the host, detached, as a job that outlives the connection and is found again: the fastest " +
		"source, incrementals until they are within half of `max_behind` (200 to 500 slots), each archive checked to its end before it has its name. While a validator runs that has to be a folder of its own on the same file " +
		"system, since a live agave purges archives that it does not know; `final` names the validator's, whose fulls are linked into it where an incremental fits them, so that 100 GB need not " +
		"come again. With `from` the pair of that other folder is moved in by rename, and what it replaces goes last. The last usable pair never goes.",
	Checks: []string{
		"now: the newest usable pair, by the incremental's base; archives that are empty or have a control file of aria2c beside them are none",
		"now, with `full_every`: by the command line of each running validator, that it makes fulls no more often",
		"now: how many slots the pair is behind the cluster's finalized slot, asked from the host",
		"now, with `fetch`: the job that fetches, how far it is, and how it ended",
		"now, with `from`: whether the other folder has a newer pair",
	},
	Losses: []modules.Loss{{
		What:   "older snapshots, and incrementals of another full",
		When:   "`from` is given and the other folder has a newer pair",
		Guards: []string{"no validator lives: no process of one is left", "the last usable pair never goes, nor what a process has open: the program on the host decides again"},
	}},
	Example: `snapshot "/srv/kind/solana/snapshots" {
  cluster_rpc = "https://rpc.example"
  max_behind  = "2h"
}
`,
	New: func(label string) modules.Resource {
		return &Snapshot{Path: label, MaxBehind: snapshots.Span{Slots: 20000}, MinSpeed: 20 << 20, Limit: 3 * time.Hour, Reserve: 2 << 30}
	},
}

// Snapshot is the resource of SnapshotKind.
type Snapshot struct {
	Path         string
	ClusterRPC   string         `hcl:"cluster_rpc" doc:"URL of an RPC of the cluster, asked from the host"`
	MaxBehind    snapshots.Span `hcl:"max_behind,optional" doc:"how far behind the cluster the pair may be, in slots (\"20000\") or time (\"2h\")" default:"\"20000\""`
	FullEvery    int            `hcl:"full_every,optional" doc:"slots between the fulls that the running validator makes itself, at least: each pauses replay for minutes. Default: not looked at"`
	Fetch        bool           `hcl:"fetch,optional" doc:"bring one where there is none" default:"false"`
	Final        string         `hcl:"final,optional" doc:"with fetch: the validator's own folder, on the same file system, whose fulls may serve"`
	From         string         `hcl:"from,optional" doc:"move the pair of this folder in, once the validator is stopped"`
	MinSpeed     modules.Bytes  `hcl:"min_speed,optional" doc:"with fetch: bytes a second that a source has to give" default:"\"20MiB\""`
	Bandwidth    modules.Bytes  `hcl:"bandwidth,optional" doc:"with fetch: bytes a second that all downloads take together. Default: no limit"`
	LeaveBy      string         `hcl:"leave_by,optional" doc:"with fetch: the address or network interface that everything leaves by. Default: the kernel's choice"`
	Known        []string       `hcl:"known,optional" doc:"with fetch: take only sources with these identities"`
	Version      string         `hcl:"version,optional" doc:"with fetch: take only sources whose version begins so"`
	ShredVersion int            `hcl:"shred_version,optional" doc:"with fetch: take only sources with this shred version"`
	Reserve      modules.Bytes  `hcl:"reserve,optional" doc:"with fetch: bytes that stay free on the file system" default:"\"2GiB\""`
	Limit        time.Duration  `hcl:"limit,optional" doc:"with fetch: how long the job may take" default:"\"3h\""`
}

// Validate finds what cannot be.
func (s *Snapshot) Validate() error {
	var faults []error
	no := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	for _, p := range []struct{ attr, path string }{{"", s.Path}, {"final", s.Final}, {"from", s.From}} {
		if p.path == "" && p.attr != "" {
			continue
		}
		if !path.IsAbs(p.path) || path.Clean(p.path) != p.path || p.path == "/" || strings.ContainsAny(p.path, "*?[\n") {
			no(p.attr, "%q is no folder: write an absolute path without a slash at its end", p.path)
		}
	}
	if !strings.HasPrefix(s.ClusterRPC, "http://") && !strings.HasPrefix(s.ClusterRPC, "https://") {
		no("cluster_rpc", "%q is no URL: write http://... or https://...", s.ClusterRPC)
	}
	if s.FullEvery < 0 || s.FullEvery > 0 && (s.Fetch || s.From != "") {
		no("full_every", "it judges the running validator: write a number of slots, without fetch and from")
	}
	if s.Fetch && s.From != "" {
		no("from", "fetch brings a pair from the cluster, from one of another folder: write one of the two")
	}
	if s.From != "" && s.From == s.Path || s.Final != "" && s.Final == s.Path {
		no("", "%s is both folders: they have to be two, of one file system", s.Path)
	}
	if s.Final != "" && !s.Fetch {
		no("final", "it says whose fulls may serve a fetch: write fetch = true")
	}
	if s.MaxBehind.Time == 0 && s.MaxBehind.Slots < snapshots.LeastMaxBehind {
		no("max_behind", "%s: nodes make an incremental each 100 to 200 slots: write at least %d", s.MaxBehind, snapshots.LeastMaxBehind)
	}
	if s.MinSpeed > snapshots.MostMinSpeed {
		no("min_speed", "%s a second: more than %s refuses nearly every source; the fastest is taken anyway", s.MinSpeed, modules.Bytes(snapshots.MostMinSpeed))
	}
	if s.Bandwidth > 0 && s.MinSpeed > s.Bandwidth {
		no("min_speed", "%s a second is more than bandwidth lets through (%s): no source could pass", s.MinSpeed, s.Bandwidth)
	}
	if s.Limit < time.Minute {
		no("limit", "%s: a full is 100 GB and more: write \"3h\"", s.Limit)
	}
	return errors.Join(faults...)
}

// heldPairs is what was observed.
type heldPairs struct {
	folder bool
	files  []snapshots.File // of Path
	from   []snapshots.File
	tip    uint64
	most   uint64 // MaxBehind in slots
	rate   float64
	job    job.State
	fetch  []host.Step // that start the job
	move   []host.Step // that put the program there
	tool   string      // the program's path on the host
	alive  []validating
}

// Plan looks at the folder, the cluster and the job. While the job runs nothing else is asked: it takes as long as it takes, and
// the cluster's public RPC counts the questions.
func (s *Snapshot) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var seen heldPairs
	var c modules.Change
	if s.Fetch {
		st, err := s.job("", 0).Read(ctx, h)
		if err != nil {
			return c, err
		}
		if seen.job = st; st.Await(&c, "fetch") {
			return c, nil
		}
	}
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { seen.files, seen.folder, err = Held(ctx, h, s.Path); return err },
		func(ctx context.Context) error { return s.askCluster(ctx, h, &seen) },
		func(ctx context.Context) (err error) {
			if s.From != "" {
				seen.from, _, err = Held(ctx, h, s.From)
			}
			return err
		},
		func(ctx context.Context) (err error) {
			if s.FullEvery > 0 {
				seen.alive, err = (&CompleteRun{}).find(ctx, h)
			}
			return err
		},
	)
	if err != nil {
		return c, err
	}
	if s.Fetch || s.From != "" {
		if seen.tool, seen.move, err = Program(ctx, h); err != nil {
			return c, err
		}
	}
	return s.decide(seen), nil
}

// Decision.
func (s *Snapshot) decide(seen heldPairs) modules.Change {
	switch {
	case s.From != "":
		return s.moveIn(seen)
	case s.Fetch:
		return s.bring(seen)
	}
	var c modules.Change
	for _, v := range seen.alive {
		if every, told := v.fullEvery(); told && every < s.FullEvery {
			c.Refuse("full_every", fmt.Sprintf("%d slots (process %d)", every, v.pid), fmt.Sprintf("at least %d", s.FullEvery), "each full pauses replay for minutes; it is SNAPSHOT_INTERVAL_SLOTS in the deployment's environment")
		}
	}
	if got, fresh := seen.judge(); !fresh {
		c.Refuse("pair", got, s.wanted(seen), "a fresh one is fetched by `bisc snapshot fetch`, or by the runbook recover")
	}
	return c
}

func (s *Snapshot) wanted(seen heldPairs) string {
	if s.MaxBehind.Time > 0 {
		return fmt.Sprintf("at most %s behind (%d slots at %.2f a second)", s.MaxBehind, seen.most, seen.rate)
	}
	return fmt.Sprintf("at most %s behind", s.MaxBehind)
}

// judge describes the newest pair.
func (h heldPairs) judge() (got string, fresh bool) {
	if !h.folder {
		return "no such folder", false
	}
	pairs := snapshots.Pairs(snapshots.Usable(h.files))
	if len(pairs) == 0 {
		return "no usable snapshot", false
	}
	behind := snapshots.Behind(pairs[0].Slot(), h.tip)
	return fmt.Sprintf("%s, %d slots behind", pairs[0], behind), behind <= h.most
}

// soon is how long a fetch that failed, or brought nothing fresh, is left for somebody to look at before it is started again: what
// waits for it ends then.
const soon = time.Minute

func (s *Snapshot) bring(seen heldPairs) modules.Change {
	var c modules.Change
	got, fresh := seen.judge()
	if fresh {
		return c
	}
	st, output := seen.job, s.job("", 0).Output()
	switch recent := st.Now.Sub(st.Ended) < soon; {
	case st.Phase == job.Done && recent:
		c.Refuse("pair", got, s.wanted(seen), fmt.Sprintf("it is the newest that a fetch which has just ended could get: its output is %s on the host; apply starts another from %s after its end on, or allow more with max_behind", output, soon))
		return c
	case st.Phase == job.Failed && recent:
		c.Refuse("fetch", st.String(), "done", fmt.Sprintf("its output is %s on the host; apply starts it again from %s after its end on", output, soon))
		return c
	case st.Phase == job.Failed || st.Phase == job.Lost:
		c.Differ("fetch", st.String(), "done")
	}
	c.Differ("pair", got, s.wanted(seen))
	if !seen.folder {
		c.Do(host.Script{Argv: []string{"mkdir", "-m", "0755", "--", s.Path}})
	}
	c.Do(seen.move...)
	c.Do(s.job(seen.tool, seen.most).Start()...)
	c.Settle = s.Limit + time.Minute
	return c
}

// near is how few slots behind the cluster a fetch is content: half of what is allowed, so that the pair is still fresh when it is judged, which
// is later and by a newer tip. Not above the program's own, and not below what nodes can serve.
func near(most uint64) uint64 {
	return max(min(most/2, snapshots.Close), snapshots.LeastMaxBehind)
}

// job is the fetch, by the folder: whoever asks for it again finds the same one. tool is the program's path, most what is allowed in slots;
// neither is of what tells one job from another.
func (s *Snapshot) job(tool string, most uint64) job.Job {
	argv := []string{tool, "fetch", "--rpc", s.ClusterRPC, "--into", s.Path, "--min-speed", fmt.Sprint(int64(s.MinSpeed)), "--reserve", fmt.Sprint(int64(s.Reserve))}
	text, _ := s.MaxBehind.MarshalText() // it always can
	argv = append(argv, "--max-behind", string(text), "--close", fmt.Sprint(near(most)))
	more := func(flag, value string) {
		if value != "" && value != "0" {
			argv = append(argv, flag, value)
		}
	}
	more("--have", s.Final)
	more("--bandwidth", fmt.Sprint(int64(s.Bandwidth)))
	more("--from", s.LeaveBy)
	more("--known", strings.Join(s.Known, ","))
	more("--version", s.Version)
	more("--shred-version", fmt.Sprint(s.ShredVersion))
	return FetchJob(s.Path, argv, s.Limit)
}
