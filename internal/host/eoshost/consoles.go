package eoshost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
)

// When a wave goes out: nobody has asked for quiet, or for gather though a trickle goes on. A timer later than late means that the
// askers are starved too, and silence just then proves nothing. After patience one more console is opened beside those that
// are busy: one question that hangs holds up no others.
const (
	quiet       = 3 * time.Millisecond
	gather      = 40 * time.Millisecond
	late        = time.Millisecond
	patience    = 3 * time.Second
	maxConsoles = 4 // EOS has 32 lines [I], and people want some
)

// question is one command that is asked; its answer is what the switch printed.
type question struct {
	command string
	silence time.Duration   // how long the switch may say nothing
	alone   bool            // it may hang, and shares no flight
	again   bool            // it was in a flight that broke
	under   int             // flights that it is in, and the queue
	life    context.Context // ends with the asker's patience
	leave   context.CancelFunc
	once    sync.Once
	answer  string
	err     error
	done    chan struct{}
}

// end gives the answer; only the first counts.
func (q *question) end(answer string, err error) {
	q.once.Do(func() {
		q.answer, q.err = answer, err
		close(q.done)
	})
}

func (q *question) ended() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// consoles ask questions over the command line. Those that are pending go in one flight, so that one or forty cost the same turns.
type consoles struct {
	h *Host

	mu     sync.Mutex
	queue  []*question
	first  time.Time // when the queue's first came
	last   time.Time // when its last came
	idle   []*console
	open   int // consoles, idle and busy
	closed error
	wake   chan struct{}
	over   context.Context // ends with close
	cancel context.CancelFunc
}

func newConsoles(h *Host, first *console) *consoles {
	cs := &consoles{h: h, idle: []*console{first}, open: 1, wake: make(chan struct{}, 1)}
	cs.over, cs.cancel = context.WithCancel(context.Background())
	go cs.dispatch()
	return cs
}

// show asks one show command and judges what came.
func (cs *consoles) show(ctx context.Context, command string) ([]byte, error) {
	text, err := cs.ask(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return showAnswer(command, text)
}

// showAnswer tells an answer from a refusal.
func showAnswer(command, text string) ([]byte, error) {
	if err := (&console{}).refusal(command, text); err != nil {
		return nil, err
	}
	if !isJSON(command) {
		return []byte(text), nil
	}
	b := bytes.TrimSpace([]byte(text))
	if !json.Valid(b) {
		return nil, &host.ShowError{Command: command, Text: firstLine(text), Unconverted: true}
	}
	var refused struct{ Errors []string }
	if json.Unmarshal(b, &refused) == nil && len(refused.Errors) > 0 { // as eAPI has it, and the command line with it [V]
		why := strings.Join(refused.Errors, "\n")
		return nil, &host.ShowError{Command: command, Text: why, Denied: denied(why), Unconverted: strings.Contains(why, "unconverted")}
	}
	return b, nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 200)]
}

// ask gives what the switch prints to a command.
func (cs *consoles) ask(ctx context.Context, command string) (string, error) {
	return cs.wait(ctx, &question{command: command, silence: silence, done: make(chan struct{})})
}

// wait asks a question and waits for its answer.
func (cs *consoles) wait(ctx context.Context, q *question) (string, error) {
	if err := typable(q.command); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	q.life, q.leave = context.WithCancel(cs.over)
	defer q.leave()
	cs.add(q)
	select {
	case <-q.done:
		return q.answer, q.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (cs *consoles) add(qs ...*question) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed != nil {
		for _, q := range qs {
			q.end("", cs.closed)
		}
		return
	}
	cs.last = time.Now()
	if len(cs.queue) == 0 {
		cs.first = cs.last
	}
	for _, q := range qs {
		q.under++
	}
	cs.queue = append(cs.queue, qs...)
	cs.nudge()
}

func (cs *consoles) nudge() {
	select {
	case cs.wake <- struct{}{}:
	default:
	}
}

// dispatch sends waves.
func (cs *consoles) dispatch() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := cs.due(time.Now())
		due := time.Now().Add(wait)
		timer.Reset(wait)
		select {
		case <-cs.wake:
		case <-timer.C:
			if time.Since(due) > late {
				cs.mu.Lock()
				cs.last = time.Now()
				cs.mu.Unlock()
			}
		case <-cs.over.Done():
			return
		}
	}
}

// due sends the queue if it may go, and tells how long to wait.
func (cs *consoles) due(now time.Time) time.Duration {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.queue) == 0 {
		return time.Hour
	}
	at := cs.last.Add(quiet)
	if end := cs.first.Add(gather); end.Before(at) {
		at = end
	}
	if now.Before(at) {
		return at.Sub(now)
	}
	if len(cs.idle) == 0 {
		at = cs.first.Add(patience)
		switch {
		case cs.open >= maxConsoles:
			return time.Hour
		case cs.open > 0 && now.Before(at) && !slices.ContainsFunc(cs.queue, func(q *question) bool { return q.alone }):
			return at.Sub(now)
		}
	}
	batch := cs.batch()
	var c *console
	if n := len(cs.idle); n > 0 {
		c, cs.idle = cs.idle[n-1], cs.idle[:n-1]
	} else {
		cs.open++
	}
	go cs.wave(c, batch)
	if len(cs.queue) > 0 {
		return 0
	}
	return time.Hour
}

// batch takes off the queue what goes together: all that may not hang, or the first that may. The lock is held.
func (cs *consoles) batch() []*question {
	var batch, rest []*question
	for _, q := range cs.queue {
		if q.alone {
			rest = append(rest, q)
		} else {
			batch = append(batch, q)
		}
	}
	if len(batch) == 0 {
		batch, rest = rest[:1], rest[1:]
	}
	cs.queue = rest
	return batch
}

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

// another opens one more console of the same switch.
func (cs *consoles) another(careful bool) (*console, error) {
	ctx, cancel := context.WithTimeout(cs.over, 2*loginSilence)
	defer cancel()
	c, err := cs.h.openConsole(ctx)
	if err != nil {
		return nil, err
	}
	c.careful = c.careful || careful
	return c, nil
}

// back puts a console among the idle; one that is of no more use is let go.
func (cs *consoles) back(c *console) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c == nil || c.overdue != nil {
		cs.open--
	} else {
		cs.idle = append(cs.idle, c)
	}
	cs.nudge()
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

// read asks in one flight, or one by one on a careful console.
func (c *console) read(ctx context.Context, silence time.Duration, commands []string) ([]string, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	if c.overdue != nil {
		return nil, c.overdue
	}
	if c.careful {
		text, err := c.slowly(ctx, silence, commands[0])
		return []string{text}, err
	}
	return c.fly(ctx, silence, commands...)
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

// close ends all consoles; what was not answered never will be.
func (cs *consoles) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = fmt.Errorf("%s: %w: it was closed", cs.h.Name(), host.ErrUnreachable)
	cs.cancel()
	for _, q := range cs.queue {
		q.end("", cs.closed)
	}
	cs.queue = nil
}
