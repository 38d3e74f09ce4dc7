package eos

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// ribAnswer is what is read of show ip route P [V: show/anta/show_ip_route_vrf_vrf_route]. What is a pointer must be there: a key
// that lacks is not false.
type ribAnswer struct {
	VRFs map[string]struct {
		Routes map[string]ribRoute `json:"routes"`
	} `json:"vrfs"`
}

type ribRoute struct {
	Type     string   `json:"routeType"`
	Hardware *bool    `json:"hardwareProgrammed"`
	Kernel   *bool    `json:"kernelProgrammed"`
	Action   string   `json:"routeAction"`
	Vias     []ribVia `json:"vias"`
}

type ribVia struct {
	NextHop   string `json:"nexthopAddr"`
	Interface string `json:"interface"`
}

// via is a route's next hops, for a person.
func (r ribRoute) via() string {
	var all []string
	for _, v := range r.Vias {
		all = append(all, strings.TrimSpace(v.NextHop+" "+v.Interface))
	}
	if len(all) == 0 {
		return r.Type + " (" + r.Action + ")"
	}
	return r.Type + " via " + strings.Join(all, ", ")
}

// goesBy tells whether the route is the static one with this next hop. How Null0 is shown is [I].
func (r ribRoute) goesBy(nextHop string) bool {
	if nextHop == "Null0" && strings.EqualFold(r.Action, "drop") {
		return r.Type == "static"
	}
	return r.Type == "static" && slices.ContainsFunc(r.Vias, func(v ribVia) bool { return v.NextHop == nextHop || v.Interface == nextHop })
}

// arrived compares how far the route came: table, hardware, kernel.
func (r *StaticRoute) arrived(ctx context.Context, h host.Reader, c *modules.Change) error {
	command, vrf := "show ip route "+r.Prefix, "default"
	if r.VRF != "" {
		command, vrf = "show ip route vrf "+r.VRF+" "+r.Prefix, r.VRF
	}
	var said ribAnswer
	if err := host.ShowJSON(ctx, h, command, &said); err != nil {
		return fmt.Errorf("where the route arrived: %w", err)
	}
	table, known := said.VRFs[vrf]
	if !known || table.Routes == nil {
		return fmt.Errorf("where the route arrived: the answer to %q has no routes of the VRF %s: it has a shape that this bisc does not know", command, vrf)
	}
	got, there := table.Routes[r.Prefix]
	want := "static via " + r.NextHop
	switch {
	case !there:
		c.Differ("rib", "(none)", want+": the next hop must be in a network that the switch is connected to, or in one that it has a route to")
		return nil
	case !got.goesBy(r.NextHop):
		c.Differ("rib", got.via(), want+": another route to the prefix wins, by its distance")
		return nil
	case got.Hardware == nil || got.Kernel == nil:
		return fmt.Errorf("where the route arrived: the answer to %q does not say whether hardware and kernel have it: it has a shape that this bisc does not know", command)
	}
	if !*got.Hardware {
		c.Differ("programmed", "not in the hardware", "in the hardware")
	}
	if !*got.Kernel && r.RequireKernel {
		c.Differ("kernel", "not in the kernel", "in the kernel (show agent KernelFib logs tells why not)")
	}
	return nil
}
