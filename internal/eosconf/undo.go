package eosconf

import (
	"slices"
	"strings"
)

// undo is the command that takes a line away, where others stay in its section as they were; empty: it goes with something else.
func undo(path []string, line string, others []*Line) string {
	first, _, _ := strings.Cut(line, "\n")
	n, _ := sequence(line)
	left := func(prefix string) bool {
		return slices.ContainsFunc(others, func(l *Line) bool { return strings.HasPrefix(l.Text+" ", prefix) })
	}
	switch {
	case implied(path, line):
		return ""
	case sequenced(path) && n >= 0:
		return "no " + first[:strings.IndexByte(first, ' ')]
	case strings.HasPrefix(first, "!!"):
		return "no comment"
	case strings.HasPrefix(first, "no "):
		return strings.TrimPrefix(first, "no ")
	case strings.HasPrefix(first, "description "):
		return "no description"
	case len(path) == 0 && strings.HasPrefix(first, "monitor session "):
		// Once the session is gone, "no" on one of its lines would be an error [V], so all of it goes at once.
		if session := strings.Join(strings.Fields(first)[:3], " "); !left(session + " ") {
			return "no " + session
		}
	case len(path) == 0 && strings.HasPrefix(first, "ip route "):
		// Without a next hop, all of the prefix go [V].
		if r, ok := ParseRoute(first); ok && !left(r.Target()+" ") {
			return "no " + r.Target()
		}
	}
	return "no " + first
}

// implied are lines that EOS prints by itself and that need no command: a VRF that is made has no routing, and says so [V].
func implied(path []string, line string) bool {
	return len(path) == 0 && strings.HasPrefix(line, "no ip routing vrf ")
}

// imply writes what EOS adds to what is wanted, and takes away what goes with what is not.
func (e *editor) imply(before *Config) {
	for _, l := range slices.Clone(e.conf.Lines) {
		vrf, is := strings.CutPrefix(l.Text, "vrf instance ")
		if is && !e.conf.Has("ip routing vrf "+vrf) && !e.conf.Has("no ip routing vrf "+vrf) {
			e.insert(e.top(), &Line{Text: "no ip routing vrf " + vrf})
		}
	}
	for _, l := range before.Lines {
		vrf, is := strings.CutPrefix(l.Text, "vrf instance ")
		if is && !e.conf.Has(l.Text) {
			e.remove(e.top(), []*Line{{Text: "no ip routing vrf " + vrf}, {Text: "ip routing vrf " + vrf}})
		}
	}
	for _, l := range e.conf.Lines {
		if strings.HasPrefix(l.Text, "daemon ") && !e.conf.Has("no shutdown", l.Text) && !e.conf.Has("shutdown", l.Text) {
			at, _ := e.find([]string{l.Text}, false)
			e.insert(at, &Line{Text: "shutdown"}) // a new daemon does not run, and EOS prints that it does not [I]
		}
	}
}

// opens tells whether typing a line enters a section, even one with nothing below it.
func opens(path []string) bool {
	head := path[len(path)-1]
	if len(path) == 2 {
		return path[0] == "traffic-policies" || strings.HasPrefix(path[0], "policy-map ") && strings.Contains(head, "class ")
	}
	for _, p := range []string{"interface ", "vrf instance ", "ip access-list ", "ipv6 access-list ", "mac access-list ", "class-map ", "policy-map ",
		"daemon ", "event-handler ", "traffic-policies", "router ", "management ", "route-map ", "system control-plane", "hardware tcam"} {
		if len(path) == 1 && strings.HasPrefix(head, p) {
			return true
		}
	}
	return false
}
