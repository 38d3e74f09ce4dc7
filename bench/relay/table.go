package main

import (
	"fmt"
	"strings"
	"time"
)

// tables are the tables of the page: loss and processor time by rate, delay and memory, and the aims.
func (all results) tables(chains []chain, rates []float64) string {
	var out strings.Builder
	out.WriteString("| packets/s |")
	for _, c := range chains {
		fmt.Fprintf(&out, " %s |", c.name)
	}
	out.WriteString("\n|---" + strings.Repeat("|---", len(chains)) + "|\n")
	for _, rate := range rates {
		fmt.Fprintf(&out, "| %s |", thousands(rate))
		for _, c := range chains {
			fmt.Fprintf(&out, " %s |", cell(c, all[c.name][rate]))
		}
		out.WriteString("\n")
	}
	if len(rates) == 1 {
		return out.String()
	}
	out.WriteString("\nLoss, and processor time of the programs for each shred that arrived, with what the kernel did in their name.\n\n")
	out.WriteString(all.details(chains))
	out.WriteString("\n")
	out.WriteString(all.aims(chains))
	return out.String()
}

func cell(c chain, f []figures) string {
	if len(f) == 0 {
		return ""
	}
	lost := middle(f, figures.lost)
	text := fmt.Sprintf("%.1f %%", 100*lost)
	if lost == 0 {
		text = "0 %"
	} else if lost < 0.001 {
		text = fmt.Sprintf("%d of %d", middle(f, func(f figures) uint64 { return f.sent - f.got }), middle(f, func(f figures) uint64 { return f.sent }))
	}
	if c.direct {
		return text
	}
	return text + ", " + micros(middle(f, figures.perPacket))
}

// details are delay and memory, and what the whole machine did.
func (all results) details(chains []chain) string {
	var out strings.Builder
	out.WriteString("| | delay at 7,500/s, median | 99 of 100 | added, median | 99 of 100 | memory of the larger program at 300,000/s | user mode's share of its time at 75,000/s | processor time of all a shred at 75,000/s: sender, relay, sink |\n|---|---|---|---|---|---|---|---|\n")
	base := all.delays("nothing between")
	for _, c := range chains {
		own := all.delays(c.name)
		at75 := all[c.name][75_000]
		memory, share, added := "", "", [2]string{}
		if !c.direct {
			memory = fmt.Sprintf("%.1f MiB", float64(middle(all[c.name][300_000], func(f figures) int64 { return f.peak }))/(1<<20))
			share = fmt.Sprintf("%.0f %%", 100*middle(at75, func(f figures) float64 { return f.user.Seconds() / max(f.cpu.Seconds(), 1e-9) }))
			added = [2]string{micros(own[0] - base[0]), micros(own[1] - base[1])}
		}
		whole := micros(middle(at75, figures.whole))
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", c.name, micros(own[0]), micros(own[1]), added[0], added[1], memory, share, whole)
	}
	return out.String()
}

// delays are median and 99th percentile at the design rate.
func (all results) delays(name string) [2]time.Duration {
	f := all[name][7_500]
	if len(f) == 0 {
		return [2]time.Duration{}
	}
	return [2]time.Duration{middle(f, func(f figures) time.Duration { return f.median }), middle(f, func(f figures) time.Duration { return f.p99 })}
}

// aims compares with what was asked for.
func (all results) aims(chains []chain) string {
	var out strings.Builder
	base, theirs := all.delays("nothing between"), all[rival][75_000]
	out.WriteString("| asked | " + "| |\n|---|---|---|\n")
	line := func(met bool, asked, is string) {
		word := map[bool]string{true: "yes", false: "**no**"}[met]
		fmt.Fprintf(&out, "| %s | %s | %s |\n", asked, is, word)
	}
	for _, c := range chains {
		if c.losslessGoal == 0 {
			continue
		}
		f := all[c.name][c.losslessGoal]
		lost := middle(f, func(f figures) uint64 { return f.sent - f.got })
		line(lost == 0, fmt.Sprintf("%s: no loss at %s/s", c.name, thousands(c.losslessGoal)), fmt.Sprintf("%d lost of %d", lost, middle(f, func(f figures) uint64 { return f.sent })))
		if len(theirs) > 0 {
			times := middle(theirs, figures.perPacket).Seconds() / middle(all[c.name][75_000], figures.perPacket).Seconds()
			line(times >= c.cpuGoal, fmt.Sprintf("%s: processor time a shred at 75,000/s at most 1/%.0f of %s", c.name, c.cpuGoal, rival), fmt.Sprintf("1/%.1f", times))
		}
		d := all.delays(c.name)
		d[0], d[1] = d[0]-base[0], d[1]-base[1]
		line(d[0] < 100*time.Microsecond && d[1] < time.Millisecond, c.name+": added delay at 7,500/s below 100 us, 99 of 100 below 1 ms", micros(d[0])+", "+micros(d[1]))
		peak := middle(all[c.name][300_000], func(f figures) int64 { return f.peak })
		line(peak < 64<<20, c.name+": memory of each program below 64 MiB at 300,000/s", fmt.Sprintf("%.1f MiB", float64(peak)/(1<<20)))
	}
	return out.String()
}

func micros(d time.Duration) string {
	us := d.Seconds() * 1e6
	if us < 10 {
		return fmt.Sprintf("%.2f us", us)
	}
	return fmt.Sprintf("%.0f us", us)
}

func thousands(n float64) string { return fmt.Sprintf("%d,%03d", int(n)/1000, int(n)%1000) }
