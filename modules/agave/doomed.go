package agave

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/hostbin/letexit"
	"bisc/internal/host"
	"bisc/modules"
)

// doomed is a validator in a pod that is being deleted: the kubelet kills it when the grace is over. Nothing takes a deletion back, so to
// ask it to exit is right whatever else cannot be done.
type doomed struct {
	Process
	pod Pod
}

// heard is how long after a deletion bisc asks: a kubelet that has not heard of it yet starts a validator again that exits.
const heard = 5 * time.Second

// doomedOf are those that run, of the pods: what is stuck, and may not even answer, last.
func doomedOf(all []Process, pods []Pod) (out []doomed) {
	for _, p := range all {
		i := slices.IndexFunc(pods, func(pod Pod) bool { return pod.UID == p.Home.Pod })
		if p.Whose == Own && p.Why != itAsks && i >= 0 && pods[i].Deleting {
			out = append(out, doomed{p, pods[i]})
		}
	}
	slices.SortStableFunc(out, func(a, b doomed) int { return stuckLast(a.Process, b.Process) })
	return out
}

func stuckLast(a, b Process) int {
	switch {
	case a.State == b.State:
		return 0
	case a.State == Stuck:
		return 1
	case b.State == Stuck:
		return -1
	}
	return 0
}

// left is how much of the grace is, by the host's clock; less than nothing where it is over, and all of it where the clock is not known.
func (d doomed) left(now time.Time) time.Duration {
	if now.IsZero() {
		return d.pod.Grace
	}
	return d.pod.Ends.Sub(now)
}

// fresh tells that the kubelet may not have heard of the deletion yet, and that there is time to wait until it has.
func (d doomed) fresh(now time.Time) bool { return d.left(now) > max(d.pod.Grace-heard, 3*heard) }

// orphans are those of the deployment whose pod's object is gone (kubectl delete --force): the kubelet kills them, and brings none back.
func orphans(all []Process, pods []Pod) []Process {
	return slices.DeleteFunc(slices.Clone(all), func(p Process) bool {
		return p.Whose != Own || p.Home.Pod == "" || p.Why == itAsks || slices.ContainsFunc(pods, func(pod Pod) bool { return pod.UID == p.Home.Pod })
	})
}

// remaining says it to a person, with what to do where bisc cannot.
func (d doomed) remaining(now time.Time) string {
	left := fmt.Sprintf("the kubelet kills it in %s", d.left(now).Round(time.Second))
	switch {
	case now.IsZero():
		left += " at most"
	case d.left(now) <= 0:
		left = "its grace is over, by the host's clock"
	}
	return fmt.Sprintf("%s, in %s; %s. By hand, on the host as root: %s", d.Process, d.pod, left, d.byHand())
}

// askDoomed has them asked to exit by bisc itself, and waits for as long as the kubelet does.
func askDoomed(c *modules.Change, all []doomed, now time.Time) {
	var names, text []string
	for _, d := range all {
		names, text = append(names, d.Process.String()), append(text, d.remaining(now))
		c.Settle = max(c.Settle, time.Minute, d.left(now)+time.Minute)
	}
	askAll(c, all, now)
	c.Diffs = append(c.Diffs, modules.Diff{Attr: "validator", Got: strings.Join(names, "; ") + ", in a pod that is being deleted", Want: "asked to exit, and gone", Text: strings.Join(text, "\n") + "\n"})
}

// askAll is the steps by which they are asked, when the kubelet has heard.
func askAll(c *modules.Change, all []doomed, now time.Time) {
	if slices.ContainsFunc(all, func(d doomed) bool { return d.fresh(now) }) {
		c.Do(host.Script{Argv: []string{"sleep", fmt.Sprint(int(heard / time.Second))}, Limit: time.Minute})
	}
	for _, d := range all {
		c.Do(askingOn(d.Process))
	}
}

// persist asks again where that failed (one that just starts has no socket yet), and never fails itself.
func persist(script string) string {
	return "once() (\n" + script + `
)
n=0
until once "$@"; do
  n=$((n + 1))
  [ "$n" -lt 5 ] || exit 0
  sleep 2
done
`
}

// askingOn is the step that asks one where more is to be done whether or not it can be: others are to be asked, a watch is to begin. That it
// lives on is what is seen then.
func askingOn(p Process) host.Step {
	argv := []string{"sh", "-c", persist(letexit.Script), "let-validator-exit", strconv.Itoa(p.PID), strconv.FormatUint(p.Start, 10)}
	return host.Script{Argv: argv, Limit: time.Minute}
}
