package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// StageState is a moment in the life of a runbook's stage.
type StageState string

// The moments of a stage. One that was begun and has no other record was cut: its controller died in it.
const (
	StageBegun StageState = "begun"
	StageDone  StageState = "done"  // it was proved: everything of it is as wanted
	StageEnded StageState = "ended" // it did not come to that; Why says what stood in the way
)

// Stage is such a moment of a run.
type Stage struct {
	Run   string     `json:"-"`
	Name  string     `json:"-"` // RUNBOOK/STAGE, as addresses have it
	State StageState `json:"-"`
	At    time.Time  `json:"-"`
	Index int        `json:"index"` // from 1
	Of    int        `json:"of"`
	Hosts []string   `json:"hosts"`
	Why   string     `json:"why,omitempty"`
}

// stagePrefix begins the state of a stage's record. It is an intent that is no act, as that of a round is: the tables of a journal
// that is there already take no other kind.
const stagePrefix = "stage "

// Stage records a moment of a stage; it is on disk when Stage returns nil.
func (l *RunLog) Stage(ctx context.Context, s Stage) error {
	_, err := l.j.add(ctx, record{kind: kindIntent, at: at(time.Now()), run: l.run, address: s.Name, state: stagePrefix + string(s.State), body: encode(s)})
	return err
}

// Stages gives the moments of a run's stages, in their order.
func (j *Journal) Stages(ctx context.Context, run string) ([]Stage, error) {
	return list(ctx, j, func(rows *sql.Rows) (Stage, error) {
		var s Stage
		var body, when, state string
		if err := rows.Scan(&s.Run, &s.Name, &state, &body, &when); err != nil {
			return s, err
		}
		s.State = StageState(strings.TrimPrefix(state, stagePrefix))
		return s, errors.Join(json.Unmarshal([]byte(body), &s), readTime(when, &s.At))
	}, `SELECT run, address, state, body, at FROM record WHERE kind = 'intent' AND state LIKE ? AND run = ? ORDER BY seq`, stagePrefix+"%", run)
}

// Course is a runbook's run with those that took it up again, oldest first.
func (j *Journal) Course(ctx context.Context, first string) ([]RunInfo, error) {
	return j.runs(ctx, runColumns+` AND (r.run = ?1 OR json_extract(r.body, '$.resumes') = ?1) ORDER BY r.seq`, first)
}
