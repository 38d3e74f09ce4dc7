package meter

import (
	"encoding/hex"
	"time"

	"bisc/relaybin/shred"
)

// Report is everything that the meter knows, as /report shows it. What is not known is null or left out, never 0.
type Report struct {
	FormatVersion int                `json:"format_version"` // 1
	At            time.Time          `json:"at"`
	Seconds       float64            `json:"seconds"` // since the first shred
	Tip           TipReport          `json:"tip"`
	Paths         []PathReport       `json:"paths"` // in the order of the settings
	Reference     string             `json:"reference"`
	Totals        TotalsReport       `json:"totals"` // of judged slots, since the start
	Slots         []SlotReport       `json:"slots"`  // the latest, ascending; live ones too
	Marks         []ComparisonReport `json:"marks"`
}

// TipReport answers: is the tip a contiguous run of complete slots, from which slot, for how many slots and seconds?
type TipReport struct {
	Known          bool       `json:"known"`               // false: no shred came within the silence, or nothing is judged yet
	Slot           *uint64    `json:"slot"`                // the highest slot of which all is known that will be
	Highest        *uint64    `json:"highest"`             // the slot that the traffic is at
	Age            *float64   `json:"age_seconds"`         // since the latest shred by any path; null: none ever came
	SlotsPerSecond *float64   `json:"slots_per_second"`    // over the last minute; null: not measured
	Contiguous     bool       `json:"contiguous"`          // the run below ends at the tip and is not empty
	Run            *RunReport `json:"run"`                 // null: the tip itself is not complete
	BrokenBy       *Breaker   `json:"broken_by,omitempty"` // what ended the run before
}

// RunReport is a run of complete slots.
type RunReport struct {
	First   uint64  `json:"first_slot"`
	Last    uint64  `json:"last_slot"`
	Slots   uint64  `json:"slots"`   // complete ones
	Skipped uint64  `json:"skipped"` // slots without a block among them
	Seconds float64 `json:"seconds"`
}

// Breaker is a slot that broke a run.
type Breaker struct {
	Slot  uint64 `json:"slot"`
	State string `json:"state"`
}

// PathReport is one path.
type PathReport struct {
	Name      string            `json:"name"`
	Present   bool              `json:"present"`     // a shred came within the silence
	Age       *float64          `json:"age_seconds"` // since the latest shred; null: none ever came
	Packets   uint64            `json:"packets"`
	Shreds    uint64            `json:"shreds"`    // packets that break no rule
	Unique    uint64            `json:"unique"`    // distinct on this path
	Duplicate uint64            `json:"duplicate"` // repeats on this path
	First     uint64            `json:"first"`     // here first, of judged slots
	Only      uint64            `json:"only"`      // here only, of judged slots
	Resigned  uint64            `json:"resigned"`  // with a retransmitter's signature; a staked validator may refuse those
	Late      uint64            `json:"late"`      // of slots judged before
	Stray     uint64            `json:"stray"`     // too far from the tip
	Conflicts uint64            `json:"conflicts"` // contradicting the other shreds of their set
	Complete  uint64            `json:"complete_alone"`
	Refused   map[string]uint64 `json:"refused"` // by rule
	Lead      *LeadReport       `json:"lead"`    // null: the reference itself, or one of the two is absent, or no shred came by both
}

// LeadReport is how much earlier than by the reference path shreds came, in seconds; negative: later. Of the latest 4096 shreds that
// came by both.
type LeadReport struct {
	Samples int     `json:"samples"`
	Min     float64 `json:"min_seconds"`
	P10     float64 `json:"p10_seconds"`
	P50     float64 `json:"p50_seconds"`
	P90     float64 `json:"p90_seconds"`
	Max     float64 `json:"max_seconds"`
}

// TotalsReport are sums over judged slots.
type TotalsReport struct {
	Slots         map[string]uint64 `json:"slots"` // by state
	Sets          map[string]uint64 `json:"sets"`  // by state
	Equivocations uint64            `json:"equivocations"`
	Conflicts     uint64            `json:"conflicts"`
	Strays        uint64            `json:"stray_slots"`
	Evicted       uint64            `json:"evicted_slots"`
}

// SlotReport is one slot.
type SlotReport struct {
	Slot          uint64            `json:"slot"`
	State         string            `json:"state"` // of a live slot "open", as long as it may still become complete
	Complete      bool              `json:"complete"`
	Parent        *uint64           `json:"parent"`
	EndByFlag     *int              `json:"last_index"`
	EndByChain    *int              `json:"last_index_by_chain"`
	Sets          map[string]uint32 `json:"sets"`
	Data          uint32            `json:"data"`
	Code          uint32            `json:"code"`
	Equivocations uint32            `json:"equivocations,omitempty"`
	Conflicts     uint64            `json:"conflicts,omitempty"`
	CompleteAfter *float64          `json:"complete_after_seconds"`
	Age           *float64          `json:"age_seconds"` // since its first shred; null: none came
	SetList       []SetReport       `json:"set_list,omitempty"`
}

// SetReport is one FEC set of a live slot.
type SetReport struct {
	Index int      `json:"fec_set_index"`
	Data  int      `json:"data"`
	Code  int      `json:"code"`
	State string   `json:"state"`
	Roots []string `json:"merkle_roots"` // more than one: the leader equivocates
}

// ComparisonReport is a mark with what was measured before and after it.
type ComparisonReport struct {
	Name   string       `json:"name"`
	At     time.Time    `json:"at"`
	Before WindowReport `json:"before"`
	After  WindowReport `json:"after"`
}

// WindowReport is one side of a mark. Rates are over the watched seconds, shares over the slots that have a block.
type WindowReport struct {
	Seconds        float64            `json:"seconds"`
	Settled        bool               `json:"settled"`  // false: it still grows, or some slots are not judged yet
	Complete       *float64           `json:"complete"` // the share of slots that are complete; null: no slot was judged
	SlotsPerSecond *float64           `json:"slots_per_second"`
	Slots          map[string]uint64  `json:"slots"`
	Sets           map[string]uint64  `json:"sets"`
	Paths          []WindowPathReport `json:"paths"`
}

// WindowPathReport is one path on one side of a mark.
type WindowPathReport struct {
	Name          string   `json:"name"`
	PerSecond     float64  `json:"shreds_per_second"` // distinct ones
	Unique        uint64   `json:"unique"`
	Duplicate     uint64   `json:"duplicate"`
	First         uint64   `json:"first"`
	Only          uint64   `json:"only"`
	CompleteAlone uint64   `json:"complete_alone"`
	Lead          *float64 `json:"mean_lead_seconds"` // null: no shred came by both
}

// Report tells all, with the latest n slots and, with sets, the sets of those that still live. The caller holds the lock.
func (m *Meter) Report(n int, sets bool) Report {
	r := Report{FormatVersion: 1, At: m.wallOf(m.now), Reference: m.paths[m.config.Reference].name, Tip: m.tipReport(), Totals: m.total.report(),
		Paths: []PathReport{}, Slots: m.slotReports(n, sets), Marks: []ComparisonReport{}}
	if m.any {
		r.Seconds = seconds(m.now - m.first)
	}
	for i := range m.paths {
		r.Paths = append(r.Paths, m.pathReport(i))
	}
	for i := range m.bins.marks {
		mark := &m.bins.marks[i]
		before, after := m.before(mark), m.after(mark)
		r.Marks = append(r.Marks, ComparisonReport{mark.Name, mark.At, m.windowReport(&before), m.windowReport(&after)})
	}
	return r
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }

func ptr[T any](v T) *T { return &v }

// heard is the time since the latest shred by any path; false where none ever came.
func (m *Meter) heard() (int64, bool) {
	latest, any := int64(0), false
	for i := range m.paths {
		if p := &m.paths[i]; p.any && (!any || p.last > latest) {
			latest, any = p.last, true
		}
	}
	return m.now - latest, any
}

func (m *Meter) tipReport() TipReport {
	var t TipReport
	age, any := m.heard()
	if !any {
		return t
	}
	t.Age = ptr(seconds(age))
	run, tip, known := m.run()
	if age >= int64(m.config.Silence) || !known {
		return t
	}
	t.Known, t.Slot = true, &tip
	if highest, ok := m.tip.Slot(); ok {
		t.Highest = &highest
	}
	if rate, ok := m.pace.rate(); ok {
		t.SlotsPerSecond = &rate
	}
	if run.Slots > 0 {
		t.Contiguous = true
		t.Run = &RunReport{run.First, run.Last, run.Slots, run.Skipped, run.Seconds()}
	}
	if run.HasBroken {
		t.BrokenBy = &Breaker{run.Broken, run.BrokenState.String()}
	}
	return t
}

func (m *Meter) pathReport(i int) PathReport {
	p := &m.paths[i]
	r := PathReport{Name: p.name, Present: m.present(p), Packets: p.packets, Shreds: p.shreds, Unique: p.unique, Duplicate: p.duplicates,
		First: p.first, Only: p.only, Resigned: p.resigned, Late: p.late, Stray: p.stray, Conflicts: p.conflicts, Complete: p.complete,
		Refused: map[string]uint64{}}
	if p.any {
		r.Age = ptr(seconds(m.now - p.last))
	}
	for rule, n := range p.refused {
		if n > 0 {
			r.Refused[shred.Rule(rule).String()] = n
		}
	}
	if m.leads(i) && len(p.lead.recent) > 0 {
		q := p.lead.quantiles(0, 0.1, 0.5, 0.9, 1)
		s := func(i int) float64 { return float64(q[i]) / 1e6 }
		r.Lead = &LeadReport{len(p.lead.recent), s(0), s(1), s(2), s(3), s(4)}
	}
	return r
}

// leads reports whether a path has a lead at all: it is not the reference, and both are present.
func (m *Meter) leads(i int) bool {
	return i != m.config.Reference && m.present(&m.paths[i]) && m.present(&m.paths[m.config.Reference])
}

func slotCounts(n [slotStates]uint64) map[string]uint64 {
	all := map[string]uint64{}
	for s, n := range n {
		all[SlotState(s).String()] = n
	}
	return all
}

func setCounts[N uint32 | uint64](n [setStates]N) map[string]N {
	all := map[string]N{}
	for s, n := range n {
		all[SetState(s).String()] = n
	}
	return all
}

func (t *Totals) report() TotalsReport {
	return TotalsReport{slotCounts(t.Slots), setCounts(t.Sets), t.Equivocations, t.Conflicts, t.Strays, t.Evicted}
}

func (m *Meter) windowReport(w *Window) WindowReport {
	r := WindowReport{Seconds: w.Seconds, Settled: w.Settled, Slots: slotCounts(w.Slots), Sets: setCounts(w.Sets), Paths: []WindowPathReport{}}
	all, blocks := uint64(0), uint64(0)
	for s, n := range w.Slots {
		all += n
		if SlotState(s) != SlotSkipped {
			blocks += n
		}
	}
	if blocks > 0 {
		r.Complete = ptr(float64(w.Slots[SlotFull]+w.Slots[SlotRecoverable]) / float64(blocks))
	}
	if w.Seconds > 0 && all > 0 {
		r.SlotsPerSecond = ptr(float64(all) / w.Seconds)
	}
	for i := range min(len(w.Paths), len(m.paths)) {
		p := &w.Paths[i]
		one := WindowPathReport{Name: m.paths[i].name, Unique: p.Unique, Duplicate: p.Duplicate, First: p.First, Only: p.Only, CompleteAlone: p.Complete}
		if w.Seconds > 0 {
			one.PerSecond = float64(p.Unique) / w.Seconds
		}
		if p.Leads > 0 {
			one.Lead = ptr(float64(p.LeadMicros) / float64(p.Leads) / 1e6)
		}
		r.Paths = append(r.Paths, one)
	}
	return r
}

// slotReports lists the latest n slots up to the one that the traffic is at.
func (m *Meter) slotReports(n int, sets bool) []SlotReport {
	reports := []SlotReport{}
	top, known := m.tip.Slot()
	for _, s := range m.live {
		if s.number <= top+16 || !known {
			top = max(top, s.number)
		}
	}
	if m.front.highest <= top+16 || !known {
		top = max(top, m.front.highest)
	}
	if n <= 0 || !m.any {
		return reports
	}
	n = min(n, historySlots)
	for back := min(top, uint64(n-1)) + 1; back > 0; back-- {
		number := top - (back - 1)
		if s := m.liveAt(number); s != nil {
			reports = append(reports, m.liveReport(s, sets))
		} else if sum := m.lookup(number); sum != nil {
			reports = append(reports, m.slotReport(sum))
		}
	}
	return reports
}

func (m *Meter) liveReport(s *slot, sets bool) SlotReport {
	sum := s.verdict()
	r := m.slotReport(&sum)
	if !sum.State.Complete() && m.now-s.last < int64(m.config.Grace) {
		r.State = "open"
	}
	if !sets {
		return r
	}
	for i := range s.sets {
		if s.sets[i] == nil {
			continue
		}
		best := s.best(i)
		one := SetReport{Index: i * shred.SetData, Data: best.data(), Code: best.code(), State: s.setState(i).String()}
		for v := s.sets[i]; v != nil; v = v.next {
			one.Roots = append(one.Roots, hex.EncodeToString(v.root[:]))
		}
		r.SetList = append(r.SetList, one)
	}
	return r
}

func (m *Meter) slotReport(sum *Slot) SlotReport {
	r := SlotReport{Slot: sum.Number, State: sum.State.String(), Complete: sum.State.Complete(), Sets: setCounts(sum.Sets), Data: sum.Data,
		Code: sum.Code, Equivocations: sum.Equivocations, Conflicts: sum.Conflicts}
	if sum.HasParent {
		r.Parent = ptr(sum.Parent)
	}
	if sum.EndFlag != unknown {
		r.EndByFlag = ptr(sum.EndFlag)
	}
	if sum.EndChain != unknown {
		r.EndByChain = ptr(sum.EndChain)
	}
	if r.Complete {
		r.CompleteAfter = ptr(seconds(sum.Took))
	}
	if sum.Data+sum.Code > 0 {
		r.Age = ptr(seconds(m.now - sum.Began))
	}
	return r
}
