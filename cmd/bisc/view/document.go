// Package view writes what a person or a machine sees of a report: text, JSON, the formats of check, statistics,
// progress, exit statuses. All are written from one Document, so that no two of them can tell different stories.
package view

import (
	"fmt"
	"slices"
	"time"

	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
)

// FormatVersion is the version of Document as JSON. A field may be added under the same version; none goes or changes.
const FormatVersion = "1"

// Run is what a document says beside the report.
type Run struct {
	Verb           string // plan, apply, check, drift, run
	Started, Ended time.Time
	Exit           int
	// Wire puts into the document exactly what would be sent for each step. Secret content stays out all the same.
	Wire bool
	// Key is under which digests of steps are made.
	Key []byte
	// Notes say what the report does not prove: what was left out, which gates were narrowed.
	Notes []string
}

// Document is a report for machines; schema.json describes it.
type Document struct {
	FormatVersion string    `json:"format_version"`
	Verb          string    `json:"verb"`
	Started       time.Time `json:"started"`
	TookMs        float64   `json:"took_ms"`
	ExitStatus    int       `json:"exit_status"`
	Digest        string    `json:"digest"` // layers.Report.Digest: what --approve names
	Hosts         []Host    `json:"hosts"`
	Summary       Counts    `json:"summary"`
	Notes         []string  `json:"notes,omitempty"` // what the report does not prove
}

// Host is what was seen of a host.
type Host struct {
	Host     string           `json:"host"`
	Identity *layers.Identity `json:"identity,omitempty"`
	Error    string           `json:"error,omitempty"`
	// ErrorStatus is the exit status that Error amounts to: 5 where the host could not be reached.
	ErrorStatus int           `json:"error_status,omitempty"`
	Holds       []layers.Hold `json:"holds"`
	Items       []Item        `json:"items"`
	Summary     Counts        `json:"summary"`
}

// Item is a resource or an invariant.
type Item struct {
	Address   string   `json:"address"`
	Kind      string   `json:"kind"`
	Layer     string   `json:"layer"`
	Stage     string   `json:"stage"` // the layer's name, or runbook/stage
	Where     string   `json:"where"`
	Digest    string   `json:"digest"` // of what the plan wants
	Invariant bool     `json:"invariant"`
	Because   string   `json:"because,omitempty"`
	From      string   `json:"from,omitempty"` // the host that an invariant is observed on, where it is another
	State     string   `json:"state"`
	Reason    string   `json:"reason,omitempty"`
	Error     string   `json:"error,omitempty"`
	Diffs     []Diff   `json:"diffs"`
	Left      []Diff   `json:"left"` // what differs after the round and no step mends
	Steps     []Step   `json:"steps"`
	Destroys  []string `json:"destroys"`
	// CanCutOff is what of the operator's ways in the steps touch: they are done behind a dead-man's switch.
	CanCutOff string  `json:"can_cut_off,omitempty"`
	TookMs    float64 `json:"took_ms"`
}

// Diff is an attribute that is not as wanted.
type Diff struct {
	Attr      string `json:"attr"`
	Got       string `json:"got"`
	Want      string `json:"want"`
	AfterBoot bool   `json:"after_boot"`
	Why       string `json:"why,omitempty"` // why no step mends it
	Text      string `json:"text,omitempty"`
}

// Step is an act that would be done, or was.
type Step struct {
	Text string `json:"text"`
	// Digest is host.Digest; empty for a step with secret content, whose digest could be guessed.
	Digest string `json:"digest,omitempty"`
	Wire   *Wire  `json:"wire,omitempty"`

	lines []string // Text as lines, taken apart before any value could add lines of its own
}

// New makes the document of a report.
func New(run Run, rep layers.Report) Document {
	d := Document{FormatVersion: FormatVersion, Verb: run.Verb, Started: run.Started.UTC(), ExitStatus: run.Exit,
		Digest: rep.Digest(run.Key), Hosts: []Host{}, Notes: run.Notes}
	if run.Ended.After(run.Started) {
		d.TookMs = milliseconds(run.Ended.Sub(run.Started))
	}
	for _, h := range rep {
		doc := newHost(run, h)
		d.Summary.add(doc.Summary)
		d.Hosts = append(d.Hosts, doc)
	}
	return d
}

func newHost(run Run, h layers.HostReport) Host {
	doc := Host{Host: visible(h.Host), Holds: append([]layers.Hold{}, h.Holds...), Items: []Item{}}
	if h.Identity != (layers.Identity{}) {
		doc.Identity = &h.Identity
	}
	if h.Err != nil {
		doc.Error, doc.ErrorStatus = visible(h.Err.Error()), OfError(h.Err)
	}
	if !tells(h) {
		return doc
	}
	for _, o := range h.Outcomes {
		it := newItem(run, o)
		doc.Summary.count(classOf(run.Verb, it))
		doc.Items = append(doc.Items, it)
	}
	return doc
}

// tells tells whether the outcomes of a host are about what was seen of it: where there is an error and nothing was done,
// they are at best those of a round before.
func tells(h layers.HostReport) bool {
	return h.Err == nil || slices.ContainsFunc(h.Outcomes, func(o layers.Outcome) bool {
		return o.State == layers.Changed || o.State == layers.Failed
	})
}

func newItem(run Run, o layers.Outcome) Item {
	it := Item{
		Address: visible(o.Item.Address), Kind: o.Item.Kind, Where: visible(o.Item.Where), Digest: o.Item.Digest,
		Invariant: o.Item.Invariant, Because: visible(o.Item.Because), From: visible(o.Item.From),
		State: o.State.String(), Reason: visible(o.Reason), TookMs: milliseconds(o.Took),
		Diffs: newDiffs(o.Change.Diffs), Left: newDiffs(o.Left), Steps: []Step{}, Destroys: visibleAll(o.Change.Destroys),
		CanCutOff: visible(o.Change.Cuts),
	}
	if o.Stage != nil {
		it.Layer, it.Stage = o.Stage.Layer.String(), visible(o.Stage.Name)
	}
	if o.Err != nil {
		it.Error = visible(o.Err.Error())
	}
	for _, s := range o.Change.Steps {
		it.Steps = append(it.Steps, newStep(run, s))
	}
	return it
}

func newDiffs(diffs []modules.Diff) []Diff {
	out := []Diff{}
	for _, d := range diffs {
		out = append(out, Diff{Attr: visible(d.Attr), Got: visible(d.Got), Want: visible(d.Want), AfterBoot: d.Boot,
			Why: visible(d.Why), Text: visible(d.Text)})
	}
	return out
}

func newStep(run Run, s host.Step) Step {
	st := Step{Text: visible(s.String()), lines: stepLines(s)}
	if !secret(s) {
		st.Digest = host.Digest(run.Key, s)
	}
	if run.Wire {
		st.Wire = newWire(s)
	}
	return st
}

// stepLines gives what a person reads of a step, a line each. An Edit and a Configure are taken apart here because their lines are values.
func stepLines(s host.Step) []string {
	if c, ok := s.(host.Configure); ok {
		return configureLines(c)
	}
	e, ok := s.(host.Edit)
	if !ok {
		return []string{s.String()}
	}
	drop, add := e.Drop, e.Add
	e.Drop, e.Add = nil, nil
	lines := []string{e.String()}
	for _, l := range drop {
		lines = append(lines, "  - "+l)
	}
	for _, l := range add {
		lines = append(lines, "  + "+l)
	}
	return lines
}

func configureLines(c host.Configure) []string {
	lines := []string{fmt.Sprintf("type %d %s into the stage's configuration session:", len(c.Lines), plural(len(c.Lines), "line", "lines"))}
	for _, l := range c.Lines {
		lines = append(lines, "  "+l)
	}
	return lines
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond).Microseconds()) / 1000
}
