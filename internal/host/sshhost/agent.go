package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
)

// pulse is how the two ends tell that the other is gone (reference/transport.md 5): a ping after every, and after silence
// without a word the far end is given up, so that two pings are unanswered by then. The far end gives the client up after
// hold, and the host's lock with it; it is longer than silence, and whole seconds.
type pulse struct{ every, silence, hold time.Duration }

// agent is the client's half of the channel to agent.pl.
type agent struct {
	link  *link
	nonce string
	pulse pulse
	puts  string // put.pl as it is sent

	mu      sync.Mutex
	ids     uint32
	pending map[uint32]*request
	feeds   map[uint32]*feed
	words   map[string]uint32
	records bool   // the far end has record.pl
	gets    bool   // the far end has get.pl
	queue   []byte // frames to be written
	heard   time.Time
	wrote   time.Time
	err     error // why it is over, if it ever was up; set before dead is closed

	wake chan struct{}
	dead chan struct{}

	// greet is called with the far end's first word; an error ends the channel. early is called when the far end went
	// without one: nothing that it was asked is answered then.
	greet   func(hello) error
	early   func(error)
	over    func(error) // called at the end of one that was up
	greeted bool        // set and read by the reading goroutine
}

// hello is the far end's first word.
type hello struct {
	system, uid string
	is          identity
	reader      string // the version of a reader; empty: an agent
}

// identity is which boot of which machine the far end is.
type identity struct{ machine, boot string }

func newAgent(l *link, nonce string, p pulse) *agent {
	return &agent{
		link: l, nonce: nonce, pulse: p, puts: stripPerl(putText), pending: map[uint32]*request{}, feeds: map[uint32]*feed{}, words: map[string]uint32{},
		wake: make(chan struct{}, 1), dead: make(chan struct{}),
	}
}

// run starts reading, writing and pinging. first is written before all else.
func (a *agent) run(first []byte) {
	a.mu.Lock()
	a.queue = append(append([]byte(nil), first...), a.queue...)
	a.mu.Unlock()
	go a.write()
	go func() {
		err := a.read()
		a.link.close()
		<-a.link.ended
		if !a.greeted {
			close(a.dead) // and no more: the connection is for what comes in its place
			a.early(err)
			return
		}
		a.end(err)
	}()
	a.nudge()
}

func (a *agent) nudge() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// write is the one goroutine that writes: what is queued goes as one write.
func (a *agent) write() {
	for {
		select {
		case <-a.wake:
		case <-a.dead:
			return
		}
		a.mu.Lock()
		b := a.queue
		a.queue, a.wrote = nil, time.Now()
		a.mu.Unlock()
		if len(b) == 0 {
			continue
		}
		if err := a.link.write(b); err != nil {
			a.link.close()
			return
		}
	}
}

// ping keeps both ends sure of each other, from the far end's first word on: sudo may be slower than the limit of silence.
// A far end that is silent for too long is given up.
func (a *agent) ping() {
	tick := time.NewTicker(a.pulse.every / 5)
	defer tick.Stop()
	var pinged time.Time
	for {
		select {
		case <-a.dead:
			return
		case <-tick.C:
		}
		a.mu.Lock()
		quiet, idle := time.Since(a.heard), time.Since(a.wrote)
		a.mu.Unlock()
		if quiet >= a.pulse.silence {
			a.end(fmt.Errorf("no sign of life for %s", a.pulse.silence))
			a.link.conn.close()
			return
		}
		// Requests are signs of life too, and a ping between them would be a turn; but not those whose answers hang.
		if (idle >= a.pulse.every || quiet >= a.pulse.every) && time.Since(pinged) >= a.pulse.every {
			pinged = time.Now()
			a.enqueue(appendFrame(nil, framePing, 0))
		}
	}
}

func (a *agent) enqueue(b []byte) {
	a.mu.Lock()
	a.queue = append(a.queue, b...)
	a.mu.Unlock()
	a.nudge()
}

// cancel ends a request that nobody waits for any more.
func (a *agent) cancel(r *request) {
	if id := r.id.Load(); id != 0 && !r.answered() {
		a.enqueue(appendFrame(nil, frameKill, id))
	}
}

// read takes frames until the end. Whatever comes before the nonce is a login shell's noise.
func (a *agent) read() error {
	r := a.link.r
	if err := skipTo(r, "\x1e"+a.nonce+"\n", &a.link.talk); err != nil {
		return err
	}
	for {
		f, err := readFrame(r)
		if err != nil {
			return err
		}
		if f.kind == frameHello && !a.greeted {
			a.greeted = true
			if err := a.greet(parseHello(string(f.payload))); err != nil {
				return err
			}
			a.mu.Lock()
			a.heard = time.Now()
			a.mu.Unlock()
			go a.ping()
			continue
		}
		a.take(f)
	}
}

// parseHello reads system, uid, boot id, machine id and a reader's version, joined by NUL.
func parseHello(text string) hello {
	f := append(strings.Split(text, "\x00"), "", "", "", "", "")
	return hello{system: f[0], uid: f[1], is: identity{boot: strings.TrimSpace(f[2]), machine: strings.TrimSpace(f[3])}, reader: f[4]}
}

func (a *agent) take(f frame) {
	a.mu.Lock()
	a.heard = time.Now()
	r := a.pending[f.id]
	a.mu.Unlock()
	switch f.kind {
	case framePong:
		return
	case frameCredit:
		a.feedMore(f.id, word32(f.payload))
		return
	}
	if r == nil {
		return
	}
	switch f.kind {
	case frameStdout:
		r.addStdout(f.payload)
	case frameStderr:
		r.addStderr(f.payload)
	case frameStatus:
		a.drop(f.id)
		r.finish(a.status(r, word32(f.payload)))
	case frameNot:
		a.drop(f.id)
		r.fail(notDone(string(f.payload)))
	case frameLocked:
		a.drop(f.id)
		r.finish(answer{lock: string(f.payload)})
	case frameFile:
		a.drop(f.id)
		r.finish(fileAnswer(r, f.payload))
	}
}

func (a *agent) drop(id uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pending, id)
	if f := a.feeds[id]; f != nil {
		f.stop()
		delete(a.feeds, id)
	}
}

func (a *agent) status(r *request, wait uint32) answer {
	if wait == limitOver {
		return answer{err: overLimit(r)}
	}
	ans := r.gathered(exitStatus(wait))
	if err := execFailure(ans, a.nonce); err != nil {
		return answer{err: fmt.Errorf("%s: %w", r.words[0], err)}
	}
	return ans
}

// overLimit is the error of what was given up: a question is stuck, a step was ended.
func overLimit(r *request) error {
	if r.step {
		ans := r.gathered(-1)
		return &host.ExitError{Argv: []string{r.what()}, Exit: -1, Stderr: ans.out.Stderr, Stuck: true}
	}
	return fmt.Errorf("%s: no answer in %s: %w", r.what(), r.limit, host.ErrStuck)
}

func fileAnswer(r *request, payload []byte) answer {
	if len(payload) == 0 || payload[0] != '=' {
		return answer{err: fileError(strings.Fields(r.what())[0], r.words[0], strings.TrimPrefix(string(payload), "!"))}
	}
	a := r.gathered(0)
	a.file = string(payload[1:])
	return a
}

// end is called once with the reason; what was asked has no answer, and what a step did is not known.
func (a *agent) end(err error) {
	a.mu.Lock()
	if a.err != nil {
		a.mu.Unlock()
		return
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the connection ended")
	}
	a.err = err
	if !errors.Is(err, host.ErrUnreachable) {
		a.err = unreachable(a.link.conn.cfg, "%w", err)
	}
	pending, feeds := a.pending, a.feeds
	a.pending, a.feeds = map[uint32]*request{}, map[uint32]*feed{}
	a.mu.Unlock()
	for _, f := range feeds {
		f.stop()
	}
	a.over(a.err) // before anybody gets an error, and asks whether the host may be asked again
	a.orphans(pending)
	close(a.dead)
}

// orphans answers for the far end.
func (a *agent) orphans(pending map[uint32]*request) {
	for _, r := range pending {
		if r.step {
			r.fail(fmt.Errorf("%w: %w", host.ErrLost, a.err))
		} else {
			r.fail(a.err)
		}
	}
}

// unanswered takes what was asked out of an agent that never ran, so that it can be asked by other means.
func (a *agent) unanswered() []*request {
	a.mu.Lock()
	defer a.mu.Unlock()
	var rs []*request
	for id := uint32(1); id <= a.ids; id++ {
		if r := a.pending[id]; r != nil {
			rs = append(rs, r)
			delete(a.pending, id)
		}
	}
	return rs
}

// leave tells the far end to give the lock back and end, and waits for that.
func (a *agent) leave(ctx context.Context) {
	a.link.leaving.Store(true)
	a.enqueue(appendFrame(nil, frameLeave, 0))
	select {
	case <-a.dead:
	case <-ctx.Done():
	}
}
