// Package figures is what the relay's daemons say of themselves, as an operator wants it: rates between two pages of
// metrics, never a zero for what was not said.
package figures

import (
	"encoding/json"

	"bisc/internal/scrape"
)

// State is what is known of a figure.
type State string

// Known has a value. Absent is known too: there is nothing to have a figure, such as a path on which nothing comes. Unknown
// was not told.
const (
	Unknown State = "unknown"
	Absent  State = "absent"
	Known   State = "known"
)

// Figure is a number, or why there is none. The zero Figure is unknown.
type Figure struct {
	State State
	Value float64
	// Over and Under: Value is only a bound, and the figure is above or below it.
	Over, Under bool
}

// Of is a figure that is known, or is not.
func Of(value float64, ok bool) Figure { return told(value, ok) }

// told makes a figure of an answer of package scrape.
func told(value float64, ok bool) Figure {
	if !ok {
		return Figure{State: Unknown}
	}
	return Figure{State: Known, Value: value}
}

// toldQuantile is told for a quantile, which may be a bound only.
func toldQuantile(q scrape.Quantile, ok bool) Figure {
	f := told(q.Value, ok)
	f.Over, f.Under = ok && q.Over, ok && q.Under
	return f
}

// ratio is part/(part+rest); unknown where either is, or where both are none: nothing came, so nothing was lost of it.
func ratio(part, rest Figure) Figure {
	if part.State != Known || rest.State != Known || part.Value+rest.Value <= 0 {
		return Figure{State: Unknown}
	}
	return Figure{State: Known, Value: part.Value / (part.Value + rest.Value)}
}

// MarshalJSON writes {"state": "known", "value": 1.5}, or the state alone.
func (f Figure) MarshalJSON() ([]byte, error) {
	out := struct {
		State State    `json:"state"`
		Value *float64 `json:"value,omitempty"`
		Bound string   `json:"bound,omitempty"`
	}{State: f.State}
	if f.State == "" {
		out.State = Unknown
	}
	if f.State == Known {
		out.Value = &f.Value
	}
	switch {
	case f.Over:
		out.Bound = "above"
	case f.Under:
		out.Bound = "below"
	}
	return json.Marshal(out)
}
