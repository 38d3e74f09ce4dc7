package view

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"strings"

	"bisc/layers"
)

// Done shows what a round did, and nothing of what it left alone: a line for each item that was changed, failed or went
// stale, and why a host could not be acted on.
func Done(rep layers.Report, o Options) string {
	o.Verb = "apply"
	var b strings.Builder
	doc := New(Run{Verb: "apply"}, rep)
	p := &page{w: bufio.NewWriter(&b), Options: o}
	p.column = addressColumn(doc, p.Options)
	for _, h := range doc.Hosts {
		if h.Error != "" {
			p.hostError(h)
		}
		for _, it := range h.Items {
			switch c := classOf("apply", it); c {
			case changed, failed, stale:
				p.item(it, c)
			}
		}
	}
	_ = p.w.Flush() // a strings.Builder takes everything
	return b.String()
}

// DiffText says in one line what still differs of an outcome, or why that is not known; empty where nothing does. It
// holds no content, so no secret: the journal keeps it. Two texts are the same only where the values are, as what was
// accepted is compared by it: values too long to be shown whole are followed by a digest.
func DiffText(o layers.Outcome) string {
	if o.State == layers.Unknown || o.State == layers.Failed {
		if o.Err == nil {
			return Clean(o.Reason)
		}
		return shorten(Clean(o.Err.Error()), longValue)
	}
	diffs := o.Change.Diffs
	if o.State == layers.InSync || o.State == layers.Changed {
		diffs = o.Left
	}
	p := &page{Options: Options{Verb: "drift"}}
	var out []string
	for _, d := range newDiffs(diffs) {
		d.Text, d.Why = "", ""
		out = append(out, p.diff(d, false)...)
		if both := d.Got + "\x00" + d.Want; len(both) > longValue { // then p.diff may have cut one of them
			out[len(out)-1] += fmt.Sprintf(" (sha256:%.12x)", sha256.Sum256([]byte(both)))
		}
	}
	return strings.Join(out, "; ")
}
