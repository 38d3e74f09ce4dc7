package discover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"bisc/internal/host"
	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
	"bisc/modules"
	"bisc/plans"
)

// Check loads the plan as bisc plan would, and observes the host under it. A block that does not validate leaves the plan and
// is a remark; what differs is said at its block. After it the plan is good, and nothing that its first plan shows is unsaid.
func (f *Found) Check(ctx context.Context, h host.Reader, inv *inventory.Inventory, reg modules.Registry, key []byte) error {
	plan, err := f.load(inv, reg, key)
	if err != nil {
		return err
	}
	rep := layers.Observe(ctx, h, stagesOf(plan, f.Host), layers.Options{NoProbes: true, Key: key})
	if rep.Err != nil {
		return rep.Err
	}
	of := map[string]*Block{}
	for _, b := range f.Blocks {
		of[b.Layer+" "+b.Kind+" "+b.Label] = b
	}
	for _, o := range rep.Outcomes {
		b := of[o.Stage.Name+" "+o.Item.Kind+" "+labelOf(o.Item.Address)]
		if b == nil {
			return fmt.Errorf("discover: %s is in the plan and was not written", o.Item.Address) // a fault in this package
		}
		if o.Err != nil {
			b.Unknown = o.Err.Error()
		}
		for _, d := range o.Change.Diffs {
			b.Differs = append(b.Differs, diffText(d))
		}
	}
	f.explain()
	return nil
}

// labelOf takes the label out of an address.
func labelOf(address string) string {
	a, err := plans.ParseAddress(address)
	if err != nil {
		return ""
	}
	return a.Label
}

// diffText says what differs, and when.
func diffText(d modules.Diff) string {
	when := ""
	if d.Boot {
		when = "after boot: "
	}
	text := fmt.Sprintf("%s%s: %s, want %s", when, d.Attr, cmp.Or(d.Got, "(none)"), cmp.Or(d.Want, "(none)"))
	if d.Why != "" {
		text += " (" + d.Why + ")"
	}
	return text
}

// explain takes a fault back that no difference bears out: it was a guess.
func (f *Found) explain() {
	for _, b := range f.Blocks {
		if len(b.Differs) == 0 && b.Unknown == "" {
			b.Notes, b.Faults = append(b.Notes, b.Faults...), nil
		}
	}
}

func stagesOf(plan *plans.Plan, name string) (out []*layers.Stage) {
	for i := range plan.Stages {
		if plan.Stages[i].Host == name {
			out = append(out, &plan.Stages[i])
		}
	}
	return out
}

// load loads the plan's text, and takes out what is not good until it is.
func (f *Found) load(inv *inventory.Inventory, reg modules.Registry, key []byte) (*plans.Plan, error) {
	for range len(f.Blocks) + 1 {
		files := f.Files()
		plan, diags := plans.Load(plans.Options{Files: files, Inventory: inv, Registry: reg, DigestKey: key})
		if !diags.HasErrors() {
			return plan, nil
		}
		bad := f.faulty(diags)
		if len(bad) == 0 {
			return nil, fmt.Errorf("discover: what was written does not validate: %w", diags)
		}
		for _, b := range bad {
			f.Remarks = append(f.Remarks, Remark{Outside, b.Kind, b.Label, "bisc cannot say it: " + strings.Join(b.Faults, "; ")})
		}
		f.Blocks = slices.DeleteFunc(f.Blocks, func(b *Block) bool { return slices.Contains(bad, b) })
		slices.SortStableFunc(f.Remarks, byName)
	}
	return nil, fmt.Errorf("discover: what was written does not validate")
}

// faulty gives the blocks that errors are in; their faults are then the errors.
func (f *Found) faulty(diags hcl.Diagnostics) (bad []*Block) {
	at := f.places()
	blockAt := func(file string, line int) *Block {
		for _, p := range at {
			if p.file == file && p.from <= line && line <= p.to {
				return p.block
			}
		}
		return nil
	}
	for _, d := range diags {
		if d.Severity != hcl.DiagError || d.Subject == nil {
			continue
		}
		b := blockAt(d.Subject.Filename, d.Subject.Start.Line)
		if b == nil {
			continue
		}
		if !slices.Contains(bad, b) {
			bad, b.Faults = append(bad, b), nil
		}
		b.Faults = append(b.Faults, d.Detail)
	}
	return bad
}

// placed is where a block is written.
type placed struct {
	block    *Block
	file     string
	from, to int
}

func (f *Found) places() (out []placed) {
	for _, text := range f.Files() {
		parsed, _ := source.Parse(text) // what it could not read has no place
		blocks := f.of(strings.TrimSuffix(text.Name, plans.Suffix))
		for _, layer := range source.Body(parsed).Blocks {
			for i, b := range layer.Body.Blocks {
				if i < len(blocks) {
					out = append(out, placed{blocks[i], text.Name, b.TypeRange.Start.Line, b.CloseBraceRange.End.Line})
				}
			}
		}
	}
	return out
}
