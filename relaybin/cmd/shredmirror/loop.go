package main

import (
	"context"
	"fmt"
	"time"

	"bisc/relaybin/frame"
	"bisc/relaybin/ring"
	"bisc/relaybin/send"
	"bisc/relaybin/stream"
)

// The loop's measures.
const (
	turnFrames = 1024                   // frames after which a turn gives the ring its places back
	wait       = 100 * time.Millisecond // how long a wait for frames lasts before the context is looked at
	drainMost  = time.Second            // how long what is in the ring is sent on after a stop
	chores     = time.Second            // how often the rest is looked after
	probe      = time.Minute            // how often large packets are tried again
)

// loop carries frames until the context ends, and then what is in the ring.
func (m *mirror) loop(ctx context.Context, r *ring.Ring) error {
	var done time.Time
	for ctx.Err() == nil {
		there, err := r.Wait(wait)
		if err != nil {
			return err
		}
		m.heart.Beat()
		now := time.Now()
		if there {
			m.turn(r, now)
		}
		if now.Sub(done) > chores {
			m.chores(r, now)
			done = now
		}
	}
	return m.drain(r)
}

// turn sends on what is in the ring, as far as one turn goes, and reports whether there was anything.
func (m *mirror) turn(r *ring.Ring, now time.Time) bool {
	right := m.route.Right()
	if m.changes != m.route.Changes() {
		right = m.rebind() && right
	}
	m.header.Time = now.UnixNano()
	var p ring.Packet
	var first int64
	n := 0
	for n < turnFrames && r.Next(&p) {
		if n == 0 {
			first = p.Time
		}
		n++
		m.frame(&p, right)
	}
	m.sender.Flush()
	r.Release()
	if n == 0 {
		return false
	}
	m.metrics.frames.Add(uint64(n))
	m.metrics.batches.Add(1)
	m.metrics.delay.Observe(max(time.Duration(time.Now().UnixNano()-first), 0)) // below 0 when the clock was set back
	m.metrics.take(&m.sender.Counts)
	m.metrics.publish()
	return true
}

// frame gives a frame's shred to the sender, in the form that is set, or counts why not.
func (m *mirror) frame(p *ring.Packet, right bool) {
	cut, verdict := p.Check(&m.rule)
	if verdict == frame.Forward && cut.Payload == cut.End {
		verdict = frame.Length // an empty datagram: anybody may send one to the port, and it is no trouble of the destination's
	}
	if verdict != frame.Forward {
		m.metrics.drops.Add(int(verdict), 1)
		return
	}
	if cut.BadSum {
		m.metrics.badSum.Add(1)
	}
	if !right {
		m.metrics.drops.Add(wrongRoute, 1)
		return
	}
	switch m.form {
	case bare:
		m.sender.Add(p.Data[cut.Payload:cut.End])
	case ip:
		m.sender.Add(p.Data[cut.IP:cut.End])
	case sequenced:
		m.sender.Add(p.Data[cut.Payload-stream.Size : cut.End])
	}
}

// rebind binds the sender to the device of the route as it is now, and chooses the source address anew. It reports whether
// packets can leave.
func (m *mirror) rebind() bool {
	changes := m.route.Changes()
	if !m.route.Right() {
		return false
	}
	if err := m.sender.Bind(m.viaDevice); err != nil {
		return false // the device vanished a moment ago, and the route's watch will say so
	}
	if err := m.sender.Reconnect(); err != nil {
		m.service.Log.Error("the destination cannot be set", "err", err)
		return false
	}
	m.sender.Probe()
	m.changes = changes
	return true
}

// drain sends what was in the ring when the daemon was told to stop, and says what was lost in all.
func (m *mirror) drain(r *ring.Ring) error {
	end := time.Now().Add(drainMost)
	for now := time.Now(); now.Before(end) && m.turn(r, now); now = time.Now() {
	}
	var lost uint64
	for f := range send.Failures {
		lost += m.sender.Counts.Lost[f]
	}
	m.service.Log.Info(fmt.Sprintf("stopped: %d frames read, %d packets sent, %d not sent, %.0f dropped by the kernel because the ring was full",
		m.metrics.frames.Value(), m.sender.Counts.Sent, lost, m.kernelDrops()))
	return nil
}
