package main

import (
	"net/netip"
	"testing"
	"time"

	"bisc/relaybin/lab"
	"bisc/relaybin/ring"
	"bisc/relaybin/route"
	"bisc/relaybin/send"
	"bisc/relaybin/stream"
)

// inside is a mirror of the lab's switch in this process, whose loop does not run.
func inside(t *testing.T, n *lab.Net, form string) (*mirror, *ring.Ring) {
	t.Helper()
	s := &settings{device: lab.Mirror, matchAddr: lab.Advertised.Addr(), matchPort: uint(lab.Advertised.Port()), form: form, to: at, viaDevice: lab.Backbone, gso: string(send.Auto), ring: 32}
	m := &mirror{settings: s, metrics: newMetrics(form), rule: s.match().Rule()}
	var r *ring.Ring
	do(t, n.Switch.Do(func() (err error) {
		if m.route, err = route.NewWatch(s.want(), false); err != nil {
			return err
		}
		o := send.Options{To: at}
		if form == sequenced {
			o.Stamp = m.stamp
		}
		if m.sender, err = send.Open(o); err != nil {
			return err
		}
		r, err = ring.Open(s.ringOptions())
		return err
	}))
	t.Cleanup(func() { m.sender.Close(); r.Close() })
	return m, r
}

// fill waits until the kernel has put so many frames into the ring.
func fill(t *testing.T, n *lab.Net, r *ring.Ring, count uint64) {
	t.Helper()
	shreds(t, n, 0, count)
	for end := time.Now().Add(patience); ; {
		frames, drops, err := r.Stats()
		do(t, err)
		if frames == count && drops == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d frames came, %d were dropped; want %d", frames, drops, count)
		}
	}
}

// The path from the ring to the socket allocates nothing, in each form.
func TestTurnAllocatesNothing(t *testing.T) {
	for _, form := range []string{bare, ip, sequenced} {
		t.Run(form, func(t *testing.T) {
			n := lab.ForTest(t)
			m, r := inside(t, n, form)
			fill(t, n, r, 2*turnFrames)
			if allocations := testing.AllocsPerRun(1, func() { m.turn(r, time.Now()) }); allocations > 10 { // of the process: Go's runtime has some of its own
				t.Errorf("%v allocations for %d frames", allocations, turnFrames)
			}
			if got := m.metrics.frames.Value(); got != 2*turnFrames {
				t.Errorf("%d frames in two turns, want %d", got, 2*turnFrames)
			}
		})
	}
}

// When the clock is set, either way, the packets go on in their order: only the time in their header is the clock's, and the books of
// the mirror's own delay take no harm.
func TestFaultF45_ClockIsSet(t *testing.T) {
	n := lab.ForTest(t)
	k, err := n.Host.NewSink(netip.AddrPortFrom(at.Addr(), at.Port()), 3*50)
	do(t, err)
	defer k.Close()
	m, r := inside(t, n, sequenced)
	times := []time.Time{time.Now(), time.Now().Add(-48 * time.Hour), time.Now().Add(48 * time.Hour)}
	for _, now := range times {
		shreds(t, n, 0, 50)
		for before := m.metrics.frames.Value(); m.metrics.frames.Value() < before+50; {
			if _, err := r.Wait(patience); err != nil {
				t.Fatal(err)
			}
			m.turn(r, now)
		}
	}
	got, err := k.Wait(t.Context(), "packets", quiet, func(r lab.Received) bool { return r.Packets >= 150 })
	do(t, err)
	for i, b := range got.Payloads {
		h, _, err := stream.Decode(b)
		if err != nil || h.Sequence != uint64(i) || h.Time != times[i/50].UnixNano() {
			t.Fatalf("packet %d has %+v, %v; want the time %d", i, h, err, times[i/50].UnixNano())
		}
	}
}
