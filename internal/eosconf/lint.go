package eosconf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// LintError is a line that EOS does not have, or that must not be typed into a session.
type LintError struct {
	Under   []string
	Line    string
	Instead string // why, and what to write instead
}

// Error names the line and what to write instead.
func (e *LintError) Error() string {
	return fmt.Sprintf("%s: %s", Entry{Under: e.Under, Line: e.Line}, e.Instead)
}

// fault is a form of line that is refused, and where.
type fault struct {
	form    *regexp.Regexp
	where   func(under []string) bool
	instead string
}

func anywhere([]string) bool     { return true }
func top(under []string) bool    { return len(under) == 0 }
func policy(under []string) bool { return len(under) > 1 && under[0] == "traffic-policies" }
func outside(header string) func([]string) bool {
	return func(under []string) bool { return len(under) == 0 || !strings.HasPrefix(under[0], header) }
}

// faults are looked at in their order; the first four are lines of the operators' own runbooks that EOS never had.
var faults = []fault{
	{regexp.MustCompile(`^rollback running-config checkpoint\b`), anywhere, `that is NX-OS; EOS has the command "configure checkpoint restore NAME", which brings back the whole configuration, also what others changed since: to go back, plan what is to go with absent = true`},
	{regexp.MustCompile(`^traffic-policy [^ ]+$`), top, `EOS has traffic policies only inside the section "traffic-policies"`},
	{regexp.MustCompile(`^(match [^ ]+|set nexthop .*)$`), policy, `a traffic policy names its packets inline ("match NAME ipv4" and lines below it), and sends them on by "redirect next-hop A.B.C.D" below "actions"`},
	{regexp.MustCompile(`^system-rule overriding-action`), outside("hardware tcam"), `that is a line of a hardware TCAM profile, which bisc does not change`},
	{regexp.MustCompile(`^(configure|end|exit|commit|abort|quit|rollback|reload|copy|write|erase|delete|bash|show|enable|disable|do|checkpoint|terminal)\b`), top, `that is a command, no line of a configuration: it would leave the session`},
	{regexp.MustCompile(`^(configure|end|exit|commit|abort|quit|rollback)( |$)`), anywhere, `that is a command, no line of a configuration: it would leave the section`},
	{regexp.MustCompile(`^show session-config`), anywhere, `that is a command, no line of a configuration`},
	{regexp.MustCompile(`^(vrf context|vrf definition|ip vrf|feature) `), outside("hardware tcam"), `that is not EOS; a VRF is "vrf instance NAME"`},
	{regexp.MustCompile(`^ip access-list extended `), top, `that is IOS; in EOS it is "ip access-list NAME"`},
	{regexp.MustCompile(`^(no|default) interface (Ethernet|Management|Port-Channel)`), top, `a port cannot be removed, and its defaults would cut what runs over it; name the lines that must go`},
	{regexp.MustCompile(`^default `), anywhere, `it asks for a value that EOS does not print, so bisc could not tell whether it holds; name the value, or the line that must be absent`},
	{regexp.MustCompile(`^ip route .* egress-vrf [^ ]+ (Ethernet|Tunnel|Loopback|Vlan|Port-Channel|Management)`), top, `EOS takes a route with egress-vrf and an interface and never installs it; name the next hop alone`},
}

// Lint says whether EOS lacks a line, or it must not be typed into a session, and what to write instead.
func Lint(under []string, line string) error {
	for _, f := range faults {
		if f.where(under) && f.form.MatchString(line) {
			return &LintError{under, line, f.instead}
		}
	}
	first, _, _ := strings.Cut(line, "\n")
	if strings.ContainsFunc(first, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return &LintError{under, line, "it has a control character"}
	}
	return lintName(under, first)
}

// lintName refuses an interface by a short name: EOS would print the long one, and bisc would find a difference for ever.
func lintName(under []string, line string) error {
	name, is := strings.CutPrefix(line, "interface ")
	if !is || len(under) > 0 {
		return nil
	}
	for _, full := range []string{"Ethernet", "Loopback", "Management", "Tunnel", "Port-Channel", "Vlan", "Vxlan", "Switch", "Recirc-Channel", "defaults", "profile"} {
		if strings.HasPrefix(name, full) {
			return nil
		}
	}
	return &LintError{under, line, `write the interface's full name, as in "interface Ethernet1/1": EOS prints no other`}
}

// lintLines looks at a tree, its headers too.
func lintLines(under []string, lines []*Line) error {
	for i, u := range under {
		if err := Lint(under[:i], u); err != nil {
			return err
		}
	}
	for _, l := range lines {
		if err := Lint(under, l.Text); err != nil {
			return err
		}
		if err := lintBelow(append(slices.Clip(under), l.Text), l.Sub); err != nil {
			return err
		}
	}
	return nil
}

func lintBelow(under []string, lines []*Line) error {
	for _, l := range lines {
		if err := Lint(under, l.Text); err != nil {
			return err
		}
		if err := lintBelow(append(slices.Clip(under), l.Text), l.Sub); err != nil {
			return err
		}
	}
	return nil
}
