package config

import "strings"

// Grammar is what may be written, and which ports the switch has.
type Grammar struct {
	top   *Mode
	Ports []string // full names; they are always there
	Flags Flags
}

// Tree is one configuration.
type Tree struct {
	g    *Grammar
	root *Node
}

// New gives the configuration of a switch that was never configured: its ports.
func (g *Grammar) New() *Tree {
	t := &Tree{g: g, root: &Node{}}
	e := t.Edit()
	for _, p := range g.Ports {
		if err := e.Run("interface " + p); err != nil {
			panic(err) // a port that the grammar does not know: a mistake in this package
		}
	}
	return t
}

// Parse executes a configuration's text, as a boot does with startup-config: what is refused is left out and told.
func (g *Grammar) Parse(text string) (*Tree, []error) {
	t := g.New()
	e := t.Edit()
	var errs []error
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "end" && !e.InText() {
			break
		}
		if err := e.Run(line); err != nil {
			errs = append(errs, err)
		}
	}
	e.Leave()
	return t, errs
}

// String prints the configuration without the header and "end".
func (t *Tree) String() string {
	var b strings.Builder
	t.root.print(&b, 0)
	return b.String()
}

// Clone copies it.
func (t *Tree) Clone() *Tree { return &Tree{g: t.g, root: t.root.clone()} }

// Equal tells whether two print the same.
func (t *Tree) Equal(other *Tree) bool { return t.String() == other.String() }

// Top gives the lines and blocks of the top level as they are printed.
func (t *Tree) Top() []*Node { return t.root.ordered() }

// Below gives what is in a block as it is printed.
func (n *Node) Below() []*Node { return n.ordered() }

// Number is the sequence number of a numbered line, 0 where there is none.
func (n *Node) Number() int { return n.number }
