package cluster

import (
	"context"
	"time"

	"bisc/hostbin/snapshots"
)

// Finding is how sources are looked for.
type Finding struct {
	Wants snapshots.Wants
	// Behind is MaxBehind as it was written: time becomes slots by the cluster's own rate.
	Behind  snapshots.Span
	Probing Probing
	// Checks sources at most are measured, each for Long.
	Checks int
	Long   time.Duration
	// Say is told how far it is; Step counts.
	Say func(what string, done, of int)
}

// Find looks through the whole cluster.
func (c *Client) Find(ctx context.Context, f Finding) (snapshots.Found, error) {
	began := time.Now()
	out := snapshots.Found{Cluster: c.RPC, At: began.UTC(), Wants: f.Wants}
	var err error
	if out.Tip, err = snapshots.Tip(ctx, c.Ask); err != nil {
		return out, err
	}
	if f.Behind.Time > 0 {
		if out.Rate, err = snapshots.Rate(ctx, c.Ask, out.Tip); err != nil {
			return out, err
		}
	}
	out.Wants.MaxBehind = f.Behind.In(out.Rate)
	if err := out.Wants.Check(); err != nil {
		return out, err
	}
	nodes, err := c.Nodes(ctx)
	if err != nil {
		return out, err
	}
	out.Nodes = len(nodes)
	if err := c.probeAll(ctx, &out, nodes, f); err != nil {
		return out, err
	}
	err = c.measureAll(ctx, &out, f)
	out.Took = time.Since(began)
	return out, err
}

// probeAll asks every node that Wants lets through, and judges what it serves.
func (c *Client) probeAll(ctx context.Context, out *snapshots.Found, nodes []snapshots.Node, f Finding) error {
	var ask []snapshots.Node
	for _, n := range nodes {
		if no, ok := out.Wants.PassNode(n); !ok {
			out.Reject(no)
			continue
		}
		ask = append(ask, n)
	}
	out.Asked = len(ask)
	for _, s := range c.Probe(ctx, ask, f.Probing, func(n int) { f.Say("asking the nodes", n, len(ask)) }) {
		if s.Full != nil || s.Incremental != nil {
			out.Serving = append(out.Serving, s)
		}
		if no, ok := out.Wants.Pass(s, out.Tip); !ok {
			out.Reject(no)
			continue
		}
		out.Taken = append(out.Taken, s)
	}
	return context.Cause(ctx)
}

// measureAll measures those that answered first, one after the other, since they share this host's own line; and ranks them.
func (c *Client) measureAll(ctx context.Context, out *snapshots.Found, f Finding) error {
	snapshots.ByLatency(out.Taken)
	var passed, rest []snapshots.Source
	for i, s := range out.Taken {
		if len(passed) >= f.Checks || i >= 4*f.Checks { // those that fail make room for others, to a bound
			rest = append(rest, s)
			continue
		}
		f.Say("measuring the sources", i+1, min(len(out.Taken), f.Checks))
		speed, err := c.Measure(ctx, s.Full.URL, f.Long)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.Speed = speed
		if err != nil {
			s.Fault = err.Error()
		}
		if no, ok := out.Wants.PassSpeed(s); !ok {
			out.Reject(no)
			continue
		}
		passed = append(passed, s)
	}
	snapshots.Rank(passed)
	out.Taken = append(passed, rest...)
	if f.Checks > 0 && len(passed) == 0 {
		out.Taken = nil // unmeasured ones behind many that failed are no sources either
		for _, s := range rest {
			out.Reject(snapshots.Rejection{Source: s, Reason: "not measured"})
		}
	}
	return nil
}
