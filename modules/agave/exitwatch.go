package agave

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/hostbin"
	"bisc/hostbin/letexit"
	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/job"
)

// watchLimit is how long a watch lives: an operator may take that long over a stage. One with less than watchLeast left is begun anew:
// it must outlive the grace of the pod that is deleted next.
const (
	watchLimit = 2 * time.Hour
	watchLeast = 30 * time.Minute
)

// watchPrefix begins a watch's id, which no other pods' watch has: so ended ones are left, and their words kept for watchKept days.
const (
	watchPrefix = "exit-on-deletion-"
	watchKept   = 7
)

// exitWatch is the program on the host that asks a validator to exit when its pods, and no others, are being deleted.
type exitWatch struct {
	kubeconfig, context, namespace, container string
	pods                                      []Pod
}

// job is the watch's, one for these very pods, whoever starts it. at is the program's path.
func (w exitWatch) job(at string) job.Job {
	argv := []string{at, "--kubeconfig", w.kubeconfig, "--namespace", w.namespace, "--container", w.container}
	if w.context != "" {
		argv = append(argv, "--context", w.context)
	}
	var uids []string
	for _, p := range slices.SortedFunc(slices.Values(w.pods), func(a, b Pod) int { return strings.Compare(a.UID, b.UID) }) {
		uids = append(uids, p.UID)
		argv = append(argv, "--pod", letexit.Pod{Name: p.Name, UID: p.UID}.String())
	}
	sum := sha256.Sum256([]byte(strings.Join(uids, " ")))
	return job.Job{ID: watchPrefix + hex.EncodeToString(sum[:6]), Argv: argv, Limit: watchLimit}
}

// watchSeen is what was observed of a watch.
type watchSeen struct {
	exitWatch
	job   job.State
	start []host.Step // what brings it to work; none where it is

	unread error // why nothing is known of it
}

// idle says why it asks nobody now.
func (s watchSeen) idle() string {
	if s.unread != nil {
		return fmt.Sprintf("nothing is known of that (%v)", s.unread)
	}
	return "that is not at work"
}

func (w exitWatch) read(ctx context.Context, h host.Reader) (s watchSeen, err error) {
	s.exitWatch = w
	if s.job, err = w.job("").Read(ctx, h); err != nil || s.lasts() {
		return s, err
	}
	at, steps, err := pushed(ctx, h, hostbin.Exit)
	if err != nil {
		return s, err
	}
	if s.job.Phase == job.Running {
		steps = append(steps, w.job(at).End())
	}
	s.start = append(append(steps, w.job(at).Start()...), job.Prune(watchPrefix, watchKept))
	return s, nil
}

// lasts tells whether the watch is at work, and will be for what comes.
func (s watchSeen) lasts() bool {
	return s.job.Phase == job.Running && (allDeleting(s.pods) || s.job.Left() >= watchLeast)
}

// told tells whether it has seen the pods.
func (s watchSeen) told() bool {
	return strings.HasPrefix(s.job.LastLine, letexit.Armed) || strings.HasPrefix(s.job.LastLine, letexit.Going)
}

// armed is the whole sense of exit_on_deletion: those whose grace runs already are asked first, by bisc itself, and whether or not a watch
// can begin for the others. unread is why nothing is known of the watch.
func (s watchSeen) armed(unread error, grace []doomed, now time.Time) (c modules.Change, err error) {
	if unread == nil {
		c = s.decide()
	}
	if len(grace) == 0 || unread == nil && c.InSync() {
		return c, unread
	}
	watch := c.Steps
	c.Steps, c.Ended = nil, "" // while one of them lives its end is what is waited for
	askDoomed(&c, grace, now)
	if unread != nil {
		c.Diffs[len(c.Diffs)-1].Text += fmt.Sprintf("no watch is begun: %v\n", unread)
	}
	c.Do(watch...)
	return c, nil
}

// decide says what brings the watch to work.
func (s watchSeen) decide() (c modules.Change) {
	if s.lasts() && s.told() {
		return c
	}
	var names []string
	for _, p := range s.pods {
		names = append(names, p.String())
	}
	c.Differ("watch", s.job.String(), letexit.Armed+", and has seen "+strings.Join(names, "; "))
	c.Do(s.start...)
	c.Settle = time.Minute
	if s.job.Phase == job.Failed || s.job.Phase == job.Lost {
		c.Ended = "the job " + s.job.ID + " " + s.job.String()
	}
	return c
}
