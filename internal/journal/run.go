package journal

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"bisc/layers"
)

// Run is who does what, as it began.
type Run struct {
	ID      string    `json:"-"`
	Started time.Time `json:"-"`
	User    string    `json:"user"`
	Machine string    `json:"machine"`
	Verb    string    `json:"verb"`
	Plan    string    `json:"plan"` // digest of the plan's files and of what they read
	Version string    `json:"version"`
	// Runbook is what bisc run runs, and Resumes the run that it takes up again; empty elsewhere.
	Runbook string `json:"runbook,omitempty"`
	Resumes string `json:"resumes,omitempty"`
	// Args is the command line; Begin masks the values of --set.
	Args []string `json:"args"`
}

// NewRunID gives a run's name: its second, which sorts, and four random letters: 20261121-221401-k3f9.
func NewRunID() string { return runID(time.Now()) }

func runID(now time.Time) string {
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	letters := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
	return now.UTC().Format("20060102-150405-") + letters[:4]
}

// RunLog is a run that is going on. It is a layers.Recorder.
type RunLog struct {
	j   *Journal
	run string
}

var _ layers.Recorder = (*RunLog)(nil)

// Begin records that a run begins.
func (j *Journal) Begin(ctx context.Context, r Run) (*RunLog, error) {
	r.Args = maskArgs(r.Args)
	_, err := j.add(ctx, record{kind: kindRun, at: at(r.Started), run: r.ID, body: encode(r)})
	if err != nil {
		return nil, err
	}
	return &RunLog{j, r.ID}, nil
}

// maskArgs hides the values that --set gives to variables: one may be a secret.
func maskArgs(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		switch {
		case strings.HasPrefix(a, "--set="):
			out[i] = "--set=" + masked(strings.TrimPrefix(a, "--set="))
		case i > 0 && args[i-1] == "--set":
			out[i] = masked(a)
		default:
			out[i] = a
		}
	}
	return out
}

func masked(assignment string) string {
	name, _, ok := strings.Cut(assignment, "=")
	if !ok {
		return "…"
	}
	return name + "=…"
}

// intent is what of an intent no question is asked by.
type intent struct {
	Step     string   `json:"step"`
	Destroys []string `json:"destroys,omitempty"`
	Aside    bool     `json:"aside,omitempty"`
}

// Intend records that a step is about to be done; it is on disk when Intend returns nil.
func (l *RunLog) Intend(ctx context.Context, in layers.Intent) (int64, error) {
	return l.j.add(ctx, record{kind: kindIntent, at: at(in.At), run: l.run, host: in.Host, address: in.Address,
		digest: in.Digest, body: encode(intent{in.Step, in.Destroys, in.Aside})})
}

// result is what of a result no question is asked by.
type result struct {
	Err string `json:"error,omitempty"`
}

// Settle records what became of an intent.
func (l *RunLog) Settle(ctx context.Context, id int64, res layers.Result) error {
	_, err := l.j.add(ctx, record{kind: kindResult, at: at(res.At), run: l.run, ref: id, state: string(res.State),
		body: encode(result{res.Err})})
	return err
}

// ending is how a run ended.
type ending struct {
	Exit    int    `json:"exit"`
	Summary string `json:"summary"`
}

// End records that the run came to its end. A run without one was killed, or is still going on.
func (l *RunLog) End(ctx context.Context, exit int, summary string) error {
	_, err := l.j.add(ctx, record{kind: kindEnd, at: at(time.Now()), run: l.run, body: encode(ending{exit, summary})})
	return err
}

// encode writes a body: JSON without HTML's escapes, which nobody reads here.
func encode(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("journal: %T does not marshal: %v", v, err)) // a programmer's mistake: bodies are plain data
	}
	return strings.TrimSuffix(b.String(), "\n")
}
