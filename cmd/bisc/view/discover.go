package view

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strings"

	"bisc/discover"
)

//go:embed discover.schema.json
var discoverSchema []byte

// DiscoverSchema is the JSON Schema (2020-12) of what FoundJSON writes.
func DiscoverSchema() []byte { return bytes.Clone(discoverSchema) }

// Discovery is what was found on a host, for machines; discover.schema.json describes it.
type Discovery struct {
	FormatVersion string         `json:"format_version"`
	Host          string         `json:"host"`
	OS            string         `json:"os,omitempty"`
	MachineID     string         `json:"machine_id,omitempty"`
	ExitStatus    int            `json:"exit_status"`
	Variant       FoundVariant   `json:"variant"`
	Compared      *FoundCompared `json:"compared,omitempty"`
	Resources     []FoundBlock   `json:"resources"`
	Others        []FoundRemark  `json:"others"`
	Wrote         []string       `json:"wrote"`
}

// FoundVariant is the variant of storage, by what lies where.
type FoundVariant struct {
	Name string `json:"name"` // empty: none of the known ones
	What string `json:"what"`
}

// FoundCompared is a plan that the host was compared with.
type FoundCompared struct {
	Plan     string       `json:"plan"`
	Variable string       `json:"variable"`
	Best     []string     `json:"best"`
	Values   []FoundTried `json:"values"`
}

// FoundTried is the plan with one value.
type FoundTried struct {
	Value     string   `json:"value"`
	Resources int      `json:"resources"`
	Differs   []string `json:"differs"`
	Unknown   []string `json:"unknown"`
	Fault     string   `json:"fault,omitempty"`
}

// FoundBlock is a resource of the plan.
type FoundBlock struct {
	Layer   string   `json:"layer"`
	Kind    string   `json:"kind"`
	Label   string   `json:"label"`
	Faults  []string `json:"faults"`  // what is wrong with the host
	Differs []string `json:"differs"` // what the first plan shows
	Notes   []string `json:"notes"`
	Unknown string   `json:"unknown,omitempty"`
}

// FoundRemark is what is not in the plan.
type FoundRemark struct {
	State   string `json:"state"` // not in the plan; not in the plan, gone after a reboot; unknown
	Subject string `json:"subject"`
	Name    string `json:"name"`
	Why     string `json:"why"`
}

// FoundJSON writes what was found for machines.
func FoundJSON(w io.Writer, f *discover.Found, wrote []string, status int) error {
	doc := Discovery{FormatVersion: FormatVersion, Host: f.Host, OS: f.OS, MachineID: f.Machine, ExitStatus: status,
		Variant: FoundVariant{f.Shape.Name, f.Shape.What}, Resources: []FoundBlock{}, Others: []FoundRemark{}, Wrote: some(wrote)}
	for _, b := range f.Blocks {
		doc.Resources = append(doc.Resources, FoundBlock{b.Layer, b.Kind, b.Label, some(b.Faults), some(b.Differs), some(b.Notes), b.Unknown})
	}
	for _, r := range f.Remarks {
		doc.Others = append(doc.Others, FoundRemark{string(r.State), r.Subject, r.Name, r.Why})
	}
	if v := f.Variants; v != nil {
		c := FoundCompared{Plan: v.Plan, Variable: v.Variable, Best: []string{}}
		for _, t := range v.Best() {
			c.Best = append(c.Best, t.Value)
		}
		for _, t := range v.Tried {
			c.Values = append(c.Values, FoundTried{t.Value, t.Resources, some(t.Differs), some(t.Unknown), t.Fault})
		}
		doc.Compared = &c
	}
	return encode(w, doc)
}

// some is a list that JSON has as [] where it is empty.
func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// Found shows what was found to a person.
func Found(w io.Writer, f *discover.Found, wrote []string) error {
	var b strings.Builder
	say := func(format string, args ...any) { b.WriteString(Clean(fmt.Sprintf(format, args...)) + "\n") }
	say("%s: %s", f.Host, f.Shape)
	if f.Variants != nil {
		say("  %s", f.Variants)
		if best := f.Variants.Best(); len(best) == 1 {
			for _, d := range best[0].Differs {
				say("    differs: %s", d)
			}
		}
	}
	differing := f.Differing()
	say("%d resources, %d of them not as they ought to be", len(f.Blocks), len(differing))
	for _, block := range differing {
		say("  ~ %s.%s", block.Layer, block.Name())
		for _, line := range block.Faults {
			say("      now: %s", line)
		}
		for _, line := range block.Differs {
			say("      %s", line)
		}
	}
	for _, block := range f.Blocks {
		if block.Unknown != "" {
			say("  ? %s.%s: %s", block.Layer, block.Name(), block.Unknown)
		}
	}
	last := discover.State("")
	for _, r := range f.Remarks {
		if r.State != last {
			say("%s:", r.State)
			last = r.State
		}
		say("  %s %s: %s", r.Subject, r.Name, r.Why)
	}
	for _, name := range wrote {
		say("wrote %s", name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
