package view

import (
	"fmt"
	"slices"
	"strings"
)

// Counts is how many items are of which class.
type Counts struct {
	Total      int `json:"total"`
	InSync     int `json:"in_sync"`
	ToChange   int `json:"to_change"`
	Destroying int `json:"destroying"` // of those to change
	Differ     int `json:"differ"`     // and bisc leaves them
	Changed    int `json:"changed"`
	Held       int `json:"held"`
	Blocked    int `json:"blocked"`
	Broken     int `json:"broken"`  // invariants that do not hold
	Waiting    int `json:"waiting"` // invariants that are judged after the changes before them
	Unknown    int `json:"unknown"`
	NotReached int `json:"not_reached"`
	Failed     int `json:"failed"`
	Stale      int `json:"stale"`
}

func (c *Counts) count(of class) {
	c.Total++
	if of == willDestroy {
		c.Destroying++
	}
	*c.field(of)++
}

func (c *Counts) field(of class) *int {
	fields := map[class]*int{
		inSync: &c.InSync, willChange: &c.ToChange, willDestroy: &c.ToChange, differs: &c.Differ, changed: &c.Changed,
		held: &c.Held, blocked: &c.Blocked, broken: &c.Broken, waiting: &c.Waiting, unknown: &c.Unknown,
		notReached: &c.NotReached, failed: &c.Failed, stale: &c.Stale,
	}
	return fields[of]
}

func (c *Counts) add(o Counts) {
	for of := inSync; of <= stale; of++ {
		if of != willDestroy { // it shares its field with willChange
			*c.field(of) += *o.field(of)
		}
	}
	c.Total += o.Total
	c.Destroying += o.Destroying
}

// String reads "12 in sync, 3 to change (1 destroys), 1 blocked"; what is none is left out, but for in sync.
func (c Counts) String() string {
	if c.Total == 0 {
		return "nothing selected"
	}
	words := []string{fmt.Sprintf("%d in sync", c.InSync)}
	add := func(n int, word string) {
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, word))
		}
	}
	add(c.Changed, "changed")
	add(c.ToChange, "to change")
	if c.Destroying > 0 {
		words[len(words)-1] += fmt.Sprintf(" (%d destroying)", c.Destroying)
	}
	add(c.Differ, "left as found")
	add(c.Held, "held")
	add(c.Blocked, "blocked")
	add(c.Broken, plural(c.Broken, "invariant broken", "invariants broken"))
	add(c.Waiting, plural(c.Waiting, "invariant judged later", "invariants judged later"))
	add(c.Stale, "stale")
	add(c.Failed, "failed")
	add(c.Unknown, "unknown")
	add(c.NotReached, "not reached")
	return strings.Join(words, ", ")
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// stages lists a host's stages in plan order, with what they amount to.
func stages(verb string, h Host) (names []string, of map[string]*Counts) {
	of = map[string]*Counts{}
	for _, it := range h.Items {
		if !slices.Contains(names, it.Stage) {
			names = append(names, it.Stage)
			of[it.Stage] = &Counts{}
		}
		of[it.Stage].count(classOf(verb, it))
	}
	return names, of
}
