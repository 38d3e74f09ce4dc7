package sshhost

import (
	"context"
	"sync"
	"time"
)

// stopwatch ends a context after a time in which no person was waited for.
type stopwatch struct {
	mu     sync.Mutex
	timer  *time.Timer
	left   time.Duration
	began  time.Time
	paused int
	asked  bool // it was paused, ever
}

// limited is ctx with a limit that does not count the time of pauses. why is its cause when the limit is over.
func limited(ctx context.Context, limit time.Duration, why error) (context.Context, *stopwatch, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &stopwatch{left: limit, began: time.Now()}
	w.timer = time.AfterFunc(limit, func() { cancel(why) })
	return ctx, w, func() { w.timer.Stop(); cancel(context.Canceled) }
}

// pause stops the time until resume is called: somebody is typing.
func (w *stopwatch) pause() (resume func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = true
	if w.paused++; w.paused == 1 && w.timer.Stop() {
		w.left -= time.Since(w.began)
	}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.paused--; w.paused == 0 {
			w.began = time.Now()
			w.timer.Reset(max(w.left, time.Millisecond))
		}
	}
}

// wasPaused tells whether a person was waited for.
func (w *stopwatch) wasPaused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}
