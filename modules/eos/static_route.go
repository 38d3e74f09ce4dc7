package eos

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// StaticRouteKind is a static IPv4 route.
var StaticRouteKind = modules.Kind{
	Name:     "eos_static_route",
	Label:    "the prefix: 192.0.2.9/32",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "A static route is four facts: configured, in the routing table, programmed in the hardware, and in the kernel, by which the switch's own programs send. Each can lack while those before it hold: " +
		"a route by egress-vrf with an interface is taken and never installed, and the kernel's was missing for days (incident 38).",
	Checks: []string{
		"now: the line in the running configuration; with `exclusive`, that no other next hop is there for the prefix",
		"after boot: the same in the startup configuration; what only that lacks is saved",
		"rib: the prefix is in the VRF's routing table, static, with this next hop, by `show ip route`",
		"programmed: the hardware has it (hardwareProgrammed)",
		"kernel: the kernel has it (kernelProgrammed); not with `require_kernel = false`",
	},
	Losses: []modules.Loss{{
		What: "the way to the prefix", When: "absent = true", Guards: sectionGuards(),
	}, {
		What: "the other next hops of the prefix", When: "exclusive = true", Guards: append(sectionGuards(), "the plan names each line that goes"),
	}},
	Example: `eos_static_route "192.0.2.9/32" {
  next_hop  = "198.51.100.1"
  exclusive = true
}
`,
	New: func(label string) modules.Resource { return &StaticRoute{Prefix: label, RequireKernel: true} },
}

// StaticRoute is the resource of StaticRouteKind.
type StaticRoute struct {
	neighbours
	Prefix        string
	NextHop       string `hcl:"next_hop,optional" doc:"the next hop's IPv4 address, or Null0"`
	VRF           string `hcl:"vrf,optional" doc:"whose route it is. Default: the default VRF"`
	EgressVRF     string `hcl:"egress_vrf,optional" doc:"where the next hop is looked up. Default: in the route's own VRF"`
	Distance      int    `hcl:"distance,optional" doc:"1 to 255; a lower one wins. Default: 1, which EOS does not print"`
	Tag           int    `hcl:"tag,optional" doc:"a number for others to select by. Default: none"`
	Title         string `hcl:"name,optional" doc:"a name for persons. Default: none"`
	Exclusive     bool   `hcl:"exclusive,optional" doc:"no other next hop of the prefix may be configured" default:"false"`
	RequireKernel bool   `hcl:"require_kernel,optional" doc:"the kernel must have it, too: the switch's own programs send by that" default:"true"`
	AllowForeign  bool   `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent        bool   `hcl:"absent,optional" doc:"there must be no such route; without next_hop, none of the prefix at all" default:"false"`
}

// routeSettle is how long the chip and the kernel may take: what is not there then stays away (eos.md C.3).
const routeSettle = 30 * time.Second

// Called is the block.
func (r *StaticRoute) Called() string { return quoted("eos_static_route", r.Prefix) }

// Foreigner is allow_foreign.
func (r *StaticRoute) Foreigner() bool { return r.AllowForeign }

func (r *StaticRoute) route() eosconf.Route {
	var rest []string
	if r.Distance != 0 {
		rest = append(rest, fmt.Sprint(r.Distance))
	}
	if r.Tag != 0 {
		rest = append(rest, fmt.Sprintf("tag %d", r.Tag))
	}
	if r.Title != "" {
		rest = append(rest, "name "+r.Title)
	}
	return eosconf.Route{VRF: strings.TrimPrefix(r.VRF, "default"), Prefix: r.Prefix, Egress: r.EgressVRF, Via: r.NextHop, Rest: strings.Join(rest, " ")}
}

// Wants is the line, and where it is exclusive no other of the prefix.
func (r *StaticRoute) Wants() []eosconf.Want {
	route := r.route()
	target := route.Target() + " "
	switch {
	case r.Absent && r.NextHop == "":
		return []eosconf.Want{{Prefix: target, Mode: eosconf.Absent}}
	case r.Absent:
		return []eosconf.Want{{Lines: []string{route.String()}, Mode: eosconf.Absent}}
	case r.Exclusive:
		return []eosconf.Want{{Prefix: target, Lines: []string{route.String()}}}
	}
	return []eosconf.Want{{Lines: []string{route.String()}, Mode: eosconf.Merge}}
}

// Owns the prefix, or the one line.
func (r *StaticRoute) Owns() []string { return owned(r.Wants()) }

// Agree with the other lines of the plan.
func (r *StaticRoute) Agree(with []modules.Resource) error { return r.agree(r, with) }

// Validate finds what EOS would take and never install, or print otherwise.
func (r *StaticRoute) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if p, err := netip.ParsePrefix(r.Prefix); err != nil || !p.Addr().Is4() {
		fault("", "%q is no IPv4 prefix: write 192.0.2.0/24", r.Prefix)
	} else if p != p.Masked() {
		fault("", "%s has bits beyond its length: write %s, as EOS prints it", r.Prefix, p.Masked())
	}
	if r.Absent && r.NextHop == "" && (r.EgressVRF != "" || r.Distance != 0 || r.Tag != 0 || r.Title != "") {
		fault("next_hop", "absent without a next hop takes every route of the prefix away: leave the rest out, or name the next hop")
	}
	if !r.Absent || r.NextHop != "" {
		if a, err := netip.ParseAddr(r.NextHop); (err != nil || !a.Is4() || a.IsUnspecified()) && r.NextHop != "Null0" {
			why := "write the next hop's IPv4 address"
			if r.EgressVRF != "" {
				why = "EOS takes a route with egress-vrf and an interface and never installs it: write the next hop's address alone"
			}
			fault("next_hop", "%q: %s", r.NextHop, why)
		}
	}
	for attr, name := range map[string]string{"vrf": r.VRF, "egress_vrf": r.EgressVRF, "name": r.Title} {
		if err := checkName(name); name != "" && err != nil {
			fault(attr, "%v", err)
		}
	}
	if r.VRF == "default" {
		fault("vrf", "EOS does not print the default VRF's name: leave it out")
	}
	if r.Distance < 0 || r.Distance > 255 || r.Distance == 1 {
		fault("distance", "write 2 to 255, or leave it out for 1, which EOS does not print")
	}
	if r.Tag < 0 {
		fault("tag", "not less than 0")
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("", r.Wants())
}

// Plan compares the line, and asks where the route arrived.
func (r *StaticRoute) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := r.look(ctx, h, r)
	if err != nil {
		return modules.Change{}, err
	}
	var c modules.Change
	if r.missing(&c, o.after); len(c.Diffs) > 0 {
		return c, nil
	}
	c, inForce := r.decide(o, r)
	if c.Settle > 0 {
		c.Settle = routeSettle
	}
	if r.Absent {
		if configures(c) {
			c.Destroy(gone(o))
		}
		return c, nil
	}
	if !inForce {
		return c, nil
	}
	return c, r.arrived(ctx, h, &c)
}

// missing is what the route names and the switch will not have: without it EOS takes the line, and installs nothing.
func (r *StaticRoute) missing(c *modules.Change, after *eosconf.Config) {
	if r.Absent {
		return
	}
	for _, v := range []struct{ attr, name string }{{"vrf", r.VRF}, {"egress_vrf", r.EgressVRF}} {
		switch {
		case v.name == "" || v.name == "default":
		case !after.Has("vrf instance " + v.name):
			c.Refuse(v.attr, "(none)", v.name, "there is no such VRF: add eos_vrf \""+v.name+"\"")
		case !after.Has("ip routing vrf " + v.name):
			c.Refuse(v.attr, v.name+" does not route", "ip routing vrf "+v.name, "static routes of a VRF that does not route are taken and never installed: eos_vrf \""+v.name+"\" with routing = true")
		}
	}
}
