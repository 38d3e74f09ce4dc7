package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"bisc/layers"
)

// Observation is what was seen of an item in a run.
type Observation struct {
	Run, Host, Address string
	Digest             string // of what the plan wants of it
	State              string // layers.State.String()
	Diff               string // what differs, as a person reads it; never content
	At                 time.Time
}

// seen is what of an observation no question is asked by.
type seen struct {
	Diff string `json:"diff,omitempty"`
}

// Observe records observations, all or none, and only those that are not as the last one of their address: what is
// recorded is since when something is so. It returns how many were.
func (j *Journal) Observe(ctx context.Context, all ...Observation) (changed int, err error) {
	if len(all) == 0 {
		return 0, nil
	}
	err = j.write(ctx, func(tx *sql.Tx) error {
		changed = 0
		for _, o := range all {
			r := record{kind: kindSeen, at: at(o.At), run: o.Run, host: o.Host, address: o.Address, digest: o.Digest,
				state: o.State, body: encode(seen{o.Diff})}
			known, err := r.isKnown(ctx, tx)
			if err != nil {
				return err
			}
			if known {
				continue
			}
			if _, err := r.appendTo(ctx, tx); err != nil {
				return err
			}
			changed++
		}
		return nil
	})
	return changed, err
}

// isKnown tells whether the last observation of the address was the same.
func (r record) isKnown(ctx context.Context, tx *sql.Tx) (bool, error) {
	var last record
	err := tx.QueryRowContext(ctx, `SELECT digest, state, body FROM record WHERE address = ? AND kind = 'seen'
		ORDER BY seq DESC LIMIT 1`, r.address).Scan(&last.digest, &last.state, &last.body)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return last.digest == r.digest && last.state == r.state && last.body == r.body, err
}

// InSync records that an item was seen in sync.
func (j *Journal) InSync(ctx context.Context, address, digest string, at time.Time) error {
	host, _, _ := cutHost(address)
	_, err := j.Observe(ctx, Observation{Host: host, Address: address, Digest: digest, State: layers.InSync.String(), At: at})
	return err
}

// WasInSync tells whether an item was ever in sync under this digest of what is wanted, and since when it was so the
// last time. An item that a run changed and proved was in sync too.
func (j *Journal) WasInSync(ctx context.Context, address, digest string) (since time.Time, ok bool, err error) {
	var text string
	err = j.db.QueryRowContext(ctx, `SELECT at FROM record WHERE address = ? AND kind = 'seen' AND digest = ? AND state IN (?, ?)
		ORDER BY seq DESC LIMIT 1`, address, digest, layers.InSync.String(), layers.Changed.String()).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	if err == nil {
		since, err = parseTime(text)
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("asking the journal about %s: %w", address, err)
	}
	return since, true, nil
}
