package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"bisc/relaybin/meter"
	"bisc/relaybin/ring"
)

// ringFrames of 2 KiB are what a path's ring holds: 8 MiB, half a second at 7,500 packets/s.
const ringFrames = 4096

// batch is how many packets are taken under one lock of the meter.
const batch = 512

// tap listens to one path's device. Its ring takes only what comes in: on lo, where each packet also goes out, and on a device by
// which relayed shreds are sent on, nothing is seen twice.
type tap struct {
	*reader
	index int
	meter *meter.Meter
	clock clock
	ring  atomic.Pointer[ring.Ring]
	lost  atomic.Uint64 // by rings that are closed
	mu    sync.Mutex
	err   error // why there is no ring
}

func newTap(index int, p *path, m *meter.Meter) *tap {
	return &tap{reader: newReader(p), index: index, meter: m, clock: clock{read: clocks}}
}

// open opens the ring where it is not open yet.
func (t *tap) open() error {
	if t.ring.Load() != nil {
		return nil
	}
	r, err := ring.Open(ring.Options{Device: t.path.device, Match: t.path.match(), Frames: ringFrames, Tap: true})
	t.mu.Lock()
	t.err = err
	t.mu.Unlock()
	if err == nil {
		t.ring.Store(r)
	}
	return err
}

// trouble says why the path cannot be listened to, or nil.
func (t *tap) trouble() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	r := t.ring.Load()
	if r == nil {
		return errors.New("its device is not listened to")
	}
	if r.State() != ring.Up {
		return fmt.Errorf("device %s is %s", r.Device(), r.State())
	}
	return nil
}

// run reads until the context ends. A device that is not there yet is waited for; anything else that keeps it from being read is an
// error.
func (t *tap) run(ctx context.Context, log *slog.Logger, beat func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for said := false; ; said = true {
		err := t.open()
		if err == nil {
			break
		}
		if !errors.Is(err, ring.ErrNoDevice) && !errors.Is(err, ring.ErrAmbiguous) {
			return fmt.Errorf("path %s: %w", t.path.name, err)
		}
		if !said {
			log.Warn("waiting for the device", "path", t.path.name, "err", err)
		}
		beat()
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
	r := t.ring.Load()
	defer t.close(r)
	for ctx.Err() == nil {
		beat()
		there, err := r.Wait(200 * time.Millisecond)
		if err != nil {
			return fmt.Errorf("path %s: %w", t.path.name, err)
		}
		t.take(r, there)
	}
	t.take(r, true) // what is in the ring
	return nil
}

// take hands what is in the ring to the meter, a batch at most, or tells it the time.
func (t *tap) take(r *ring.Ring, there bool) {
	now, jumped := t.clock.turn()
	t.meter.Lock()
	defer t.meter.Unlock()
	t.meter.Wall(t.clock.offset)
	if !there {
		t.meter.Tick(now)
		return
	}
	var p ring.Packet
	for n := 0; n < batch && r.Next(&p); n++ {
		if payload := t.shred(p.EtherType, p.Data, p.Wire); payload != nil {
			t.meter.See(t.index, t.clock.at(p.Time, now, jumped), payload)
		}
	}
	t.meter.Tick(now)
	r.Release()
}

func (t *tap) close(r *ring.Ring) {
	if _, drops, err := r.Stats(); err == nil {
		t.lost.Add(drops)
	}
	t.ring.Store(nil)
	_ = r.Close() // the process ends
}

// tapCollector shows what the taps did not hand to the meter.
type tapCollector []*tap

func (c tapCollector) descs() (refused, lost *prometheus.Desc) {
	return prometheus.NewDesc("shredmeter_frames_refused_total", "Frames of a path's device that are not the path's, by reason.", []string{"path", "reason"}, nil),
		prometheus.NewDesc("shredmeter_kernel_drops_total", "Packets that the kernel dropped because the path's ring was full.", []string{"path"}, nil)
}

// Describe implements prometheus.Collector.
func (c tapCollector) Describe(out chan<- *prometheus.Desc) {
	refused, lost := c.descs()
	out <- refused
	out <- lost
}

// Collect implements prometheus.Collector.
func (c tapCollector) Collect(out chan<- prometheus.Metric) {
	refused, lost := c.descs()
	for _, t := range c {
		for i := 1; i < reasons; i++ {
			out <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(t.refused[i].Load()), t.path.name, reason(i))
		}
		drops := t.lost.Load()
		if r := t.ring.Load(); r != nil {
			_, now, err := r.Stats()
			if err != nil {
				continue // unknown, which 0 is not
			}
			drops += now
		}
		out <- prometheus.MustNewConstMetric(lost, prometheus.CounterValue, float64(drops), t.path.name)
	}
}
