package plane

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"bisc/internal/lab/eos/device"
)

// routeKey names a route of the RIB.
type routeKey struct {
	vrf    string
	prefix netip.Prefix
}

// kernelRoute is a route that KernelFib is to put into the kernel, or has.
type kernelRoute struct {
	device.Route
	due  time.Time
	done bool
}

// applyRoutes notes which routes the kernel is to have, and takes away those that the RIB no longer has. They come when they are due:
// [V] the reference, C.3: KernelFib can lag, and hang.
func (p *Plane) applyRoutes(view device.View) error {
	wanted := map[routeKey]device.Route{}
	for _, r := range view.Routes {
		key := routeKey{vrfName(r.VRF), r.Prefix}
		if _, ok := wanted[key]; !ok { // [V] of several next hops one is in the kernel
			wanted[key] = r
		}
	}
	var errs []error
	for key, have := range p.routes {
		if w, ok := wanted[key]; ok && w == have.Route {
			delete(wanted, key)
			continue
		}
		if have.done {
			errs = append(errs, p.withdraw(have.Route))
		}
		delete(p.routes, key)
	}
	for key, r := range wanted {
		p.routes[key] = &kernelRoute{Route: r, due: time.Now().Add(p.faults.KernelDelay)}
	}
	return errors.Join(append(errs, p.program())...)
}

// program puts the routes that are due into the kernel, and takes those away whose port has lost its link.
func (p *Plane) program() error {
	var errs []error
	for key, r := range p.routes {
		wait := time.Until(r.due)
		switch {
		case r.done && !p.stateOnly(r.Route) && p.portOf(r.Route) == nil:
			errs = append(errs, p.withdraw(r.Route))
			r.done = false
		case r.done, p.faults.KernelStuck, !p.stateOnly(r.Route) && p.portOf(r.Route) == nil:
		case wait > 0:
			p.wakeIn(wait)
		case p.stateOnly(r.Route):
			r.done = true
		default:
			err := p.spaceOf(key.vrf).link.RouteReplace(p.netlinkRoute(r.Route))
			if r.done = err == nil; err != nil {
				errs = append(errs, fmt.Errorf("put the route to %s via %s into the kernel: %w", r.Prefix, r.NextHop, err))
			}
		}
	}
	return errors.Join(errs...)
}

// stateOnly tells a route that the kernel here is not given: how EOS tells its own of one between VRFs is [U], one over a tunnel has
// no device here, and one to Null0 leads nowhere.
func (p *Plane) stateOnly(r device.Route) bool {
	return vrfName(r.VRF) != vrfName(r.Egress) || !isPort(r.Interface)
}

func vrfName(name string) string {
	if name == "" {
		return "default"
	}
	return name
}

// portOf is the port that a route leaves by; nil: it has none in the kernel.
func (p *Plane) portOf(r device.Route) *port {
	if port := p.ports[r.Interface]; port != nil && !port.down && !p.unplugged[r.Interface] && port.space == p.spaceOf(r.VRF) {
		return port
	}
	return nil
}

// netlinkRoute is the kernel's form. Its protocol is static, as of a hand-made one: [U] which one KernelFib uses.
func (p *Plane) netlinkRoute(r device.Route) *netlink.Route {
	out := &netlink.Route{Dst: &net.IPNet{IP: r.Prefix.Addr().AsSlice(), Mask: net.CIDRMask(r.Prefix.Bits(), 32)}, Protocol: unix.RTPROT_STATIC}
	if r.NextHop.IsValid() {
		out.Gw = r.NextHop.AsSlice()
	}
	if port := p.portOf(r); port != nil {
		if l, err := port.space.link.LinkByName(port.dev); err == nil {
			out.LinkIndex = l.Attrs().Index
		}
	}
	return out
}

// withdraw takes a route out of the kernel. Somebody's own hands may have been faster.
func (p *Plane) withdraw(r device.Route) error {
	if p.stateOnly(r) {
		return nil
	}
	out := p.netlinkRoute(r)
	out.LinkIndex = 0
	if err := p.spaceOf(r.VRF).link.RouteDel(out); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("take the route to %s out of the kernel: %w", r.Prefix, err)
	}
	return nil
}

// inKernel asks the kernel whether it has the route, with that next hop: what somebody took away by hand is not there.
// [I] that EOS would notice.
func (p *Plane) inKernel(r device.Route) bool {
	filter := p.netlinkRoute(r)
	have, err := p.spaceOf(r.VRF).link.RouteListFiltered(netlink.FAMILY_V4, filter, netlink.RT_FILTER_DST)
	if err != nil {
		return false
	}
	for _, h := range have {
		if h.Gw.Equal(filter.Gw) {
			return true
		}
	}
	return false
}

// dropRoutes empties the kernel's tables of what did not come with an address: the configuration's routes, and those of hands.
func (p *Plane) dropRoutes() error {
	clear(p.routes)
	var errs []error
	for s := range p.spaces() {
		routes, err := s.link.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, r := range routes {
			if r.Protocol == unix.RTPROT_KERNEL {
				continue
			}
			if err := s.link.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
				errs = append(errs, fmt.Errorf("take route %s out of the kernel: %w", r, err))
			}
		}
	}
	return errors.Join(errs...)
}

// spaces are the switch's namespaces.
func (p *Plane) spaces() map[*space]bool {
	out := map[*space]bool{p.home: true}
	for s := range maps.Values(p.vrfs) {
		out[s] = true
	}
	return out
}
