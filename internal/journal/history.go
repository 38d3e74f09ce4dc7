package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"bisc/layers"
)

// RunInfo is a run as it stands in the journal.
type RunInfo struct {
	Run
	// Ended is zero where the run was killed, or is still going on.
	Ended   time.Time
	Exit    int
	Summary string
	// Hosts are those that it was about to change.
	Hosts []string
}

// Cut tells whether the run did not come to its own end, and why as far as is known: it was killed (or still runs), it
// was interrupted, its time was over, or a host went away in the middle.
func (r RunInfo) Cut() (why string, cut bool) {
	if r.Ended.IsZero() {
		return "it did not end: it was killed, or still runs", true
	}
	return strings.CutPrefix(r.Summary, cutMark)
}

// cutMark begins the summary of a run that was cut.
const cutMark = "cut: "

// Act is a step with what became of it.
type Act struct {
	ID                 int64 // its number in the journal
	Run, Host, Address string
	Step, Digest       string
	Destroys           []string
	Aside              bool // as layers.Intent has it
	At                 time.Time
	// State is UnknownResult where no result was recorded: the controller died, and the step may have happened.
	State   layers.ResultState
	Err     string
	Settled time.Time // zero where no result was recorded
}

// Entry is a line of an address's history: an act, or an observation.
type Entry struct {
	At   time.Time
	Act  *Act
	Seen *Observation
}

const runColumns = `SELECT r.run, r.at, r.body, coalesce(e.at, ''), coalesce(e.body, '{}'),
	coalesce((SELECT group_concat(DISTINCT h.host) FROM record h WHERE h.run = r.run AND h.kind = 'intent'), '') FROM record r
	LEFT JOIN record e ON e.run = r.run AND e.kind = 'end' WHERE r.kind = 'run'`

// Runs gives the latest runs, newest first; a limit below one gives all.
func (j *Journal) Runs(ctx context.Context, limit int) ([]RunInfo, error) {
	if limit < 1 {
		limit = -1
	}
	return j.runs(ctx, runColumns+` ORDER BY r.seq DESC LIMIT ?`, limit)
}

func (j *Journal) runs(ctx context.Context, query string, args ...any) ([]RunInfo, error) {
	return list(ctx, j, func(rows *sql.Rows) (RunInfo, error) {
		var r RunInfo
		var began, body, ended, end, hosts string
		if err := rows.Scan(&r.ID, &began, &body, &ended, &end, &hosts); err != nil {
			return r, err
		}
		var e ending
		err := errors.Join(json.Unmarshal([]byte(body), &r.Run), json.Unmarshal([]byte(end), &e),
			readTime(began, &r.Started), readTime(ended, &r.Ended))
		r.Exit, r.Summary, r.Hosts = e.Exit, e.Summary, strings.FieldsFunc(hosts, func(c rune) bool { return c == ',' })
		return r, err
	}, query, args...)
}

// Run gives a run and its acts in their order. The id may be the beginning of one, or the letters at its end. The error
// is ErrNoRun where none or several fit.
func (j *Journal) Run(ctx context.Context, id string) (RunInfo, []Act, error) {
	found, err := j.runs(ctx, runColumns+` AND (substr(r.run, 1, length(?1)) = ?1 OR substr(r.run, -length(?1)) = ?1) LIMIT 2`, id)
	switch {
	case err != nil:
		return RunInfo{}, nil, err
	case id == "" || len(found) == 0:
		return RunInfo{}, nil, fmt.Errorf("%w: %q (bisc journal --all lists them)", ErrNoRun, id)
	case len(found) > 1:
		return RunInfo{}, nil, fmt.Errorf("%w: %q is the beginning or end of more than one (%s, %s)", ErrNoRun, id, found[0].ID, found[1].ID)
	}
	acts, err := j.acts(ctx, `i.run = ?`, found[0].ID)
	return found[0], acts, err
}

// acts gives the intents that fit, each with its result.
func (j *Journal) acts(ctx context.Context, where string, args ...any) ([]Act, error) {
	query := `SELECT i.seq, i.run, i.host, i.address, i.digest, i.body, i.at, coalesce(r.state, ?), coalesce(r.body, '{}'), coalesce(r.at, '')
		FROM record i LEFT JOIN record r ON r.ref = i.seq AND r.kind = 'result' WHERE i.kind = 'intent' AND i.state = '' AND ` + where + ` ORDER BY i.seq`
	return list(ctx, j, func(rows *sql.Rows) (Act, error) {
		var a Act
		var body, res, began, settled string
		if err := rows.Scan(&a.ID, &a.Run, &a.Host, &a.Address, &a.Digest, &body, &began, &a.State, &res, &settled); err != nil {
			return a, err
		}
		var in intent
		var out result
		err := errors.Join(json.Unmarshal([]byte(body), &in), json.Unmarshal([]byte(res), &out),
			readTime(began, &a.At), readTime(settled, &a.Settled))
		a.Step, a.Destroys, a.Aside, a.Err = in.Step, in.Destroys, in.Aside, out.Err
		return a, err
	}, query, append([]any{string(layers.UnknownResult)}, args...)...)
}

// History gives what was done to an address and what was seen of it, oldest first.
func (j *Journal) History(ctx context.Context, address string) ([]Entry, error) {
	acts, err := j.acts(ctx, `i.address = ?`, address)
	if err != nil {
		return nil, err
	}
	saw, err := list(ctx, j, scanSeen, `SELECT run, host, address, digest, state, body, at FROM record
		WHERE kind = 'seen' AND address = ? ORDER BY seq`, address)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for len(acts)+len(saw) > 0 {
		if len(saw) == 0 || len(acts) > 0 && acts[0].At.Before(saw[0].At) {
			out = append(out, Entry{At: acts[0].At, Act: &acts[0]})
			acts = acts[1:]
			continue
		}
		out = append(out, Entry{At: saw[0].At, Seen: &saw[0]})
		saw = saw[1:]
	}
	return out, nil
}

func scanSeen(rows *sql.Rows) (Observation, error) {
	var o Observation
	var body, when string
	if err := rows.Scan(&o.Run, &o.Host, &o.Address, &o.Digest, &o.State, &body, &when); err != nil {
		return o, err
	}
	var s seen
	err := errors.Join(json.Unmarshal([]byte(body), &s), readTime(when, &o.At))
	o.Diff = s.Diff
	return o, err
}

// list reads all rows of a question.
func list[T any](ctx context.Context, j *Journal, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := j.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading the journal %s: %w", j.path, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("reading the journal %s: %w", j.path, err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the journal %s: %w", j.path, err)
	}
	return out, nil
}

// readTime reads a moment; none stays zero.
func readTime(text string, into *time.Time) error {
	if text == "" {
		return nil
	}
	t, err := parseTime(text)
	*into = t
	return err
}

// cutHost splits an address host:rest.
func cutHost(address string) (host, rest string, ok bool) { return strings.Cut(address, ":") }
