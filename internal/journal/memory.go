package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"bisc/internal/host"
	"bisc/layers"
)

// roundState marks the record of a round among the intents: what was approved, before the first of its steps.
const roundState = "round"

// Approval is what was approved to be done on a host.
type Approval struct {
	Run, Host string            `json:"-"`
	By        string            `json:"by,omitempty"`
	Items     []layers.Approved `json:"items"`
}

var _ layers.RoundRecorder = (*RunLog)(nil)

// Approved records what a round is approved to do on a host; it is on disk when Approved returns nil.
func (l *RunLog) Approved(ctx context.Context, name, by string, items []layers.Approved) error {
	_, err := l.j.add(ctx, record{kind: kindIntent, at: at(time.Now()), run: l.run, host: name, address: name + ":round", state: roundState,
		body: encode(Approval{By: by, Items: items})})
	return err
}

// Approvals gives what was approved in a run, in its order.
func (j *Journal) Approvals(ctx context.Context, run string) ([]Approval, error) {
	return list(ctx, j, func(rows *sql.Rows) (Approval, error) {
		r := Approval{Run: run}
		var body string
		if err := rows.Scan(&r.Host, &body); err != nil {
			return r, err
		}
		return r, json.Unmarshal([]byte(body), &r)
	}, `SELECT host, body FROM record WHERE run = ? AND kind = 'intent' AND state = ? ORDER BY seq`, run, roundState)
}

// Unknown gives the acts of which no result is known, oldest first, but for those of this run and those whose address
// was looked at since.
func (j *Journal) Unknown(ctx context.Context, run string) ([]Act, error) {
	return j.acts(ctx, `i.run <> ? AND (r.state IS NULL OR r.state = 'unknown')
		AND NOT EXISTS (SELECT 1 FROM record s WHERE s.kind = 'seen' AND s.address = i.address AND s.seq > i.seq AND s.run <> i.run AND s.state <> 'unknown')`, run)
}

// Looked records, in any case, what was seen of an address whose act's result is not known.
func (j *Journal) Looked(ctx context.Context, all ...Observation) error {
	return j.write(ctx, func(tx *sql.Tx) error {
		for _, o := range all {
			r := record{kind: kindSeen, at: at(o.At), run: o.Run, host: o.Host, address: o.Address, digest: o.Digest, state: o.State, body: encode(seen{o.Diff})}
			if _, err := r.appendTo(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// LookedAt gives the first observation of an act's address after the act; ok is false where there is none yet.
func (j *Journal) LookedAt(ctx context.Context, a Act) (o Observation, ok bool, err error) {
	found, err := list(ctx, j, scanSeen, `SELECT run, host, address, digest, state, body, at FROM record
		WHERE kind = 'seen' AND address = ? AND seq > ? AND run <> ? AND state <> 'unknown' ORDER BY seq LIMIT 1`, a.Address, a.ID, a.Run)
	if err != nil || len(found) == 0 {
		return o, false, err
	}
	return found[0], true, nil
}

// ActsOf gives every act at an address, oldest first.
func (j *Journal) ActsOf(ctx context.Context, address string) ([]Act, error) {
	return j.acts(ctx, `i.address = ?`, address)
}

// CutOff ends a run that did not come to its own end.
func (l *RunLog) CutOff(ctx context.Context, exit int, why string) error {
	return l.End(ctx, exit, cutMark+why)
}

// Evidence is what an act's result is, with what the host itself recorded of it: nil is what a host knows that keeps no
// record. That a step is not in the record proves that it was never begun only where the record goes back to before its
// run, and only of steps: what arms, proves and disarms is in no record.
func (a Act) Evidence(log *HostLog) (layers.ResultState, string) {
	if a.State != layers.UnknownResult || log == nil || a.Aside {
		return a.State, ""
	}
	if s := log.Step(a.Run, a.ID); s != nil {
		return s.State, "the host's record: " + s.How
	}
	if log.whole(a.Run) {
		return layers.NotDone, "the host's record: never begun"
	}
	return a.State, ""
}

// ReadHost reads a host's own record of its last runs; nil where it has none. The error is *BrokenError where it was
// altered; what is before that is given.
func ReadHost(ctx context.Context, h host.Reader) (*HostLog, error) {
	text, err := h.ReadFile(ctx, host.RunsLog)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	log, err := ReadHostLog(host.RunsLog+" of "+h.Name(), text)
	return &log, err
}
