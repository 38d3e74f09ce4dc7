package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"bisc/relaybin/lab"
	"bisc/relaybin/meter"
)

// Four seconds of mainnet's traffic over two paths that each lose 30 %: nothing is lost in the rings, every shred that was sent is
// counted for its path, the two together make a contiguous run at the tip, and memory stays below 64 MiB.
func TestDesignRate(t *testing.T) {
	g := newGround(t)
	d := g.start("--path", "name=direct,device=direct0,port=9000,from=192.0.2.7", "--path", "name=relay,device=direct0,port=9000,from=192.0.2.8", "--expire", "5s", "--silence", "1m")
	way := func(source string, seed uint64) lab.Path {
		return lab.Path{Device: lab.DirectIn, Source: netip.MustParseAddrPort(source), Lost: 0.3, Seed: seed}
	}
	before, err := lab.UsageOf(d.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := g.Send(t.Context(), lab.Stream{Chain: lab.Chain{Merkle: true}, Rate: 7500, Count: 20 * 64 * 24, Paths: []lab.Path{way("192.0.2.7:8000", 1), way("192.0.2.8:8000", 2)}})
	if err != nil {
		t.Fatal(err)
	}
	r := d.until("all have come", func(r *meter.Report) bool {
		return r.Paths[0].Shreds == sent.Paths[0].Frames && r.Paths[1].Shreds == sent.Paths[1].Frames
	})
	if run := r.Tip.Run; run == nil || run.First != 400_000_000 || run.Slots < 19 || r.Tip.BrokenBy != nil {
		t.Errorf("%+v %+v", r.Tip, r.Tip.Run)
	}
	used, err := lab.UsageOf(d.cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	packets := sent.Paths[0].Frames + sent.Paths[1].Frames
	t.Logf("%d packets, %v processor time each, %d MiB resident at most", packets, used.Since(before).CPU/time.Duration(packets), used.Peak>>20)
	if used.Peak > 64<<20 {
		t.Errorf("%d MiB resident, want at most 64", used.Peak>>20)
	}
	page := d.get("/metrics")
	for _, line := range []string{`shredmeter_kernel_drops_total{path="direct"} 0`, `shredmeter_kernel_drops_total{path="relay"} 0`, `shredmeter_path_duplicate_total{path="direct"} 0`} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no %q", line)
		}
	}
	r = d.until("the slots are judged", func(r *meter.Report) bool {
		return r.Totals.Slots["full"]+r.Totals.Slots["recoverable"] == 20
	})
	if r.Totals.Slots["partial"]+r.Totals.Slots["lost"]+r.Totals.Slots["unknown"] != 0 || r.Paths[0].Only == 0 || r.Paths[0].Complete > 20 {
		t.Errorf("%+v %+v", r.Totals, r.Paths)
	}
	d.stop()
}
