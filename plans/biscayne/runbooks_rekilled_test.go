package biscayne_test

import (
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/lab/cluster"
)

// killedOver kills the deeds of a group at every record, first all in one way and then in the next: one may begin where the other ends.
func (h *house) killedOver(program string, deeds []deed) {
	for _, c := range courses() {
		for _, d := range deeds {
			if c.slow && (!everyRecord() || d.silent || strings.HasSuffix(d.runbook, "-reboot")) { // minutes; and where the node is down, there is no API
				continue
			}
			h.Run(d.title()+"-"+c.name, func(t *testing.T) { h.on(t).killedThroughout(program, d, c) })
		}
	}
}

// course is a way to kill a deed at every record.
type course struct {
	name, die string // die is of BISC_TEST_DYING_AT
	slow      bool   // the API takes two seconds over what the controllers and the scheduler write
}

// courses: who has died where a step was done and is not recorded does not come to the step's record any more, so that is a course of its
// own; and with a slow API a run finds what the one before has written not followed yet.
func courses() []course {
	return []course{{name: "all-but-done", die: "new"}, {name: "done", die: "new-done"}, {name: "done-slow", die: "new-done", slow: true}}
}

// killedThroughout runs a deed with bisc killed at every record of it in one course: what goes on is killed in its turn, at the next
// record that nobody has died at. A record costs a second or two, and not the whole runbook.
func (h *house) killedThroughout(program string, d deed, c course) {
	h.Helper()
	h.prepared(d)
	if c.slow {
		end := h.Slow(h.T, 2, cluster.CountDeployment, cluster.ScaleSet, cluster.CountSet, cluster.MakePod, cluster.GivePod, cluster.DeletePod, cluster.BindVolume, cluster.BindClaim)
		defer end()
	}
	was := h.look()
	at := c.die + " " + filepath.Join(h.T.TempDir(), "died")
	var cut []string
	for goOn := []string(nil); ; goOn = []string{"--resume", "last"} {
		if _, died := h.cutAt(program, d, at, goOn...); !died {
			break
		}
		if cut = append(cut, h.wasCut(d)); len(cut) == 300 {
			h.Fatal("300 kills, and it still does not come to its end")
		}
	}
	if len(cut) == 0 {
		if d.status != 0 && c.die == "new-done" {
			return // it is refused before its first step
		}
		h.Fatalf("%s was not killed at all (%s)", d.runbook, c.name)
	}
	h.Logf("%s: killed %d times (%s) and taken up as often", d.title(), len(cut), c.name)
	h.takenUp(d, was, "killed at every record of one course", cut...)
}
