package meter

import (
	"encoding/hex"

	"bisc/relaybin/shred"
)

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
