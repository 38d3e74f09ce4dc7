package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

// lookBack looks at every step of earlier runs whose result is not known, before anything else happens, says what has
// become of it, and journals that. Where there is none it asks nothing.
func (s *session) lookBack(ctx context.Context, opts layers.Options) error {
	acts, err := s.book.Unknown(context.WithoutCancel(ctx), s.run) // on this machine: a --timeout that is over shows at the hosts
	if err != nil {
		return err
	}
	hosts := s.hostsOf(opts)
	acts = slices.DeleteFunc(acts, func(a journal.Act) bool { return !slices.Contains(hosts, a.Host) })
	if len(acts) == 0 {
		return nil
	}
	which := map[string]bool{}
	for _, a := range acts {
		which[a.Address] = true
	}
	rep := s.observe(ctx, layers.Options{Key: opts.Key, NoProbes: opts.NoProbes, Select: func(it layers.Item, _ *layers.Stage) bool { return which[it.Address] }})
	for _, name := range hosts {
		of := slices.DeleteFunc(slices.Clone(acts), func(a journal.Act) bool { return a.Host != name })
		if len(of) > 0 {
			err = errors.Join(err, s.lookBackAt(ctx, name, of, rep))
		}
	}
	return err
}

// hostsOf are the hosts of which anything is chosen.
func (s *session) hostsOf(opts layers.Options) []string {
	var out []string
	for _, st := range s.stages {
		chosen := slices.ContainsFunc(st.Items, func(it layers.Item) bool { return opts.Select == nil || opts.Select(it, st) })
		if chosen && !slices.Contains(out, st.Host) {
			out = append(out, st.Host)
		}
	}
	return out
}

// lookBackAt says of one host's steps what has become of them. A host that cannot be asked is left to the round, which
// reports it; its steps stay unknown.
func (s *session) lookBackAt(ctx context.Context, name string, acts []journal.Act, rep layers.Report) error {
	r, err := s.Reader(ctx, name)
	if err != nil {
		return nil
	}
	log, err := s.hostRecord(ctx, r)
	if err != nil {
		return nil
	}
	var seen []journal.Observation
	var text strings.Builder
	for _, a := range acts {
		o, found := outcomeOf(rep, a.Address)
		state, says := verdict(a, log, o, found)
		fmt.Fprintf(&text, "  %-8s %s\n           %s\n           %s\n", state, view.Clean(a.Address), view.Clean(firstOf(a.Step)), view.Clean(says))
		if state == layers.UnknownResult && found && o.State == layers.Unknown {
			continue // the next run looks again
		}
		sight := "not in the plan"
		if found {
			sight = o.State.String()
		}
		seen = append(seen, journal.Observation{Run: s.run, Host: name, Address: a.Address, Digest: o.Item.Digest, State: sight,
			Diff: string(state) + ": " + says, At: time.Now()})
	}
	s.progress.Above(func() {
		fmt.Fprintf(s.c.errs, "bisc: an earlier run was cut on %s; what became of the steps whose result it does not know (bisc journal %s):\n%s", name, acts[len(acts)-1].Run, text.String())
	})
	return s.book.Looked(ctx, seen...)
}

// verdict is what is known by now of an act's result: from the host's own record, else from what the resource is now.
func verdict(a journal.Act, log *journal.HostLog, o layers.Outcome, found bool) (layers.ResultState, string) {
	state, why := a.Evidence(log)
	switch {
	case state != layers.UnknownResult && found:
		return state, why + "; it is " + sightOf(o) + " now"
	case state != layers.UnknownResult:
		return state, why
	case !found:
		return state, "it is not in the plan any more: look at it yourself"
	case o.State == layers.InSync:
		return layers.Done, "it is as wanted now"
	case o.State == layers.Unknown:
		return state, fmt.Sprintf("it could not be observed: %v", o.Err)
	}
	return state, "it is " + sightOf(o) + ": not done, or not whole"
}

func sightOf(o layers.Outcome) string {
	if o.State == layers.InSync {
		return "as wanted"
	}
	return o.State.String()
}

func outcomeOf(rep layers.Report, address string) (layers.Outcome, bool) {
	for _, o := range rep.Outcomes() {
		if o.Item.Address == address {
			return o, true
		}
	}
	return layers.Outcome{}, false
}
