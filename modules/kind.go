package modules

import (
	"fmt"

	"bisc/internal/host"
)

// Kind is a type of resource, as the language and the documents see it.
type Kind struct {
	Name     string // the block's word: mount
	Label    string // what the label means: "the mount point"
	Doc      string // one paragraph
	Platform host.Platform
	// Layer is where the kind belongs by habit (storage, units); it only sorts the documents.
	Layer string
	// Checks says, a line each, what is observed: now and after boot.
	Checks []string
	// Losses is everything that the kind's steps can destroy or interrupt. The README's table is made of it.
	Losses []Loss
	// Example is a whole block.
	Example string
	// New gives a pointer to a zero resource with its label, to be decoded into. Its fields carry the attributes:
	// `hcl:"name"` (required) or `hcl:"name,optional"`, `doc:"..."`, `default:"..."` (in the language's own form).
	New func(label string) Resource
}

// Loss is something that a kind can destroy or interrupt, and what stands before it.
type Loss struct {
	What   string   // "the file system on the device"
	When   string   // "wipe = true and the device holds something else"
	Guards []string // what must hold; each is one of the kind's guards, tested by removing it
}

// Registry is the kinds that a plan may use, by name.
type Registry struct {
	byName map[string]Kind
	order  []string
}

// NewRegistry panics on a name listed twice: a programmer's mistake.
func NewRegistry(kinds ...Kind) Registry {
	r := Registry{byName: map[string]Kind{}}
	for _, k := range kinds {
		if _, twice := r.byName[k.Name]; twice {
			panic(fmt.Sprintf("modules: kind %q is listed twice", k.Name))
		}
		r.byName[k.Name] = k
		r.order = append(r.order, k.Name)
	}
	return r
}

// Lookup finds a kind.
func (r Registry) Lookup(name string) (Kind, bool) { k, ok := r.byName[name]; return k, ok }

// Kinds gives all kinds in the order listed.
func (r Registry) Kinds() []Kind {
	out := make([]Kind, len(r.order))
	for i, n := range r.order {
		out[i] = r.byName[n]
	}
	return out
}
