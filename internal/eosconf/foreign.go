package eosconf

import (
	"path"
	"slices"
	"strings"
)

// DefaultForeign is what the second manager of the real switches writes itself (reference/eos.md 1.1). A pattern of one word
// is also met by the name of an object, wherever a line names it.
func DefaultForeign() []string {
	return []string{"Tunnel5[0-9][0-9]", "Loopback255", "Loopback256", "Loopback1000", "SEC-DIA-IN", "SEC-USER-*", "MAIN-CONTROL-PLANE-ACL",
		"system control-plane", "RM-USER-*", "PL-USER-*", "COMM-*", "vrf1", "router bgp", "router isis", "router msdp", "router pim",
		"router multicast", "ntp", "logging", "hardware access-list", "hardware counter feature gre", "mpls", "daemon doublezero-*",
		"management api eos-sdk-rpc", "hardware tcam"}
}

// Foreign tells whether a line, or the section that it stands in, belongs to another manager, and by which pattern. A pattern
// is words; in each, * and [ab] stand for what they do in a file's name.
func Foreign(patterns []string, under []string, line string) (owner string, is bool) {
	all := append(slices.Clone(under), line)
	for _, p := range patterns {
		if begins(p, all[0]) {
			return p, true
		}
	}
	for _, p := range patterns {
		if !strings.Contains(p, " ") && slices.ContainsFunc(all, func(l string) bool { return mentions(p, l) }) {
			return p, true
		}
	}
	return "", false
}

// begins tells whether a line's first words are the pattern's; a leading "no" counts for nothing.
func begins(pattern, line string) bool {
	want, have := strings.Fields(pattern), strings.Fields(strings.TrimPrefix(line, "no "))
	if len(have) < len(want) {
		return false
	}
	for i, w := range want {
		if ok, err := path.Match(w, have[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// mentions tells whether a line names an object that the pattern fits: the word after one that is followed by a name.
func mentions(pattern, line string) bool {
	words := strings.Fields(line)
	for i, w := range words {
		if i > 0 && namesNext(words[:i]) {
			if ok, err := path.Match(pattern, w); err == nil && ok {
				return true
			}
		}
	}
	return false
}

// namesNext tells whether the next word after these is an object's name.
func namesNext(words []string) bool {
	last := words[len(words)-1]
	switch last {
	case "interface", "access-list", "access-group", "prefix-list", "community-list", "community", "route-map", "vrf", "egress-vrf", "instance", "daemon",
		"standard", "boundary", "source-interface", "update-source", "local-interface", "source", "class", "input", "output", "destination":
		return true
	}
	return len(words) > 2 && words[len(words)-2] == "type" || len(words) > 3 && words[len(words)-3] == "type" // class-map type pbr match-any NAME
}
