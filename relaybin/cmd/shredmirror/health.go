package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bisc/relaybin/frame"
	"bisc/relaybin/ring"
	"bisc/relaybin/send"
)

// said is what the log was told last, so that it is told changes only.
type said struct {
	device, route string
	failed        [send.Failures]uint64
}

// trouble is the last failure to send.
type trouble struct {
	name string
	at   time.Time
}

// recent is how long a failure to send makes the daemon unhealthy.
const recent = 10 * time.Second

// say logs a change.
func (m *mirror) say(last *string, now string) {
	if *last == now {
		return
	}
	*last = now
	m.service.Log.Info(now)
}

// chores looks after what is not a packet: it logs changes, keeps the last trouble, and tries large packets again.
func (m *mirror) chores(r *ring.Ring, now time.Time) {
	m.say(&m.said.device, fmt.Sprintf("device %s is %v", r.Device(), r.State()))
	if f := m.route.Last(); f.Err != nil {
		m.say(&m.said.route, f.Err.Error()+"; nothing is sent")
	} else {
		m.say(&m.said.route, fmt.Sprintf("route %v is right", f.Route))
	}
	if now.Sub(m.probed) > probe {
		m.sender.Probe()
		m.probed = now
	}
	m.segments.Store(m.sender.Segments())
	for f, n := range m.sender.Counts.Failed {
		if n == m.said.failed[f] {
			continue
		}
		m.said.failed[f] = n
		if send.Failure(f) != send.Offload {
			m.trouble.Store(&trouble{send.Failure(f).String(), now})
		}
	}
	m.service.Status("%d frames, %d sent to %v as %s; %s; %s", m.metrics.frames.Value(), m.sender.Counts.Sent, m.to, m.form, m.said.device, m.said.route)
}

// watchHealth says what /healthz asks. None of it would be cured by a restart.
func (m *mirror) watchHealth() {
	m.service.Health("device", func() error {
		if r := m.ring.Load(); r == nil || r.State() != ring.Up {
			return errors.New("the mirror device is not up")
		}
		return nil
	})
	m.service.Health("route", func() error { return m.route.Last().Err })
	m.service.Health("destination", func() error {
		if t := m.trouble.Load(); t != nil && time.Since(t.at) < recent {
			return fmt.Errorf("sending to %v: %s, %v ago", m.to, t.name, time.Since(t.at).Round(time.Second))
		}
		return nil
	})
}

// once waits for a first frame and says what came and what would have become of it. Nothing is sent.
func (m *mirror) once(ctx context.Context, r *ring.Ring) error {
	out := m.service.Out
	fmt.Fprintf(out, "device: %s is %v\n", r.Device(), r.State())
	f := m.route.Last()
	if f.Err != nil {
		fmt.Fprintln(out, "route:", f.Err)
	} else {
		fmt.Fprintf(out, "route: %v is right, from %v\n", f.Route, f.Route.Source)
	}
	fmt.Fprintln(out, "large packets:", m.sender.Segments())
	for ctx.Err() == nil {
		if _, err := r.Wait(wait); err != nil {
			return err
		}
		m.heart.Beat()
		var p ring.Packet
		if !r.Next(&p) {
			continue
		}
		cut, verdict := p.Check(&m.rule)
		if verdict == frame.Forward {
			fmt.Fprintf(out, "frame: %d bytes of IP packet, %d of payload, VLAN tag %v: would be sent as %s to %v\n", p.Wire, cut.End-cut.Payload, p.Tagged, m.form, m.to)
			return f.Err
		}
		fmt.Fprintf(out, "frame: %d bytes: dropped as %v\n", p.Wire, verdict)
		r.Release()
	}
	return fmt.Errorf("no shred to %v port %d came by %s: is the monitor session active, and does turbine send to that address?", m.matchAddr, m.matchPort, r.Device())
}
