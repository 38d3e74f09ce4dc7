package sshhost

import (
	"context"
)

// jump is one shared connection to a jump host, being made or made.
type jump struct {
	done chan struct{}
	conn *connection
	err  error
	// was is the connection that this one replaces. A jump host that is lost twice is not dialled again in a run: with
	// fifty hosts behind it that would be a storm.
	was *jump
}

// jumpTo gives the shared connection to a jump host. One that has died is made anew, once, by whoever asks first.
func (p *Pool) jumpTo(ctx context.Context, cfg *Config) (*connection, error) {
	key := cfg.key()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, unreachable(cfg, "the run is over")
	}
	j := p.jumps[key]
	if gone := j != nil && j.gone(); gone && j.was != nil {
		p.mu.Unlock()
		return nil, unreachable(cfg, "it was lost for the second time in this run, and is not dialled again")
	} else if j == nil || gone {
		j = &jump{done: make(chan struct{}), was: j}
		p.jumps[key] = j
		go p.makeJump(context.WithoutCancel(ctx), cfg, j)
	}
	p.mu.Unlock()
	select {
	case <-j.done:
		return j.conn, j.err
	case <-ctx.Done():
		return nil, unreachable(cfg, "%w", context.Cause(ctx))
	}
}

// gone tells whether a jump host's connection was made and is no more. One that could not be made stays so: 50 hosts
// behind it need not try 50 times.
func (j *jump) gone() bool {
	select {
	case <-j.done:
	default:
		return false
	}
	return j.conn != nil && j.conn.over()
}

func (p *Pool) makeJump(ctx context.Context, cfg *Config, j *jump) {
	defer close(j.done)
	if j.conn, j.err = p.connect(ctx, cfg); j.err != nil {
		return
	}
	// known_hosts may know several keys: it is still the same jump host only if it shows the same one.
	if was := j.was; was != nil && was.conn.hostKey != j.conn.hostKey {
		j.conn.close()
		j.err = unreachable(cfg, "the jump host's key was %s when the run began and is %s: nothing goes through it", was.conn.hostKey, j.conn.hostKey)
		j.conn = nil
		return
	}
	go j.conn.keepAlive(p.pulse)
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		j.conn.close()
	}
}
