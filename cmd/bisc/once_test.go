package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/layers"
)

// A plan file that was used stays used, whatever a clock that is ahead thinks of it; and the list has an end.
func TestUsedLines(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	plan := func(id string) layers.Saved { return layers.Saved{ID: id, Expires: now.Add(time.Hour)} }
	lines, _, used := usedLines(nil, plan("p0"), "r0", now)
	if used {
		t.Error("used before the first use")
	}
	lines, _, _ = usedLines(lines, plan("ahead"), "r1", now.AddDate(0, 0, 2)) // a controller whose clock is ahead
	again, by, used := usedLines(lines, plan("p0"), "r2", now)
	if !used || by != "r0" {
		t.Errorf("the first file is good once more (%v, by %q) of:\n%s", used, by, lines)
	}
	if got := strings.Count(string(again), "p0 "); got != 1 {
		t.Errorf("%d lines of one plan file:\n%s", got, again)
	}
	for i := range 2 * usedKept { // none has expired: all stay
		lines, _, _ = usedLines(lines, plan(fmt.Sprint("x", i)), "r", now)
	}
	if got := strings.Count(string(lines), "\n"); got != 2*usedKept+2 {
		t.Errorf("%d lines of files that are good still", got)
	}
	lines, _, _ = usedLines(lines, plan("last"), "r", now.AddDate(0, 0, 3))
	if got := strings.Count(string(lines), "\n"); got != usedKept || !strings.Contains(string(lines), fmt.Sprintf("x%d ", 2*usedKept-1)) {
		t.Errorf("%d lines are left, want the last %d", got, usedKept)
	}
}
