package eos

import (
	"net/netip"
	"strings"

	"bisc/internal/eosconf"
)

// iface is an interface as a configuration has it.
type iface struct {
	name        string // "Loopback101"
	vrf         string // empty: the default one
	addresses   []netip.Prefix
	source      string // a tunnel's: an address, or an interface's name
	destination string
	acls        map[string]string // "in", "out" to the list's name
}

// interfaces reads all interfaces of a configuration.
func interfaces(c *eosconf.Config) []iface {
	var out []iface
	for _, l := range c.Lines {
		name, ok := strings.CutPrefix(l.Text, "interface ")
		if !ok {
			continue
		}
		i := iface{name: name, acls: map[string]string{}}
		for _, s := range l.Sub {
			i.take(strings.Fields(s.Text))
		}
		out = append(out, i)
	}
	return out
}

// take reads one line of the section.
func (i *iface) take(words []string) {
	switch {
	case len(words) == 2 && words[0] == "vrf" && words[1] != "default":
		i.vrf = words[1]
	case len(words) >= 3 && words[0] == "ip" && words[1] == "address":
		if p, err := netip.ParsePrefix(words[2]); err == nil {
			i.addresses = append(i.addresses, p)
		}
	case len(words) == 4 && words[0] == "ip" && words[1] == "access-group":
		i.acls[words[3]] = words[2]
	case len(words) == 3 && words[0] == "tunnel" && words[1] == "source":
		i.source = words[2]
	case len(words) == 4 && words[0] == "tunnel" && words[1] == "source" && words[2] == "interface":
		i.source = words[3]
	case len(words) == 3 && words[0] == "tunnel" && words[1] == "destination":
		i.destination = words[2]
	}
}

// isTunnel tells whether the interface is a tunnel that has a source.
func (i iface) isTunnel() bool { return strings.HasPrefix(i.name, "Tunnel") && i.source != "" }

// gives tells whether the interface is what a tunnel names as its source, by name or by address. The address counts in
// whichever VRF: the underlay's is the default one on these switches, but a tunnel may name another.
func (i iface) gives(source string) bool {
	if i.name == source {
		return len(i.addresses) > 0
	}
	a, err := netip.ParseAddr(source)
	return err == nil && i.has(a)
}

func (i iface) has(a netip.Addr) bool {
	for _, p := range i.addresses {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// holderOf is the interface that gives a tunnel its source; nil: none does.
func holderOf(all []iface, source string) *iface {
	for n := range all {
		if all[n].gives(source) {
			return &all[n]
		}
	}
	return nil
}

// hostRoute is the one address that a static route's line is for, and its VRF; ok is false for any other line.
func hostRoute(line string) (to netip.Addr, vrf string, ok bool) {
	r, ok := eosconf.ParseRoute(line)
	if !ok {
		return to, "", false
	}
	p, err := netip.ParsePrefix(r.Prefix)
	return p.Addr(), r.VRF, err == nil && p.IsSingleIP()
}
