package faults

import (
	"os"
	"slices"
)

// All tells whether every point of an enumeration is wanted, and not a fixed selection: BISC_FAULTS=all.
func All() bool { return os.Getenv("BISC_FAULTS") == "all" }

// Points are the byte counts at which a recorded stream is cut: at each end of a piece, one before it, and in its middle; of
// these at most some, evenly, unless all are wanted. Then about five hundred others, evenly, are added, so that a stream of a
// few large pieces is cut often too.
func Points(ends []int64, some int) []int64 {
	var points []int64
	last := int64(0)
	for _, end := range ends {
		points = append(points, (last+end)/2, end-1, end)
		last = end
	}
	if All() {
		for at := int64(0); at < last; at += max(1, last/500) {
			points = append(points, at)
		}
	}
	slices.Sort(points)
	points = slices.Compact(points)
	if All() || len(points) <= some {
		return points
	}
	selected := make([]int64, some)
	for i := range selected {
		selected[i] = points[i*(len(points)-1)/(some-1)]
	}
	return selected
}
