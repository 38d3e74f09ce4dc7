package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/cmd/bisc/figures"
	"bisc/internal/host"
	"bisc/layers"
)

// BootNow is how long a host is up, and how busy it is.
type BootNow struct {
	ID     string         `json:"id,omitempty"`
	Uptime figures.Figure `json:"uptime_seconds"`
	Load   figures.Figure `json:"load1"`
}

// LayersNow is how the layers of a host stand, by the last look at them.
type LayersNow struct {
	Age    float64    `json:"age_seconds"`
	Layers []LayerNow `json:"layers"`
}

// LayerNow counts the resources of a layer by what bisc drift says of them, and names what keeps it from being in order.
type LayerNow struct {
	Layer  string         `json:"layer"`
	Counts map[string]int `json:"counts"`
	// Wrong are the items that are neither in sync nor held nor accepted, invariants that do not hold first.
	Wrong []WrongNow `json:"wrong"`
}

// WrongNow is one of them.
type WrongNow struct {
	Address string `json:"address"`
	State   string `json:"state"` // as in Counts
	Text    string `json:"text"`
}

// RunNow is the last run of this desk's journal that was about to change the host.
type RunNow struct {
	ID      string    `json:"id"`
	Verb    string    `json:"verb"`
	User    string    `json:"user"`
	Started time.Time `json:"started"`
	Exit    *int      `json:"exit_status,omitempty"` // none: it did not end
	Cut     string    `json:"cut,omitempty"`
}

// LockNow is who changes the host now.
type LockNow struct {
	Owner string    `json:"owner"`
	Run   string    `json:"run"`
	Since time.Time `json:"since"`
}

// SwitchNow is a change behind a dead-man's switch.
type SwitchNow struct {
	Run      string    `json:"run"`
	Address  string    `json:"address"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	Within   string    `json:"within"`
	Reverted bool      `json:"reverted"` // the host has taken it back
}

// NewLockNow is a lock as JSON.
func NewLockNow(l host.Lock) *LockNow { return &LockNow{l.Owner, l.Run, l.Since} }

// NewLayersNow counts a round by layer. known and covers are as in Tally; age is how long ago it was.
func NewLayersNow(rep layers.Report, known func(address, digest string) bool, covers func(layers.Outcome) bool) *LayersNow {
	now := &LayersNow{Layers: []LayerNow{}}
	for _, h := range rep {
		for _, o := range h.Outcomes {
			if o.Stage == nil {
				continue
			}
			i := slices.IndexFunc(now.Layers, func(l LayerNow) bool { return l.Layer == o.Stage.Name })
			if i < 0 {
				i = len(now.Layers)
				now.Layers = append(now.Layers, LayerNow{Layer: o.Stage.Name, Counts: map[string]int{}, Wrong: []WrongNow{}})
			}
			state := driftState(o, known, covers)
			now.Layers[i].Counts[state]++
			if !slices.Contains([]string{"in_sync", "held", "accepted"}, state) {
				now.Layers[i].Wrong = append(now.Layers[i].Wrong, WrongNow{visible(o.Item.Address), state, DiffText(o)})
			}
		}
	}
	for _, l := range now.Layers {
		slices.SortStableFunc(l.Wrong, func(a, b WrongNow) int { return rank(a.State) - rank(b.State) })
	}
	return now
}

// rank puts first what an operator must see first.
func rank(state string) int {
	return slices.Index([]string{"broken", "unknown", "drifted", "not_applied"}, state)
}

// mostWrong is how many items a layer names: bisc drift names all.
const mostWrong = 5

func (p *nowPage) status(h HostNow, at time.Time) {
	if h.Boot != nil {
		p.marked(inSync, 0, fmt.Sprintf("up %s   load %s   boot %s", duration(h.Boot.Uptime), orWhy(h.Boot.Load, func(v float64) string { return fmt.Sprintf("%.2f", v) }), h.Boot.ID))
	}
	for _, why := range h.Unknown {
		p.marked(unknown, 0, why)
	}
	if len(h.Waiting) > 0 {
		p.marked(unknown, 0, "no answer yet: "+strings.Join(h.Waiting, ", "))
	}
	if h.Standing != nil {
		for _, l := range h.Standing.Layers {
			p.layer(l)
		}
		if h.Standing.Age >= 1 {
			p.marked(inSync, 0, "the layers were looked at "+lasting(h.Standing.Age)+" ago")
		}
	}
	for _, f := range h.Facts {
		c := inSync
		switch {
		case f.Unknown:
			c = unknown
		case f.Wrong:
			c = broken
		}
		p.marked(c, 0, fmt.Sprintf("%-10s %s", f.Topic, f.Text))
	}
	for _, hold := range h.Holds {
		p.marked(held, 0, "hold on "+hold.Match+": "+hold.String())
	}
	if l := h.Lock; l != nil {
		p.marked(inSync, 0, fmt.Sprintf("locked by %s, run %s, for %s", l.Owner, l.Run, lasting(at.Sub(l.Since).Seconds())))
	}
	if s := h.Switch; s != nil {
		text := fmt.Sprintf("dead-man's switch of run %s armed: %s (%s) is taken back within %s of %s unless it is confirmed", s.Run, s.Address, s.Reason, s.Within, s.At.Format(time.RFC3339))
		if s.Reverted {
			text = fmt.Sprintf("run %s: its change of %s (%s) was not confirmed, and the host has taken it back", s.Run, s.Address, s.Reason)
		}
		p.marked(blocked, 0, text)
	}
	p.run(h.LastRun, at)
}

func (p *nowPage) run(r *RunNow, at time.Time) {
	if r == nil {
		return
	}
	text := fmt.Sprintf("last run: %s %s by %s, %s ago", r.Verb, r.ID, r.User, lasting(at.Sub(r.Started).Seconds()))
	switch {
	case r.Cut != "":
		p.marked(unknown, 0, text+": cut: "+r.Cut)
	case r.Exit != nil:
		p.marked(inSync, 0, fmt.Sprintf("%s: exit status %d", text, *r.Exit))
	}
}

func (p *nowPage) layer(l LayerNow) {
	var words []string
	for _, state := range DriftStates() {
		if n := l.Counts[state]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, strings.ReplaceAll(state, "_", " ")))
		}
	}
	c := inSync
	if len(l.Wrong) > 0 {
		c = wrongClass(l.Wrong[0].State)
	}
	p.marked(c, 0, fmt.Sprintf("%-12s %s", l.Layer, strings.Join(words, ", ")))
	for i, w := range l.Wrong {
		if i == mostWrong {
			p.marked(c, 2, fmt.Sprintf("and %d more: bisc drift", len(l.Wrong)-i))
			return
		}
		p.marked(wrongClass(w.State), 2, w.Address+"   "+w.Text)
	}
}

func wrongClass(state string) class {
	switch state {
	case "broken":
		return broken
	case "unknown":
		return unknown
	}
	return willChange
}
