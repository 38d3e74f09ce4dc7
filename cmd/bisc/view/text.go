package view

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"bisc/layers"
)

// Options say how a report is shown to a person.
type Options struct {
	Verb    string // plan, apply, check, drift, run
	Verbose bool   // in sync too, whole values, reasons of what only differs
	Color   bool
	Wire    bool // exactly what would be sent
	// Width is the terminal's columns; zero means a pipe: nothing is broken or aligned at the right.
	Width int
	// Within is how long the host waits for a change that can cut the operator off; zero means layers.ConfirmWithin.
	Within time.Duration
}

// Text shows a report: a line for each item that is not in sync, in plan order, what there is to say about it below, and
// a summary. A report in sync is its summary. The error is the writer's.
func Text(w io.Writer, rep layers.Report, o Options) error {
	return TextOf(w, New(Run{Verb: o.Verb, Wire: o.Wire}, rep), o)
}

// TextOf shows a document of New as Text does.
func TextOf(w io.Writer, doc Document, o Options) error {
	if o.Verb == "" {
		o.Verb = doc.Verb
	}
	p := &page{w: bufio.NewWriter(w), Options: o, column: addressColumn(doc, o)}
	meant := 0 // hosts that the selection left something of
	for _, h := range doc.Hosts {
		if h.Error != "" || h.Summary.Total > 0 {
			meant++
			p.host(h)
		}
	}
	switch meant {
	case 0:
		p.print("nothing selected")
	case 1:
	default:
		p.print(fmt.Sprintf("%d hosts: %s%s", meant, doc.Summary, unseen(doc)))
	}
	for _, n := range doc.Notes {
		p.wrapped(0, "note: "+Clean(n))
	}
	return p.w.Flush()
}

// page is a report being written.
type page struct {
	Options
	w      *bufio.Writer
	column int // where the text behind the address begins
}

func (p *page) print(line string) {
	_, _ = p.w.WriteString(line + "\n") // bufio keeps the error for Flush
}

func (p *page) host(h Host) {
	if h.Error != "" {
		p.hostError(h)
	}
	if h.Error != "" && len(h.Items) == 0 {
		return
	}
	shown := false
	for _, it := range h.Items {
		c := classOf(p.Verb, it)
		if c != inSync || p.Verbose {
			p.item(it, c)
			shown = true
		}
	}
	if shown {
		p.print("")
	}
	names, of := stages(p.Verb, h)
	for _, n := range names {
		p.print(fmt.Sprintf("  %s: %s", Clean(n), of[n]))
	}
	p.print(Clean(h.Host) + ": " + h.Summary.String())
}

// hostError says why a host could not be observed or acted on.
func (p *page) hostError(h Host) {
	c := failed
	switch h.ErrorStatus {
	case ExitUnreachable, ExitUnknown:
		c = unknown
	case ExitBlocked, ExitStale:
		c = blocked
	}
	for i, l := range strings.Split(h.Error, "\n") { // joined errors come a line each
		l = shorten(Clean(l), longValueVerbose) // the remedy is at its end
		if i == 0 {
			p.wrapped(2, p.mark(c)+" "+Clean(h.Host)+"   "+l)
			continue
		}
		p.wrapped(6, l)
	}
}

// unseen counts the hosts behind a summary that says nothing of them.
func unseen(doc Document) string {
	n := 0
	for _, h := range doc.Hosts {
		if h.Error != "" {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d %s with an error", n, plural(n, "host", "hosts"))
}

func (p *page) mark(c class) string {
	m := c.mark()
	if !p.Color {
		return m.sign
	}
	return "\x1b[" + m.colour + "m" + m.sign + "\x1b[0m"
}

// addressColumn leaves room for the addresses that are shown, but not for one that is much longer than the others.
func addressColumn(doc Document, o Options) int {
	limit := 56
	if o.Width > 0 {
		limit = max(24, o.Width/2)
	}
	widest := 0
	for _, h := range doc.Hosts {
		for _, it := range h.Items {
			if n := columns(Clean(it.Address)); n <= limit && (o.Verbose || classOf(o.Verb, it) != inSync) {
				widest = max(widest, n)
			}
		}
	}
	return len("  ~ ") + widest + 3
}
