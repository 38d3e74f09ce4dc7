package agave

import (
	"fmt"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules/kindtest"
)

// chain is slots from first to last, each the child of the one before, all complete.
func chain(first, last uint64) []ledgerSlot {
	var out []ledgerSlot
	for s := first; s <= last; s++ {
		out = append(out, ledgerSlot{slot: s, parent: s - 1, full: true, linked: true})
	}
	return out
}

// without takes slots out; incomplete makes some so; linked gives one another parent.
func without(slots []ledgerSlot, gone ...uint64) []ledgerSlot {
	var out []ledgerSlot
	for _, s := range slots {
		keep := true
		for _, g := range gone {
			keep = keep && s.slot != g
		}
		if keep {
			out = append(out, s)
		}
	}
	return out
}

func change(slots []ledgerSlot, f func(*ledgerSlot), at ...uint64) []ledgerSlot {
	out := append([]ledgerSlot{}, slots...)
	for i := range out {
		for _, a := range at {
			if out[i].slot == a {
				f(&out[i])
			}
		}
	}
	return out
}

func incomplete(s *ledgerSlot) { s.full = false }

func parent(p uint64) func(*ledgerSlot) { return func(s *ledgerSlot) { s.parent = p } }

// A slot that was skipped breaks no run, one that is missing does, though neither is listed: the script that this replaces counted
// neighbours in the list, and called a gap complete (biscayne.md 4.8).
func TestRunAtTip(t *testing.T) {
	for name, tt := range map[string]struct {
		from  uint64
		slots []ledgerSlot
		want  string
	}{
		"whole":                    {1000, chain(1000, 1100), "101 complete blocks, slots 1000 to 1100"},
		"the tip is arriving":      {1000, change(chain(1000, 1100), incomplete, 1099, 1100), "99 complete blocks, slots 1000 to 1098"},
		"a skipped slot":           {1000, change(without(chain(1000, 1100), 1050, 1051), parent(1049), 1052), "99 complete blocks, slots 1000 to 1100"},
		"a missing slot":           {1000, without(chain(1000, 1100), 1050), "50 complete blocks, slots 1051 to 1100: slot 1050, the parent of 1051, has no data"},
		"an incomplete slot":       {1000, change(chain(1000, 1100), incomplete, 1050), "50 complete blocks, slots 1051 to 1100: slot 1050, the parent of 1051, is incomplete"},
		"a fork's remains":         {1000, change(change(chain(1000, 1100), incomplete, 1050), parent(1049), 1051), "100 complete blocks, slots 1000 to 1100"},
		"nothing complete":         {1000, change(chain(1000, 1010), incomplete, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010), "no complete slot at the tip"},
		"complete far below":       {1000, append(chain(1000, 1010), ledgerSlot{slot: 1043, parent: 1042, linked: true}), "no complete slot at the tip: none of the newest 32 (up to 1043)"},
		"empty":                    {0, nil, "no complete slot at the tip: the ledger is empty"},
		"no parents told":          {1000, change(chain(1000, 1100), func(s *ledgerSlot) { s.linked = false }, 1090), "11 complete blocks, slots 1090 to 1100: the ledger tool does not tell the parent of slot 1090"},
		"it names itself a parent": {1000, change(chain(1000, 1100), parent(1090), 1090), "11 complete blocks, slots 1090 to 1100: the ledger tool names 1090"},
	} {
		got := runAtTip(ledgerRead{from: tt.from, slots: tt.slots})
		if !strings.HasPrefix(got.String(), tt.want) || got.Why == "" && got.String() != tt.want {
			t.Errorf("%s: %s\nwant %s", name, got, tt.want)
		}
	}
}

const running = "4711 agave-validator 900 running\n"

// ledgerWorld is a host with a validator, and what the ledger tool says there.
type ledgerWorld struct {
	processes, cmdline, group string
	node                      string // docker's answer; "" asks nothing
	folder                    map[string]int64
	low                       uint64
	exit                      int
	said                      string
}

func (w ledgerWorld) fake() *hosttest.Fake {
	f := hosttest.New("u1").Answer(0, w.processes, host.WatchValidators()...)
	f.Files["/proc/4711/cmdline"], f.Files["/proc/4711/cgroup"] = w.cmdline, w.group
	f.Files["/proc/4712/cmdline"], f.Files["/proc/4712/cgroup"] = "agave-validator\x00--ledger\x00/data/ledger\x00exit\x00--force\x00", w.group
	f.Dockers["docker container x-control-plane"] = w.node
	f.Stats[incoming] = host.Stat{Type: host.Directory}
	f.Globs[incoming+"/*snapshot-*"] = []string{}
	for name, size := range w.folder {
		f.Stats[incoming+"/"+name] = host.Stat{Type: host.Regular, Size: size}
		f.Globs[incoming+"/*snapshot-*"] = append(f.Globs[incoming+"/*snapshot-*"], incoming+"/"+name)
	}
	f.Answer(w.exit, w.said, host.LedgerSlots.Argv("4711", "900", "/data/ledger", "432", fmt.Sprint(w.low), "5000")...)
	return f
}

func told(slots []ledgerSlot, from uint64) string {
	text := fmt.Sprintf("Ledger has data for %d slots %d to %d\n", len(slots), slots[0].slot, slots[len(slots)-1].slot)
	for _, s := range slots {
		text += fmt.Sprintf("slot %d %d %t\n", s.slot, s.parent, s.full)
	}
	return text + fmt.Sprintf("from %d\nend\n", from)
}

func TestCompleteRun(t *testing.T) {
	line := "agave-validator\x00--identity\x00/data/config/id.json\x00--ledger\x00/data/ledger\x00"
	good := told(chain(1000, 1400), 1000)
	for name, tt := range map[string]struct {
		w    ledgerWorld
		r    CompleteRun
		want string // "" is in sync; "error" is one
	}{
		"a run":                      {w: ledgerWorld{processes: running, cmdline: line, said: good}},
		"one that asks it to exit":   {w: ledgerWorld{processes: running + "4712 agave-validator 901 running\n", cmdline: line, said: good}},
		"in the node":                {w: ledgerWorld{processes: running, cmdline: line, group: "0::/docker/abc1/kubelet", node: `{"Id":"abc1","Name":"/x-control-plane"}`, said: good}, r: CompleteRun{Node: "x-control-plane"}},
		"in another container":       {w: ledgerWorld{processes: running, cmdline: line, group: "0::/docker/def2", node: `{"Id":"abc1","Name":"/x-control-plane"}`, said: good}, r: CompleteRun{Node: "x-control-plane"}, want: "no validator runs"},
		"no such node":               {w: ledgerWorld{processes: running, cmdline: line, said: good}, r: CompleteRun{Node: "x-control-plane"}, want: "error"},
		"none runs":                  {w: ledgerWorld{}, want: "no validator runs"},
		"only one that asks":         {w: ledgerWorld{processes: "4712 agave-validator 901 running\n"}, want: "no validator runs"},
		"another ledger":             {w: ledgerWorld{processes: running, cmdline: strings.ReplaceAll(line, "/data/ledger", "/elsewhere"), said: good}, r: CompleteRun{Ledger: "/data/ledger"}},
		"too short":                  {w: ledgerWorld{processes: running, cmdline: line, said: told(without(chain(1000, 1400), 1350), 1000)}, want: "50 complete blocks, slots 1351 to 1400: slot 1350, the parent of 1351, has no data -> at least 100"},
		"the tool is not there":      {w: ledgerWorld{processes: running, cmdline: line, exit: 4}, want: "error"},
		"the tool fails at the end":  {w: ledgerWorld{processes: running, cmdline: line, exit: 1, said: good}, want: "error"},
		"it stopped in the middle":   {w: ledgerWorld{processes: running, cmdline: line, said: strings.TrimSuffix(good, "end\n")}, want: "error"},
		"nonsense":                   {w: ledgerWorld{processes: running, cmdline: line, said: "slot x y z\nend\n"}, want: "error"},
		"the snapshot is within":     {w: ledgerWorld{processes: running, cmdline: line, said: good, low: 1299, folder: map[string]int64{"snapshot-1300-a.tar.zst": 9}}, r: CompleteRun{Snapshot: incoming}},
		"the snapshot is before it":  {w: ledgerWorld{processes: running, cmdline: line, said: told(without(chain(1000, 1400), 1200), 1000), low: 1149, folder: map[string]int64{"snapshot-1150-a.tar.zst": 9}}, r: CompleteRun{Snapshot: incoming}, want: "it is 51 slots before the run"},
		"the snapshot is beyond it":  {w: ledgerWorld{processes: running, cmdline: line, said: good, low: 1449, folder: map[string]int64{"snapshot-1450-a.tar.zst": 9}}, r: CompleteRun{Snapshot: incoming}, want: "it is 50 slots beyond the last complete one: the gap is only moved"},
		"by the pair, not the full":  {w: ledgerWorld{processes: running, cmdline: line, said: good, low: 1349, folder: map[string]int64{"snapshot-50-a.tar.zst": 9, "incremental-snapshot-50-1350-a.tar.zst": 9}}, r: CompleteRun{Snapshot: incoming}},
		"the snapshot is very old":   {w: ledgerWorld{processes: running, cmdline: line, said: good, low: 49, folder: map[string]int64{"snapshot-50-a.tar.zst": 9}}, r: CompleteRun{Snapshot: incoming}, want: "950 slots before the run"},
		"there is no snapshot there": {w: ledgerWorld{processes: running, cmdline: line, said: good}, r: CompleteRun{Snapshot: incoming}, want: "none in " + incoming},
	} {
		t.Run(name, func(t *testing.T) {
			tt.r.Name, tt.r.Min = "x-deployment", 100
			c, err := tt.r.Plan(t.Context(), tt.w.fake())
			got := kindtest.Print(c)
			switch {
			case tt.want == "error":
				if err == nil {
					t.Errorf("%s", got)
				}
			case err != nil || len(c.Steps) > 0 || tt.want == "" && !c.InSync() || !strings.Contains(got, tt.want) || c.Mendable():
				t.Errorf("%v\n%s\nwant %q", err, got, tt.want)
			}
		})
	}
	if err := (&CompleteRun{Name: "x", Min: 0}).Validate(); err == nil {
		t.Error("a run of nothing passes")
	}
	if err := (&CompleteRun{Name: "x", Min: 100, Snapshot: "srv/"}).Validate(); err == nil {
		t.Error("a folder that is none passes")
	}
}
