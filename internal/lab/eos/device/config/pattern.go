package config

import "strings"

// A pattern is the syntax of one command. It is written as
//
//	mtu <int:68-10240>                       a keyword and a value
//	neighbor {ip} remote-as <asn>            {...} is part of the line's identity, <...> is its value
//	ip access-group <name> {in|out}          a choice of keywords
//	ip route [vrf {name}] {net} {hop}        [...] may be left out
//
// Keywords outside brackets are part of the identity, those in a [...] are when that holds a {...}.
type pattern []element

type element struct {
	word  string    // a keyword
	alts  []string  // a choice of keywords
	arg   *argument // a value
	opt   pattern   // what may be left out
	inKey bool
}

// match is how a line met a pattern.
type match struct {
	canon []string // the line as it is printed
	key   []string // its identity
	args  []string // the values and choices, in order
	short int      // keywords that were abbreviated
}

// reach is how far a line met a pattern that it does not match.
type reach struct {
	token int  // words that were understood
	ended bool // all were, and more are needed

	ambiguous bool // the first word may be several
}

func (r *reach) note(token int, ended bool) {
	if token > r.token || token == r.token && ended {
		r.token, r.ended = token, ended
	}
}

// compile reads a pattern. It panics on a mistake: patterns are constants of this package, and a test compiles them all.
func compile(syntax string) pattern {
	p, rest := compileUntil(strings.Fields(syntax))
	if len(rest) > 0 {
		panic("a ] too many in " + syntax)
	}
	return p
}

func compileUntil(fields []string) (p pattern, rest []string) {
	for len(fields) > 0 {
		f := fields[0]
		fields = fields[1:]
		if after, opens := strings.CutPrefix(f, "["); opens {
			var inner pattern
			inner, fields = compileUntil(append([]string{after}, fields...))
			p = append(p, element{opt: inner.inGroup()})
			continue
		}
		closing := strings.Count(f, "]")
		f = strings.TrimRight(f, "]")
		p = append(p, compileOne(f))
		if closing > 0 {
			if closing > 1 {
				fields = append([]string{strings.Repeat("]", closing-1)}, fields...)
			}
			return p, fields
		}
	}
	return p, nil
}

func compileOne(f string) element {
	switch {
	case f == "":
		return element{opt: pattern{}}
	case f[0] == '<':
		return element{arg: newArgument(f[1 : len(f)-1])}
	case f[0] == '(':
		return element{alts: strings.Split(f[1:len(f)-1], "|")}
	case f[0] == '{' && strings.Contains(f, "|"):
		return element{alts: strings.Split(f[1:len(f)-1], "|"), inKey: true}
	case f[0] == '{':
		return element{arg: newArgument(f[1 : len(f)-1]), inKey: true}
	}
	return element{word: f, inKey: true}
}

// inGroup says of the keywords of an optional group that they are identity only together with a {...}.
func (p pattern) inGroup() pattern {
	keyed := false
	for _, e := range p {
		keyed = keyed || e.inKey && e.word == "" || e.opt != nil && e.opt.keyed()
	}
	for i := range p {
		if p[i].word != "" {
			p[i].inKey = keyed
		}
	}
	return p
}

func (p pattern) keyed() bool {
	for _, e := range p {
		if e.inKey {
			return true
		}
	}
	return false
}

// match meets a line's words with the pattern. With loose, what is not identity may be missing at the end, as after "no".
func (p pattern) match(w words, loose, exact bool) (match, bool, reach) {
	m := matcher{w: w, loose: loose, exact: exact}
	var got match
	ok := m.run(p, 0, match{}, func(at int, found match) bool {
		if at != len(w.text) {
			m.reach.note(at, false)
			return false
		}
		got = found
		return true
	})
	return got, ok, m.reach
}

type matcher struct {
	w            words
	loose, exact bool
	reach        reach
}

func (m *matcher) run(p pattern, at int, found match, then func(int, match) bool) bool {
	if len(p) == 0 {
		return then(at, found)
	}
	e := p[0]
	if e.opt != nil {
		return m.run(e.opt, at, found, func(at int, found match) bool { return m.run(p[1:], at, found, then) }) ||
			m.run(p[1:], at, found, then)
	}
	if at == len(m.w.text) {
		if m.loose && !e.inKey {
			return m.run(p[1:], at, found, then)
		}
		m.reach.note(at, true)
		return false
	}
	next, text, short, ok := m.one(e, at)
	if !ok {
		m.reach.note(at, false)
		return false
	}
	return m.run(p[1:], next, found.with(e, text, short), then)
}

// one meets one element at a word.
func (m *matcher) one(e element, at int) (next int, text string, short int, ok bool) {
	typed := m.w.text[at]
	if e.arg != nil {
		if e.arg.rest {
			return len(m.w.text), m.w.rest(at), 0, true
		}
		text, ok = e.arg.canon(typed)
		return at + 1, text, 0, ok
	}
	alts := e.alts
	if alts == nil {
		alts = []string{e.word}
	}
	low := strings.ToLower(typed)
	for _, a := range alts {
		if strings.ToLower(a) == low {
			return at + 1, a, 0, true
		}
	}
	if m.exact {
		return 0, "", 0, false
	}
	for _, a := range alts {
		if strings.HasPrefix(strings.ToLower(a), low) {
			return at + 1, a, 1, true
		}
	}
	return 0, "", 0, false
}

func (f match) with(e element, text string, short int) match {
	n := match{canon: append(f.canon[:len(f.canon):len(f.canon)], text), key: f.key, args: f.args, short: f.short + short}
	if e.inKey {
		n.key = append(f.key[:len(f.key):len(f.key)], text)
	}
	if e.word == "" {
		n.args = append(f.args[:len(f.args):len(f.args)], text)
	}
	return n
}
