package view

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// HostStats is what a run cost on a host.
type HostStats struct {
	Host string
	// Logins is how often bisc logged in: more than once where the connection was lost.
	Logins int
	// Turns is how often the client sent after the server had answered, connecting included.
	Turns int
	// Execs is the programs that ran on the host.
	Execs int
	// Sent and Received are bytes.
	Sent, Received int64
	// Connect is the time until the channel stood, Total that until the host was let go.
	Connect, Total time.Duration
}

// Stats writes the table of --stats, with a sum where there are several hosts; their total is the longest, because
// hosts are worked on at the same time.
func Stats(w io.Writer, stats []HostStats) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "host\tlogins\tturns\texecs\tsent\treceived\tconnect\ttotal\t")
	row := func(s HostStats) {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n", Clean(s.Host), s.Logins, s.Turns, s.Execs,
			size(s.Sent), size(s.Received), short(s.Connect), short(s.Total))
	}
	var sum HostStats
	for _, s := range stats {
		row(s)
		sum.Logins += s.Logins
		sum.Turns += s.Turns
		sum.Execs += s.Execs
		sum.Sent += s.Sent
		sum.Received += s.Received
		sum.Connect = max(sum.Connect, s.Connect)
		sum.Total = max(sum.Total, s.Total)
	}
	if len(stats) > 1 {
		sum.Host = fmt.Sprintf("%d hosts", len(stats))
		row(sum)
	}
	return t.Flush()
}

// size gives bytes as they are below 10 KiB, and rounded above.
func size(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d B", n)
	case n < 10<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}

// short keeps three digits or so of a duration.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond / 10).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
