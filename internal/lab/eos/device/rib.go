package device

import (
	"net/netip"
	"strconv"
	"strings"
)

// ribRoute is a route of the RIB.
type ribRoute struct {
	Route
	connected  bool
	preference int
	tag        int
}

// rib is what the routing agent makes of interfaces and static routes: a static route is in it when its next hop stands in a
// connected network of the VRF in which it is looked up (eos.md F.1, 7). A route with egress-vrf and an interface is taken into
// the configuration and never comes here (eos.md 0.7).
func (d *Device) rib(interfaces []Interface) []ribRoute {
	var all []ribRoute
	for _, i := range interfaces {
		if !i.Enabled || !i.Routed || d.linkDown(i.Name) {
			continue
		}
		for _, a := range i.Addresses {
			all = append(all, ribRoute{Route: Route{VRF: i.VRF, Egress: i.VRF, Prefix: a.Masked(), Interface: i.Name}, connected: true})
		}
	}
	connected := all
	for _, n := range d.running.Top() {
		if r, is := static(n.Line); is {
			if r, ok := resolve(r, connected); ok {
				all = append(all, r)
			}
		}
	}
	return all
}

func (d *Device) linkDown(name string) bool {
	return !strings.HasPrefix(name, "Loopback") && !strings.HasPrefix(name, "Tunnel") && !d.o.Plane.Link(name).Up
}

// static reads a line "ip route ...".
func static(line string) (r ribRoute, is bool) {
	w := strings.Fields(line)
	if len(w) < 4 || w[0] != "ip" || w[1] != "route" {
		return r, false
	}
	r.VRF, r.preference = "default", 1
	w = w[2:]
	if w[0] == "vrf" {
		r.VRF, w = w[1], w[2:]
	}
	r.Egress = r.VRF
	r.Prefix, _ = netip.ParsePrefix(w[0])
	w = w[1:]
	if w[0] == "egress-vrf" {
		r.Egress, w = w[1], w[2:]
	}
	if hop, err := netip.ParseAddr(w[0]); err == nil {
		r.NextHop, w = hop, w[1:]
	} else {
		r.Interface, w = w[0], w[1:]
		if len(w) > 0 {
			if hop, err := netip.ParseAddr(w[0]); err == nil {
				r.NextHop, w = hop, w[1:]
			}
		}
	}
	for i, word := range w {
		if n, err := strconv.Atoi(word); err == nil && i == 0 {
			r.preference = n
		}
		if word == "tag" {
			r.tag, _ = strconv.Atoi(w[i+1])
		}
	}
	return r, true
}

func resolve(r ribRoute, connected []ribRoute) (ribRoute, bool) {
	if r.Interface != "" {
		if r.Egress != r.VRF {
			return r, false
		}
		for _, c := range connected {
			if c.Interface == r.Interface && c.VRF == r.VRF {
				return r, true
			}
		}
		return r, r.Interface == "Null0"
	}
	for _, c := range connected {
		if c.VRF == r.Egress && c.Prefix.Contains(r.NextHop) {
			r.Interface = c.Interface
			return r, true
		}
	}
	return r, false
}
