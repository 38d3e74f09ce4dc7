package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The tables of scheduled rounds stand beside the chain of records, and not in it: a round every ten minutes that saw
// nothing new is 52,000 a year, so old ones go. What a round saw change is in the chain, for good.
const roundTables = `
CREATE TABLE IF NOT EXISTS round (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL, -- of the schedule
  run  TEXT NOT NULL,
  at   TEXT NOT NULL, -- RFC 3339, UTC
  ok   INTEGER NOT NULL, -- every host was observed
  body TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS round_of_name ON round (name, id);
CREATE TABLE IF NOT EXISTS watched (
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (name, host)
) STRICT;
CREATE TABLE IF NOT EXISTS accepted (
  address TEXT PRIMARY KEY,
  body    TEXT NOT NULL
) STRICT;
`

// Round is one round of a schedule (drift --record).
type Round struct {
	Name    string         `json:"-"` // of the schedule
	Run     string         `json:"run"`
	Started time.Time      `json:"started"`
	Took    time.Duration  `json:"took_ns"`
	Exit    int            `json:"exit_status"`
	OK      bool           `json:"complete"` // every host was asked and answered
	News    int            `json:"changes"`  // observations that were not as the time before
	Counts  map[string]int `json:"resources,omitempty"`
	Err     string         `json:"error,omitempty"` // why there was no round
}

// Watched is what a schedule knows of a host from its rounds.
type Watched struct {
	Host string `json:"-"`
	// State is observed, unreachable or unknown.
	State string `json:"state"`
	// Failures is how many rounds in a row asked it and got no whole answer.
	Failures int `json:"failures"`
	// Rest is how many of the coming rounds leave it alone.
	Rest int       `json:"rest"`
	Seen time.Time `json:"seen"` // when it last answered
	Err  string    `json:"error,omitempty"`
}

// Rounds of a schedule, newest first; a limit below one gives all.
func (j *Journal) Rounds(ctx context.Context, name string, limit int) ([]Round, error) {
	if limit < 1 {
		limit = -1
	}
	return lenient(list(ctx, j, scanRound, `SELECT name, body FROM round WHERE name = ?1 OR ?1 = '' ORDER BY id DESC LIMIT ?2`, name, limit))
}

// LastComplete gives the newest round of a schedule in which every host was observed.
func (j *Journal) LastComplete(ctx context.Context, name string) (Round, bool, error) {
	found, err := lenient(list(ctx, j, scanRound, `SELECT name, body FROM round WHERE name = ? AND ok = 1 ORDER BY id DESC LIMIT 1`, name))
	if err != nil || len(found) == 0 {
		return Round{}, false, err
	}
	return found[0], true, nil
}

func scanRound(rows *sql.Rows) (r Round, err error) {
	var name, body string
	if err := rows.Scan(&name, &body); err != nil {
		return r, err
	}
	err = json.Unmarshal([]byte(body), &r)
	r.Name = name
	return r, err
}

// lenient takes missing tables for empty ones: a journal that no schedule has used has none.
func lenient[T any](found []T, err error) ([]T, error) {
	var coded interface{ Code() int }
	if errors.As(err, &coded) && coded.Code() == 1 && missingTable(err) {
		return nil, nil
	}
	return found, err
}

// Watched tells what a schedule knows of its hosts, by name.
func (j *Journal) Watched(ctx context.Context, name string) (map[string]Watched, error) {
	found, err := lenient(list(ctx, j, func(rows *sql.Rows) (w Watched, err error) {
		var host, body string
		if err := rows.Scan(&host, &body); err != nil {
			return w, err
		}
		err = json.Unmarshal([]byte(body), &w)
		w.Host = host
		return w, err
	}, `SELECT host, body FROM watched WHERE name = ?`, name))
	out := map[string]Watched{}
	for _, w := range found {
		out[w.Host] = w
	}
	return out, err
}

// AddRound keeps a round and what it learnt of the hosts, all or nothing, and lets go of all but the newest keep rounds of
// its schedule. It counts rounds, not days: a clock that jumps must not empty the table.
func (j *Journal) AddRound(ctx context.Context, r Round, hosts map[string]Watched, keep int) error {
	return j.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, roundTables); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO round (name, run, at, ok, body) VALUES (?, ?, ?, ?, ?)`,
			r.Name, r.Run, at(r.Started), r.OK, encode(r)); err != nil {
			return err
		}
		for host, w := range hosts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO watched (name, host, body) VALUES (?, ?, ?)
				ON CONFLICT (name, host) DO UPDATE SET body = excluded.body`, r.Name, host, encode(w)); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM round WHERE name = ?1 AND id <= (SELECT id FROM round WHERE name = ?1
			ORDER BY id DESC LIMIT 1 OFFSET ?2)`, r.Name, max(keep, 1))
		return err
	})
}

// Acceptance is drift that somebody has accepted, for a time: of this address, from what this digest wants, and as it was
// then. Another difference is drift again.
type Acceptance struct {
	Address string    `json:"-"`
	Digest  string    `json:"digest"`
	Diff    string    `json:"diff"`
	Because string    `json:"because"`
	Who     string    `json:"who"`
	Run     string    `json:"run"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
}

// Covers tells whether it is about this difference, at this time.
func (a Acceptance) Covers(digest, diff string, now time.Time) bool {
	return a.Digest == digest && a.Diff == diff && now.Before(a.Until)
}

// Accept keeps an acceptance, in the place of an earlier one of its address.
func (j *Journal) Accept(ctx context.Context, a Acceptance) error {
	if a.Because == "" || a.Until.IsZero() {
		return fmt.Errorf("accepting drift of %s: it needs a reason and an end", a.Address)
	}
	return j.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, roundTables); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO accepted (address, body) VALUES (?, ?)
			ON CONFLICT (address) DO UPDATE SET body = excluded.body`, a.Address, encode(a))
		return err
	})
}

// Unaccept takes an acceptance back, and tells whether there was one.
func (j *Journal) Unaccept(ctx context.Context, address string) (was bool, err error) {
	err = j.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, roundTables); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `DELETE FROM accepted WHERE address = ?`, address)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		was = n > 0
		return err
	})
	return was, err
}

// Accepted lists the acceptances by address, those that are over included.
func (j *Journal) Accepted(ctx context.Context) (map[string]Acceptance, error) {
	found, err := lenient(list(ctx, j, func(rows *sql.Rows) (a Acceptance, err error) {
		var address, body string
		if err := rows.Scan(&address, &body); err != nil {
			return a, err
		}
		err = json.Unmarshal([]byte(body), &a)
		a.Address = address
		return a, err
	}, `SELECT address, body FROM accepted ORDER BY address`))
	out := map[string]Acceptance{}
	for _, a := range found {
		out[a.Address] = a
	}
	return out, err
}

// missingTable tells "no such table" from SQLite's other errors, which share its code.
func missingTable(err error) bool { return strings.Contains(err.Error(), "no such table") }
