package sshhost

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// When a wave goes out. Hundreds of goroutines ask at about the same time, get their answers at about the same time, and
// then ask what depends on them: as long as nobody writes between, each such wave costs one turn whatever its size.
const (
	quiet    = 2 * time.Millisecond   // nobody has asked for so long,
	stirring = 5 * time.Microsecond   // and so much for each who was answered last: they are about to ask on
	gather   = 20 * time.Millisecond  // but a steady trickle is not waited for longer,
	each     = 100 * time.Microsecond // and so much for each that has come: thousands take their time to ask
	late     = time.Millisecond       // a timer this late means that the askers are starved too
	overlap  = 100 * time.Millisecond // answers of the wave before are waited for while they come; longer on a slow host,
	slow     = time.Second            // but not longer than this after the last one,
	patience = 5 * time.Second        // and a trickle of them holds up nothing longer.
	hung     = 2 * time.Second        // a question without an answer for so long is waited for by none but its asker
)

// waves gathers requests and sends them as joint writes.
type waves struct {
	send   func([]*request) // one write
	cancel func(*request)
	stats  *counters

	mu       sync.Mutex
	queue    []*request
	first    time.Time     // when the queue's first came
	last     time.Time     // when its last came
	size     int           // of the last wave
	asked    int           // questions sent and not answered
	answered time.Time     // when the last answer came, or the last wave went
	gone     time.Time     // when the last wave went; zero once it has its first answer
	pace     time.Duration // how long that took
	up       bool          // the far end answers: what came before was its start, and tells nothing of its pace
	inflight map[string]*request
	closed   error
	wake     chan struct{}
	over     chan struct{}
}

func newWaves(stats *counters, send func([]*request), cancel func(*request)) *waves {
	w := &waves{
		send: send, cancel: cancel, stats: stats, inflight: map[string]*request{},
		wake: make(chan struct{}, 1), over: make(chan struct{}),
	}
	go w.run()
	return w
}

// ask adds a request and waits for its answer. A question that is under way already is not asked again.
func (w *waves) ask(ctx context.Context, r *request) (*answer, error) {
	r = w.add(r)
	a, err := r.wait(ctx)
	if err != nil && ctx.Err() != nil {
		w.abandon(r)
	}
	return a, err
}

func (w *waves) add(r *request) *request {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed != nil {
		r.fail(w.closed)
		return r
	}
	key := r.key()
	if same := w.inflight[key]; key != "" && same != nil && !same.answered() {
		same.waiters++
		w.stats.add(func(s *Stats) { s.Joined++ })
		return same
	}
	if key != "" {
		w.inflight[key] = r
	}
	r.waiters = 1
	w.enqueue(r)
	return r
}

// enqueue is called with the lock held.
func (w *waves) enqueue(r *request) {
	if w.closed != nil {
		go r.fail(w.closed)
		return
	}
	w.last = time.Now()
	if len(w.queue) == 0 {
		w.first = w.last
	}
	w.queue = append(w.queue, r)
	w.nudge()
}

func (w *waves) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// abandon ends a request that its last waiter has left. A step is ended too; the far end says what became of it.
func (w *waves) abandon(r *request) {
	w.mu.Lock()
	r.waiters--
	gone := r.waiters <= 0
	if key := r.key(); gone && w.inflight[key] == r {
		delete(w.inflight, key)
	}
	if i := slices.Index(w.queue, r); gone && i >= 0 { // not sent, and never will be
		w.queue = slices.Delete(w.queue, i, i+1)
		w.mu.Unlock()
		r.fail(errUnsent)
		return
	}
	release := r.release
	w.mu.Unlock()
	if !gone {
		return
	}
	if release != nil { // what hangs in the kernel is answered when it ends, if ever
		release()
	}
	w.cancel(r)
}

// errUnsent is the answer of what was given up before it was sent: nothing happened.
var errUnsent = errors.New("given up before it was sent")

// forget lets no later question share an answer that is under way now: a step is about to change the host, or has.
func (w *waves) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inflight = map[string]*request{}
}

func (w *waves) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		batch, wait := w.due(time.Now())
		if len(batch) > 0 {
			w.send(batch)
			continue
		}
		due := time.Now().Add(wait)
		timer.Reset(wait)
		select {
		case <-w.wake:
		case <-timer.C:
			if time.Since(due) > late {
				w.notQuiet()
			}
		case <-w.over:
			return
		}
	}
}

// notQuiet says that silence just now proves nothing.
func (w *waves) notQuiet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = time.Now()
}

// due takes the queue if it may go, or tells how long to wait.
func (w *waves) due(now time.Time) ([]*request, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return nil, time.Hour
	}
	at := earlier(w.last.Add(quiet+time.Duration(w.size)*stirring), w.first.Add(gather+time.Duration(len(w.queue))*each))
	if w.asked > 0 {
		at = later(at, earlier(w.answered.Add(max(overlap, min(2*w.pace, slow))), w.first.Add(patience)))
	}
	if now.Before(at) {
		return nil, at.Sub(now)
	}
	w.size = len(w.queue)
	batch := w.merge(w.queue)
	w.queue = nil
	w.answered = now
	if w.up {
		w.gone = now
	}
	for _, r := range batch {
		w.count(r)
	}
	w.stats.add(func(s *Stats) { s.Waves++; s.Requests += len(batch) })
	return batch, 0
}

// count keeps the number of questions under way. The lock is held.
func (w *waves) count(r *request) {
	if !r.question() {
		return
	}
	w.asked++
	release := sync.OnceFunc(w.released)
	r.release = release
	timer := w.hanging(hung, release)
	r.chain(func(answer) {
		timer.Stop()
		w.mu.Lock()
		w.answered = time.Now()
		if !w.gone.IsZero() {
			w.pace, w.gone = w.answered.Sub(w.gone), time.Time{}
		}
		w.mu.Unlock()
		release()
	})
}

// hanging calls release once a question is out for so long and the far end has answered nothing else for a while: one that is busy with
// a thousand answers hangs with none of them.
func (w *waves) hanging(after time.Duration, release func()) *time.Timer {
	return time.AfterFunc(after, func() {
		w.mu.Lock()
		since := time.Since(w.answered)
		w.mu.Unlock()
		if since < slow {
			w.hanging(slow-since, release)
			return
		}
		release()
	})
}

// released has a question waited for no more by those that come after it: it is answered, or hangs, or nobody wants to know.
func (w *waves) released() {
	w.mu.Lock()
	w.asked--
	w.mu.Unlock()
	w.nudge()
}

// begin says that the far end answers from now on.
func (w *waves) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.up = true
}

// close fails what is not sent and all that follows.
func (w *waves) close(err error) {
	w.mu.Lock()
	if w.closed != nil {
		w.mu.Unlock()
		return
	}
	w.closed = err
	rest := w.queue
	w.queue = nil
	close(w.over)
	w.mu.Unlock()
	for _, r := range rest {
		r.fail(err)
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
