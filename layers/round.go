package layers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"bisc/internal/host"
)

// Hosts gives hosts by their names in the inventory: to read, or to write under the host's lock.
type Hosts interface {
	Reader(ctx context.Context, name string) (host.Reader, error)
	Writer(ctx context.Context, name string) (host.Writer, error)
}

// ObserveAll observes the stages of all hosts, in parallel. A host that cannot be opened is in the report with its error;
// the others go on.
func ObserveAll(ctx context.Context, stages []*Stage, hosts Hosts, opts Options) Report {
	opts.others = newOthers(hosts, opts.NoProbes)
	return perHost(stages, func(name string, of []*Stage) HostReport {
		if len(opts.chosen(of)) == 0 {
			return HostReport{Host: name} // nothing is meant on this host: it is not dialled
		}
		h, err := hosts.Reader(ctx, name)
		if err != nil {
			return HostReport{Host: name, Err: err}
		}
		memo := host.NewMemo(h)
		memo.NoProbes = opts.NoProbes
		return Observe(ctx, memo, of, opts)
	})
}

// ApplyAll does an approved round on all hosts in parallel.
func ApplyAll(ctx context.Context, approved Report, hosts Hosts, acting Acting) Report {
	out := slices.Clone(approved)
	if err := recordRound(ctx, out, acting); err != nil {
		for i := range out {
			out[i].Err = fmt.Errorf("nothing was done: the round could not be recorded: %w", err)
		}
		return out
	}
	var all sync.WaitGroup
	for i := range out {
		if out[i].Err != nil || !slices.ContainsFunc(out[i].Outcomes, Outcome.Pending) {
			continue
		}
		all.Go(func() {
			w, err := hosts.Writer(ctx, out[i].Host)
			if err != nil {
				out[i].Err = err
				return
			}
			one := acting
			one.others = newOthers(hosts, acting.NoProbes) // a host's own: what it forgets while it waits, another may be reading
			out[i] = Apply(ctx, w, out[i], one)
		})
	}
	all.Wait()
	return out
}

// perHost calls f once a host, in parallel, and keeps the order in which the stages name their hosts.
func perHost(stages []*Stage, f func(string, []*Stage) HostReport) Report {
	var names []string
	of := map[string][]*Stage{}
	for _, st := range stages {
		if of[st.Host] == nil {
			names = append(names, st.Host)
		}
		of[st.Host] = append(of[st.Host], st)
	}
	rep := make(Report, len(names))
	var all sync.WaitGroup
	for i, n := range names {
		all.Go(func() { rep[i] = f(n, of[n]) })
	}
	all.Wait()
	return rep
}

// Pending counts the items that a round would change.
func (r Report) Pending() int {
	n := 0
	for _, o := range r.Outcomes() {
		if o.Pending() {
			n++
		}
	}
	return n
}

// Acts tells whether a round would do a step; else it only waits for what is under way.
func (r Report) Acts() bool {
	return slices.ContainsFunc(r.Outcomes(), func(o Outcome) bool { return o.Pending() && len(o.Change.Steps) > 0 })
}

// Destroys tells whether a round would destroy anything.
func (r Report) Destroys() bool {
	return slices.ContainsFunc(r.Outcomes(), func(o Outcome) bool { return o.Pending() && len(o.Change.Destroys) > 0 })
}

// Digest is a digest of everything that a round would do, and of which hosts it would do it to: what --approve names.
func (r Report) Digest(key []byte) string {
	sum := sha256.New()
	for _, h := range r {
		fmt.Fprintf(sum, "host %q %q %q %q\n", h.Host, h.Identity.MachineID, h.Identity.BootID, h.Identity.HostKey)
		for _, o := range h.Outcomes {
			if !o.Pending() {
				continue
			}
			fmt.Fprintf(sum, "item %q %q\n", o.Item.Address, o.Item.Digest)
			for _, s := range o.Change.Steps {
				fmt.Fprintf(sum, "step %s\n", host.Digest(key, s))
			}
			for _, d := range o.Change.Destroys {
				fmt.Fprintf(sum, "destroys %q\n", d)
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// recordRound has the recorder keep what was approved.
func recordRound(ctx context.Context, approved Report, acting Acting) error {
	r, ok := acting.Record.(RoundRecorder)
	if !ok {
		return nil
	}
	for _, h := range approved {
		var items []Approved
		for _, o := range h.Outcomes {
			if h.Err != nil || !o.Pending() {
				continue
			}
			it := Approved{Address: o.Item.Address, Destroys: o.Change.Destroys}
			for _, s := range o.Change.Steps {
				it.Steps = append(it.Steps, s.String())
				it.Digests = append(it.Digests, host.Digest(acting.Key, s))
			}
			items = append(items, it)
		}
		if len(items) == 0 {
			continue
		}
		if err := r.Approved(ctx, h.Host, acting.ApprovedBy, items); err != nil {
			return err
		}
	}
	return nil
}
