package view

import (
	"bytes"
	_ "embed"
	"slices"
	"time"

	"bisc/cmd/bisc/figures"
	"bisc/layers"
)

//go:embed status.schema.json
var statusSchema []byte

// StatusSchema is the JSON Schema (2020-12) of Now.
func StatusSchema() []byte { return bytes.Clone(statusSchema) }

// Now is hosts as they are at one moment, for machines: what bisc status and bisc relay top write as JSON;
// status.schema.json describes it.
type Now struct {
	FormatVersion string    `json:"format_version"`
	Verb          string    `json:"verb"`
	At            time.Time `json:"at"`
	ExitStatus    int       `json:"exit_status"`
	Hosts         []HostNow `json:"hosts"`
}

// HostNow is one host. What could not be asked is named in Unknown; it is not a good word, and not a bad one.
type HostNow struct {
	Host        string `json:"host"`
	Error       string `json:"error,omitempty"` // nothing is known of it, and why
	ErrorStatus int    `json:"error_status,omitempty"`
	// LookedAt is when the look began whose answers these are, Look how many seconds it took; bisc relay top gives neither.
	LookedAt *time.Time `json:"looked_at,omitempty"`
	Look     float64    `json:"look_seconds,omitempty"`
	// Age is how old the rest is, where a later look has not come to its end.
	Age     time.Duration    `json:"-"`
	Daemons []figures.Daemon `json:"daemons"`

	// What bisc status asks beside the relay. Status is the exit status of what is not a daemon's.
	Status   int           `json:"-"`
	Boot     *BootNow      `json:"boot,omitempty"`
	Standing *LayersNow    `json:"standing,omitempty"`
	Facts    []FactNow     `json:"facts,omitempty"`
	Holds    []layers.Hold `json:"holds,omitempty"`
	Lock     *LockNow      `json:"lock,omitempty"`
	Switch   *SwitchNow    `json:"switch,omitempty"`
	LastRun  *RunNow       `json:"last_run,omitempty"`
	Unknown  []string      `json:"unknown,omitempty"` // what could not be asked, and why
	Waiting  []string      `json:"waiting,omitempty"` // what has not answered yet: a watch shows what has
}

// FactNow is one thing that a host's resources tell beside whether they are as wanted: the validator's process, its memory, its
// slots, its pod, its node, its snapshots, the host's jobs.
type FactNow struct {
	Topic   string             `json:"topic"`
	Text    string             `json:"text"`
	Unknown bool               `json:"unknown,omitempty"` // it could not be asked: Text says why
	Wrong   bool               `json:"wrong,omitempty"`
	Numbers map[string]float64 `json:"numbers,omitempty"`
}

// NewNow makes the document of one look. Its exit status is the worst of the hosts'.
func NewNow(verb string, at time.Time, hosts []HostNow) Now {
	doc := Now{FormatVersion: FormatVersion, Verb: verb, At: at.UTC().Truncate(time.Millisecond), ExitStatus: ExitOK, Hosts: hosts}
	for i, h := range hosts {
		if h.Daemons == nil {
			doc.Hosts[i].Daemons = []figures.Daemon{}
		}
		doc.ExitStatus = Worst(doc.ExitStatus, h.exit())
	}
	return doc
}

// exit is 5 or 7 where the host or one of its daemons is not known, and 3 where a daemon does not run, says itself that it is
// not well, or has a path on which nothing comes.
func (h HostNow) exit() int {
	status := Worst(h.ErrorStatus, h.Status)
	if len(h.Unknown)+len(h.Waiting) > 0 {
		status = Worst(status, ExitUnknown)
	}
	if slices.ContainsFunc(h.Facts, func(f FactNow) bool { return f.Unknown }) {
		status = Worst(status, ExitUnknown)
	}
	for _, d := range h.Daemons {
		switch {
		case d.State == figures.Unknown:
			status = Worst(status, ExitUnknown)
		case !d.Well():
			status = Worst(status, ExitDrift)
		case d.Meter != nil && slices.ContainsFunc(d.Meter.Paths, func(p figures.Path) bool { return p.State == figures.Absent }):
			status = Worst(status, ExitDrift)
		}
	}
	return status
}
