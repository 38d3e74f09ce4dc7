// Package route sees to it that packets to one destination leave by the device and the next hop that were meant for them, and by
// no other: without its route the relay's shreds would leave by the public uplink, where nobody wants them and everybody pays.
package route

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Protocol marks the kernel routes that Install makes, as `ip route` shows: proto 155. Remove takes no other away. The number is
// assigned to nobody in rtnetlink.h or iproute2's rt_protos.
const Protocol = 155

// Want is how packets to a destination have to leave.
type Want struct {
	To      netip.Addr
	Device  string
	NextHop netip.Addr // the zero Addr: none, To is on the device's own link
}

// Route is how they do leave.
type Route struct {
	Prefix  netip.Prefix // of the kernel's entry
	Device  string
	Index   int
	NextHop netip.Addr // the zero Addr: none
	Source  netip.Addr // the address that they leave from
	Ours    bool       // Install made it
}

// ErrNoRoute: the kernel has none to the destination.
var ErrNoRoute = errors.New("no route")

// String is the route as a person writes it.
func (r Route) String() string {
	via := ""
	if r.NextHop.IsValid() {
		via = " via " + r.NextHop.String()
	}
	return fmt.Sprintf("%v%s dev %s", r.Prefix, via, r.Device)
}

// String is the route as a person writes it.
func (w Want) String() string {
	return Route{Prefix: netip.PrefixFrom(w.To, 32), Device: w.Device, NextHop: w.NextHop}.String()
}

// Judge returns nil when r is how packets have to leave, and else an error that says what it is and what was wanted.
func (w Want) Judge(r Route) error {
	if r.Device == w.Device && r.NextHop == w.NextHop {
		return nil
	}
	return fmt.Errorf("packets to %v leave by %v, and not by %v", w.To, r, w)
}

// Table is the kernel's, of the network namespace in which it was opened.
type Table struct{ handle *netlink.Handle }

// Open opens the table.
func Open() (Table, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return Table{}, fmt.Errorf("open netlink: %w", err)
	}
	return Table{h}, nil
}

// Close closes the table.
func (t Table) Close() { t.handle.Close() }

// Get returns how packets to a destination leave now, or ErrNoRoute. It asks the kernel for this one and lists nothing: a switch
// may have a million.
func (t Table) Get(to netip.Addr) (Route, error) {
	entry, err := t.get(to, true)
	if err != nil {
		return Route{}, err
	}
	chosen, err := t.get(to, false)
	if err != nil {
		return Route{}, err
	}
	link, err := t.handle.LinkByIndex(chosen.LinkIndex)
	if err != nil {
		return Route{}, fmt.Errorf("device %d of the route to %v: %w", chosen.LinkIndex, to, err)
	}
	r := Route{Device: link.Attrs().Name, Index: chosen.LinkIndex, Prefix: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Ours: int(entry.Protocol) == Protocol}
	r.NextHop, r.Source = addr(chosen.Gw), addr(chosen.Src)
	if entry.Dst != nil {
		ones, _ := entry.Dst.Mask.Size()
		r.Prefix = netip.PrefixFrom(addr(entry.Dst.IP), ones)
	}
	return r, nil
}

// get asks for the route, or for the kernel's entry that it comes from.
func (t Table) get(to netip.Addr, entry bool) (netlink.Route, error) {
	all, err := t.handle.RouteGetWithOptions(to.AsSlice(), &netlink.RouteGetOptions{FIBMatch: entry})
	switch {
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		return netlink.Route{}, fmt.Errorf("%w to %v: %w", ErrNoRoute, to, err) // unreachable, prohibit and blackhole routes too
	case err != nil:
		return netlink.Route{}, fmt.Errorf("ask for the route to %v: %w", to, err)
	case len(all) != 1:
		return netlink.Route{}, fmt.Errorf("ask for the route to %v: %d answers", to, len(all))
	}
	return all[0], nil
}

// Install makes the kernel route that w asks for, unless packets leave so already. A route to the one address that somebody else
// made is not touched: the error says which it is.
func (t Table) Install(w Want) error {
	now, err := t.Get(w.To)
	if err != nil && !errors.Is(err, ErrNoRoute) {
		return err
	}
	if err == nil && w.Judge(now) == nil {
		return nil
	}
	if err == nil && now.Prefix.IsSingleIP() {
		if !now.Ours {
			return fmt.Errorf("%v stands in the way, which is not ours; take it away to have %v", now, w)
		}
		if err := t.remove(now); err != nil {
			return err
		}
	}
	link, err := t.handle.LinkByName(w.Device)
	if err != nil {
		return fmt.Errorf("install %v: %w", w, err)
	}
	if err := t.handle.RouteAdd(entry(w.To, w.NextHop, link.Attrs().Index)); err != nil {
		return fmt.Errorf("install %v: %w%s", w, err, remedy(err))
	}
	return nil
}

// Remove takes away the route that Install made, and says which, if there is one.
func (t Table) Remove(to netip.Addr) (string, error) {
	now, err := t.Get(to)
	if errors.Is(err, ErrNoRoute) || err == nil && !(now.Ours && now.Prefix.IsSingleIP()) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return now.String(), t.remove(now)
}

func (t Table) remove(r Route) error {
	if err := t.handle.RouteDel(entry(r.Prefix.Addr(), r.NextHop, r.Index)); err != nil {
		return fmt.Errorf("take away %v: %w%s", r, err, remedy(err))
	}
	return nil
}

// entry is the route as Install makes it.
func entry(to, nextHop netip.Addr, device int) *netlink.Route {
	r := &netlink.Route{Dst: &net.IPNet{IP: to.AsSlice(), Mask: net.CIDRMask(32, 32)}, LinkIndex: device, Protocol: Protocol, Scope: netlink.SCOPE_LINK}
	if nextHop.IsValid() {
		r.Gw, r.Scope = nextHop.AsSlice(), netlink.SCOPE_UNIVERSE
	}
	return r
}

// remedy says what an error of the kernel usually wants.
func remedy(err error) string {
	switch {
	case errors.Is(err, unix.EPERM):
		return " (the capability CAP_NET_ADMIN is needed)"
	case errors.Is(err, unix.ENETUNREACH):
		return " (the next hop is on none of the device's networks)"
	case errors.Is(err, unix.ENETDOWN):
		return " (the device is down)"
	}
	return ""
}

// addr is an address of the netlink package.
func addr(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}
