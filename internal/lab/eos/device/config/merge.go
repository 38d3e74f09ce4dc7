package config

// Merge gives theirs with what mine changed since base: a session that is committed with "service configuration session commit
// merge" (eos.md B.1).
func Merge(base, mine, theirs *Tree) *Tree {
	out := theirs.Clone()
	merge(base.root, mine.root, out.root)
	return out
}

func merge(base, mine, into *Node) {
	for _, k := range base.Kids {
		if mine.find(k.key) == nil {
			into.remove(func(x *Node) bool { return x.key == k.key })
		}
	}
	for _, k := range mine.Kids {
		old, there := base.find(k.key), into.find(k.key)
		switch {
		case there == nil && old == nil || there == nil && !same(old, k):
			into.add(k.clone())
		case there != nil && (old == nil || old.Line != k.Line):
			there.Line, there.Args, there.rule = k.Line, k.Args, k.rule
		}
		if there != nil {
			if old == nil {
				old = &Node{}
			}
			merge(old, k, there)
		}
	}
}

func same(a, b *Node) bool {
	if a.Line != b.Line || len(a.Kids) != len(b.Kids) {
		return false
	}
	for _, k := range a.Kids {
		other := b.find(k.key)
		if other == nil || !same(k, other) {
			return false
		}
	}
	return true
}
