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

// layersEvery is how often a watch looks at the layers: that costs a host more than its relay's figures do.
const layersEvery = 30 * time.Second

func (c *command) status() *cobra.Command {
	w := watching{interval: 5 * time.Second}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "show how each host is, its layers, holds and the relay, once or live; writes nothing",
		Long: "Of each host: whether it answers, since when it is up, its load; how its layers stand (as bisc drift counts) and what is\n" +
			"wrong; locks, holds, dead-man's switches; the last run of this desk; what the relay's daemons of its plan carry.\n\n" +
			"With --watch it goes on until Ctrl-C (exit status 0): in place on a terminal, a block a look on a pipe. A host that goes\n" +
			"away is said to be away and asked again; the layers are looked at every 30 seconds.\n\n" +
			"Exit status without --watch: 5 a host cannot be reached, 7 something could not be observed, 3 an invariant does not\n" +
			"hold, something drifted, a daemon of the relay does not run, is not well, or has a silent path, 2 a change was never\n" +
			"applied, 8 only held or accepted.",
		Example: "  bisc status\n  bisc status --watch --host biscayne\n  bisc status --json | jq '.hosts[] | {host, error}'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := w.check(); err != nil {
				return err
			}
			return c.reading(cmd, "status", func(ctx context.Context, s *session) error { return s.status(ctx, w) })
		},
	}
	c.flags.scope(cmd)
	cmd.Flags().BoolVar(&w.again, "watch", false, "go on looking until Ctrl-C")
	cmd.Flags().DurationVar(&w.interval, "interval", w.interval, "with --watch: how long between two looks")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (bisc schema status); with --watch a document a look")
	return cmd
}

func (s *session) status(ctx context.Context, w watching) error {
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
		one := &hostStatus{s: s, name: name, opts: own, relay: &relayWatch{ends: s.relayEnds(name)}, between: w.interval}
		if !w.again {
			one.between = min(w.interval, 2*time.Second)
		}
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

// hostStatus looks at one host, again and again.
type hostStatus struct {
	s       *session
	name    string
	opts    layers.Options
	relay   *relayWatch
	between time.Duration

	standing *view.LayersNow
	status   int // of the standing
	seen     time.Time
}

func (h *hostStatus) look(ctx context.Context) view.HostNow {
	now := view.HostNow{Host: h.name}
	r, err := h.s.Reader(ctx, h.name)
	if err == nil {
		err = h.ask(ctx, r, &now)
	}
	if err != nil {
		h.s.forget(h.name) // the next look dials again
		h.standing, h.relay.before = nil, nil
		now = view.HostNow{Host: h.name, Error: err.Error(), ErrorStatus: view.OfError(err)}
	}
	if run, err := h.s.lastRun(ctx, h.name); err != nil {
		now.Unknown = append(now.Unknown, "the last run: "+err.Error())
	} else {
		now.LastRun = run
	}
	return now
}

// ask asks all at once. The error is the host's: it cannot be reached. What else has no answer is named in now.Unknown.
func (h *hostStatus) ask(ctx context.Context, r host.Reader, now *view.HostNow) error {
	boot, who := &view.BootNow{}, &view.HostNow{}
	var daemons []figures.Daemon
	errs := make([]error, 4)
	_ = host.Ask(ctx, // each keeps its own error
		func(ctx context.Context) error { errs[0] = readBoot(ctx, r, boot); return nil },
		func(ctx context.Context) error { errs[1] = readWho(ctx, r, who); return nil },
		func(ctx context.Context) error { errs[2] = h.lookAtLayers(ctx); return nil },
		func(ctx context.Context) error { daemons, errs[3] = h.relay.look(ctx, h.between); return nil })
	for i, what := range []string{"uptime and load", "locks, holds and switches", "the layers", "the relay"} {
		switch {
		case errs[i] == nil:
		case errors.Is(errs[i], host.ErrUnreachable), ctx.Err() != nil:
			return errs[i]
		default:
			now.Unknown = append(now.Unknown, what+": "+errs[i].Error())
		}
	}
	now.Boot, now.Daemons, now.Lock, now.Holds, now.Switch = boot, daemons, who.Lock, who.Holds, who.Switch
	if h.standing != nil {
		standing := *h.standing
		standing.Age = time.Since(h.seen).Seconds()
		now.Standing, now.Status = &standing, h.status
	}
	return nil
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

// lookAtLayers observes the host's resources as bisc drift does, and judges them by the journal; not at each look.
func (h *hostStatus) lookAtLayers(ctx context.Context) error {
	if h.standing != nil && time.Since(h.seen) < layersEvery {
		return nil
	}
	past, err := h.s.memory(ctx, nil)
	if err != nil {
		return err
	}
	rep := h.s.observe(ctx, h.opts)
	for _, one := range rep {
		if one.Err != nil {
			h.standing = nil
			return one.Err
		}
	}
	h.standing = view.NewLayersNow(rep, past.known, past.covers)
	past.tell(rep, past.known)
	h.status, h.seen = view.Of("drift", rep, past.known), time.Now()
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
