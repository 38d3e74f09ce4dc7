package device

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// showRoute is "show ip route [vrf V] [PREFIX]": the JSON is that of show/anta/show_ip_route_vrf_vrf_route and eos.md C.3, the text
// that of text/ntc/arista_eos_show_ip_route5.raw. An address is answered with the longest prefix that holds it.
func (s *Shell) showRoute(args []string) (answer, error) {
	d, vrf := s.d, "default"
	if len(args) > 0 && args[0] == "vrf" {
		if len(args) == 1 {
			return answer{}, incomplete()
		}
		if vrf, args = args[1], args[2:]; vrf != "default" && !d.has("vrf instance "+vrf) {
			return answer{}, failed("IP Routing table for VRF %s does not exist", vrf)
		}
	}
	if len(args) > 1 {
		return answer{}, invalid(5, args[1])
	}
	var in []ribRoute
	for _, r := range d.rib(d.view().Interfaces) {
		if r.VRF == vrf {
			in = append(in, r)
		}
	}
	in = bestRoutes(in)
	if len(args) == 1 {
		p, err := prefixOf(args[0])
		if err != nil {
			return answer{}, invalid(4, args[0])
		}
		in = matchingRoutes(in, p, strings.Contains(args[0], "/"))
	}
	return d.routes(vrf, in), nil
}

func prefixOf(word string) (netip.Prefix, error) {
	if !strings.Contains(word, "/") {
		word += "/32"
	}
	p, err := netip.ParsePrefix(word)
	return p.Masked(), err
}

// bestRoutes keeps of each prefix those with the least distance: a connected network hides a static route to it.
func bestRoutes(in []ribRoute) []ribRoute {
	least := map[netip.Prefix]int{}
	for _, r := range in {
		if old, there := least[r.Prefix]; !there || r.preference < old {
			least[r.Prefix] = r.preference
		}
	}
	return slices.DeleteFunc(in, func(r ribRoute) bool { return r.preference != least[r.Prefix] })
}

func matchingRoutes(in []ribRoute, p netip.Prefix, exact bool) []ribRoute {
	longest := -1
	for _, r := range in {
		if !exact && r.Prefix.Contains(p.Addr()) {
			longest = max(longest, r.Prefix.Bits())
		}
	}
	return slices.DeleteFunc(in, func(r ribRoute) bool {
		if exact {
			return r.Prefix != p
		}
		return r.Prefix.Bits() != longest || !r.Prefix.Contains(p.Addr())
	})
}

func (d *Device) routes(vrf string, in []ribRoute) answer {
	var text strings.Builder
	fmt.Fprintf(&text, "VRF: %s\nCodes: C - connected, S - static, K - kernel\n\n", vrf)
	list, allHardware, allKernel := object{}, true, true
	at := map[netip.Prefix]int{}
	for _, r := range in {
		state := RouteState{Hardware: true, Kernel: true}
		if !r.connected {
			state = d.o.Plane.Route(r.VRF, r.Prefix)
			if d.faults.Unprogrammed {
				state = RouteState{}
			}
		}
		allHardware, allKernel = allHardware && state.Hardware, allKernel && state.Kernel
		via := object{{"interface", r.Interface}}
		if r.NextHop.IsValid() {
			via = object{{"nexthopAddr", r.NextHop.String()}, {"interface", r.Interface}}
		}
		if i, there := at[r.Prefix]; there {
			vias := &list[i].value.(object)[len(list[i].value.(object))-1]
			vias.value = append(vias.value.([]object), via)
			fmt.Fprintf(&text, "%*svia %s, %s\n", 32, "", r.NextHop, r.Interface)
			continue
		}
		at[r.Prefix] = len(list)
		kind := "static"
		if r.connected {
			kind = "connected"
			fmt.Fprintf(&text, " C        %s is directly connected, %s\n", r.Prefix, r.Interface)
		} else {
			fmt.Fprintf(&text, " S        %s [%d/0] via %s, %s\n", r.Prefix, r.preference, r.NextHop, r.Interface)
		}
		list = append(list, field{r.Prefix.String(), object{{"hardwareProgrammed", state.Hardware}, {"routeType", kind}, {"routeLeaked", r.Egress != r.VRF},
			{"kernelProgrammed", state.Kernel}, {"routeAction", "forward"}, {"directlyConnected", r.connected}, {"preference", r.preference},
			{"metric", 0}, {"vias", []object{via}}}})
	}
	off := !d.has("ip routing") && vrf == "default" || vrf != "default" && !d.has("ip routing vrf "+vrf)
	model := object{{"vrfs", object{{vrf, object{{"routingDisabled", off}, {"allRoutesProgrammedHardware", allHardware},
		{"allRoutesProgrammedKernel", allKernel}, {"defaultRouteState", "notSet"}, {"routes", list}}}}}}
	return answer{text.String() + "\n", model}
}
