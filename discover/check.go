package discover

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

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
	f.leave(func(b *Block) (why string) { return b.unsayable() })
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
		f.leave(func(b *Block) string { return bad[b] })
	}
	return nil, fmt.Errorf("discover: what was written does not validate")
}

// leave takes the blocks out of which there is something to say.
func (f *Found) leave(why func(*Block) string) {
	f.Blocks = slices.DeleteFunc(f.Blocks, func(b *Block) bool {
		reason := why(b)
		if reason != "" {
			f.Remarks = append(f.Remarks, Remark{b.without(), b.Kind, b.Label, "the language cannot say it: " + reason})
		}
		return reason != ""
	})
	slices.SortStableFunc(f.Remarks, byName)
}

// without is what the block's subject is where the plan does not have it.
func (b *Block) without() State {
	if b.passing {
		return Ephemeral
	}
	return Outside
}

// unsayable says which of the block's texts would not come back as they were written: a string of HCL is UTF-8, and Unicode
// is normalized in it. A NUL is no text.
func (b *Block) unsayable() string {
	if !plainly(b.Label) {
		return "its name is not UTF-8, not normalized, or has a NUL in it"
	}
	for _, a := range b.Attrs {
		if !plainly(valueTexts(a.Value)...) {
			return a.Name + " is not UTF-8, not normalized, or has a NUL in it"
		}
	}
	return ""
}

func plainly(texts ...string) bool {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.ContainsRune(t, 0) || cty.StringVal(t).AsString() != t {
			return false
		}
	}
	return true
}

// valueTexts gives the strings that a value is made of; those of sections were read by systemd's parser.
func valueTexts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case Text:
		return []string{string(v)}
	case []string:
		return v
	case map[string]string:
		for k, s := range v {
			out = append(out, k, s)
		}
	case map[string][]string:
		for k, l := range v {
			out = append(append(out, k), l...)
		}
	case map[string]map[string][]string:
		for _, m := range v {
			out = append(out, valueTexts(m)...)
		}
	}
	return out
}

// faulty gives the blocks that errors are in, with the errors.
func (f *Found) faulty(diags hcl.Diagnostics) map[*Block]string {
	bad := map[*Block]string{}
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
		if b := blockAt(d.Subject.Filename, d.Subject.Start.Line); b != nil {
			bad[b] = strings.TrimPrefix(bad[b]+"; "+d.Detail, "; ")
		}
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
