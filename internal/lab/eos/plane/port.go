package plane

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"bisc/internal/lab/eos/device"
)

// port is an interface with a device in the kernel. A device that was made stays: a port is hardware.
type port struct {
	name, dev string
	space     *space
	addresses []netip.Prefix
	down      bool // shutdown
}

// ensurePort makes the veth pair of a port where it is not there yet: one end in the switch's namespace, the far one among the
// cables, both up.
func (p *Plane) ensurePort(name string, in *space) (*port, error) {
	if port, ok := p.ports[name]; ok {
		return port, p.moveTo(port, in)
	}
	dev := Kernel(name)
	if dev == "" || len(far(dev)) > unix.IFNAMSIZ-1 {
		return nil, fmt.Errorf("interface %s has no name in the kernel", name)
	}
	if err := pair(dev, in, far(dev), p.cables); err != nil {
		return nil, err
	}
	port := &port{name: name, dev: dev, space: in}
	p.ports[name] = port
	return port, nil
}

// pair makes a veth pair between two namespaces, both ends up.
func pair(dev string, in *space, farDev string, farIn *space) error {
	veth := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: farDev, PeerNamespace: netlink.NsFd(farIn.file.Fd())}
	veth.Name, veth.NumRxQueues, veth.NumTxQueues = dev, 1, 1
	if err := in.link.LinkAdd(veth); err != nil {
		return fmt.Errorf("make veth pair %s, %s: %w", dev, farDev, err)
	}
	return errors.Join(in.up(dev), farIn.up(farDev))
}

func (s *space) up(dev string) error {
	l, err := s.link.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("find %s in %s: %w", dev, s.name, err)
	}
	return s.link.LinkSetUp(l)
}

// moveTo puts a port into another VRF's namespace; its addresses and routes go, as they do on a switch.
func (p *Plane) moveTo(port *port, in *space) error {
	if port.space == in {
		return nil
	}
	l, err := port.space.link.LinkByName(port.dev)
	if err != nil {
		return err
	}
	if err := port.space.link.LinkSetNsFd(l, int(in.file.Fd())); err != nil {
		return fmt.Errorf("move %s to %s: %w", port.dev, in.name, err)
	}
	port.space, port.addresses, port.down = in, nil, false
	return in.up(port.dev)
}

// applyInterfaces gives the kernel the ports and addresses of the configuration. Loopbacks' addresses lie on lo: this kernel has no
// dummy devices, and what matters of them is that the switch takes packets for them as its own (incident 42).
func (p *Plane) applyInterfaces(view device.View) error {
	var errs []error
	loopback := map[*space][]netip.Prefix{p.home: {netip.MustParsePrefix("127.0.0.1/8")}}
	for _, s := range p.vrfs {
		loopback[s] = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}
	}
	seen := map[string]bool{}
	for _, i := range view.Interfaces {
		in := p.spaceOf(i.VRF)
		switch {
		case isPort(i.Name) && (len(i.Addresses) > 0 || p.ports[i.Name] != nil):
			seen[i.Name] = true
			port, err := p.ensurePort(i.Name, in)
			if err == nil {
				err = port.configure(i)
			}
			errs = append(errs, err)
		case len(i.Name) > 8 && i.Name[:8] == "Loopback":
			loopback[in] = append(loopback[in], i.Addresses...)
		}
	}
	for name, port := range p.ports {
		if !seen[name] { // nothing is configured on it any more
			errs = append(errs, port.space.setAddresses(port.dev, nil))
			port.addresses = nil
		}
	}
	for in, addresses := range loopback {
		errs = append(errs, in.setAddresses("lo", addresses))
	}
	return errors.Join(errs...)
}

// configure sets a port's addresses, MTU and whether it is up. Taking it down takes its routes out of the kernel.
func (p *port) configure(i device.Interface) error {
	l, err := p.space.link.LinkByName(p.dev)
	if err != nil {
		return fmt.Errorf("find %s: %w", p.dev, err)
	}
	if i.MTU >= 68 && l.Attrs().MTU != i.MTU {
		if err := p.space.link.LinkSetMTU(l, i.MTU); err != nil {
			return fmt.Errorf("set the MTU of %s to %d: %w", p.dev, i.MTU, err)
		}
	}
	if up := l.Attrs().Flags&net.FlagUp != 0; up != i.Enabled {
		set := p.space.link.LinkSetUp
		if !i.Enabled {
			set = p.space.link.LinkSetDown
		}
		if err := set(l); err != nil {
			return fmt.Errorf("set %s up or down: %w", p.dev, err)
		}
	}
	p.down, p.addresses = !i.Enabled, i.Addresses
	return p.space.setAddresses(p.dev, i.Addresses)
}

// setAddresses gives a device these IPv4 addresses and no others.
func (s *space) setAddresses(dev string, want []netip.Prefix) error {
	l, err := s.link.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("find %s in %s: %w", dev, s.name, err)
	}
	have, err := s.link.AddrList(l, netlink.FAMILY_V4)
	if err != nil {
		return fmt.Errorf("list the addresses of %s: %w", dev, err)
	}
	missing := map[string]netip.Prefix{}
	for _, w := range want {
		if w.Addr().Is4() {
			missing[w.String()] = w
		}
	}
	for _, a := range have {
		if _, ok := missing[a.IPNet.String()]; ok {
			delete(missing, a.IPNet.String())
		} else if err := s.link.AddrDel(l, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("take %s from %s: %w", a.IPNet, dev, err)
		}
	}
	for _, w := range want { // in order: the first is the one that the kernel sends from
		if _, ok := missing[w.String()]; !ok {
			continue
		}
		network := &net.IPNet{IP: w.Addr().AsSlice(), Mask: net.CIDRMask(w.Bits(), 32)}
		if err := s.link.AddrAdd(l, &netlink.Addr{IPNet: network}); err != nil {
			return fmt.Errorf("give %s to %s: %w", w, dev, err)
		}
	}
	return nil
}
