package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bisc/internal/lab/cluster"
	"bisc/internal/lab/standin/validator"
)

// ending is how a run of stop ended, after the validator's own end by its own record.
type ending struct {
	pod  time.Duration // until the API had no pod of it: the kubelet's part
	bisc time.Duration // until bisc had ended
}

// stops measures how long after the validator's true end bisc run stop returns. The validator takes its time, as a real one does, so that
// bisc waits as it waits then. All clocks are this machine's.
func (h *house) stops(ctx context.Context) (string, error) {
	var all []ending
	for range h.runs {
		e, err := h.stopOnce(ctx)
		if err != nil {
			return "", err
		}
		all = append(all, e)
		fmt.Fprintln(os.Stderr, "stop: pod gone", e.pod, "bisc ended", e.bisc)
	}
	pod := middle(all, func(e ending) int64 { return int64(e.pod) })
	whole := middle(all, func(e ending) int64 { return int64(e.bisc) })
	var worst int64
	for _, e := range all {
		worst = max(worst, int64(e.bisc))
	}
	var out strings.Builder
	out.WriteString("| bisc run stop, after the validator's own end | median | worst | asked |\n|---|---|---|---|\n")
	fmt.Fprintf(&out, "| the API has no pod of it any more | %s | | |\n| bisc has ended | **%s** | %s | 1 s |\n",
		seconds(time.Duration(pod)), seconds(time.Duration(whole)), seconds(time.Duration(worst)))
	fmt.Fprintf(&out, "\n%d runs; the validator took 7 s to exit.", len(all))
	return out.String(), nil
}

func (h *house) stopOnce(ctx context.Context) (e ending, err error) {
	ledger, log := filepath.Join(h.host.Root(), "srv/kind/solana/ledger"), filepath.Join(h.host.Root(), "srv/kind/solana/log")
	if err := validator.WriteFault(ledger, validator.Fault{Exit: validator.ExitSlow, ExitSeconds: 7}); err != nil {
		return e, err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	gone := make(chan time.Time, 1)
	go func() { gone <- h.podGone(watching) }()
	if _, err := h.bisc(ctx, []int{0}, "run", "stop", "--auto-approve"); err != nil {
		return e, err
	}
	ended := time.Now()
	runs, err := validator.ReadRuns(log)
	if err != nil || len(runs) == 0 || runs[len(runs)-1].Event != validator.Exited {
		return e, fmt.Errorf("the validator's record does not end with a clean exit: %v, %v", runs, err)
	}
	at := runs[len(runs)-1].At
	pod := <-gone
	if pod.IsZero() {
		return e, errors.New("the pod's end was not seen")
	}
	e = ending{pod.Sub(at), ended.Sub(at)}
	if _, err := h.bisc(ctx, []int{0}, "run", "start", "--auto-approve"); err != nil {
		return e, err
	}
	return e, h.site.Answers(ctx)
}

// podGone waits until the API has no pod of the validator's; zero where it was not seen.
func (h *house) podGone(ctx context.Context) time.Time {
	api, err := h.site.Connect(ctx)
	if err != nil {
		return time.Time{}
	}
	for ctx.Err() == nil {
		pods, err := api.Resource(cluster.Pods).Namespace(h.site.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + h.site.ID})
		if err == nil && len(pods.Items) == 0 {
			return time.Now()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Time{}
}
