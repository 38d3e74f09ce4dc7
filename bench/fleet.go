package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// fleet compares one host with many at once. The hosts share this machine's cores with bisc, so what they compute is told
// beside the time: it is no network's.
func fleet(ctx context.Context, b *bench) (string, error) {
	var names []string
	for i := range b.hosts {
		names = append(names, fmt.Sprintf("target-%02d", i))
	}
	s, err := openSite(ctx, b.bisc, b.top, rtt, names...)
	if err != nil {
		return "", err
	}
	defer s.close()
	on := fmt.Sprintf("hosts=[%s]", `"`+strings.Join(names, `","`)+`"`)
	all := s.plan("noop", "--set", on)
	all.says = fmt.Sprintf("%d in sync", 50*b.hosts)
	one := s.plan("noop", "--set", on, "--host", names[0])
	one.says = "50 in sync"
	costs, err := s.inTurn(ctx, b.runs, func(int) []tool { return []tool{one, all} })
	if err != nil {
		return "", err
	}
	single, many := median(costs[0].runs), median(costs[1].runs)
	cpu := (many.here + many.there) / time.Duration(runtime.NumCPU())
	memory := float64(many.resident-single.resident) / float64(b.hosts-1) / (1 << 20)
	var out strings.Builder
	out.WriteString("| hosts | median | processor time of bisc | of the hosts | bisc's memory |\n|---|---|---|---|---|\n")
	for i, c := range []cost{single, many} {
		fmt.Fprintf(&out, "| %d | %s | %s | %s | %.1f MiB |\n", []int{1, b.hosts}[i], seconds(c.wall), seconds(c.here), seconds(c.there), float64(c.resident)/(1<<20))
	}
	fmt.Fprintf(&out, "\n%d hosts may take 1.5 times one host plus the processor time over the cores: %s + %s; they took **%s**. Memory a host: **%.2f MiB** (asked: at most 1).",
		b.hosts, seconds(single.wall*3/2), seconds(cpu), seconds(many.wall), memory)
	return out.String(), nil
}
