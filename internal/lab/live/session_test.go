package live

import (
	"context"
	"errors"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
	"bisc/inventory"
)

// session is the connections of one run.
type session struct {
	pool *sshhost.Pool
	cfg  sshhost.Config
	host *sshhost.Host // the last one opened
	ends []func() error
}

func (o *operator) session(t *testing.T) *session {
	t.Helper()
	inv := o.inventory(t)
	h, _ := inv.Lookup("a")
	d, err := inventory.Decide(t.Context(), inv, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &session{pool: sshhost.NewPool(sshhost.Options{}), cfg: sshhost.Config{
		Name: d.Host, Addresses: []string{d.Address}, Port: d.Port, User: d.User, HostKeys: d.HostKeys, Identities: d.Identities,
		AgentSocket: "none", ConnectTimeout: d.ConnectTimeout, AnswerTimeout: d.AnswerTimeout,
	}}
	s.ends = append(s.ends, s.pool.Close)
	return s
}

// Reader opens a connection of its own each time, as each run of the command does.
func (s *session) Reader(ctx context.Context, _ string) (host.Reader, error) {
	h, err := s.pool.Open(ctx, s.cfg)
	if err != nil {
		return nil, err
	}
	s.host = h
	s.ends = append(s.ends, h.Close)
	return h, nil
}

// Writer opens a connection that holds the host's lock.
func (s *session) Writer(ctx context.Context, _ string) (host.Writer, error) {
	w, err := s.pool.OpenWriter(ctx, s.cfg, sshhost.LockRequest{Owner: "live", Run: "test"})
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (s *session) close(t *testing.T) {
	t.Helper()
	var errs []error
	for i := len(s.ends) - 1; i >= 0; i-- {
		errs = append(errs, s.ends[i]())
	}
	if err := errors.Join(errs...); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// opening gives a climb its connections and takes each writer's lock back when the next is wanted: a climb asks for one a
// round.
type opening struct{ *session }

// Writer ends the round before it.
func (o opening) Writer(ctx context.Context, name string) (host.Writer, error) {
	for len(o.ends) > 1 {
		last := o.ends[len(o.ends)-1]
		o.session.ends = o.ends[:len(o.ends)-1]
		if err := last(); err != nil {
			return nil, err
		}
	}
	w, err := o.session.Writer(ctx, name)
	if err == nil {
		o.session.ends = append(o.ends, w.Close)
	}
	return w, err
}
