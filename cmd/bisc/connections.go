package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/host/localhost"
	"bisc/internal/host/sshhost"
	"bisc/internal/journal"
	"bisc/internal/secret"
	"bisc/inventory"
)

// connections are the hosts of a run: one connection each, opened when first asked for.
type connections struct {
	inv      *inventory.Inventory
	pool     *sshhost.Pool
	writes   bool
	reader   readerLogin
	lock     sshhost.LockRequest
	progress *view.Progress
	errs     io.Writer       // for what is said beside the report
	stop     <-chan struct{} // closed by an interrupt
	over     chan struct{}   // closed by close
	asking   chan struct{}   // holds one: the question on the terminal
	secrets  *secret.Keeper  // of the run
	env      func(string) (string, bool)
	mu       sync.Mutex
	open     map[string]*connection
	left     func(name string, left *sshhost.Leftover) // is told of each dead-man's switch that a dead run left; may be nil
}

type connection struct {
	ready chan struct{}
	read  dialled
	write host.Writer // only where the run locks its hosts
	err   error
	since time.Time
	took  time.Duration
}

// dialled is a host over a transport: its answers, and what they cost.
type dialled interface {
	host.Reader
	Stats() sshhost.Stats
	Close() error
}

func newConnections(inv *inventory.Inventory, writes bool, owner, run string, progress *view.Progress, errs io.Writer, stop <-chan struct{}) *connections {
	return &connections{inv: inv, pool: sshhost.NewPool(sshhost.Options{}), writes: writes, lock: sshhost.LockRequest{Owner: owner, Run: run},
		progress: progress, errs: errs, stop: stop, over: make(chan struct{}), asking: make(chan struct{}, 1), open: map[string]*connection{}}
}

// Reader gives a host to read.
func (cs *connections) Reader(ctx context.Context, name string) (host.Reader, error) {
	c, err := cs.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return c.read, nil
}

// Writer gives a host to change, under its lock.
func (cs *connections) Writer(ctx context.Context, name string) (host.Writer, error) {
	if !cs.writes {
		return nil, errors.New("this verb only reads") // a programmer's mistake: reading verbs never ask
	}
	c, err := cs.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return c.write, nil
}

func (cs *connections) get(ctx context.Context, name string) (*connection, error) {
	cs.mu.Lock()
	c, known := cs.open[name]
	if !known {
		c = &connection{ready: make(chan struct{}), since: time.Now()}
		cs.open[name] = c
	}
	cs.mu.Unlock()
	if !known {
		c.err = timedOut(ctx, cs.dial(ctx, name, c))
		if c.err != nil && ctx.Err() != nil {
			c.err = context.Cause(ctx) // what it broke off tells nothing
		}
		c.took = time.Since(c.since)
		close(c.ready)
	}
	select {
	case <-c.ready:
		return c, c.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// timedOut tells an error that came of the run's own limit: a dialler takes the context's deadline for its own, and may
// notice it first.
func timedOut(ctx context.Context, err error) error {
	if end, ok := ctx.Deadline(); err == nil || !ok || time.Now().Before(end) {
		return err
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func (cs *connections) dial(ctx context.Context, name string, c *connection) error {
	h, ok := cs.inv.Lookup(name)
	if !ok {
		return fmt.Errorf("%s is not in the inventory (it has %s)", name, strings.Join(cs.inv.Names(), ", "))
	}
	cs.progress.Say(name, "connecting")
	defer cs.progress.Say(name, "")
	d, err := inventory.Decide(ctx, cs.inv, h, resolver())
	if err != nil {
		return err
	}
	if h.Platform == host.EOS {
		return cs.dialSwitch(ctx, d, c)
	}
	return cs.dialHost(ctx, d, c)
}

// dialHost connects to a Linux host.
func (cs *connections) dialHost(ctx context.Context, d inventory.Decision, c *connection) error {
	cfg := cs.config(d)
	if cs.reader.key != "" && !d.Local {
		cs.reader.use(&cfg)
	}
	if d.Local {
		if err := localhost.Check(d.MachineID); err != nil {
			return fmt.Errorf("%s: %w", d.Host, err)
		}
		cfg.Sessions = localhost.Sessions()
	}
	if cs.writes {
		w, err := cs.pool.OpenWriter(ctx, cfg, cs.lock)
		if err != nil {
			return err
		}
		c.read, c.write = w.Host, w
		cs.leftBehind(w)
	} else {
		h, err := cs.pool.Open(ctx, cfg)
		if err != nil {
			return err
		}
		c.read = h
	}
	if d.Local || d.MachineID == "" {
		return nil
	}
	return isMachine(ctx, c.read, d.MachineID)
}

// recordOf reads what a host recorded itself, over a connection that takes no lock: another run holds it.
func (s *session) recordOf(ctx context.Context, name string) (*journal.HostLog, error) {
	h, ok := s.connections.inv.Lookup(name)
	if !ok || h.Platform != host.Linux {
		return nil, nil
	}
	d, err := inventory.Decide(ctx, s.connections.inv, h, resolver())
	if err != nil {
		return nil, err
	}
	cfg := s.connections.config(d)
	if d.Local {
		cfg.Sessions = localhost.Sessions()
	}
	r, err := s.pool.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return journal.ReadHost(ctx, r)
}

// isMachine compares a host's id with the one declared, before anything else of it is believed.
func isMachine(ctx context.Context, h host.Reader, want string) error {
	b, err := h.ReadFile(ctx, "/etc/machine-id")
	if err != nil {
		return fmt.Errorf("reading which machine %s is: %w", h.Name(), err)
	}
	if id := strings.TrimSpace(string(b)); id != want {
		return fmt.Errorf("%s: %w: its /etc/machine-id says %q, and the inventory's machine_id is %q", h.Name(), localhost.ErrOtherMachine, id, want)
	}
	return nil
}

// leftBehind tells of a dead-man's switch that a run left which never came to its end.
func (cs *connections) leftBehind(w *sshhost.Writer) {
	if left := w.Left(); left != nil && cs.left != nil {
		cs.left(w.Name(), left)
	}
}

// config is a decision as the transport takes it.
func (cs *connections) config(d inventory.Decision) sshhost.Config {
	var jump *sshhost.Config
	for _, via := range d.Via {
		hop := cs.config(via)
		hop.Jump, hop.Become = jump, sshhost.BecomeNone
		jump = &hop
	}
	become := sshhost.BecomeNone
	if d.Become {
		become = sshhost.Sudo
	}
	return sshhost.Config{
		Name: d.Host, Addresses: []string{d.Address}, Port: d.Port, User: d.User, Jump: jump,
		HostKeys: d.HostKeys, KnownHosts: d.KnownHosts, HostKeyAlias: d.HostKeyAlias,
		Identities: d.Identities, IdentitiesOnly: d.IdentitiesOnly, AgentSocket: d.AgentSocket, AgentKey: d.AgentKey, ProxyCommand: d.ProxyCommand, Passphrase: cs.passphrase,
		Become: become, BecomePassword: cs.becomePassword(d), ConnectTimeout: d.ConnectTimeout, AnswerTimeout: d.AnswerTimeout, Reconnected: cs.reconnected,
	}
}

// reconnected tells of a connection that was lost and made anew: what the run then took is explained, and the network's
// state with it.
func (cs *connections) reconnected(name string, why error) {
	cs.progress.Above(func() {
		fmt.Fprintf(cs.errs, "bisc: %s: connected again: %s\n", view.Clean(name), view.Clean(why.Error()))
	})
}

func (cs *connections) passphrase(ctx context.Context, path string) (string, error) {
	return cs.secret(ctx, "passphrase of "+path)
}

// forget ends a connection that failed, so that the next question dials again.
func (cs *connections) forget(name string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c := cs.open[name]; c != nil && c.read != nil {
		_ = c.read.Close() // it is broken already
	}
	delete(cs.open, name)
}

// close ends every connection; it waits for none that is still being made, but for the terminal to be as it was.
func (cs *connections) close() error {
	close(cs.over)
	cs.asking <- struct{}{}
	var errs []error
	for _, c := range cs.each() {
		switch {
		case c.write != nil:
			errs = append(errs, c.write.Close())
		case c.read != nil:
			errs = append(errs, c.read.Close())
		}
	}
	return errors.Join(append(errs, cs.pool.Close())...)
}

// each gives the connections that are made, by name.
func (cs *connections) each() []*connection {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var out []*connection
	for _, name := range slices.Sorted(maps.Keys(cs.open)) {
		select {
		case <-cs.open[name].ready:
			out = append(out, cs.open[name])
		default:
		}
	}
	return out
}

// stats says what each host cost so far.
func (cs *connections) stats() []view.HostStats {
	var out []view.HostStats
	for _, c := range cs.each() {
		if c.read == nil {
			continue
		}
		st := c.read.Stats()
		out = append(out, view.HostStats{Host: c.read.Name(), Logins: st.Logins, Turns: st.Turns, Execs: st.Execs, Sent: st.Sent, Received: st.Got,
			Connect: c.took, Total: time.Since(c.since)})
	}
	return out
}
