package sshhost

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestWhatHangsHoldsUpNobody: a question that has no answer is waited for by those that come after it for a moment, for less still once
// it hangs, and not at all once its asker has left; and that a host took long to be up says nothing of how long it takes to answer.
func TestWhatHangsHoldsUpNobody(t *testing.T) {
	for name, c := range map[string]struct {
		hangs time.Duration // since when, as the other is asked
		leave bool          // its asker has left
		most  time.Duration // until the other is sent
	}{
		"just now": {10 * time.Millisecond, false, overlap},
		"hangs":    {hung, false, 2 * quiet},
		"left":     {10 * time.Millisecond, true, 2 * quiet},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const start = 1500 * time.Millisecond // sudo, which asks a slow directory
				sent := map[string]time.Time{}
				w := newWaves(&counters{}, func(rs []*request) {
					for _, r := range rs {
						sent[r.words[0]] = time.Now()
						after := map[string]time.Duration{"first": start, "hangs": time.Hour}[r.words[0]]
						time.AfterFunc(after, func() { r.finish(answer{}) })
					}
				}, func(*request) {})
				first := newRequest(opRun, time.Minute, "first")
				w.add(first)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				go func() { _, _ = w.ask(ctx, newRequest(opRun, time.Minute, "hangs")) }()
				time.Sleep(start)
				w.begin()
				<-first.done
				time.Sleep(c.hangs)
				if c.leave {
					leave()
					synctest.Wait()
				}
				if c.hangs >= hung { // with another answer just now it would be waited for again
					if _, err := w.ask(t.Context(), newRequest(opRun, time.Minute, "beside it")); err != nil {
						t.Fatal(err)
					}
				}
				asked := time.Now()
				if _, err := w.ask(t.Context(), newRequest(opRun, time.Minute, "after it")); err != nil {
					t.Fatal(err)
				}
				if took := sent["after it"].Sub(asked); took > c.most || sent["hangs"].IsZero() {
					t.Errorf("sent after %s, want at most %s", took, c.most)
				}
				w.close(errors.New("over"))
				synctest.Wait()
			})
		})
	}
}
