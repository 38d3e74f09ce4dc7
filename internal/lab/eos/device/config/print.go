package config

import (
	"strconv"
	"strings"
)

// print writes a block's lines: three blanks a level, "!" between blocks (configs/real-7280CR3A-4.34.0F). At the top level a "!"
// stands before each block and between groups of lines; below, a block has one before it when anything stands before it.
func (n *Node) print(b *strings.Builder, depth int) {
	indent := strings.Repeat("   ", depth)
	var before *Node
	for _, k := range n.ordered() {
		if before != nil && k.apart(before, depth) {
			b.WriteString(indent + "!\n")
		}
		before = k
		b.WriteString(indent)
		if k.number > 0 {
			b.WriteString(strconv.Itoa(k.number) + " ")
		}
		if k.key == commentKey {
			b.WriteString(strings.ReplaceAll(k.Line, "\n", "\n"+indent) + "\n")
			continue
		}
		b.WriteString(k.Line)
		b.WriteByte('\n')
		k.print(b, depth+1)
	}
}

func (n *Node) block() bool { return n.rule != nil && n.rule.Enter != nil }

// apart tells whether a "!" stands between two neighbours.
func (n *Node) apart(before *Node, depth int) bool {
	if depth > 0 {
		return n.block() && !n.rule.Tight
	}
	if n.rule == nil || before.rule == nil {
		return true
	}
	return n.block() || before.block() || n.rule.Group == "" || n.rule.Group != before.rule.Group
}
