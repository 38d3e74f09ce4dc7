package plans

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/source"
	"bisc/layers"
)

// Address names an item: host:layer.kind["label"] or host:runbook/stage.kind["label"]. Quotes are left out where the
// label is made of letters, digits and _./:- only; a stage's name is quoted where it is not letters, digits, _ and -.
type Address struct {
	Host    string
	Layer   string // empty in a runbook
	Runbook string
	Stage   string
	// Key is the for_each key of the stage, where HasKey.
	Key    string
	HasKey bool
	Kind   string // or invariant
	Label  string
}

// String is the address as it is shown and given to --target.
func (a Address) String() string {
	return a.Host + ":" + a.Place() + "." + a.Kind + "[" + quoteUnless(isLabel, a.Label) + "]"
}

// Place is the middle of the address: the layer's name, or runbook/stage.
func (a Address) Place() string {
	if a.Runbook == "" {
		return a.Layer
	}
	place := a.Runbook + "/" + quoteUnless(isName, a.Stage)
	if a.HasKey {
		place += "[" + quoteUnless(isLabel, a.Key) + "]"
	}
	return place
}

func quoteUnless(bare func(rune) bool, s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !bare(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
}

func isName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-'
}

func isLabel(r rune) bool { return isName(r) || r == '.' || r == '/' || r == ':' }

// ParseAddress reads an address. A label whose quotes a shell took away is read all the same, up to the last bracket.
func ParseAddress(s string) (Address, error) {
	p := addressReader{rest: s}
	a := Address{Host: p.until(":")}
	a.Layer = p.word("./")
	if strings.HasPrefix(p.rest, "/") {
		a.Runbook, a.Layer = a.Layer, ""
		p.rest = p.rest[1:]
		a.Stage = p.stage()
		if strings.HasPrefix(p.rest, "[") {
			a.Key, a.HasKey = p.key(), true
		}
	}
	p.take(".")
	a.Kind = p.word("[")
	p.take("[")
	a.Label = p.label()
	switch {
	case p.failed || a.Kind == "" || a.Host == "" || a.Layer == "" && (a.Runbook == "" || a.Stage == ""):
		return Address{}, fmt.Errorf("%q is not an address: it is HOST:LAYER.KIND[LABEL] or HOST:RUNBOOK/STAGE.KIND[LABEL], for example biscayne:storage.mount[/srv/solana]", s)
	case a.Layer != "":
		if _, ok := layers.ParseLayer(a.Layer); !ok {
			return Address{}, fmt.Errorf("%q: there is no layer %q.%s", s, a.Layer, source.DidYouMean(a.Layer, layers.Names()))
		}
	}
	return a, nil
}

// addressReader takes an address apart from its left.
type addressReader struct {
	rest   string
	failed bool
}

func (p *addressReader) take(sign string) {
	rest, ok := strings.CutPrefix(p.rest, sign)
	p.rest, p.failed = rest, p.failed || !ok
}

// until takes a word and the sign after it.
func (p *addressReader) until(sign string) string {
	word := p.word(sign)
	p.take(sign)
	return word
}

// word takes what is before the first of some signs, which must be a plain name.
func (p *addressReader) word(signs string) string {
	i := strings.IndexAny(p.rest, signs)
	if i < 0 {
		p.failed = true
		return ""
	}
	word := p.rest[:i]
	p.rest = p.rest[i:]
	p.failed = p.failed || word == "" || strings.IndexFunc(word, func(r rune) bool { return !isName(r) }) >= 0
	return word
}

// stage takes a stage's name, in quotes or not.
func (p *addressReader) stage() string {
	if strings.HasPrefix(p.rest, `"`) {
		return p.quoted()
	}
	return p.word(".[")
}

// key takes [key].
func (p *addressReader) key() string {
	p.take("[")
	if strings.HasPrefix(p.rest, `"`) {
		key := p.quoted()
		p.take("]")
		return key
	}
	i := strings.IndexByte(p.rest, ']')
	if i < 0 {
		p.failed = true
		return ""
	}
	key := p.rest[:i]
	p.rest = p.rest[i+1:]
	return key
}

func (p *addressReader) quoted() string {
	prefix, err := strconv.QuotedPrefix(p.rest)
	if err != nil {
		p.failed = true
		return ""
	}
	word, err := strconv.Unquote(prefix)
	p.rest, p.failed = p.rest[len(prefix):], p.failed || err != nil
	return word
}

// label takes the rest but its last bracket.
func (p *addressReader) label() string {
	raw, ok := strings.CutSuffix(p.rest, "]")
	p.failed = p.failed || !ok || raw == ""
	if strings.HasPrefix(raw, `"`) && len(raw) > 1 && strings.HasSuffix(raw, `"`) {
		if word, err := strconv.Unquote(raw); err == nil {
			return word
		}
	}
	return raw
}

// Find gives the item at an address of this plan, in a layer or in a runbook. The error suggests the nearest address.
func (p *Plan) Find(address string) (layers.Item, error) {
	d, err := p.find(address)
	if err != nil {
		return layers.Item{}, err
	}
	return d.item, nil
}

func (p *Plan) find(address string) (*declaration, error) {
	if d, ok := p.declared[address]; ok {
		return d, nil
	}
	a, err := ParseAddress(address)
	if err == nil {
		if d, ok := p.declared[a.String()]; ok {
			return d, nil
		}
	}
	near := source.Suggest(address, p.Addresses())
	switch {
	case near != "":
		return nil, fmt.Errorf("there is no %s in the plan; did you mean %s?", address, near)
	case err != nil:
		return nil, err
	}
	return nil, fmt.Errorf("there is no %s in the plan; bisc graph lists what there is", address)
}

// Addresses lists the addresses of all items, sorted.
func (p *Plan) Addresses() []string { return slices.Sorted(maps.Keys(p.declared)) }
