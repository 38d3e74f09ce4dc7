package faults

import (
	"slices"
	"testing"
)

func TestPoints(t *testing.T) {
	t.Setenv("BISC_FAULTS", "")
	if got := Points([]int64{10, 30}, 9); !slices.Equal(got, []int64{5, 9, 10, 20, 29, 30}) {
		t.Errorf("%d", got)
	}
	if got := Points([]int64{10, 30, 31}, 3); !slices.Equal(got, []int64{5, 20, 31}) {
		t.Errorf("the first, the last and one between: %d", got)
	}
	t.Setenv("BISC_FAULTS", "all")
	if got := Points([]int64{1000, 50_000}, 3); len(got) < 500 || got[0] != 0 || got[len(got)-1] != 50_000 {
		t.Errorf("all: %d points", len(got))
	}
}
