package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// slope tells how often bisc waits for the network: the seconds that a second of round trip time costs. A slow or busy machine
// takes longer at every distance and has the same slope.
func slope(ctx context.Context, b *bench) (string, error) {
	const far = 200 * time.Millisecond
	s, err := openSite(ctx, b.bisc, b.top, 0, "target")
	if err != nil {
		return "", err
	}
	defer s.close()
	ours := s.plan("noop")
	ours.says = "50 in sync"
	var runs [2][]cost
	for range b.runs {
		for i, rtt := range []time.Duration{0, far} { // side by side, so that other work hits both
			if err := s.delay(rtt); err != nil {
				return "", err
			}
			c, err := s.measure(ctx, ours)
			if err != nil {
				return "", err
			}
			runs[i] = append(runs[i], c)
		}
	}
	near, away := median(runs[0]), median(runs[1])
	var out strings.Builder
	out.WriteString("| round trip time | median | turns |\n|---|---|---|\n")
	fmt.Fprintf(&out, "| 0 ms | %s | %d |\n| 200 ms | %s | %d |\n\n", seconds(near.wall), near.turns, seconds(away.wall), away.turns)
	fmt.Fprintf(&out, "Slope of time over round trip time: **%.1f** (asked: at most 14).", (away.wall-near.wall).Seconds()/far.Seconds())
	return out.String(), nil
}
