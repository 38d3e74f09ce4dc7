package snapshots

import (
	"fmt"
	"strings"
	"time"
)

// State is how far a find or a fetch is, and what came of it: the file that the program keeps while it runs, for whoever looks.
type State struct {
	FormatVersion string    `json:"format_version"`
	Command       string    `json:"command"` // find, fetch
	Began         time.Time `json:"began"`
	Updated       time.Time `json:"updated"`
	Doing         string    `json:"doing"`
	File          string    `json:"file,omitempty"`
	// Bytes of Total are there; Rate is bytes a second lately; Left is zero where nobody knows.
	Bytes int64         `json:"bytes,omitempty"`
	Total int64         `json:"total,omitempty"`
	Rate  int64         `json:"rate,omitempty"`
	Left  time.Duration `json:"left_ns,omitempty"`
	// Notes are what happened on the way that somebody may want to know: sources given up, a base without incrementals.
	Notes  []string `json:"notes,omitempty"`
	Found  *Found   `json:"found,omitempty"`
	Result *Result  `json:"result,omitempty"`
	Error  string   `json:"error,omitempty"`
}

// StateVersion is the FormatVersion that this source writes and reads.
const StateVersion = "1"

// Result is what a fetch came to.
type Result struct {
	Folder string `json:"folder"`
	Pair   Pair   `json:"pair"`
	Behind uint64 `json:"behind"` // slots, when it ended
	// Fresh: within the limit that was asked for. Converged: within the few slots that the incrementals were followed to.
	Fresh     bool     `json:"fresh"`
	Converged bool     `json:"converged"`
	Fetched   []string `json:"fetched"` // files, in order
	Kept      []string `json:"kept"`    // that were there already and are used
	Note      string   `json:"note,omitempty"`
}

// Line is the state in a line, for a person and for whoever waits: "41.2% of 107.2GB, 178.0MB/s, 5m54s left".
func (s State) Line() string {
	parts := []string{s.Doing}
	if s.File != "" {
		parts[0] += " " + s.File
	}
	if s.Total > 0 {
		parts = append(parts, fmt.Sprintf("%.1f%% of %s", 100*float64(s.Bytes)/float64(s.Total), Bytes(s.Total)))
	} else if s.Bytes > 0 {
		parts = append(parts, Bytes(s.Bytes))
	}
	if s.Rate > 0 {
		parts = append(parts, Bytes(s.Rate)+"/s")
	}
	if s.Left > 0 {
		parts = append(parts, s.Left.Round(time.Second).String()+" left")
	}
	return strings.Join(parts, ", ")
}

// String says what was fetched, and how fresh it is.
func (r Result) String() string {
	text := fmt.Sprintf("%s in %s: %d slots behind", r.Pair, r.Folder, r.Behind)
	switch {
	case !r.Fresh:
		text += ", which is too old"
	case !r.Converged:
		text += ", fresh enough"
	}
	if r.Note != "" {
		text += " (" + r.Note + ")"
	}
	return text
}
