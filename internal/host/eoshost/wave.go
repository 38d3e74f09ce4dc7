package eoshost

import (
	"context"
	"errors"
	"slices"
	"time"
)

// wave asks a batch on a console; nil: on a new one.
func (cs *consoles) wave(c *console, batch []*question) {
	if c == nil {
		var err error
		if c, err = cs.another(batch[0].again); err != nil {
			cs.back(nil)
			for _, q := range batch {
				q.end("", err)
			}
			return
		}
	}
	again := cs.fly(c, batch)
	cs.back(c)
	cs.add(again...)
}

// fly asks a batch and ends what has its answer. It gives what is to be asked again, carefully: only what broke with others in
// its flight.
func (cs *consoles) fly(c *console, batch []*question) (again []*question) {
	for len(batch) > 0 {
		n := 1
		if !c.careful {
			n = flightSize(batch)
		}
		var commands []string
		var most time.Duration
		for _, q := range batch[:n] {
			commands = append(commands, q.command)
			most = max(most, q.silence)
		}
		stop := cs.overtake(c, batch[:n])
		ctx := cs.over
		if batch[0].alone { // the console goes with it: nobody waits for what it does
			ctx = batch[0].life
		}
		answers, err := c.read(ctx, most, commands)
		stop()
		if err != nil {
			return append(cs.broken(batch[:n], err), batch[n:]...)
		}
		for i, q := range batch[:n] {
			q.end(answers[i], nil)
		}
		batch = batch[n:]
	}
	return nil
}

// flightSize is how many questions are written ahead at a time. A terminal in line mode keeps 4095 characters of a line, and
// what is typed while a command runs is kept in that mode [I]: so a longer line goes first in its flight.
func flightSize(batch []*question) int {
	for i, q := range batch {
		if i > 0 && len(q.command) > 3000 {
			return i
		}
	}
	return len(batch)
}

// overtake has what shares a flight with a question that hangs asked on another console, once nothing has moved for a while: it is
// only read, so asking twice does no harm.
func (cs *consoles) overtake(c *console, batch []*question) (stop func()) {
	ctx, cancel := context.WithCancel(cs.over)
	go func() {
		tick := time.NewTicker(patience / 2)
		defer tick.Stop()
		for before := -1; ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			at := c.waitsFor()
			if at >= 0 && at == before {
				cs.move(slices.Delete(slices.Clone(batch), at, at+1))
				return
			}
			before = at
		}
	}()
	return cancel
}

func (cs *consoles) move(others []*question) {
	if len(others) == 0 {
		return
	}
	cs.add(others...)
	cs.mu.Lock()
	cs.first = time.Time{} // they have waited
	cs.mu.Unlock()
	cs.nudge()
}

// broken judges a flight that broke: the question that hangs is stuck, and who stood behind it is asked again; what the pager or
// an early echo mixed up is asked again, carefully; a second time is an error.
func (cs *consoles) broken(batch []*question, err error) (again []*question) {
	var stuck *stuckError
	if errors.As(err, &stuck) && stuck.at < len(batch) {
		batch[stuck.at].end("", err)
		batch = append(batch[:stuck.at:stuck.at], batch[stuck.at+1:]...)
	}
	for _, q := range batch {
		switch {
		case cs.elsewhere(q):
		case q.again || q.alone || cs.dead(): // what goes alone may act, and is done at most once
			q.end("", err)
		default:
			q.again = true
			again = append(again, q)
		}
	}
	return again
}

// elsewhere tells whether a question of a flight that broke is answered, or asked elsewhere too.
func (cs *consoles) elsewhere(q *question) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	q.under--
	return q.ended() || q.under > 0
}

func (cs *consoles) dead() bool {
	select {
	case <-cs.h.conn.Dead():
		return true
	default:
		return false
	}
}
