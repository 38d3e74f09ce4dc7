package config

import (
	"strconv"
	"strings"
)

// accessLists: extended and standard, each by name, behind each other (configs/real-7280CR3A-4.34.0F). Both are group-change modes.
func accessLists() []*Rule {
	mode := func(rule func(*aclRule) (string, bool)) *Mode {
		return &Mode{Name: called("acl"), Group: true, Rules: []*Rule{{Syntax: "counters per-entry"}}, Line: aclLine(rule)}
	}
	named := func(args []string) bool { return len(args) == 0 || args[0] != "standard" }
	return []*Rule{
		{Syntax: "ip access-list {name}", Sort: word(2), Enter: mode(extended), Valid: named},
		{Syntax: "ip access-list standard {name}", Sort: word(3), Enter: mode(standard)},
	}
}

// aclLine handles "[N] permit|deny|remark ...", "no N", "no permit ...", and "resequence [START [STEP]]" (eos.md C.2, F.1).
func aclLine(rule func(*aclRule) (string, bool)) func(*Node, Line) (bool, error) {
	return func(in *Node, l Line) (bool, error) {
		number, words, raw := 0, l.Words, l.Raw
		if n, err := strconv.ParseInt(words[0], 10, 64); err == nil && n > 0 && n <= 4294967295 {
			number, words, raw = int(n), words[1:], strings.TrimSpace(strings.TrimPrefix(raw, words[0]))
		}
		if len(words) == 0 {
			if !l.No {
				return true, &Error{Line: l.Raw, Incomplete: true}
			}
			in.remove(func(k *Node) bool { return k.number == number })
			return true, nil
		}
		switch strings.ToLower(words[0]) {
		case "resequence":
			return true, in.resequence(words[1:], l)
		case "remark":
			return true, in.entry(number, "remark "+strings.TrimSpace(raw[len("remark"):]), l)
		case "permit", "deny":
			r := &aclRule{words: words[1:], out: []string{strings.ToLower(words[0])}}
			text, ok := rule(r)
			if !ok {
				return true, r.refusal(l)
			}
			return true, in.entry(number, text, l)
		}
		if number > 0 {
			return true, &Error{Line: l.Raw, Token: 2, Word: words[0]}
		}
		return false, nil
	}
}

// entry puts a rule into an ACL or takes it out. Without a number it comes last, with 10 more (eos.md B.3). One that is there
// already is not doubled ([I]). A number that another rule has: an error, or it takes its place ([U], Flags.ReplaceACLLine).
func (n *Node) entry(number int, text string, l Line) error {
	same := func(k *Node) bool { return k.number > 0 && k.Line == text && (number == 0 || k.number == number) }
	if l.No {
		n.remove(same)
		return nil
	}
	for _, k := range n.Kids {
		if same(k) {
			return nil
		}
	}
	if number == 0 {
		number = n.highest() + 10
	}
	key := "#" + strconv.Itoa(number)
	if old := n.find(key); old != nil {
		if !l.Flags.ReplaceACLLine {
			return &Error{Line: l.Raw, Text: "Error: Sequence number " + strconv.Itoa(number) + " already exists"}
		}
		old.Line = text
		return nil
	}
	n.add(&Node{Line: text, key: key, number: number, sort: natural(strconv.Itoa(number))})
	return nil
}

func (n *Node) resequence(args []string, l Line) error {
	start, step := 10, 10
	for i, into := range []*int{&start, &step} {
		if len(args) <= i {
			break
		}
		v, err := strconv.Atoi(args[i])
		if err != nil || v < 1 {
			return &Error{Line: l.Raw, Token: i + 2, Word: args[i]}
		}
		*into = v
	}
	for _, k := range n.ordered() {
		if k.number > 0 {
			k.number, k.key, k.sort = start, "#"+strconv.Itoa(start), natural(strconv.Itoa(start))
			start += step
		}
	}
	n.index = nil
	return nil
}
