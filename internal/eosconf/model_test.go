package eosconf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// model is a switch's configuration as paths, changed by typed lines. It knows what the planner knows by other means: it
// shares only the parser with it.
type model struct {
	has  map[string]bool // "interface Tunnel1 / mtu 9216"
	mode []string
}

func newModel(c *Config) *model {
	m := &model{has: map[string]bool{}}
	for _, l := range leaves(c) {
		m.has[l] = true
	}
	return m
}

func (m *model) lines() []string {
	var out []string
	for l := range m.has {
		out = append(out, l)
	}
	slices.Sort(out)
	return out
}

func (m *model) path(line string) string {
	return strings.Join(append(slices.Clone(m.mode), line), " / ")
}

// sections are the lines that open one, by the mode that they are typed in.
var sections = []*regexp.Regexp{
	regexp.MustCompile(`^(interface|ip access-list|class-map|policy-map|daemon|event-handler|vrf instance) [^/]*(/\d+)?$`), regexp.MustCompile(`^traffic-policies$`),
	regexp.MustCompile(`^policy-map [^/]* / (\d+ )?class [^ ]*$`), regexp.MustCompile(`^traffic-policies / traffic-policy [^ ]+( / match [^/]*( / actions)?)?$`),
}

// oneValue are settings of which there is one: the part before the value.
var oneValue = []*regexp.Regexp{
	regexp.MustCompile(`^((?:interface [^ ]+ / )(?:description|mtu|vrf|ip address|tunnel (?:mode|source|destination|ttl)|traffic-policy input)) .*`),
	regexp.MustCompile(`^(interface [^ ]+ / ip access-group) [^ ]+ in$`), regexp.MustCompile(`^(daemon [^ ]+ / exec) .*`), regexp.MustCompile(`^(event-handler [^ ]+ / (?:trigger|delay)) .*`),
	regexp.MustCompile(`(?s)^(event-handler [^ ]+ / action bash).*`), regexp.MustCompile(`^(.*class [^ ]+ / (?:set nexthop|shape kbps)) .*`), regexp.MustCompile(`^(hostname|logging buffered) .*`),
	regexp.MustCompile(`^(monitor session \d+ ip access-group) .*`),
}

func (m *model) typed(commands []string) error {
	for _, c := range commands {
		if err := m.line(c); err != nil {
			return fmt.Errorf("%q in %q: %w", c, m.mode, err)
		}
	}
	if len(m.mode) > 0 {
		return fmt.Errorf("the commands end inside %q", m.mode)
	}
	return nil
}

func (m *model) line(c string) error {
	if c == "exit" {
		if len(m.mode) == 0 {
			return fmt.Errorf("it leaves the session")
		}
		m.mode = m.mode[:len(m.mode)-1]
		return nil
	}
	off, no := strings.CutPrefix(c, "no ")
	at := m.path(c)
	switch {
	case c == "no switchport" || c == "no shutdown":
		m.toggle(off, c)
	case c == "switchport" || c == "shutdown":
		m.toggle("no "+c, c)
	case no:
		return m.remove(off)
	case slices.ContainsFunc(sections, func(r *regexp.Regexp) bool { return r.MatchString(at) }):
		m.enter(c, at)
	default:
		return m.add(c, at)
	}
	return nil
}

// toggle has one of two opposites stand. EOS prints "switchport" for a port never, it is the default.
func (m *model) toggle(not, is string) {
	delete(m.has, m.path(not))
	if is != "switchport" {
		m.has[m.path(is)] = true
	}
}

func (m *model) enter(c, at string) {
	if !m.has[at] && strings.HasPrefix(at, "vrf instance ") {
		m.has["no ip routing vrf "+strings.Fields(c)[2]] = true
	}
	if !m.has[at] && strings.HasPrefix(at, "daemon ") {
		m.has[at+" / shutdown"] = true
	}
	m.has[at] = true
	m.mode = append(m.mode, c)
}

func (m *model) add(c, at string) error {
	if number := regexp.MustCompile(`^\d+ `).FindString(c); number != "" && strings.Contains(strings.Join(m.mode, ""), "access-list") {
		for l := range m.has {
			if strings.HasPrefix(l, m.path(number)) && l != at {
				return fmt.Errorf("the number is taken by %q", l)
			}
		}
	}
	for _, r := range oneValue {
		if s := r.FindStringSubmatch(at); s != nil {
			m.clear(s[1])
		}
	}
	if strings.HasPrefix(c, "vrf ") {
		m.clear(m.path("ip address"))
	}
	if v, ok := strings.CutPrefix(at, "ip routing vrf "); ok {
		delete(m.has, "no ip routing vrf "+v)
	}
	m.has[at] = true
	return nil
}

// clear removes what begins with a path, and what is below it.
func (m *model) clear(prefix string) int {
	n := 0
	for l := range m.has {
		if l == prefix || strings.HasPrefix(l, prefix+" ") || strings.HasPrefix(l, prefix+"\n") {
			delete(m.has, l)
			n++
		}
	}
	return n
}

func (m *model) remove(off string) error {
	v, isVRF := strings.CutPrefix(off, "vrf instance ")
	if isVRF {
		m.clear("ip routing vrf " + v)
		m.clear("no ip routing vrf " + v)
	}
	if strings.HasPrefix(off, "vrf ") {
		m.clear(m.path("ip address"))
	}
	if strings.HasPrefix(m.path(off), "interface Ethernet") && len(m.mode) == 0 {
		return fmt.Errorf("a port cannot be removed")
	}
	if m.clear(m.path(off)) == 0 {
		return fmt.Errorf("there is no such thing")
	}
	return nil
}
