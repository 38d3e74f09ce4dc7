package eosconf

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNoEnd is a text whose EOF is missing: the configuration was cut off in it.
var ErrNoEnd = errors.New("has no EOF line: the text was cut off")

// step is the indent that EOS adds for each level [V].
const step = 3

func indent(depth int) string { return strings.Repeat(" ", depth*step) }

// Parse reads a configuration as EOS prints it, or lines as a person writes them: any deeper indent opens a level, and a
// comment of one "!" with words is dropped, as EOS drops it [V]. It keeps separators, so that String gives back what was read.
// It fails on what cannot be whole: a text without its EOF, lines after "end".
func Parse(text []byte) (*Config, error) {
	all := string(text)
	p := parser{rest: all, slab: make([]Line, 0, strings.Count(all, "\n")+1)}
	p.conf.open = !strings.HasSuffix(all, "\n") && all != ""
	for p.rest != "" {
		if err := p.next(); err != nil {
			return nil, fmt.Errorf("the configuration's line %d: %w", p.number, err)
		}
	}
	p.settle(0)
	p.conf.endGap += p.gap
	if n := len(p.conf.head); n > 0 && p.conf.head[n-1] == "!" && len(p.conf.Lines) > 0 {
		p.conf.head = p.conf.head[:n-1]
		p.conf.Lines[0].gap++
	}
	return &p.conf, nil
}

// level is an open line and how far it is indented.
type level struct {
	line   *Line
	indent int
}

type parser struct {
	conf    Config
	rest    string
	number  int // of the line read last, from 1
	slab    []Line
	stack   []level
	pending []int // indents of the separators since the last line
	gap     int   // of them, those that stand before the next line
}

// cut takes the next line, without its end.
func (p *parser) cut() string {
	line, rest, _ := strings.Cut(p.rest, "\n")
	p.rest, p.number = rest, p.number+1
	return strings.TrimSuffix(line, "\r")
}

func (p *parser) next() error {
	full := p.cut()
	text := strings.TrimLeft(full, " ")
	at := len(full) - len(text)
	switch {
	case strings.TrimSpace(text) == "":
		return nil
	case p.conf.end && text[0] == '!': // some fixtures of other tools have their notes there
		return nil
	case p.conf.end:
		return fmt.Errorf("%q stands after the end", Redact(text))
	case text[0] == '!' && !strings.HasPrefix(text, "!!"):
		p.separator(at, text)
		return nil
	case at == 0 && text == "end":
		p.settle(0)
		p.conf.end, p.conf.endGap, p.gap = true, p.gap, 0
		return nil
	}
	l := Line{Text: text}
	if n := documents(text); n > 0 {
		if err := p.document(&l, at, n); err != nil {
			return err
		}
	}
	p.add(l, at)
	return nil
}

func (p *parser) separator(at int, text string) {
	switch {
	case len(p.conf.Lines) == 0 && at == 0:
		p.conf.head = append(p.conf.head, text)
	case text == "!":
		p.pending = append(p.pending, at)
	}
}

// settle gives the separators since the last line their place, before a line of this indent: those deeper than it close the
// section in which a line of their own indent would have stood.
func (p *parser) settle(at int) {
	for _, sep := range p.pending {
		owner := (*Line)(nil)
		for i := len(p.stack) - 1; i >= 0 && sep > at && owner == nil; i-- {
			if p.stack[i].indent < sep && p.stack[i].indent >= at {
				owner = p.stack[i].line
			}
		}
		if owner == nil {
			p.gap++
			continue
		}
		owner.tail++
	}
	p.pending = p.pending[:0]
	for len(p.stack) > 0 && p.stack[len(p.stack)-1].indent >= at {
		p.stack = p.stack[:len(p.stack)-1]
	}
}

func (p *parser) add(l Line, at int) {
	p.settle(at)
	l.gap, p.gap = p.gap, 0
	into := &p.conf.Lines
	if n := len(p.stack); n > 0 {
		into = &p.stack[n-1].line.Sub
	}
	if n := len(*into); n > 0 && l.gap == 0 && strings.HasPrefix(l.Text, "!!") && strings.HasPrefix((*into)[n-1].Text, "!!") {
		(*into)[n-1].Text += "\n" + l.Text
		return
	}
	p.slab = append(p.slab, l)
	line := &p.slab[len(p.slab)-1]
	*into = append(*into, line)
	p.stack = append(p.stack, level{line, at})
}
