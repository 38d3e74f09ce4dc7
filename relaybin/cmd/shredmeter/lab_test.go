package main

import (
	"bytes"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/relaybin/meter"
	"bisc/relaybin/shred/fixture"
	"bisc/relaybin/shred/shredtest"
	"bisc/relaybin/stream"
)

func addr(text string) netip.Prefix {
	p, _ := netip.ParsePrefix(text)
	return p
}

const (
	direct = "name=direct,device=direct1,port=8001"
	relay  = "name=relay,device=relay1,port=8001"
)

func payloads(t *testing.T, name string) (all [][]byte) {
	for _, s := range fixture.Shreds(t, name) {
		all = append(all, s.Payload)
	}
	return all
}

// A real slot over two lossy paths, through two devices: the recorded comparison, and the metrics that the seeds had not: throughput of
// the relay beside that of direct turbine.
func TestRelayIsComparedWithDirectTurbine(t *testing.T) {
	g := newGround(t)
	d := g.start("--path", direct, "--path", relay)
	g.send("far1", frames(7, payloads(t, "streams/real-417955322-two-paths.direct.pcap")...))
	g.send("far2", frames(8, payloads(t, "streams/real-417955322-two-paths.relay.pcap")...))
	r := d.until("the slot is judged", func(r *meter.Report) bool { return r.Totals.Slots["recoverable"] == 1 })
	var got []uint64
	for _, p := range r.Paths {
		got = append(got, p.Shreds, p.Unique, p.Duplicate, p.First, p.Only, p.Complete)
	}
	// All direct shreds were sent before the first of the relay's: so the 265 common ones are first on the direct path.
	if want := []uint64{411, 411, 0, 411, 146, 1, 419, 419, 0, 154, 154, 1}; !slices.Equal(got, want) {
		t.Errorf("direct, relay: shreds, unique, duplicate, first, only, complete alone: %v, want %v", got, want)
	}
	slot := r.Slots[len(r.Slots)-1]
	if slot.Slot != 417955322 || slot.State != "recoverable" || slot.Data != 283 || slot.Code != 282 || r.Totals.Sets["recoverable"] != 10 {
		t.Errorf("%+v", slot)
	}
	page := d.get("/metrics")
	for _, line := range []string{
		`shredmeter_path_shreds_total{path="direct"} 411`, `shredmeter_path_shreds_total{path="relay"} 419`,
		`shredmeter_path_unique_total{path="relay"} 419`, `shredmeter_path_duplicate_total{path="relay"} 0`,
		`shredmeter_path_first_total{path="direct"} 411`, `shredmeter_path_only_total{path="relay"} 154`,
		`shredmeter_slots_total{state="recoverable"} 1`, `shredmeter_sets_total{state="recoverable"} 10`,
		`shredmeter_equivocations_total 0`, `shredmeter_slot_complete_seconds_count 1`, `shredmeter_kernel_drops_total{path="relay"} 0`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no %q in\n%s", line, page)
		}
	}
	d.stop()
}

// A path that goes silent is absent after its window, and its lead is gone from the metrics; when it speaks again it is back. The
// alerts on relay health that the seeds had not stand on this.
func TestSilentPathBecomesAbsent(t *testing.T) {
	g := newGround(t)
	d := g.start("--path", direct, "--path", relay)
	blocks := shredtest.Chain(shredtest.Block{Slot: 1000, Unsigned: true}, 2)
	lead := `shredmeter_path_lead_seconds_count{path="relay"}`
	for round, block := range blocks {
		g.send("far1", frames(7, block...))
		g.send("far2", frames(8, block...))
		d.until("both are present", func(r *meter.Report) bool {
			return r.Paths[0].Present && r.Paths[1].Present && r.Paths[1].Lead != nil && r.Paths[1].Lead.Max < 0 && strings.Contains(d.get("/metrics"), lead)
		})
		d.until("the relay is absent and direct is not", func(r *meter.Report) bool {
			g.send("far1", frames(7, block[round]))
			return r.Paths[0].Present && !r.Paths[1].Present && r.Paths[1].Lead == nil
		})
		page := d.get("/metrics")
		if strings.Contains(page, lead) || !strings.Contains(page, `shredmeter_path_present{path="relay"} 0`) || !strings.Contains(page, `shredmeter_path_present{path="direct"} 1`) {
			t.Errorf("round %d: a silent path still leads, or is present:\n%s", round, page)
		}
	}
	d.stop()
}

// The device goes down and comes up: /healthz says so meanwhile, and the same process goes on counting.
func TestInterfaceDownAndUp(t *testing.T) {
	g := newGround(t)
	d := g.start("--path", relay)
	blocks := shredtest.Chain(shredtest.Block{Slot: 1000, Unsigned: true}, 2)
	g.send("far2", frames(8, blocks[0]...))
	d.until("64 shreds", func(r *meter.Report) bool { return r.Paths[0].Shreds == 64 })
	link, err := g.Host.Netlink().LinkByName("relay1")
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Host.Netlink().LinkSetDown(link); err != nil {
		t.Fatal(err)
	}
	d.until("the device is down", func(*meter.Report) bool {
		return strings.Contains(d.get("/healthz"), "fail paths: path relay: device relay1 is down")
	})
	if err := g.Host.Netlink().LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	d.until("the device is up", func(*meter.Report) bool { return strings.Contains(d.get("/healthz"), "ok paths") })
	g.send("far2", frames(8, blocks[1]...))
	d.until("128 shreds", func(r *meter.Report) bool { return r.Paths[0].Shreds == 128 })
	d.stop()
}

// The kernel shows each packet on lo twice, going out and coming in: it is counted once. And a shred that the relay's path takes is not
// taken by the direct one, though both listen to one device and port.
func TestOnePacketIsCountedOnce(t *testing.T) {
	g := newGround(t)
	d := g.start("--path", "name=lo,device=lo,port=8001,from=127.0.0.1", "--path", direct+",not-from=192.0.2.8", "--path", "name=relay,device=direct1,port=8001,from=192.0.2.8/32")
	block, _ := shredtest.Make(shredtest.Block{Slot: 1000, Unsigned: true})
	if err := g.Host.Do(func() error {
		validator, err := net.ListenPacket("udp4", "127.0.0.1:8001")
		if err != nil {
			return err
		}
		defer validator.Close()
		for _, p := range block {
			if _, err := validator.WriteTo(p, validator.LocalAddr()); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	g.send("far1", frames(8, block[:40]...))
	g.send("far1", frames(7, block[:20]...))
	r := d.until("all have come", func(r *meter.Report) bool {
		return r.Paths[0].Packets >= 64 && r.Paths[1].Packets >= 20 && r.Paths[2].Packets >= 40
	})
	for i, want := range []uint64{64, 20, 40} {
		if p := r.Paths[i]; p.Packets != want || p.Unique != want || p.Duplicate != 0 {
			t.Errorf("%s: %+v, want %d", p.Name, p, want)
		}
	}
	d.stop()
}

// Two packets with one header and different contents: counted as conflict, not as a copy. Two genuine versions of a set: equivocation.
func TestSameHeaderDifferentContent(t *testing.T) {
	g := newGround(t)
	d := g.start("--path", direct, "--path", relay)
	first, _ := shredtest.Make(shredtest.Block{Slot: 1000, Seed: 1})
	second, _ := shredtest.Make(shredtest.Block{Slot: 1001, Seed: 1})
	other, _ := shredtest.Make(shredtest.Block{Slot: 1001, Seed: 2})
	damaged := bytes.Clone(first[5])
	damaged[500] ^= 1
	g.send("far1", frames(7, first...))
	g.send("far2", frames(8, append([][]byte{damaged}, first[6:40]...)...))
	g.send("far1", frames(7, second...))
	g.send("far2", frames(8, other...))
	r := d.until("both are judged", func(r *meter.Report) bool { return r.Totals.Slots["full"] == 2 })
	if r.Paths[1].Conflicts != 1 || r.Paths[1].Unique != 34+64 || r.Totals.Equivocations != 1 || r.Totals.Conflicts != 1 {
		t.Errorf("%+v %+v", r.Paths[1], r.Totals)
	}
	d.stop()
}

// The three forms carry the same shreds; what is of another form is refused and counted, not taken for a shred.
func TestForms(t *testing.T) {
	g := newGround(t)
	d := g.start("--path", "name=ip,device=direct1,port=8001,form=ip", "--path", "name=sequenced,device=relay1,port=8001,form=sequenced")
	block, _ := shredtest.Make(shredtest.Block{Slot: 1000, Unsigned: true})
	var wrapped, sequenced [][]byte
	for i, p := range block {
		wrapped = append(wrapped, datagram(9, p))
		b := make([]byte, stream.Size, stream.Size+len(p))
		stream.Header{Stream: 1, Sequence: uint64(i), Time: time.Now().UnixNano()}.Encode(b)
		sequenced = append(sequenced, append(b, p...))
	}
	g.send("far1", frames(7, append(wrapped, sequenced[0])...))
	g.send("far2", frames(7, append(sequenced, block[0])...))
	d.until("64 by each", func(r *meter.Report) bool {
		return r.Paths[0].Unique == 64 && r.Paths[1].Unique == 64 && r.Paths[0].Packets == 64 && r.Paths[1].Packets == 64
	})
	d.until("what is of another form is counted", func(*meter.Report) bool {
		page := d.get("/metrics")
		return strings.Contains(page, `shredmeter_frames_refused_total{path="ip",reason="form"} 1`) && strings.Contains(page, `shredmeter_frames_refused_total{path="sequenced",reason="form"} 1`)
	})
	d.stop()
}

// Before and after: a mark parts what came without the relay from what came with it, and a restart of the daemon keeps both sides. The
// comparison that the seeds had not (seed 000, "No comparison of before/after").
func TestMarkComparesBeforeAndAfterAcrossARestart(t *testing.T) {
	g := newGround(t)
	state := filepath.Join(t.TempDir(), "marks.json")
	d := g.start("--path", direct, "--path", relay, "--state", state)
	blocks := shredtest.Chain(shredtest.Block{Slot: 1000, Unsigned: true}, 6)
	for _, b := range blocks[:3] {
		g.send("far1", frames(7, b[:31]...)) // 31 of 64: not recoverable
	}
	d.until("three slots are judged", func(r *meter.Report) bool { return r.Totals.Slots["partial"] == 3 })
	g.markWith(d, "relay on")
	for _, b := range blocks[3:] {
		g.send("far1", frames(7, b[:31]...))
		g.send("far2", frames(8, b[20:]...))
	}
	check := func(when string, r *meter.Report) {
		t.Helper()
		if len(r.Marks) != 1 || r.Marks[0].Name != "relay on" {
			t.Fatalf("%s: marks %+v", when, r.Marks)
		}
		before, after := r.Marks[0].Before, r.Marks[0].After
		if before.Complete == nil || *before.Complete != 0 || before.Slots["partial"] != 3 || before.Paths[1].Unique != 0 || before.Paths[1].Lead != nil || before.Paths[0].Only != 93 {
			t.Errorf("%s: before %+v", when, before)
		}
		if after.Complete == nil || *after.Complete != 1 || after.Slots["full"] != 3 || after.Paths[1].Unique != 132 || after.Paths[1].Only != 99 || after.Paths[1].Lead == nil || *after.Paths[1].Lead >= 0 {
			t.Errorf("%s: after %+v", when, after)
		}
		if before.Seconds <= 0 || after.Seconds <= 0 || before.SlotsPerSecond == nil {
			t.Errorf("%s: watched %v s before, %v s after", when, before.Seconds, after.Seconds)
		}
	}
	check("live", d.until("three more are judged", func(r *meter.Report) bool { return r.Totals.Slots["full"] == 3 }))
	d.stop()
	d = g.start("--path", direct, "--path", relay, "--state", state)
	check("after a restart", d.report())
	d.stop()
}

// markWith marks as an operator does.
func (g *ground) markWith(d *meterd, name string) {
	g.t.Helper()
	r, err := g.client().Post("http://"+d.at+"/mark?name="+strings.ReplaceAll(name, " ", "%20"), "", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		g.t.Fatal(r.Status)
	}
}

// --once opens every device, and says what came and by which path nothing did.
func TestOnce(t *testing.T) {
	g := newGround(t)
	block, _ := shredtest.Make(shredtest.Block{Slot: 1000, Unsigned: true})
	run := func(limit string, while func()) (string, int) {
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0], "--once", "--once-limit", limit, "--path", direct, "--path", relay)
		cmd.Env = append(os.Environ(), "BISC_TEST_SHREDMETER=1")
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := g.Host.Start(cmd); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { cmd.Wait(); close(ended) }()
		for {
			select {
			case <-ended:
				return out.String(), cmd.ProcessState.ExitCode()
			default:
				while()
			}
		}
	}
	both := func() { g.send("far1", frames(7, block...)); g.send("far2", frames(8, block...)) }
	if out, status := run("60s", both); status != 0 || !strings.Contains(out, "relay") {
		t.Errorf("status %d\n%s", status, out)
	}
	alone := func() { g.send("far1", frames(7, block...)) }
	if out, status := run("2s", alone); status != 1 || !strings.Contains(out, "no shred came by relay within the limit") {
		t.Errorf("status %d\n%s", status, out)
	}
}
