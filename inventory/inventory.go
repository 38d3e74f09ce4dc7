// Package inventory holds the hosts, as data: what they are, how they are reached, and what plans may read of them. It
// never dials.
package inventory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"bisc/internal/source"
)

// Inventory is hosts by name, in the order written.
type Inventory struct {
	hosts []*Host
	names map[string]*Host
	// Files are the texts that the hosts were read from, for diagnostics.
	Files map[string]*hcl.File
}

// Load reads host blocks. The inventory is never nil; it is only good when there are no errors, and then every jump host
// of every chain is in it.
func Load(files ...source.File) (*Inventory, hcl.Diagnostics) {
	inv := &Inventory{names: map[string]*Host{}, Files: map[string]*hcl.File{}}
	var diags hcl.Diagnostics
	var blocks []*hclsyntax.Block
	broken := false
	for _, f := range files {
		parsed, parseDiags := source.Parse(f)
		inv.Files[f.Name] = parsed
		diags = append(diags, parseDiags...)
		broken = broken || parseDiags.HasErrors()
		found, foundDiags := hostBlocks(source.Body(parsed))
		diags = append(diags, foundDiags...)
		blocks = append(blocks, found...)
	}
	diags = append(diags, inv.add(blocks)...)
	if !broken { // a host may be missing only because its file does not parse
		diags = append(diags, inv.checkChains()...)
	}
	return inv, diags
}

// Extend gives a new inventory with the host blocks of a plan beside those of inv, which may be nil.
func Extend(inv *Inventory, blocks []*hclsyntax.Block) (*Inventory, hcl.Diagnostics) {
	if inv == nil {
		inv = &Inventory{}
	}
	if len(blocks) == 0 && inv.names != nil {
		return inv, nil
	}
	more := &Inventory{hosts: slices.Clone(inv.hosts), names: map[string]*Host{}, Files: maps.Clone(inv.Files)}
	maps.Copy(more.names, inv.names)
	diags := more.add(blocks)
	if !diags.HasErrors() {
		diags = append(diags, more.checkChains()...)
	}
	return more, diags
}

func hostBlocks(body *hclsyntax.Body) ([]*hclsyntax.Block, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var blocks []*hclsyntax.Block
	for _, a := range sorted(body.Attributes) {
		diags = append(diags, fault(a.NameRange, "Unexpected attribute", "An inventory holds host blocks: host \"NAME\" { ... }. What plans read of a host goes into its data."))
	}
	for _, b := range body.Blocks {
		if b.Type != "host" {
			diags = append(diags, fault(b.TypeRange, "Unknown block", fmt.Sprintf("An inventory has no %q block.%s", b.Type, source.DidYouMean(b.Type, []string{"host"}))))
			continue
		}
		blocks = append(blocks, b)
	}
	return blocks, diags
}

// add decodes blocks; a host whose block has faults is there all the same, so that it is not reported as unknown too.
func (inv *Inventory) add(blocks []*hclsyntax.Block) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, b := range blocks {
		h, hostDiags := decode(b)
		diags = append(diags, hostDiags...)
		if h == nil {
			continue
		}
		if first, twice := inv.names[h.Name]; twice {
			diags = append(diags, fault(b.DefRange(), "Host declared twice", fmt.Sprintf("The host %q is declared at %s already.", h.Name, place(first.Range))))
			continue
		}
		inv.names[h.Name] = h
		inv.hosts = append(inv.hosts, h)
	}
	return diags
}

// Lookup finds a host by name.
func (inv *Inventory) Lookup(name string) (*Host, bool) { h, ok := inv.names[name]; return h, ok }

// Hosts lists all hosts in the order written.
func (inv *Inventory) Hosts() []*Host { return slices.Clone(inv.hosts) }

// Names lists the names of the hosts in the order written.
func (inv *Inventory) Names() []string {
	out := make([]string, len(inv.hosts))
	for i, h := range inv.hosts {
		out[i] = h.Name
	}
	return out
}

func fault(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}

func place(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

// sorted gives attributes in the order written: a map has none, and diagnostics should come the same way each time.
func sorted(attrs hclsyntax.Attributes) []*hclsyntax.Attribute {
	out := slices.Collect(maps.Values(attrs))
	slices.SortFunc(out, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	return out
}
