package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"bisc/relaybin/daemon"
	"bisc/relaybin/frame"
	"bisc/relaybin/mark"
	"bisc/relaybin/poll"
	"bisc/relaybin/recv"
	"bisc/relaybin/shred"
	"bisc/relaybin/stream"
)

const (
	idle  = 200 * time.Millisecond // the longest wait of the loop: it beats, ages the books, and looks at the destination
	turns = 16                     // batches of one port before the others have their turn
)

// input is a port that is read.
type input struct {
	form   form
	socket *recv.Socket
	batch  *recv.Batch
	last   [2]uint64 // overflow and refused at the last count
}

// arrival is what the books are told of a packet.
type arrival struct {
	header stream.Header
	at     int64
}

// relay is the packet path: one goroutine.
type relay struct {
	inputs  []*input
	rule    frame.Rule
	filter  *shred.Filter
	enforce bool
	books   *stream.Books
	to      *destination
	counts  *counts
	log     *slog.Logger
	headers []arrival // of the batch in hand, not in the books yet

	looked time.Time // at the destination and the kernel's counters
	boot   int64     // CLOCK_BOOTTIME then: asked for once a second, for unlike time.Now it is a system call
	failed bool      // sending failed since
	broken error     // what the destination's trouble was, so that it is logged once
}

// loop reads and forwards until the context ends or, with --once, the first packets have come.
func (r *relay) loop(ctx context.Context, svc *daemon.Service) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	heart := svc.Heart("receive")
	fds, owner := r.poll(svc.Stop())
	for ctx.Err() == nil {
		if _, err := poll.Wait(fds, idle); err != nil {
			return fmt.Errorf("wait for packets: %w", err)
		}
		heart.Beat()
		for i, in := range owner {
			if fds[i].Revents == 0 {
				continue
			}
			if err := r.take(in); err != nil {
				return err
			}
		}
		r.second(time.Now())
		if svc.Once && r.counts.received.Total() > 0 {
			return nil
		}
	}
	return nil
}

// poll is what the loop waits for: the ports, then the stop.
func (r *relay) poll(stop int) (fds []unix.PollFd, owner []*input) {
	for _, in := range r.inputs {
		for _, fd := range in.socket.FDs() {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			owner = append(owner, in)
		}
	}
	return append(fds, unix.PollFd{Fd: int32(stop), Events: unix.POLLIN}), owner
}

// take forwards what waits at a port.
func (r *relay) take(in *input) error {
	more := true
	for n := 0; more && n < turns; n++ {
		var err error
		if more, err = in.socket.Read(in.batch); err != nil {
			return fmt.Errorf("port of the form %s: %w", in.form, err)
		}
		for i := range in.batch.Messages {
			r.message(in, &in.batch.Messages[i])
		}
		r.failed = r.to.flush() || r.failed
		r.book()
		r.waited(in)
	}
	r.books.Turn(r.boot + int64(time.Since(r.looked)))
	r.counts.publish()
	return nil
}

// message takes a message apart into its datagrams.
func (r *relay) message(in *input, m *recv.Message) {
	rest := m.Data
	if len(rest) == 0 {
		r.counts.received.Add(int(in.form), 1)
		r.counts.drop(dropShort, 1)
		return
	}
	n := uint64(len(rest)+m.Segment-1) / uint64(m.Segment)
	r.counts.received.Add(int(in.form), n)
	switch {
	case !in.socket.Allowed(m.From): // it lay in systemd's socket before our filter did
		r.counts.drop(dropSource, n)
		return
	case m.Cut:
		r.counts.drop(dropTruncated, n)
		return
	}
	for len(rest) > m.Segment {
		r.packet(in.form, rest[:m.Segment], m.Time)
		rest = rest[m.Segment:]
	}
	r.packet(in.form, rest, m.Time)
}

// packet unwraps a datagram, judges what is in it, and takes the shred along.
func (r *relay) packet(f form, b []byte, at int64) {
	var payload []byte
	if f == formIP {
		cut, verdict := r.rule.Check(frame.IPv4, b, len(b))
		if verdict != frame.Forward {
			r.counts.drop(ofFrame(verdict), 1)
			return
		}
		if cut.BadSum {
			r.counts.badSum.Add(1)
		}
		payload = b[cut.Payload:cut.End]
	} else {
		h, inside, err := stream.Decode(b)
		if err != nil {
			r.counts.drop(ofStream(err), 1)
			return
		}
		r.headers = append(r.headers, arrival{h, at})
		payload = inside
	}
	if n, ok := mark.Read(payload); ok {
		r.counts.marks.see(n)
		return
	}
	rule := r.filter.Check(payload)
	r.counts.rules.Add(int(rule), 1)
	switch {
	case rule != shred.OK && r.enforce:
		r.counts.drop(ofShred(rule), 1)
	case len(payload) == 0: // even without a filter: it tells the validator nothing
		r.counts.drop(dropShort, 1)
	default:
		r.to.add(payload)
	}
}

// book enters the batch into the stream books, now that it is forwarded: a kill before this makes a loss in the books of what
// may have been forwarded, never the other way round.
func (r *relay) book() {
	for i := range r.headers {
		if seen := r.books.See(r.headers[i].header, r.headers[i].at); seen.Timed {
			r.counts.delay.Observe(seen.Delay)
		}
	}
	r.headers = r.headers[:0]
}

// waited notes how long the batch's messages were in the host. They are forwarded now.
func (r *relay) waited(in *input) {
	if len(in.batch.Messages) == 0 {
		return
	}
	now := time.Now().UnixNano()
	for i := range in.batch.Messages {
		if at := in.batch.Messages[i].Time; at > 0 && at <= now { // else the clock was set meanwhile
			r.counts.wait.Observe(time.Duration(now - at))
		}
	}
	r.counts.last[in.form].Store(now)
}

// second does what is done once a second: the kernel's counters, the books of silent streams, the destination. When sending
// failed it looks at the destination sooner.
func (r *relay) second(now time.Time) {
	since := now.Sub(r.looked)
	if since < time.Second && (!r.failed || since < idle/2) {
		return
	}
	r.looked, r.boot, r.failed = now, stream.Now(), false
	for _, in := range r.inputs {
		r.kernel(in)
	}
	r.books.Turn(r.boot)
	r.counts.publish()
	news, err := r.to.look()
	switch {
	case err != nil && (r.broken == nil || err.Error() != r.broken.Error()):
		r.log.Warn("the destination is away", "to", r.to, "err", err)
	case err == nil && r.broken != nil:
		r.log.Info("the destination is back", "to", r.to)
	case news != "":
		r.log.Info(news, "to", r.to)
	}
	r.broken = err
}

// kernel counts what the kernel dropped at a port.
func (r *relay) kernel(in *input) {
	overflow, refused, err := in.socket.Drops()
	if err != nil {
		r.log.Warn("the kernel's drops are not known", "form", in.form, "err", err)
		return
	}
	r.counts.kernel.Add(overflow - in.last[0])
	r.counts.drop(dropSource, refused-in.last[1])
	in.last = [2]uint64{overflow, refused}
	r.counts.kernel.Publish()
}
