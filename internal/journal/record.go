package journal

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// The kinds of record.
const (
	kindRun    = "run"
	kindIntent = "intent"
	kindResult = "result"
	kindEnd    = "end"
	kindSeen   = "seen"
)

// record is a row, before it has a place in the chain.
type record struct {
	kind, at, run, host, address, digest string
	ref                                  int64
	state, body                          string
}

// moment is how times are kept: they sort as text.
const moment = "2006-01-02T15:04:05.000000Z"

func at(t time.Time) string { return t.UTC().Format(moment) }

func parseTime(s string) (time.Time, error) { return time.Parse(moment, s) }

// hash chains a record to the one before. Every field comes with its length, so that no two records read the same.
func (r record) hash(before []byte, seq int64) []byte {
	sum := sha256.New()
	sum.Write(before)
	var n [8]byte
	number := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v))
		sum.Write(n[:])
	}
	number(seq)
	number(r.ref)
	for _, field := range []string{r.kind, r.at, r.run, r.host, r.address, r.digest, r.state, r.body} {
		number(int64(len(field)))
		sum.Write([]byte(field))
	}
	return sum.Sum(nil)
}

// appendTo adds the record at the end of the chain; tx holds the file, so nobody comes between.
func (r record) appendTo(ctx context.Context, tx *sql.Tx) (seq int64, err error) {
	var before []byte
	err = tx.QueryRowContext(ctx, `SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1`).Scan(&seq, &before)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, err
	}
	seq++
	_, err = tx.ExecContext(ctx, `INSERT INTO record (seq, kind, at, run, host, address, digest, ref, state, body, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		seq, r.kind, r.at, r.run, r.host, r.address, r.digest, r.ref, r.state, r.body, r.hash(before, seq))
	return seq, err
}

// add is a record in a transaction of its own.
func (j *Journal) add(ctx context.Context, r record) (seq int64, err error) {
	err = j.write(ctx, func(tx *sql.Tx) error {
		seq, err = r.appendTo(ctx, tx)
		return err
	})
	return seq, err
}

// BrokenError is a journal, or a host's own record, that was changed by something other than bisc, from the record (or
// line) Seq on.
type BrokenError struct {
	Path string
	Seq  int64
	Why  string
	// Last is when the last record before that was written, and Run its run; zero where there is none.
	Last time.Time
	Run  string
}

// Error names the record, and how far the journal can be believed.
func (e *BrokenError) Error() string {
	text := fmt.Sprintf("%s was altered: record %d: %s", e.Path, e.Seq, e.Why)
	if e.Last.IsZero() {
		return text
	}
	return fmt.Sprintf("%s; what is before it, until %s (run %s), is as bisc wrote it", text, e.Last.Format(time.RFC3339), e.Run)
}

// Verify reads the whole chain. The error is *BrokenError where a record was altered, removed or put in. Records that
// were cut off at the end cannot be missed: nothing after them tells of them.
func (j *Journal) Verify(ctx context.Context) error {
	rows, err := j.db.QueryContext(ctx, `SELECT seq, kind, at, run, host, address, digest, ref, state, body, hash FROM record ORDER BY seq`)
	if err != nil {
		return fmt.Errorf("verifying the journal %s: %w", j.path, err)
	}
	defer rows.Close()
	var before []byte
	var good record
	for want := int64(1); rows.Next(); want++ {
		var r record
		var seq int64
		var hash []byte
		if err := rows.Scan(&seq, &r.kind, &r.at, &r.run, &r.host, &r.address, &r.digest, &r.ref, &r.state, &r.body, &hash); err != nil {
			return fmt.Errorf("verifying the journal %s: %w", j.path, err)
		}
		if seq != want {
			return good.brokenAfter(j.path, want, "it is missing")
		}
		if before = r.hash(before, seq); string(before) != string(hash) {
			return good.brokenAfter(j.path, seq, "its hash does not match")
		}
		good = r
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("verifying the journal %s: %w", j.path, err)
	}
	return nil
}

func (r record) brokenAfter(path string, seq int64, why string) *BrokenError {
	e := &BrokenError{Path: "the journal " + path, Seq: seq, Why: why, Run: r.run}
	e.Last, _ = parseTime(r.at) // zero where nothing is good
	return e
}
