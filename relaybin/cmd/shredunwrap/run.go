package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bisc/relaybin/daemon"
	"bisc/relaybin/recv"
	"bisc/relaybin/stream"
)

// quietLimit is how long no packet may come before /healthz says so: the design rate is 7,500 packets a second.
const quietLimit = 10 * time.Second

// run opens everything, forwards until the context ends, and says what became of what came.
func run(ctx context.Context, s *settings, svc *daemon.Service) (err error) {
	c := newCounts()
	r := &relay{rule: s.rule(), filter: s.newFilter(), enforce: s.filter == "on", counts: c, to: s.destination(c), log: svc.Log, looked: time.Now(), boot: stream.Now()}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.listen(s, svc); err != nil {
		return err
	}
	if r.books, err = s.openBooks(svc); err != nil {
		return err
	}
	if err := r.reach(svc); err != nil {
		return err
	}
	c.register(svc.Registry())
	svc.Registry().MustRegister(newStreams(r.books))
	svc.Health("destination", r.to.well)
	svc.Health("packets", func() error {
		switch silent, ever := c.silent(time.Now()); {
		case !ever:
			return errors.New("no packet has come yet")
		case silent > quietLimit:
			return fmt.Errorf("no packet for %v", silent.Round(time.Second))
		}
		return nil
	})
	svc.Ready()
	svc.Status("forwarding to %s", r.to)
	if err := r.loop(ctx, svc); err != nil {
		return err
	}
	return r.end(s, svc)
}

// listen opens the ports, or takes them over from systemd.
func (r *relay) listen(s *settings, svc *daemon.Service) error {
	for f := range forms {
		socket, err := open(f, s, svc)
		if err != nil {
			return err
		}
		if socket == nil {
			continue
		}
		in := &input{form: f, socket: socket, batch: socket.NewBatch()}
		r.inputs = append(r.inputs, in)
		at, err := socket.Local()
		if err != nil {
			return err
		}
		if s.netns == "" && loops(at, s.to) {
			return daemon.Bad("to", "the validator's TVU, not the relay's own port", "%s is where systemd listens for this daemon", s.to)
		}
		svc.Log.Info("listening", "form", f, "at", at, "from", s.allow.String(), "gro", socket.GRO(), "buffer", socket.Buffer())
		if socket.Buffer() < s.buffer {
			svc.Log.Warn("the receive buffer is smaller than asked for: raise the sysctl net.core.rmem_max", "form", f, "got", socket.Buffer(), "want", s.buffer)
		}
		if !socket.Gutter() {
			svc.Log.Warn("refused senders are counted with the kernel's drops: the .socket unit gives one socket, want two with ReusePort=yes", "form", f)
		}
		if n := socket.Before(); n > 0 {
			svc.Log.Warn("the socket had lost packets before this process", "form", f, "lost", n)
		}
	}
	if len(r.inputs) == 0 {
		return daemon.Bad("listen-sequenced", "give --listen-ip, --listen-sequenced, or sockets named ip or sequenced from systemd", "nowhere to listen")
	}
	return nil
}

// open opens the port of a form; nil where there is none.
func open(f form, s *settings, svc *daemon.Service) (*recv.Socket, error) {
	at, files := s.listen[f], svc.Sockets(f.String())
	name := "listen-" + f.String()
	switch {
	case at.IsValid() && len(files) > 0:
		return nil, daemon.Bad(name, "leave it out: the .socket unit says where", "systemd has handed over a socket for the form %s", f)
	case len(files) > 0:
		return recv.Adopt(files, s.options())
	case at.IsValid():
		socket, err := recv.Listen(at, s.options())
		if errors.Is(err, unix.EADDRINUSE) || errors.Is(err, unix.EADDRNOTAVAIL) {
			err = fmt.Errorf("%w (see who has it: ss -lunp; the addresses: ip -4 addr)", err)
		}
		return socket, err
	}
	return nil, nil
}

// openBooks opens the streams' accounts, in a file where there is a place for it.
func (s *settings) openBooks(svc *daemon.Service) (*stream.Books, error) {
	path := s.books
	if dir := os.Getenv("RUNTIME_DIRECTORY"); path == "" && dir != "" {
		path = filepath.Join(dir, "streams")
	}
	if path == "" || svc.Once {
		return stream.NewBooks(), nil
	}
	books, err := stream.OpenBooks(path)
	if errors.Is(err, stream.ErrFresh) {
		return books, nil
	}
	return books, err
}

// reach opens the way to the destination. A namespace that is not there yet is waited for while packets are read; under
// --once it is an error.
func (r *relay) reach(svc *daemon.Service) error {
	_, err := r.to.look()
	if err == nil {
		return nil
	}
	if svc.Once || r.to.path == "" {
		return fmt.Errorf("destination %s: %w", r.to, err)
	}
	r.broken = err
	svc.Log.Warn("the destination is away", "to", r.to, "err", err)
	return nil
}

// end drains what is ours alone, and says what came and what became of it.
func (r *relay) end(s *settings, svc *daemon.Service) error {
	ours := false
	for _, in := range r.inputs {
		if s.listen[in.form].IsValid() {
			ours = true
			if err := r.take(in); err != nil { // at most turns batches: what still comes would come for ever
				return err
			}
		}
		r.kernel(in)
	}
	r.counts.publish()
	c := r.counts
	svc.Log.Info("ended", "received", c.received.Total(), "forwarded", c.forwarded.Value(), "dropped", c.drops.Total(), "lost_by_kernel", c.kernel.Value())
	if svc.Once {
		return r.told(svc)
	}
	if ours {
		svc.Log.Info("the ports are closed: what comes before the next start is lost; with .socket units it would wait")
	}
	return nil
}

// close closes everything.
func (r *relay) close() error {
	var err error
	for _, in := range r.inputs {
		err = errors.Join(err, in.socket.Close())
	}
	if r.books != nil {
		err = errors.Join(err, r.books.Close())
	}
	return errors.Join(err, r.to.close())
}
