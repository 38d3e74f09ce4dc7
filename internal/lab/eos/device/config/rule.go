package config

import "strings"

// Rule is one command of a mode.
type Rule struct {
	Syntax string
	// No is what may follow "no" and "default"; "" is Syntax without the values at its end, "-" nothing: it cannot be negated.
	No string
	// Default is the line that says what holds anyway: it is taken and not kept, so it is not printed.
	Default string
	// Toggle: "no X" is a state that is kept and printed (unless it is the Default), not the absence of X.
	Toggle bool
	// Sweep: "no" with less than the whole identity removes all that begin with it.
	Sweep bool
	// Must: "no" of what is not there is an error with this text; %s is the last word of what was named.
	Must string
	// Group names neighbours at the top level between which no "!" is printed.
	Group string
	// Bucket: rules with the same bucket are printed as one list, by Sort, then in the order of the rules.
	Bucket string
	// Sort gives what entries of this rule are sorted by, from the words of the line; nil keeps the order in which they came.
	Sort func(line []string) string
	// Rewrite changes the line that is kept.
	Rewrite func(line string) string
	// Instead are the lines that are executed in its place, from the top level.
	Instead []string
	// After changes the block around it when a value was set that was not there.
	After func(in *Node)
	// Also are lines that a new block brings with it, at the same level (a VRF: no ip routing vrf X).
	Also func(args []string) []string
	// Gone removes what cannot be without what a "no" removed.
	Gone func(in *Node, args []string)
	// Text: lines up to EOF follow.
	Text bool
	// Enter is the mode that the line opens.
	Enter *Mode
	// Numbered: the line has a number before it, 10 more than the last one where none is typed (eos.md B.3, PBR maps).
	Numbered bool
	// Tight: no "!" is printed before its block.
	Tight bool
	// Stays tells of a block that "no" may empty and not remove (a physical interface); nil: none stays.
	Stays func(args []string) bool
	// Valid tells whether the rule is for these values; another rule with the same syntax may be.
	Valid func(args []string) bool

	syntax, no pattern
	noShort    bool // No was not given: values at the end may be missing
	index      int
	bucket     int
}

// Mode is a list of commands, printed in their order.
type Mode struct {
	// Name is how the prompt has it, made of the values in the header: "if-Et1/1".
	Name func(args []string) string
	// Group: changes take effect when the mode is left, and "abort" drops them (eos.md B.1, group-change modes).
	Group bool
	// Fresh are lines that a new block has (a daemon is shut down).
	Fresh []string
	// Line handles what the rules cannot say (numbered rules); nil or not handled: the rules decide.
	Line  func(in *Node, l Line) (handled bool, err error)
	Rules []*Rule

	first map[string][]*Rule
}

// Line is a typed line in a mode with a handler of its own.
type Line struct {
	No    bool
	Words []string
	Raw   string // the words as typed, without "no"
	Flags Flags
}

// Flags are unknowns that a test turns.
type Flags struct {
	ReplaceACLLine bool // see device.Flags
}

// prepare compiles a mode's patterns and numbers its rules.
func (m *Mode) prepare(done map[*Mode]bool) {
	if m == nil || done[m] {
		return
	}
	done[m] = true
	m.first = map[string][]*Rule{}
	buckets := map[string]int{}
	for i, r := range m.Rules {
		r.prepare(i, buckets)
		word := strings.ToLower(r.syntax[0].word)
		m.first[word] = append(m.first[word], r)
		r.Enter.prepare(done)
	}
}

func (r *Rule) prepare(i int, buckets map[string]int) {
	r.index, r.bucket = i, i
	if r.Bucket != "" {
		if _, known := buckets[r.Bucket]; !known {
			buckets[r.Bucket] = i
		}
		r.bucket = buckets[r.Bucket]
	}
	r.syntax, r.no, r.noShort = compile(r.Syntax), compile(r.Syntax), r.No == ""
	if r.No != "" && r.No != "-" {
		r.no = compile(r.No)
	}
}

// candidates are the rules whose first word is this one, or is meant by it. Several keywords that begin so are ambiguous.
func (m *Mode) candidates(word string, exact bool) (rules []*Rule, ambiguous bool) {
	low := strings.ToLower(word)
	rules = m.first[low]
	if rules == nil && !exact {
		for keyword, are := range m.first {
			if keyword != "" && strings.HasPrefix(keyword, low) {
				ambiguous, rules = ambiguous || rules != nil, are
			}
		}
	}
	if ambiguous {
		rules = nil
	}
	return append(rules[:len(rules):len(rules)], m.first[""]...), ambiguous
}
