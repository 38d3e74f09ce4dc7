package main

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"bisc/relaybin/netns"
	"bisc/relaybin/send"
)

// destination is the validator's TVU port, perhaps in another network namespace. The namespace may not be there yet, may go,
// and may be replaced by another under the same path; a destination finds it again by itself.
type destination struct {
	to   netip.AddrPort
	path string // of the namespace; empty: our own
	mode send.Mode
	link bool // never by a gateway

	space  *netns.Space
	sender *send.Sender // nil: nowhere to send
	seen   send.Counts  // of this sender, at the last count
	counts *counts
	health atomic.Pointer[error]

	barred  uint64    // packets that the kernel would not send from the address that was chosen, at the last look
	refused uint64    // ICMP "port unreachable" at the last look
	since   time.Time // when that last grew
}

// refusal is how long after the last "port unreachable" the destination counts as away: routers and hosts send few of them.
const refusal = 3 * time.Second

// errRefused is the destination's trouble when its host says that nobody listens.
var errRefused = errors.New("nobody listens there (ICMP port unreachable)")

func (s *settings) destination(c *counts) *destination {
	return &destination{to: s.to, path: s.netns, mode: send.Mode(s.gso), link: s.onLink, counts: c}
}

// open opens the sender, in the namespace where there is one.
func (d *destination) open() error {
	o := send.Options{To: d.to, OnLink: d.link, GSO: d.mode}
	if d.path == "" {
		var err error
		d.sender, err = send.Open(o)
		return err
	}
	space, err := netns.Open(d.path)
	if err != nil {
		return err
	}
	var next *send.Sender
	if err := space.Do(func() error { next, err = send.Open(o); return err }); err != nil {
		return errors.Join(err, space.Close())
	}
	err = d.close()
	d.space, d.sender = space, next
	return err
}

// close lets sender and namespace go.
func (d *destination) close() error {
	var err error
	if d.sender != nil {
		d.count()
		err = d.sender.Close()
	}
	if d.space != nil {
		err = errors.Join(err, d.space.Close())
	}
	d.sender, d.space, d.seen = nil, nil, send.Counts{}
	d.barred, d.refused, d.since = 0, 0, time.Time{}
	return err
}

// look follows the namespace: once a second, and when sending failed. It returns what changed, for the log, or nothing.
func (d *destination) look() (news string, err error) {
	defer func() { d.health.Store(&err) }()
	if d.sender != nil && d.path == "" {
		return "", errors.Join(d.anew(), d.listened())
	}
	if d.sender == nil {
		if err = d.open(); err != nil {
			return "", err
		}
		return "sending", nil
	}
	same, err := d.space.Current()
	switch {
	case err != nil: // its name is gone, but its processes may live: we go on sending there until another comes
		return "", err
	case same:
		return "", errors.Join(d.anew(), d.listened())
	}
	if err = d.open(); err != nil {
		return "", err
	}
	return "the namespace was replaced: sending in the new one", nil
}

// anew tries large packets again, and chooses the address to send from again where the kernel refused to use it: the one that the
// route gave at the start may be this host's no more, and then has no route (EINVAL in older kernels) for as long as the socket keeps it.
func (d *destination) anew() error {
	d.sender.Probe()
	n := d.sender.Counts.Lost[send.NetUnreachable] + d.sender.Counts.Lost[send.Other]
	if n == d.barred {
		return nil
	}
	d.barred = n
	return d.sender.Reconnect()
}

// listened is errRefused while the destination's host says that nobody listens.
func (d *destination) listened() error {
	if n := d.sender.Counts.Failed[send.Refused]; n != d.refused {
		d.refused, d.since = n, time.Now()
	}
	if !d.since.IsZero() && time.Since(d.since) < refusal {
		return errRefused
	}
	return nil
}

// add takes a shred along; it must stay as it is until flush.
func (d *destination) add(shred []byte) {
	if d.sender == nil {
		d.counts.drop(dropNamespace, 1)
		return
	}
	d.sender.Add(shred)
}

// flush sends what was taken along, and counts it. failed says that something was not sent.
func (d *destination) flush() (failed bool) {
	if d.sender == nil {
		return false
	}
	d.sender.Flush()
	return d.count()
}

func (d *destination) count() (failed bool) {
	now, was := &d.sender.Counts, &d.seen
	d.counts.forwarded.Add(now.Sent - was.Sent)
	d.counts.bytes.Add(now.Bytes - was.Bytes)
	d.counts.calls.Add(now.Calls - was.Calls)
	for f := range now.Failed {
		if now.Failed[f] != was.Failed[f] {
			failed = true
			d.counts.failures.Add(f, now.Failed[f]-was.Failed[f])
		}
		d.counts.drop(dropSend+reason(f), now.Lost[f]-was.Lost[f])
	}
	*was = *now
	return failed
}

// well is the destination's health, for any goroutine.
func (d *destination) well() error {
	if err := d.health.Load(); err != nil && *err != nil {
		return *err
	}
	return nil
}

// String is where it sends.
func (d *destination) String() string {
	if d.path == "" {
		return d.to.String()
	}
	return fmt.Sprintf("%s in %s", d.to, d.path)
}
