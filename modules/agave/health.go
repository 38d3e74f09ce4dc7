package agave

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"bisc/internal/host"
)

// HealthQuery says whom to ask how far a validator is.
type HealthQuery struct {
	RPC        string        // the validator's own JSON-RPC as the host reaches it: http://127.0.0.1:8899
	ClusterRPC string        // the cluster's, asked from the same host; "": not asked, and the gap is the validator's own word
	Window     time.Duration // between the two looks by which rates are measured; 0: no second look, and no rates
}

// HealthState is what became of the question.
type HealthState string

// The states. A validator that loads its snapshot listens nowhere for many minutes: its process tells it from one that is gone.
const (
	Answers  HealthState = "answers"  // the RPC gives a slot
	Starting HealthState = "starting" // a process lives, and its RPC is silent
	Leaving  HealthState = "leaving"  // so it is, and the process is exiting or stuck: see Process
	Gone     HealthState = "gone"     // no process lives, and nobody listens
)

// Health is how far a validator is, and how fast it goes.
type Health struct {
	State   HealthState
	Process *Process // where the RPC is silent, and one lives
	Silence error    // why the RPC is silent
	// Word is the validator's own: "ok", or what getHealth says instead.
	Word string
	// Slot is the validator's, ClusterSlot the cluster's, both of the last look. Gap is how many slots it is behind; less than 0
	// is ahead of what was asked.
	Slot, ClusterSlot uint64
	Gap               int64
	GapKnown          bool
	// GapUnknown says why there is no gap.
	GapUnknown error
	// Own and Cluster are slots a second, measured; nothing is assumed of either.
	Own, Cluster Rate
}

// Rate is slots a second between two looks.
type Rate struct {
	PerSecond float64
	Known     bool
	Window    time.Duration // between the two answers
}

// Lag is the gap in the cluster's time. Where the cluster did not move, or was not measured, it is not known.
func (h Health) Lag() (time.Duration, bool) {
	switch {
	case h.GapKnown && h.Gap <= 0:
		return 0, true
	case !h.GapKnown || !h.Cluster.Known || h.Cluster.PerSecond <= 0:
		return 0, false
	}
	return seconds(float64(h.Gap) / h.Cluster.PerSecond), true
}

// Closing is how many slots a second the gap shrinks by, and whether that is more than the looks can tell: a slot at either end of
// either measurement is chance.
func (h Health) Closing() (perSecond float64, known bool) {
	if !h.Own.Known || !h.Cluster.Known {
		return 0, false
	}
	d := h.Own.PerSecond - h.Cluster.PerSecond
	chance := 2 / min(h.Own.Window, h.Cluster.Window).Seconds()
	return d, d > chance || d < -chance
}

// ETA is when the gap will be closed if both go on as they do. It is not known where that is not measurably ever.
func (h Health) ETA() (time.Duration, bool) {
	if h.GapKnown && h.Gap <= 0 {
		return 0, true
	}
	closing, known := h.Closing()
	if !h.GapKnown || !known || closing <= 0 {
		return 0, false
	}
	return seconds(float64(h.Gap) / closing), true
}

func seconds(s float64) time.Duration {
	const most = 1 << 30 // 34 years: a Duration holds 292
	return time.Duration(min(s, most) * float64(time.Second)).Round(time.Second)
}

// look is one answer of each, and when it came.
type look struct {
	own, cluster       uint64
	ownAt, clusterAt   time.Time
	ownErr, clusterErr error
}

// ReadHealth asks. An error means that the host itself did not answer, or that nothing can be said of the validator: a silent RPC
// and a silent cluster are answers.
func ReadHealth(ctx context.Context, r host.Reader, q HealthQuery) (Health, error) {
	ctx = host.Anew(ctx)
	var h Health
	first, err := h.first(ctx, r, q)
	if err != nil || h.State != Answers {
		return h, err
	}
	h.take(first, q)
	if q.Window <= 0 || q.ClusterRPC == "" || h.GapKnown && h.Gap <= 0 {
		return h, nil
	}
	select {
	case <-ctx.Done():
		return h, fmt.Errorf("wait for the slots to move: %w", context.Cause(ctx))
	case <-time.After(q.Window):
	}
	second := lookAt(ctx, r, q)
	if second.ownErr != nil {
		return h, fmt.Errorf("the second of two looks: %w", second.ownErr)
	}
	h.take(second, q)
	h.Own = rate(first.own, second.own, second.ownAt.Sub(first.ownAt))
	if first.clusterErr == nil && second.clusterErr == nil {
		h.Cluster = rate(first.cluster, second.cluster, second.clusterAt.Sub(first.clusterAt))
	}
	return h, nil
}

// first looks once, with what is asked once only.
func (h *Health) first(ctx context.Context, r host.Reader, q HealthQuery) (look, error) {
	var l look
	var healthErr error
	err := host.Ask(ctx,
		func(ctx context.Context) error { l = lookAt(ctx, r, q); return nil },
		func(ctx context.Context) error { h.Word, healthErr = ownWord(ctx, r, q.RPC); return nil },
	)
	if err != nil {
		return l, err
	}
	switch {
	case l.ownErr == nil:
		h.State = Answers
		if healthErr != nil {
			h.Word = healthErr.Error()
		}
		return l, nil
	case errors.Is(l.ownErr, host.ErrUnreachable), errors.Is(l.ownErr, host.ErrForwarding), ctx.Err() != nil:
		return l, l.ownErr
	}
	var refused *host.RPCError
	if errors.As(l.ownErr, &refused) {
		return l, l.ownErr
	}
	h.Silence, h.Word = l.ownErr, ""
	return l, h.silent(ctx, r)
}

// silent tells by the host's process table why nobody answers.
func (h *Health) silent(ctx context.Context, r host.Reader) error {
	processes, unread, err := readProcesses(ctx, r)
	if err = errors.Join(err, unread); err != nil {
		return fmt.Errorf("the validator's RPC is silent (%w), and whether it lives is not known: %w", h.Silence, err)
	}
	h.State = Gone
	for _, p := range processes {
		if h.Process == nil || rank(p.State) > rank(h.Process.State) {
			h.Process = &p
		}
	}
	switch {
	case h.Process == nil && errors.Is(h.Silence, host.ErrStuck):
		return fmt.Errorf("no validator's process lives on the host, and yet something takes the question at its RPC (docker does, for a node whose validator is down): %w", h.Silence)
	case h.Process == nil: // where docker publishes the port, its proxy takes the question and hangs up at once
	case h.Process.State == Running:
		h.State = Starting
	default:
		h.State = Leaving
	}
	return nil
}

// take makes the gap of a look.
func (h *Health) take(l look, q HealthQuery) {
	h.Slot, h.ClusterSlot = l.own, l.cluster
	h.GapKnown, h.GapUnknown = false, nil
	switch {
	case q.ClusterRPC == "":
		h.GapUnknown = errors.New("no cluster was asked")
	case l.clusterErr != nil:
		h.GapUnknown = fmt.Errorf("the cluster's slot: %w", l.clusterErr)
	default:
		h.Gap, h.GapKnown = int64(l.cluster)-int64(l.own), true
	}
}

func lookAt(ctx context.Context, r host.Reader, q HealthQuery) (l look) {
	_ = host.Ask(ctx, // the errors are kept apart
		func(ctx context.Context) error {
			l.own, l.ownErr = slotOf(ctx, r, q.RPC)
			l.ownAt = time.Now()
			return nil
		},
		func(ctx context.Context) error {
			if q.ClusterRPC != "" {
				l.cluster, l.clusterErr = slotOf(ctx, r, q.ClusterRPC)
				l.clusterAt = time.Now()
			}
			return nil
		})
	return l
}

// slotOf asks for the slot that is being processed: at the cluster's usual commitment (finalized) it would be about 32 behind.
func slotOf(ctx context.Context, r host.Reader, url string) (uint64, error) {
	text, err := r.RPC(ctx, host.RPCQuery{URL: url, Method: "getSlot", Params: `[{"commitment":"processed"}]`})
	if err != nil {
		return 0, err
	}
	slot, err := strconv.ParseUint(string(text), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("getSlot at %s: %q is no slot", url, shortened(text))
	}
	return slot, nil
}

// ownWord is what the validator says of itself.
func ownWord(ctx context.Context, r host.Reader, url string) (string, error) {
	text, err := r.RPC(ctx, host.RPCQuery{URL: url, Method: "getHealth"})
	var no *host.RPCError
	if errors.As(err, &no) {
		return no.Message, nil
	}
	if err != nil {
		return "", err
	}
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return "", fmt.Errorf("getHealth at %s: %q is no word", url, shortened(text))
	}
	return word, nil
}

func shortened(text []byte) string {
	if len(text) > 60 {
		return string(text[:60]) + "..."
	}
	return string(text)
}

// rate is what two looks tell. A public endpoint is several servers, and one may be behind another: slots that go back tell nothing.
func rate(first, second uint64, between time.Duration) Rate {
	if between <= 0 || second < first {
		return Rate{}
	}
	return Rate{PerSecond: float64(second-first) / between.Seconds(), Known: true, Window: between}
}
