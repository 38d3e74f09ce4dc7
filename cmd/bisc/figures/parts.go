package figures

import (
	"maps"
	"slices"

	"bisc/internal/scrape"
)

// MirrorFigures are shredmirror's: what it read and what it sent, by the second.
type MirrorFigures struct {
	Frames      Figure `json:"frames_per_second"`
	Sent        Figure `json:"sent_per_second"`
	SentBytes   Figure `json:"sent_bytes_per_second"`
	Form        string `json:"form,omitempty"` // in which it sends: bare, ip, sequenced
	KernelDrops Figure `json:"kernel_drops_per_second"`
	SendErrors  Figure `json:"send_errors_per_second"`
	RouteOK     Figure `json:"route_ok"` // 1: it leaves by the configured device and next hop
	GSO         Figure `json:"gso"`
}

func mirror(s scrape.Span) *MirrorFigures {
	return &MirrorFigures{
		Frames: told(s.Rate("shredmirror_frames_total")), Sent: told(s.Rate("shredmirror_sent_total")), SentBytes: told(s.Rate("shredmirror_sent_bytes_total")),
		Form: form(s, "shredmirror_sent_total"), KernelDrops: told(s.Rate("shredmirror_kernel_drops_total")), SendErrors: quiet(s, "shredmirror_send_errors_total", "shredmirror_sent_total"),
		RouteOK: told(s.Now.Value("shredmirror_route_ok")), GSO: told(s.Now.Value("shredmirror_gso")),
	}
}

// quiet is a rate of a family whose series come into being with the first event: where a counter that is always there is
// told and this one is not, nothing happened.
func quiet(s scrape.Span, name, always string) Figure {
	if f := told(s.Rate(name)); f.State == Known {
		return f
	}
	if _, ok := s.Now.Value(name); ok {
		return Figure{State: Unknown} // it is there, and no number
	}
	_, ok := s.Rate(always)
	return told(0, ok)
}

// form names the form in which most was sent or received between the pages.
func form(s scrape.Span, name string) string {
	most, of := 0.0, ""
	rates := s.Rates(name, "form")
	for _, f := range slices.Sorted(maps.Keys(rates)) {
		if rates[f] > most {
			most, of = rates[f], f
		}
	}
	return of
}

// UnwrapFigures are shredunwrap's. Delay and loss are of sequenced streams alone; other forms do not tell.
type UnwrapFigures struct {
	Received    Figure `json:"received_per_second"`
	Forwarded   Figure `json:"forwarded_per_second"`
	Form        string `json:"form,omitempty"`
	KernelDrops Figure `json:"kernel_drops_per_second"`
	Lost        Figure `json:"lost_per_second"`
	Loss        Figure `json:"loss_ratio"` // of what was sent: lost / (lost + came)
	Reordered   Figure `json:"reordered_per_second"`
	Duplicates  Figure `json:"duplicates_per_second"`
	Restarts    Figure `json:"stream_restarts"` // of its sender, between the pages
	Delay       Figure `json:"delay_seconds"`   // median
	Delay99     Figure `json:"delay_p99_seconds"`
	Jitter      Figure `json:"jitter_seconds"`
}

func unwrap(s scrape.Span) *UnwrapFigures {
	u := &UnwrapFigures{
		Received: told(s.Rate("shredunwrap_received_total")), Forwarded: told(s.Rate("shredunwrap_forwarded_total")), Form: form(s, "shredunwrap_received_total"),
		KernelDrops: told(s.Rate("shredunwrap_kernel_drops_total")), Lost: told(s.Rate("shredunwrap_stream_lost_total")),
		Reordered: told(s.Rate("shredunwrap_stream_reordered_total")), Duplicates: told(s.Rate("shredunwrap_stream_duplicate_total")),
		Restarts: told(s.Increase("shredunwrap_stream_restarts_total")),
		Delay:    toldQuantile(s.Quantile(0.5, "shredunwrap_stream_delay_seconds")), Delay99: toldQuantile(s.Quantile(0.99, "shredunwrap_stream_delay_seconds")),
		Jitter: told(s.Now.Value("shredunwrap_stream_jitter_seconds")),
	}
	u.Loss = ratio(u.Lost, told(s.Rate("shredunwrap_received_total", "form", "sequenced")))
	if n, ok := s.Rate("shredunwrap_received_total", "form", "sequenced"); ok && n == 0 && (u.Lost.State != Known || u.Lost.Value == 0) { // no packet: nothing that one could tell
		u.Loss, u.Delay, u.Delay99, u.Jitter = Figure{State: Absent}, Figure{State: Absent}, Figure{State: Absent}, Figure{State: Absent}
	}
	return u
}

// MeterFigures are shredmeter's: whether the validator gets whole slots, and from where.
type MeterFigures struct {
	Paths        []Path `json:"paths"`
	Tip          Figure `json:"tip_slot"`
	RunFirst     Figure `json:"run_first_slot"` // of the run of complete slots that ends at the tip
	RunSlots     Figure `json:"run_slots"`
	RunSeconds   Figure `json:"run_seconds"`
	Slots        Figure `json:"slots_per_second"`
	Complete     Figure `json:"slot_complete_seconds"` // median
	Complete99   Figure `json:"slot_complete_p99_seconds"`
	Equivocation Figure `json:"equivocations"` // between the pages
	// States is how many slots ended in each state between the pages.
	States map[string]float64 `json:"slots"`
}

// Path is a way on which shreds come. Of an absent one no figure is known: that it is silent is all there is to say.
type Path struct {
	Name   string `json:"name"`
	State  State  `json:"state"` // known: present
	Shreds Figure `json:"shreds_per_second"`
	First  Figure `json:"first_ratio"` // of its shreds, those that were here first by it
	Only   Figure `json:"only_per_second"`
	Lead   Figure `json:"lead_seconds"` // median, against the reference path; of it there is none
}

func meter(s scrape.Span) *MeterFigures {
	m := &MeterFigures{
		Paths: []Path{}, States: map[string]float64{}, Tip: told(s.Now.Value("shredmeter_tip_slot")), RunFirst: told(s.Now.Value("shredmeter_run_first_slot")),
		RunSlots: told(s.Now.Value("shredmeter_run_slots")), RunSeconds: told(s.Now.Value("shredmeter_run_seconds")), Slots: told(s.Now.Value("shredmeter_slots_per_second")),
		Complete: toldQuantile(s.Quantile(0.5, "shredmeter_slot_complete_seconds")), Complete99: toldQuantile(s.Quantile(0.99, "shredmeter_slot_complete_seconds")),
		Equivocation: told(s.Increase("shredmeter_equivocations_total")),
	}
	for state := range s.Now.By("shredmeter_slots_total", "state") {
		if n, ok := s.Increase("shredmeter_slots_total", "state", state); ok {
			m.States[state] = n
		}
	}
	present := s.Now.By("shredmeter_path_present", "path")
	for name := range s.Now.By("shredmeter_path_shreds_total", "path") {
		if _, ok := present[name]; !ok {
			present[name] = -1
		}
	}
	for _, name := range slices.Sorted(maps.Keys(present)) {
		m.Paths = append(m.Paths, path(s, name, present[name]))
	}
	return m
}

func path(s scrape.Span, name string, present float64) Path {
	p := Path{Name: name, State: Unknown}
	rate := func(family string) Figure { return told(s.Rate(family, "path", name)) }
	switch present {
	case 0:
		none := Figure{State: Absent}
		return Path{Name: name, State: Absent, Shreds: none, First: none, Only: none, Lead: none}
	case 1:
		p.State = Known
	}
	p.Shreds, p.Only = rate("shredmeter_path_shreds_total"), rate("shredmeter_path_only_total")
	p.Lead = toldQuantile(s.Quantile(0.5, "shredmeter_path_lead_seconds", "path", name))
	if _, ok := s.Now.Value("shredmeter_path_lead_seconds", "path", name); !ok {
		p.Lead = Figure{State: Absent} // the reference path leads nobody
	}
	if first := rate("shredmeter_path_first_total"); first.State == Known && p.Shreds.State == Known && p.Shreds.Value > 0 {
		p.First = told(first.Value/p.Shreds.Value, true)
	}
	return p
}
