package sshhost

import (
	"context"
	"slices"
	"sync"
	"time"

	"bisc/internal/host"
)

// How the shells are used. sshd allows ten sessions on a connection: up to six for questions, one for steps, one for the
// heartbeat, two for streams.
const (
	shellsFirst = 4
	shellsMost  = 6
	shellSlow   = time.Second // then what waits behind goes elsewhere
)

// shells are the far end where there is no Perl.
type shells struct {
	c *channel

	mu      sync.Mutex
	readers []*shell
	opening int
	waiting []*request // questions for which no shell is fit
	writer  *shell     // holds the lock, does the steps
	steps   []*request
	doing   *request
	beat    *link
	over    chan struct{}
}

// startShells opens them at once.
func startShells(ctx context.Context, c *channel) (*shells, hello, error) {
	s := &shells{c: c, over: make(chan struct{})}
	var hi hello
	var questions []func(context.Context) error
	for range shellsFirst {
		questions = append(questions, func(ctx context.Context) error {
			sh, h, err := c.openShell(ctx)
			if err == nil {
				s.mu.Lock()
				hi = h
				s.readers = append(s.readers, sh)
				s.mu.Unlock()
			}
			return err
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return nil, hello{}, err
	}
	for _, sh := range s.readers {
		sh.mu.Lock()
		sh.spent = s.deal
		sh.mu.Unlock()
	}
	go c.conn.keepAlive(c.pool.pulse)
	go s.watch()
	return s, hi, nil
}

func (s *shells) send(rs []*request) {
	s.mu.Lock()
	var table *request
	for _, r := range rs {
		r.begun = time.Now()
		s.limit(r)
		switch {
		case r.step || r.op == opLock || r.op == opCheck:
			s.steps = append(s.steps, r)
		case r.op == opStat:
			if table == nil {
				table = newRequest(opRun, s.c.cfg.answer(), "cat", "/proc/self/mountinfo")
				s.limit(table)
				s.waiting = append(s.waiting, table)
			}
			s.waiting = append(s.waiting, rawStat(r, table))
		default:
			s.waiting = append(s.waiting, r)
		}
	}
	s.mu.Unlock()
	s.deal()
}

// rawStat asks stat(1), which does not tell the mount's id: that comes from one reading of the mount table a wave.
func rawStat(r, table *request) *request {
	raw := newRequest(opStat, r.limit, r.words...)
	raw.then = func(a answer) {
		go func() { // the table comes in its own time
			<-table.done
			r.finish(withMountID(a, table.ans))
		}()
	}
	return raw
}

// limit gives a request up after its limit; a step a little later, so that timeout(1) on the host comes first.
func (s *shells) limit(r *request) {
	after := r.limit
	if r.step {
		after += grace
	}
	t := time.AfterFunc(after, func() { r.fail(overLimit(r)) })
	r.chain(func(answer) { t.Stop() })
}

// deal hands out what waits.
func (s *shells) deal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = slices.DeleteFunc(s.readers, func(sh *shell) bool { return sh.ended() })
	for len(s.waiting) > 0 {
		sh := s.fittest()
		if sh == nil {
			s.another()
			break
		}
		r := s.waiting[0]
		s.waiting = s.waiting[1:]
		if !r.answered() {
			sh.send(r, command(r))
		}
	}
	s.step()
}

// fittest is the shell with the least to do, or nil.
func (s *shells) fittest() *shell {
	var best *shell
	least := 0
	for _, sh := range s.readers {
		if n, fit := sh.load(shellSlow); fit && (best == nil || n < least) {
			best, least = sh, n
		}
	}
	return best
}

// another opens one more shell: all are busy with something slow. The lock is held.
func (s *shells) another() {
	if s.opening > 0 || len(s.readers) >= shellsMost {
		return
	}
	s.opening++
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), s.c.startLimit())
		defer cancel()
		sh, _, err := s.c.openShell(ctx)
		s.mu.Lock()
		s.opening--
		if err == nil {
			sh.mu.Lock()
			sh.spent = s.deal
			sh.mu.Unlock()
			s.readers = append(s.readers, sh)
		}
		s.mu.Unlock()
		s.deal()
	}()
}

// watch moves what waits behind something slow.
func (s *shells) watch() {
	tick := time.NewTicker(shellSlow / 4)
	defer tick.Stop()
	for {
		select {
		case <-s.c.failed:
			s.end()
			return
		case <-tick.C:
		}
		s.mu.Lock()
		for _, sh := range s.readers {
			s.waiting = append(s.waiting, sh.behind(shellSlow)...)
		}
		s.mu.Unlock()
		s.deal()
	}
}

// end fails what no shell has taken.
func (s *shells) end() {
	s.mu.Lock()
	rest := append(s.waiting, s.steps...)
	s.waiting, s.steps = nil, nil
	close(s.over)
	s.mu.Unlock()
	failAll(rest, s.c.err)
}

// cancel does nothing: a shell cannot be told to stop what it does. Its limit ends it.
func (s *shells) cancel(*request) {}
