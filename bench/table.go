package main

import (
	"fmt"
	"strings"
	"time"
)

// table gives the medians, bisc first, and how much faster bisc was than each rival, run by run medians over medians.
func table(costs []costed, asked map[string]float64) string {
	var out strings.Builder
	out.WriteString("| tool | median | bisc is faster by | asked | turns | sent | received | processor time here | on the host | logins | sudo |\n")
	out.WriteString("|---|---|---|---|---|---|---|---|---|---|---|\n")
	first := median(costs[0].runs)
	for i, c := range costs {
		m := median(c.runs)
		faster, goal := "", ""
		if i > 0 {
			faster = fmt.Sprintf("**%.0fx**", m.wall.Seconds()/first.wall.Seconds())
			goal = fmt.Sprintf("%.0fx", asked[c.name])
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %d | %s | %s | %s | %s | %d | %d |\n", c.name, seconds(m.wall), faster, goal,
			m.turns, size(m.sent), size(m.got), seconds(m.here), seconds(m.there), m.logins, m.sudo)
	}
	fmt.Fprintf(&out, "\nMedian of %d runs, one of each tool in turn.", len(costs[0].runs))
	return out.String()
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
