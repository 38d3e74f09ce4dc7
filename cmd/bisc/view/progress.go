package view

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"bisc/layers"
)

// maxProgress is how many hosts have a line: more would scroll, and then nothing can be drawn over.
const maxProgress = 12

// Progress draws a line for each host that is worked on: what is done, for how long, what is waited for and when that
// gives up. Where the output is not a terminal it draws nothing. Its methods may be called at the same time.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	width int
	now   func() time.Time
	stop  chan struct{} // nil where nothing is drawn, or no more
	hosts []hostLine    // in the order in which they were first heard of
	drawn int           // lines on the screen, the cursor in the last
	aside bool          // something else is being written, or asked: nothing is drawn

	above sync.Mutex // one at a time writes above the lines
}

// hostLine is what is known of a host that is worked on.
type hostLine struct {
	host, doing  string
	since, until time.Time
}

// NewProgress draws on w, a terminal of so many columns, once a second and whenever something happens.
func NewProgress(w io.Writer, terminal bool, width int) *Progress {
	p := &Progress{w: w, width: width, now: time.Now}
	if width <= 0 {
		p.width = 80
	}
	if terminal {
		p.stop = make(chan struct{})
		go p.tick(p.stop)
	}
	return p
}

// tick shows that time passes while nothing else is heard of.
func (p *Progress) tick(stop chan struct{}) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			p.change(func() {})
		}
	}
}

// change does f and draws again, unless nothing is drawn. It never waits for what is written above.
func (p *Progress) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop == nil {
		return
	}
	f()
	if p.aside {
		return
	}
	_, _ = io.WriteString(p.w, p.erase()+p.lines()) // a terminal that is gone takes its progress with it
}

// Saw takes what a round tells; it is meant as layers.Acting.Saw.
func (p *Progress) Saw(e layers.Progress) {
	local := strings.TrimPrefix(e.Address, e.Host+":")
	doing := local + ": " + e.Doing
	if e.Outcome != nil {
		doing = local + ": " + e.Outcome.State.String()
	}
	p.change(func() { p.set(e.Host, doing, e.Until) })
}

// Say shows what is done on a host beside the items: connecting, observing. Nothing takes the host's line away.
func (p *Progress) Say(host, doing string) {
	p.change(func() { p.set(host, doing, time.Time{}) })
}

// Above writes something else while lines are drawn: they make room for print and come back below what it wrote, which
// must end in a newline. It may also ask, and wait for the answer: what is heard of meanwhile is drawn then.
func (p *Progress) Above(print func()) {
	p.above.Lock()
	defer p.above.Unlock()
	p.setAside(true)
	print()
	p.setAside(false)
}

// setAside makes room, or draws what has become of the lines since.
func (p *Progress) setAside(aside bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aside = aside
	switch {
	case p.stop == nil:
	case aside:
		_, _ = io.WriteString(p.w, p.erase())
	default:
		_, _ = io.WriteString(p.w, p.lines())
	}
}

// Close removes what was drawn. Calls after it draw nothing.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop == nil {
		return
	}
	close(p.stop)
	p.stop = nil
	_, _ = io.WriteString(p.w, p.erase())
}

// set keeps the moment since when a host does the same.
func (p *Progress) set(host, doing string, until time.Time) {
	at := -1
	for i, h := range p.hosts {
		if h.host == host {
			at = i
		}
	}
	line := hostLine{host: host, doing: doing, since: p.now(), until: until}
	switch {
	case at < 0 && doing == "":
	case at < 0:
		p.hosts = append(p.hosts, line)
	case doing == "":
		p.hosts = append(p.hosts[:at:at], p.hosts[at+1:]...)
	case p.hosts[at].doing == doing || sameWait(p.hosts[at], line):
		p.hosts[at].doing, p.hosts[at].until = doing, until
	default:
		p.hosts[at] = line
	}
}

// sameWait tells a wait that goes on from another: its limit stays although what is waited for may change.
func sameWait(a, b hostLine) bool { return !a.until.IsZero() && a.until.Equal(b.until) }

// erase goes back to where the lines began and clears from there.
func (p *Progress) erase() string {
	n := p.drawn
	p.drawn = 0
	switch {
	case n == 0:
		return ""
	case n == 1:
		return "\r\x1b[J"
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", n-1)
}

// lines gives what to draw; the last line has no newline, so that a screen's bottom does not scroll.
func (p *Progress) lines() string {
	var out []string
	for i, h := range p.hosts {
		if i == maxProgress-1 && len(p.hosts) > maxProgress {
			out = append(out, p.fit(fmt.Sprintf("… and %d more hosts", len(p.hosts)-i)))
			break
		}
		out = append(out, p.fit(h.text(p.now())))
	}
	p.drawn = len(out)
	return strings.Join(out, "\n")
}

// text puts the times first: the end of a line may be cut off.
func (h hostLine) text(now time.Time) string {
	when := seen(now.Sub(h.since))
	if !h.until.IsZero() {
		when += ", gives up in " + seen(h.until.Sub(now))
	}
	return fmt.Sprintf("%s [%s] %s", Clean(h.host), when, Clean(h.doing))
}

// seen is a duration in whole seconds, never negative.
func seen(d time.Duration) string { return max(d, 0).Round(time.Second).String() }

// fit cuts a line so that it cannot wrap, which would put the cursor elsewhere than erase expects.
func (p *Progress) fit(line string) string {
	limit, used := p.width-1, 0
	if columns(line) <= limit {
		return line
	}
	for i, r := range line {
		if used += columns(string(r)); used > limit-1 {
			return line[:i] + "…"
		}
	}
	return line
}
