package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/figures"
	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/host/deadman"
	"bisc/internal/host/sshhost"
	"bisc/internal/journal"
	"bisc/layers"
)

// rateWindow is how long a status that looks once watches for what is told by the second. What takes longer would make it slow, and
// what is shorter sees no slots go by.
const rateWindow = time.Second

func (c *command) status() *cobra.Command {
	w, limit := watching{interval: 5 * time.Second}, lookLimit
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show how each host is, its layers, holds and the relay, once or live; writes nothing",
		Long: "Of each host: whether it answers, since when it is up, its load; how its layers stand (as bisc drift counts) and what is\n" +
			"wrong; the validator's process, memory and slots, its pod, its node and its snapshots, as far as the plan has them; jobs;\n" +
			"locks, holds, dead-man's switches; the last run of this desk; what the relay's daemons of its plan carry. What gives no\n" +
			"answer in time is said to be unknown, and the rest is shown.\n\n" +
			"With --watch it goes on until Ctrl-C (exit status 0): in place on a terminal, a block a look on a pipe. A host that goes\n" +
			"away is said to be away and asked again; the layers are looked at every 30 seconds. Of a host that ails it shows what has\n" +
			"answered, and what has not yet.\n\n" +
			"Exit status without --watch: 5 a host cannot be reached, 7 something could not be observed, 3 an invariant does not\n" +
			"hold, something drifted, a daemon of the relay does not run, is not well, or has a silent path, 2 a change was never\n" +
			"applied, 8 only held or accepted.",
		Example: "  bisc status\n  bisc status --watch --host biscayne\n  bisc status --json | jq '.hosts[] | {host, error}'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := w.check(); err != nil {
				return err
			}
			if limit <= 0 {
				return fmt.Errorf("--limit %s: give more than nothing", limit)
			}
			return c.reading(cmd, "status", func(ctx context.Context, s *session) error { return s.status(ctx, w, limit) })
		},
	}
	c.flags.scope(cmd)
	cmd.Flags().BoolVar(&w.again, "watch", false, "go on looking until Ctrl-C")
	cmd.Flags().DurationVar(&w.interval, "interval", w.interval, "with --watch: how long between two looks")
	cmd.Flags().DurationVar(&limit, "limit", limit, "how long a look may take once the host is up: what has no answer by then is unknown")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (bisc schema status); with --watch a document a look")
	return cmd
}

func (s *session) status(ctx context.Context, w watching, limit time.Duration) error {
	opts, err := s.c.options(s, permits{})
	if err != nil {
		return err
	}
	var spots []*spot
	for _, name := range s.planHosts() {
		chosen := func(it layers.Item, st *layers.Stage) bool { return st.Host == name && opts.Select(it, st) }
		if !anyItem(s.stages, chosen) {
			continue
		}
		own := opts
		own.Select = chosen
		one := &hostStatus{s: s, name: name, limit: limit, opts: own, relay: &relayWatch{ends: s.relayEnds(name)}, between: min(w.interval, rateWindow), watching: ctx}
		if !w.again {
			one.window = rateWindow
		}
		defer one.aside.Wait()
		spots = append(spots, &spot{name: name, look: one.look})
	}
	if w.again {
		s.progress.Close() // two would draw on one terminal
	}
	show := s.c.showNow("status", w)
	return w.rounds(ctx, spots, func(hosts []view.HostNow) error {
		s.progress.Close()
		return show(hosts)
	})
}

// readBoot reads which boot it is, since when, and the load. A figure that is not understood is unknown.
func readBoot(ctx context.Context, r host.Reader, b *view.BootNow) error {
	var uptime, load, id []byte
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { uptime, err = r.ReadFile(ctx, "/proc/uptime"); return err },
		func(ctx context.Context) (err error) { load, err = r.ReadFile(ctx, "/proc/loadavg"); return err },
		func(ctx context.Context) (err error) {
			id, err = r.ReadFile(ctx, "/proc/sys/kernel/random/boot_id")
			return err
		})
	b.Uptime, b.Load, b.ID = firstNumber(uptime), firstNumber(load), strings.TrimSpace(string(id))
	return err
}

func firstNumber(text []byte) figures.Figure {
	word, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	v, err := strconv.ParseFloat(word, 64)
	return figures.Of(v, err == nil && v >= 0)
}

func readWho(ctx context.Context, r host.Reader, now *view.HostNow) error {
	var lock host.Lock
	var locked, reverted bool
	var who *deadman.Who
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { who, reverted, err = deadman.Read(ctx, r); return err },
		func(ctx context.Context) (err error) { lock, locked, err = sshhost.ReadLock(ctx, r); return err },
		func(ctx context.Context) (err error) { now.Holds, err = layers.ReadHolds(ctx, r); return err })
	if err != nil {
		return err
	}
	if locked {
		now.Lock = view.NewLockNow(lock)
	}
	if who != nil {
		now.Switch = &view.SwitchNow{Run: who.Run, Address: who.Address, Reason: who.Reason, At: who.At, Within: who.Within, Reverted: reverted}
	}
	return nil
}

// lastRun is the latest run in this desk's journal that was about to change the host; nil where there is none.
func (s *session) lastRun(ctx context.Context, name string) (*view.RunNow, error) {
	path, err := journal.DefaultPath()
	if err != nil {
		return nil, err
	}
	j, err := journal.OpenExisting(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer j.Close()
	runs, err := j.Runs(ctx, 500)
	if err != nil {
		return nil, fmt.Errorf("asking the journal: %w", err)
	}
	i := slices.IndexFunc(runs, func(r journal.RunInfo) bool { return slices.Contains(r.Hosts, name) })
	if i < 0 {
		return nil, nil
	}
	r := runs[i]
	out := &view.RunNow{ID: r.ID, Verb: r.Verb, User: r.User, Started: r.Started}
	if why, cut := r.Cut(); cut {
		out.Cut = why
	}
	if !r.Ended.IsZero() {
		out.Exit = &r.Exit
	}
	return out, nil
}
