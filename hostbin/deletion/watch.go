// Package deletion watches a validator's pods on the host that they run on, and asks the validator to exit once they are being deleted.
//
// Agave does not end by SIGTERM: a pod's deletion waits for the grace to run out and then kills it, in the middle of its writes. Who
// deletes the pod asks the validator to exit meanwhile, by its admin socket; this does so where that one has died.
package deletion

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"bisc/hostbin/letexit"
)

// Watch is what is watched, and how.
type Watch struct {
	Pods  *Pods
	Every time.Duration // between two looks
	Again time.Duration // after it one that was asked, and still lives, is asked again
	Say   io.Writer     // a line for each change

	whose map[Process]bool      // the pods', or not; those of which it cannot be told are not in it
	asked map[Process]time.Time // and when
	going bool                  // for good: nothing takes a deletion back
	said  string
}

// Run watches until the pods are gone and no process of theirs is left, or the context ends.
func (w *Watch) Run(ctx context.Context) error {
	w.asked, w.whose = map[Process]time.Time{}, map[Process]bool{}
	turn := time.NewTicker(w.Every)
	defer turn.Stop()
	for !w.turn(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("ended while it watched: %w", context.Cause(ctx))
		case <-turn.C:
		}
	}
	return nil
}

// turn looks once. When the pods are first seen going nobody is asked yet, but the next time: the kubelet hears of it when we do, and
// one that does not know yet starts a validator that has exited again.
func (w *Watch) turn(ctx context.Context) (done bool) {
	now, others, untold, unread := w.validators()
	fate, err := w.Pods.Fate(ctx)
	switch {
	case err != nil && !w.going:
		w.say("it is not known whether the pods are being deleted, and nobody is asked: %v", err)
		return false
	case !w.going && !fate.Going:
		w.arm(now, others, untold, unread)
		return false
	case !w.going:
		w.going = true
		w.say("%s: the pods %s", letexit.Going, w.Pods.Watched)
		return false
	}
	if unread != nil {
		w.say("%s, and the processes cannot be read: %v", letexit.Going, unread)
		return false
	}
	if len(now) == 0 && len(untold) > 0 {
		w.say("%s, and it cannot be told whose %s are", letexit.Going, untold)
		return false
	}
	if len(now) == 0 {
		w.say("%s, and no process of theirs is left", letexit.Going)
		return err == nil && fate.Gone // until then the kubelet may start it again
	}
	w.ask(ctx, now)
	return false
}

// validators are those of the pods that live, those of other making, and those of which it cannot be told.
func (w *Watch) validators() (own, others, untold []Process, err error) {
	all, err := Validators()
	for _, p := range all {
		if uid, container, told := home(p.PID); told {
			w.whose[p] = w.Pods.owns(uid, container)
		}
		switch ours, known := w.whose[p]; {
		case ours:
			own = append(own, p)
		case known:
			others = append(others, p)
		default:
			untold = append(untold, p)
		}
	}
	return own, others, untold, err
}

// arm says that the pods stay, and who is asked once they do not.
func (w *Watch) arm(now, others, untold []Process, unread error) {
	if unread != nil {
		w.say("the processes cannot be read: %v", unread)
		return
	}
	also := ""
	if len(others) > 0 {
		also = fmt.Sprintf("; not of these pods, and asked nothing: %s", others)
	}
	if len(untold) > 0 {
		also += fmt.Sprintf("; asked nothing while it cannot be told whose they are: %s", untold)
	}
	w.say("%s: nobody deletes the pods %s; the validators %s are asked to exit when somebody does%s", letexit.Armed, w.Pods.Watched, now, also)
}

// askLimit ends what asks, where it hangs as what it asks does.
const askLimit = time.Minute

// ask asks each that was not asked yet, or long ago. One that starts has no socket yet: it is asked at each turn.
func (w *Watch) ask(ctx context.Context, left []Process) {
	for _, p := range left {
		if at, was := w.asked[p]; was && time.Since(at) < w.Again {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, askLimit)
		cmd := exec.CommandContext(limited, "/bin/sh", "-c", letexit.Script, "let-validator-exit", strconv.Itoa(p.PID), strconv.FormatUint(p.Start, 10))
		cmd.WaitDelay = time.Second
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			w.say("%s, and %s %s (%v): %s", letexit.Going, p, letexit.NotAsked, err, strings.Join(strings.Fields(string(out)), " "))
			continue
		}
		w.asked[p] = time.Now()
		w.say("%s: %s was asked to exit", letexit.Going, p)
	}
}

// say writes what is new.
func (w *Watch) say(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); text != w.said {
		w.said = text
		fmt.Fprintln(w.Say, text)
	}
}
