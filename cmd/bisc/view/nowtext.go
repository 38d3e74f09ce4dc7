package view

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"bisc/cmd/bisc/figures"
)

// NowText shows a look at hosts to a person: facts first, a line each, what is wrong with its mark at the left. Whatever a
// host says is cleaned.
func NowText(doc Now, o Options) string {
	p := &nowPage{Options: o}
	for i, h := range doc.Hosts {
		if i > 0 {
			p.line("")
		}
		p.host(h, doc.At)
	}
	return p.b.String()
}

type nowPage struct {
	Options
	b strings.Builder
}

func (p *nowPage) line(text string) { p.b.WriteString(text + "\n") }

// marked is a line with a mark; the words are cleaned here.
func (p *nowPage) marked(c class, indent int, words string) {
	sign := " "
	if c != inSync {
		sign = (&page{Options: p.Options}).mark(c)
	}
	p.line("  " + sign + strings.Repeat(" ", 1+indent) + Clean(words))
}

func (p *nowPage) host(h HostNow, at time.Time) {
	title := Clean(h.Host) + "   " + at.Local().Format(time.TimeOnly)
	if h.Age > 0 {
		title += fmt.Sprintf("   no newer answer for %s: what follows is as old", lasting(h.Age.Seconds()))
	}
	p.line(title)
	if h.Error != "" {
		p.marked(unknown, 0, h.Error)
	}
	p.status(h, at)
	for _, d := range h.Daemons {
		p.daemon(d)
	}
}

func (p *nowPage) daemon(d figures.Daemon) {
	name := fmt.Sprintf("%-12s", d.Name)
	switch {
	case d.State == figures.Absent:
		p.marked(broken, 0, name+" absent: "+d.Why+" ("+d.At+")")
		return
	case d.State != figures.Known:
		p.marked(unknown, 0, name+" unknown: "+d.Why+" ("+d.At+")")
		return
	}
	words := name + " up " + duration(d.Uptime)
	if d.Restarted {
		words += ", restarted just now"
	}
	switch {
	case d.Mirror != nil:
		words += mirrorWords(d.Mirror)
	case d.Unwrap != nil:
		words += unwrapWords(d.Unwrap)
	case d.Meter != nil:
		words += meterWords(d.Meter)
	}
	c := inSync
	if len(d.Faults) > 0 {
		c = broken
	}
	p.marked(c, 0, words)
	for _, f := range d.Faults {
		p.marked(broken, 2, "not well: "+f)
	}
	if d.Meter != nil {
		for _, path := range d.Meter.Paths {
			p.path(path)
		}
	}
	p.drops(d)
}

func (p *nowPage) drops(d figures.Daemon) {
	for i, drop := range d.Drops {
		if i == 6 {
			p.marked(differs, 2, fmt.Sprintf("and for %d reasons more", len(d.Drops)-i))
			return
		}
		p.marked(differs, 2, fmt.Sprintf("drops %s: %s/s (%s in all)", drop.Reason, count(drop.PerSecond), count(drop.Total)))
	}
}

func mirrorWords(m *figures.MirrorFigures) string {
	return fmt.Sprintf("   frames %s   sent %s%s   kernel drops %s   send errors %s   route %s   gso %s", perSecond(m.Frames), perSecond(m.Sent), of(m.Form),
		perSecond(m.KernelDrops), perSecond(m.SendErrors), yes(m.RouteOK, "ok", "WRONG"), yes(m.GSO, "on", "off"))
}

func unwrapWords(u *figures.UnwrapFigures) string {
	words := fmt.Sprintf("   received %s%s   forwarded %s   kernel drops %s   loss %s   delay %s (p99 %s)   jitter %s", perSecond(u.Received), of(u.Form),
		perSecond(u.Forwarded), perSecond(u.KernelDrops), percent(u.Loss), duration(u.Delay), duration(u.Delay99), duration(u.Jitter))
	if u.Restarts.State == figures.Known && u.Restarts.Value > 0 {
		words += "   its sender began anew"
	}
	return words
}

func meterWords(m *figures.MeterFigures) string {
	run := whole(m.RunSlots)
	if m.RunSlots.State == figures.Known {
		run += fmt.Sprintf(" slots, %s, from %s", duration(m.RunSeconds), whole(m.RunFirst))
	}
	return fmt.Sprintf("   tip %s   complete run %s   %s slots/s   slot complete in %s (p99 %s)   equivocations %s", whole(m.Tip), run,
		number1(m.Slots), duration(m.Complete), duration(m.Complete99), whole(m.Equivocation))
}

// path is silent, or says how much comes by it and how much sooner.
func (p *nowPage) path(path figures.Path) {
	name := fmt.Sprintf("path %-10s", path.Name)
	switch path.State {
	case figures.Absent:
		p.marked(broken, 2, name+" absent: nothing comes by it")
		return
	case figures.Known:
	default:
		p.marked(unknown, 2, name+" unknown whether anything comes by it")
		return
	}
	words := fmt.Sprintf("%s %s   first here %s   only here %s", name, perSecond(path.Shreds), percent(path.First), perSecond(path.Only))
	if path.Lead.State != figures.Absent {
		words += "   lead " + signed(path.Lead)
	}
	p.marked(inSync, 2, words)
}

func of(form string) string {
	if form == "" {
		return ""
	}
	return " (" + form + ")"
}

// orWhy is a figure's state in the place of its value, or its value with the bound's sign.
func orWhy(f figures.Figure, text func(float64) string) string {
	switch {
	case f.State == figures.Absent:
		return "absent"
	case f.State != figures.Known:
		return "unknown"
	case f.Over:
		return "> " + text(f.Value)
	case f.Under:
		return "< " + text(f.Value)
	}
	return text(f.Value)
}

func perSecond(f figures.Figure) string {
	return orWhy(f, func(v float64) string { return count(v) + "/s" })
}

func percent(f figures.Figure) string {
	return orWhy(f, func(v float64) string {
		if v > 0 && v < 0.0001 {
			return "< 0.01 %"
		}
		return strconv.FormatFloat(v*100, 'f', 2, 64) + " %"
	})
}

func duration(f figures.Figure) string { return orWhy(f, lasting) }

func signed(f figures.Figure) string {
	return orWhy(f, func(v float64) string {
		if v > 0 {
			return "+" + lasting(v)
		}
		return lasting(v)
	})
}

func whole(f figures.Figure) string {
	return orWhy(f, func(v float64) string { return thousands(math.Round(v)) })
}

func number1(f figures.Figure) string {
	return orWhy(f, func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) })
}

func yes(f figures.Figure, good, bad string) string {
	return orWhy(f, func(v float64) string {
		if v == 1 {
			return good
		}
		return bad
	})
}

// count keeps a decimal of what is small: 0.5 packets a second are not none.
func count(v float64) string {
	if v != math.Trunc(v) && math.Abs(v) < 10 {
		if math.Abs(v) < 0.1 {
			return "< 0.1"
		}
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return thousands(math.Round(v))
}

func thousands(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// lasting is a duration in the one unit that suits it.
func lasting(seconds float64) string {
	a := math.Abs(seconds)
	switch {
	case a == 0:
		return "0s"
	case a < 0.001:
		return strconv.FormatFloat(seconds*1e6, 'f', 0, 64) + "us"
	case a < 1:
		return strconv.FormatFloat(seconds*1e3, 'f', 1, 64) + "ms"
	case a < 120:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + "s"
	case a < 7200:
		return fmt.Sprintf("%dm%02ds", int(seconds)/60, int(a)%60)
	case a < 48*3600:
		return fmt.Sprintf("%dh%02dm", int(seconds)/3600, int(a)/60%60)
	}
	return fmt.Sprintf("%dd%02dh", int(seconds)/86400, int(a)/3600%24)
}

// Frame draws a text over the one before on a terminal of this size: from its top, each line cut so that none wraps, and what
// does not fit named. first clears the screen.
func Frame(text string, width, height int, first bool) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if most := max(1, height-1); len(lines) > most {
		lines = append(lines[:most-1:most-1], fmt.Sprintf("… %d lines more: --host shows one host, a larger window all", len(lines)-most+1))
	}
	p := &Progress{width: width}
	out := "\x1b[H"
	if first {
		out = "\x1b[2J\x1b[H"
	}
	for _, l := range lines {
		out += p.fit(l) + "\x1b[K\n"
	}
	return out + "\x1b[J"
}
