package config

import (
	"slices"
	"strings"
)

// Node is a line of a configuration and what stands below it.
type Node struct {
	Line string // as it is printed, without indent; a here-document has newlines
	Args []string
	Kids []*Node

	rule   *Rule
	key    string
	sort   string
	number int // of a numbered entry, printed before Line; 0: none
	seq    int
	index  map[string]*Node
	last   int // the last seq given to a kid
}

// find gives the kid with an identity.
func (n *Node) find(key string) *Node {
	if n.index == nil {
		n.index = make(map[string]*Node, len(n.Kids))
		for _, k := range n.Kids {
			n.index[k.key] = k
		}
	}
	return n.index[key]
}

// add puts a kid in, behind those that came before it.
func (n *Node) add(k *Node) *Node {
	n.find(k.key)
	n.last++
	k.seq = n.last
	n.Kids = append(n.Kids, k)
	n.index[k.key] = k
	return k
}

// remove takes out the kids that a test chooses, and tells how many.
func (n *Node) remove(choose func(*Node) bool) int {
	before := len(n.Kids)
	n.Kids = slices.DeleteFunc(n.Kids, func(k *Node) bool {
		if !choose(k) {
			return false
		}
		delete(n.index, k.key)
		return true
	})
	return before - len(n.Kids)
}

// clone copies a tree.
func (n *Node) clone() *Node {
	c := *n
	c.index = nil
	c.Kids = make([]*Node, len(n.Kids))
	for i, k := range n.Kids {
		c.Kids[i] = k.clone()
	}
	return &c
}

// ordered gives the kids as they are printed.
func (n *Node) ordered() []*Node {
	kids := slices.Clone(n.Kids)
	slices.SortStableFunc(kids, func(a, b *Node) int {
		switch {
		case a.bucket() != b.bucket():
			return a.bucket() - b.bucket()
		case a.sort != b.sort:
			return strings.Compare(a.sort, b.sort)
		case a.rule != nil && b.rule != nil && a.rule.index != b.rule.index:
			return a.rule.index - b.rule.index
		}
		return a.seq - b.seq
	})
	return kids
}

// bucket is the place of the rule; numbered entries without one come behind all.
func (n *Node) bucket() int {
	if n.key == commentKey {
		return -1
	}
	if n.rule == nil {
		return 1 << 20
	}
	return n.rule.bucket
}

// natural makes a key that sorts numbers by value: "Ethernet2/1" before "Ethernet10/1".
func natural(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && s[j] >= '0' && s[j] <= '9' {
			j++
		}
		if j == i {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(strings.Repeat("0", max(0, 10-(j-i))))
		b.WriteString(s[i:j])
		i = j
	}
	return b.String()
}
