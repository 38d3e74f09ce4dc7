package plans

import "github.com/zclconf/go-cty/cty"

// A local value may name others several times, and those again: thirty lines make a value of a thousand million elements,
// which takes no room, for they are shared, but no walk over it would end.
const (
	maxWeight = 1 << 20 // elements, or 16 bytes of text
	maxNested = 500
)

// tooLarge tells whether a value has too many elements, too much text or too many levels to be walked.
func tooLarge(v cty.Value) bool {
	left := maxWeight
	return !weighs(v, &left, maxNested)
}

func weighs(v cty.Value, left *int, depth int) bool {
	v, _ = v.Unmark()
	*left--
	if *left < 0 || depth < 0 {
		return false
	}
	if v.IsNull() || !v.IsKnown() {
		return true
	}
	if v.Type() == cty.String {
		*left -= len(v.AsString()) / 16
		return *left >= 0
	}
	if !v.CanIterateElements() {
		return true
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, e := it.Element(); !weighs(e, left, depth-1) {
			return false
		}
	}
	return true
}
