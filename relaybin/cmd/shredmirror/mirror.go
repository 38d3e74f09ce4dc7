package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"bisc/relaybin/daemon"
	"bisc/relaybin/frame"
	"bisc/relaybin/ring"
	"bisc/relaybin/route"
	"bisc/relaybin/send"
	"bisc/relaybin/stream"
)

// mirror is the running daemon. The packet loop owns all of it but what is atomic.
type mirror struct {
	*settings
	service *daemon.Service
	heart   *daemon.Heart
	metrics *metrics
	rule    frame.Rule
	route   *route.Watch
	sender  *send.Sender
	header  stream.Header // of the next packet, in the form sequenced
	changes uint64        // of the route, up to which the sender was bound
	probed  time.Time     // when large packets were last tried
	said    said

	ring     atomic.Pointer[ring.Ring]
	segments atomic.Bool
	drops    atomic.Uint64
	trouble  atomic.Pointer[trouble]
}

// run carries shreds until the context ends.
func (s *settings) run(ctx context.Context, service *daemon.Service) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0))) // the ring keeps one
	if s.remove {
		return s.removeRoute(service)
	}
	m := &mirror{settings: s, service: service, heart: service.Heart("packets"), metrics: newMetrics(s.form), rule: s.match().Rule(), probed: time.Now()}
	if err := m.open(ctx); err != nil {
		return err
	}
	defer m.sender.Close()
	m.metrics.register(service.Registry())
	service.Registry().MustRegister(m.watched()...)
	m.watchHealth()
	r, err := m.openRing(ctx)
	if r == nil {
		return err
	}
	defer r.Close()
	m.ring.Store(r)
	if service.Once {
		return m.once(ctx, r)
	}
	service.Ready()
	return m.loop(ctx, r)
}

// removeRoute undoes --install-route.
func (s *settings) removeRoute(service *daemon.Service) error {
	table, err := route.Open()
	if err != nil {
		return err
	}
	defer table.Close()
	removed, err := table.Remove(s.to.Addr())
	if err != nil {
		return err
	}
	if removed == "" {
		removed = "nothing: there is no such route"
	}
	fmt.Fprintln(service.Out, "took away", removed)
	return nil
}

// open begins to watch the route, and makes the sender.
func (m *mirror) open(ctx context.Context) error {
	watch, err := route.NewWatch(m.want(), m.install)
	if err != nil {
		return err
	}
	m.route = watch
	go func() {
		if err := watch.Run(ctx); err != nil {
			m.service.Log.Error("the route is not watched any more", "err", err)
		}
	}()
	o := send.Options{To: m.to, From: m.from, GSO: send.Mode(m.gso)}
	if m.form == sequenced {
		var id [4]byte
		if _, err := rand.Read(id[:]); err != nil {
			return fmt.Errorf("draw the stream's number: %w", err)
		}
		m.header.Stream = binary.BigEndian.Uint32(id[:])
		o.Stamp = m.stamp
	}
	m.sender, err = send.Open(o)
	return err
}

// stamp numbers a packet right before it goes.
func (m *mirror) stamp(packet []byte) {
	m.header.Encode(packet)
	m.header.Sequence++
}

// openRing opens the ring, and waits for a device that is not there yet: EOS makes it when the monitor session does. Without a
// ring and an error the daemon was stopped.
func (m *mirror) openRing(ctx context.Context) (*ring.Ring, error) {
	for {
		r, err := ring.Open(m.ringOptions())
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, ring.ErrNoDevice) && !errors.Is(err, ring.ErrAmbiguous) && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENXIO) {
			return nil, err
		}
		if m.said.device == "" && !m.service.Once {
			m.service.Ready() // else systemd would end it after a time, again and again; /healthz says what is missing
		}
		m.say(&m.said.device, err.Error()+"; waiting for it")
		m.heart.Beat()
		fds := [1]unix.PollFd{{Fd: int32(m.service.Stop()), Events: unix.POLLIN}}
		if _, pollErr := unix.Poll(fds[:], 250); pollErr != nil && !errors.Is(pollErr, unix.EINTR) {
			return nil, fmt.Errorf("wait for the device: %w", pollErr)
		}
		switch {
		case ctx.Err() != nil && m.service.Once:
			return nil, err
		case ctx.Err() != nil:
			return nil, nil
		}
	}
}
