package eos

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"bisc/internal/lab/eos/plane"
)

// Wire takes the far end of a port's cable into a network namespace (a file such as /proc/PID/ns/net), where it is a device of this
// name with an address (the zero prefix: none), up. What it sends comes in at the switch's port. A second Wire of a port fails: its
// end is elsewhere.
func (sw *Switch) Wire(port, namespace, dev string, addr netip.Prefix) error {
	if err := sw.Control().Plug(port, true); err != nil {
		return err
	}
	if err := sw.wire(port, namespace, dev, addr); err != nil {
		return fmt.Errorf("wire %s of %s to %s: %w", port, sw.Name, dev, err)
	}
	return nil
}

func (sw *Switch) wire(port, namespace, dev string, addr netip.Prefix) error {
	file, err := os.Open(namespace)
	if err != nil {
		return err
	}
	defer file.Close()
	from, err := netlink.NewHandleAt(netns.NsHandle(sw.cables.Fd()))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := netlink.NewHandleAt(netns.NsHandle(file.Fd()))
	if err != nil {
		return err
	}
	defer to.Close()
	end, err := from.LinkByName(plane.FarEnd(port))
	if err != nil {
		return fmt.Errorf("find the cable's end: %w", err)
	}
	if err := from.LinkSetDown(end); err != nil { // a device that is up keeps its name
		return err
	}
	if err := errors.Join(from.LinkSetName(end, dev), from.LinkSetNsFd(end, int(file.Fd()))); err != nil {
		return err
	}
	if end, err = to.LinkByName(dev); err != nil {
		return err
	}
	if addr.IsValid() {
		network := &net.IPNet{IP: addr.Addr().AsSlice(), Mask: net.CIDRMask(addr.Bits(), addr.Addr().BitLen())}
		if err := to.AddrAdd(end, &netlink.Addr{IPNet: network}); err != nil {
			return fmt.Errorf("give it address %s: %w", addr, err)
		}
	}
	return errors.Join(checksums(file, dev), to.LinkSetUp(end))
}

// checksums has a device's packets leave with their checksums: on a veth they need none, and whoever reads a copy of one, as a monitor
// session's reader does, would find it wrong.
func checksums(namespace *os.File, dev string) error {
	return within(namespace, func() error {
		socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		return txChecksumOff(socket, dev)
	})
}
