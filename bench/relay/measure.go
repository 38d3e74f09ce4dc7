package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"bisc/relaybin/lab"
)

// figures are what one run of a chain at one rate showed.
type figures struct {
	sent, got uint64
	rate      float64 // really sent a second
	dropped   uint64  // at the sink's own buffer: then the sink was the limit
	bad       uint64
	cpu       time.Duration // of the chain's programs, with the softirqs inside them
	user      time.Duration
	ends      time.Duration // of sender and sink, with the softirqs inside them
	softirq   time.Duration // of that, in softirqs of no process
	median    time.Duration
	p99       time.Duration
	peak      int64 // bytes, the largest program
}

// lost is the share of shreds that did not arrive.
func (f figures) lost() float64 { return float64(f.sent-f.got) / float64(f.sent) }

// perPacket is the programs' processor time for each shred that arrived.
func (f figures) perPacket() time.Duration {
	if f.got == 0 {
		return 0
	}
	return f.cpu / time.Duration(f.got)
}

// whole is all processor time a shred that arrived: sender, kernel, relay, sink.
func (f figures) whole() time.Duration {
	if f.got == 0 {
		return 0
	}
	return (f.cpu + f.ends) / time.Duration(f.got)
}

// measure sends at a rate for a time through a chain that runs.
func (r *running) measure(ctx context.Context, rate float64, length time.Duration) (f figures, err error) {
	r.sink.Forget()
	before, err := r.used()
	if err != nil {
		return f, err
	}
	sent, err := r.net.Send(ctx, lab.Stream{Rate: rate, For: length, Paths: r.paths()})
	if err != nil {
		return f, err
	}
	got, err := r.sink.Quiet(ctx, 300*time.Millisecond)
	if err != nil {
		return f, err
	}
	after, err := r.used()
	if err != nil {
		return f, err
	}
	f.sent, f.rate = sent.Sequences, sent.Rate()
	f.got, f.bad, f.dropped = got.Unique, got.Bad, got.Dropped
	f.median, f.p99 = got.Delay.Quantile(0.5), got.Delay.Quantile(0.99)
	f.ends = after[0].Since(before[0]).CPU
	for i := range after[1:] {
		u := after[1+i].Since(before[1+i])
		f.cpu += u.CPU
		f.user += u.User
		f.peak = max(f.peak, u.Peak)
	}
	return f, nil
}

// used reads what this program, which is sender and sink, and the chain's programs have used so far.
func (r *running) used() (all []lab.Usage, err error) {
	own, err := lab.UsageOf(os.Getpid())
	if err != nil {
		return nil, err
	}
	all = append(all, own)
	for _, cmd := range r.cmds {
		u, err := lab.UsageOf(cmd.Process.Pid)
		if err != nil {
			return nil, fmt.Errorf("%s: %s is gone: %w\n%s", r.name, cmd.Path, err, &r.stderr)
		}
		all = append(all, u)
	}
	return all, nil
}

// middle is the median of a number over all rounds.
func middle[N int64 | uint64 | float64 | time.Duration](all []figures, of func(figures) N) N {
	numbers := make([]N, len(all))
	for i, f := range all {
		numbers[i] = of(f)
	}
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}
