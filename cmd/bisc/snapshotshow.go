package main

import (
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/hostbin/snapshots"
)

// showFound is a find's outcome.
func (c *command) showFound(s snapshots.State) error {
	if c.flags.json {
		return c.writeJSON(s)
	}
	f := s.Found
	if f == nil || len(f.Taken) == 0 {
		return nil // the error says it all
	}
	fmt.Fprintf(c.out, "the cluster is at slot %d; %d nodes, %d asked, in %s\n", f.Tip, f.Nodes, f.Asked, f.Took.Round(100*time.Millisecond))
	w := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tVERSION\tPAIR\tBEHIND\tSPEED\tLATENCY")
	const most = 20
	for _, src := range f.Taken[:min(len(f.Taken), most)] {
		p, _ := src.Pair()
		speed := "not measured"
		if src.Speed > 0 {
			speed = snapshots.Bytes(src.Speed) + "/s"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", view.CleanText(src.RPC), view.CleanText(src.Version), p, snapshots.Behind(p.Slot(), f.Tip), speed, src.Latency.Round(time.Millisecond))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if more := len(f.Taken) - most; more > 0 {
		fmt.Fprintf(c.out, "and %d more (--json has all)\n", more)
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Rejected)) {
		fmt.Fprintf(c.out, "refused: %d: %s\n", f.Rejected[reason], view.CleanText(reason))
	}
	for _, r := range f.Best {
		if r.Would != "" {
			fmt.Fprintf(c.out, "nearest: %s (%s); %s would take it\n", view.CleanText(r.Source.RPC), view.CleanText(r.Detail), r.Would)
		}
	}
	return nil
}

// showFetched is a fetch's outcome.
func (c *command) showFetched(s snapshots.State) error {
	if c.flags.json {
		return c.writeJSON(s)
	}
	for _, n := range s.Notes {
		fmt.Fprintln(c.out, view.CleanText(n))
	}
	if s.Result != nil {
		fmt.Fprintln(c.out, view.CleanText(s.Result.String()))
	}
	return nil
}
