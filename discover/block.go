package discover

import (
	"cmp"
	"fmt"
	"strings"
)

// Block is a resource as the plan will say it.
type Block struct {
	Layer, Kind, Label string
	Attrs              []Attr
	// Notes are comments above it.
	Notes []string
	// Faults say what is wrong with what the host has, where the block says otherwise.
	Faults []string
	// Differs is what the first plan will show of it, seen by observing the host under this very block.
	Differs []string
	// Unknown is why it could not be observed.
	Unknown string

	passing bool // without the block a reboot loses it
}

// Attr is an attribute: a string, an int, a bool, a []string, a map[string]string or sections; Text is a string that is
// written over several lines.
type Attr struct {
	Name  string
	Value any
}

// Text is content of several lines.
type Text string

// Number is written without quotes.
type Number uint64

func newBlock(layer, kind, label string) *Block {
	return &Block{Layer: layer, Kind: kind, Label: label}
}

func (b *Block) set(name string, value any) *Block {
	b.Attrs = append(b.Attrs, Attr{name, value})
	return b
}

// setIf sets what is not the zero of its type.
func setIf[T comparable](b *Block, name string, value T) {
	var zero T
	if value != zero {
		b.set(name, value)
	}
}

func (b *Block) note(format string, args ...any) {
	b.Notes = append(b.Notes, fmt.Sprintf(format, args...))
}
func (b *Block) fault(format string, args ...any) {
	b.Faults = append(b.Faults, fmt.Sprintf(format, args...))
}

func (b *Block) attr(name string) any {
	for _, a := range b.Attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return nil
}

func (b *Block) text(name string) string { s, _ := b.attr(name).(string); return s }

// Name is the block as a person names it: mount[/srv/solana].
func (b *Block) Name() string { return b.Kind + "[" + b.Label + "]" }

// State says of a remark what became of its subject.
type State string

// The states of a remark.
const (
	// Outside: it is on the host and not in the plan.
	Outside State = "not in the plan"
	// Ephemeral: as Outside, and it would not survive a reboot.
	Ephemeral State = "not in the plan, gone after a reboot"
	// Unknown: it could not be read.
	Unknown State = "unknown"
)

// Remark is something found that is no block.
type Remark struct {
	State   State
	Subject string // container, listener, rule, cron, file, unit, mount...
	Name    string
	Why     string
}

func byName(a, b Remark) int {
	return cmp.Or(cmp.Compare(a.State, b.State), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Name, b.Name))
}
