package snapshots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Ask puts a question to the cluster's JSON-RPC and gives its result. *Refusal is the server's own no.
type Ask func(ctx context.Context, method, params string) ([]byte, error)

// Refusal is a JSON-RPC server's error.
type Refusal struct {
	Code    int
	Message string
}

// Error gives code and message.
func (r *Refusal) Error() string {
	return fmt.Sprintf("the cluster's RPC answered %d: %s", r.Code, r.Message)
}

// Tip is the cluster's finalized slot.
func Tip(ctx context.Context, ask Ask) (uint64, error) {
	text, err := ask(ctx, "getSlot", `[{"commitment":"finalized"}]`)
	if err != nil {
		return 0, fmt.Errorf("ask the cluster for its slot: %w", err)
	}
	var slot uint64
	if err := json.Unmarshal(text, &slot); err != nil || slot == 0 {
		return 0, fmt.Errorf("ask the cluster for its slot: it answered %.80q", text)
	}
	return slot, nil
}

const (
	rateSlots  = 5000 // block times are whole seconds: over so many slots, half an hour, the error is a thousandth
	rateTries  = 6    // slots beside each end that may have been skipped
	rateWindow = 4 * time.Second
)

// Rate is how many slots a second the cluster makes: by the block times of two slots half an hour apart; where the server
// keeps none, by its slot at two moments some seconds apart.
func Rate(ctx context.Context, ask Ask, tip uint64) (float64, error) {
	far := uint64(1)
	if tip > rateSlots {
		far = tip - rateSlots
	}
	late, at, err := blockTime(ctx, ask, tip)
	if err == nil {
		var early uint64
		var from int64
		if early, from, err = blockTime(ctx, ask, far); err == nil && at > from && late > early {
			return float64(late-early) / float64(at-from), nil
		}
	}
	if err != nil && !errors.As(err, new(*Refusal)) {
		return 0, fmt.Errorf("measure the cluster's slots a second: %w", err)
	}
	return rateByWatching(ctx, ask)
}

// blockTime finds the time of a slot, or of one right before it: -32007 and -32009 are a slot that was skipped.
func blockTime(ctx context.Context, ask Ask, slot uint64) (uint64, int64, error) {
	var last error
	for try := uint64(0); try < rateTries && slot > try; try++ {
		text, err := ask(ctx, "getBlockTime", fmt.Sprintf("[%d]", slot-try))
		var no *Refusal
		if errors.As(err, &no) && (no.Code == -32007 || no.Code == -32009 || no.Code == -32004) {
			last = err
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		var at *int64
		if json.Unmarshal(text, &at) == nil && at != nil {
			return slot - try, *at, nil
		}
		last = &Refusal{Message: "it keeps no time of the slot"}
	}
	return 0, 0, last
}

func rateByWatching(ctx context.Context, ask Ask) (float64, error) {
	first, err := Tip(ctx, ask)
	from := time.Now()
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case <-time.After(rateWindow):
	}
	second, err := Tip(ctx, ask)
	if err != nil {
		return 0, err
	}
	if second <= first {
		return 0, fmt.Errorf("measure the cluster's slots a second: its slot stayed at %d for %s: write the limit in slots, or ask another RPC", first, rateWindow)
	}
	return float64(second-first) / time.Since(from).Seconds(), nil
}
