package snapshots

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Found is what a look at the cluster gave.
type Found struct {
	Cluster string    `json:"cluster"` // whose RPC was asked
	Tip     uint64    `json:"slot"`    // the cluster's finalized slot
	At      time.Time `json:"at"`
	// Rate is slots a second, measured; zero: nobody asked.
	Rate  float64       `json:"slots_per_second,omitempty"`
	Wants Wants         `json:"wants"`
	Nodes int           `json:"nodes"`  // that the cluster names
	Asked int           `json:"probed"` // that were asked
	Took  time.Duration `json:"took_ns"`
	// Taken are the sources that pass, the fastest first; those beyond the speed checks follow, unmeasured, in order of latency.
	Taken    []Source       `json:"sources"`
	Rejected map[string]int `json:"rejected"` // how many, by reason
	// Best are the rejected that came nearest, one a limit.
	Best []Rejection `json:"best_rejected"`
	// Serving are all that serve anything and are none of the strangers that Wants refuses (PassNode), whether their pair passes
	// or not: one may have the incremental for a full that the host already has.
	Serving []Source `json:"-"`
}

// Reject notes a rejection: it counts it, and keeps the one that came nearest to passing its limit.
func (f *Found) Reject(r Rejection) {
	if f.Rejected == nil {
		f.Rejected = map[string]int{}
	}
	f.Rejected[r.Reason]++
	if r.Flag == "" && r.Reason != "did not deliver" {
		return
	}
	i := slices.IndexFunc(f.Best, func(b Rejection) bool { return b.Reason == r.Reason })
	switch {
	case i < 0:
		f.Best = append(f.Best, r)
	case r.Short < f.Best[i].Short:
		f.Best[i] = r
	}
}

// Rank puts the sources in the order in which they are taken: the fastest first, whatever its latency; what was not measured
// comes last, in order of latency.
func Rank(sources []Source) {
	slices.SortStableFunc(sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(b.Speed, a.Speed), cmp.Compare(a.Latency, b.Latency))
	})
}

// ByLatency is the order in which sources are measured.
func ByLatency(sources []Source) {
	slices.SortStableFunc(sources, func(a, b Source) int { return cmp.Compare(a.Latency, b.Latency) })
}

// Mirrors gives the URLs of all sources that serve the same archive, in the sources' order.
func Mirrors(sources []Source, a Archive) []string {
	var out []string
	for _, s := range sources {
		for _, served := range []*Served{s.Full, s.Incremental} {
			if served != nil && served.Archive == a && !slices.Contains(out, served.URL) {
				out = append(out, served.URL)
			}
		}
	}
	return out
}

// NewestFor gives the newest incremental that fits a full, and who serves it, in the sources' order. One that is ahead of the cluster's
// slot by more than a finalized slot explains is none: who serves it lies, or is of another cluster.
func NewestFor(sources []Source, base, tip uint64, formats []string) (Served, bool) {
	var best Served
	for _, s := range sources {
		if i := s.Incremental; i != nil && i.Base == base && i.Slot > best.Slot && i.Slot <= tip+mostAhead && slices.Contains(formats, i.Format) {
			best = *i
		}
	}
	return best, best.URL != ""
}

// Help says what kept all sources out, and which limit would have to give.
func (f Found) Help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no source passes: %d nodes, %d asked", f.Nodes, f.Asked)
	for _, reason := range byCount(f.Rejected) {
		fmt.Fprintf(&b, "\n  %d: %s", f.Rejected[reason], reason)
	}
	for _, r := range f.Best {
		fmt.Fprintf(&b, "\n  nearest of those that are %q: %s (%s)", r.Reason, r.Source.RPC, r.Detail)
		if r.Would != "" {
			fmt.Fprintf(&b, "; %s would take it", r.Would)
		}
	}
	return b.String()
}

func byCount(counts map[string]int) []string {
	var out []string
	for reason := range counts {
		out = append(out, reason)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	return out
}

// Bytes is a number of bytes for reading: 107.2GB, as disks and networks count.
func Bytes(n int64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if float64(n) >= u.size {
			return fmt.Sprintf("%.1f%s", float64(n)/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}

// ParseBytes reads a number of bytes: 20971520, 20MiB or 20M (powers of 1024), 20MB (powers of 1000).
func ParseBytes(text string) (int64, error) {
	i := strings.LastIndexAny(text, "0123456789") + 1
	n, err := strconv.ParseInt(text[:i], 10, 64)
	unit, ok := map[string]int64{
		"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
		"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	}[strings.TrimSpace(text[i:])]
	if err != nil || !ok || n < 0 || n > (1<<62)/unit {
		return 0, fmt.Errorf("%q is no number of bytes: write 20971520, 20MiB or 20MB", text)
	}
	return n * unit, nil
}
