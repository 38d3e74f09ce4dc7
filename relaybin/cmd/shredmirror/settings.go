package main

import (
	"flag"
	"net/netip"

	"bisc/relaybin/daemon"
	"bisc/relaybin/frame"
	"bisc/relaybin/ring"
	"bisc/relaybin/route"
	"bisc/relaybin/send"
)

// settings are what a person sets.
type settings struct {
	device    string
	matchAddr netip.Addr
	matchPort uint
	form      string
	to        netip.AddrPort
	from      netip.Addr
	viaDevice string
	nextHop   netip.Addr
	install   bool
	remove    bool
	gso       string
	ring      uint
}

// The forms in which a shred goes to the host.
const (
	bare      = "bare"      // the shred alone, straight to the validator's TVU port
	ip        = "ip"        // the IP packet as it was on the wire
	sequenced = "sequenced" // a header of ours (package stream), then the shred
)

func (s *settings) flags(fs *flag.FlagSet) {
	fs.StringVar(&s.device, "device", ring.Auto, "`DEVICE` to read; auto: the one that EOS calls mirrorN")
	fs.TextVar(&s.matchAddr, "match-addr", netip.Addr{}, "`ADDR` that the shreds are sent to by turbine: the advertised TVU address")
	fs.UintVar(&s.matchPort, "match-port", 0, "`PORT` that the shreds are sent to by turbine: the advertised TVU port")
	fs.StringVar(&s.form, "form", "", "`FORM` in which shreds are sent: bare (straight to the TVU port), ip or sequenced (to shredunwrap, at its port for that form)")
	fs.TextVar(&s.to, "to", netip.AddrPort{}, "`ADDR:PORT` to send to, and nowhere else")
	fs.TextVar(&s.from, "from", netip.Addr{}, "`ADDR` to send from; none: as the route says")
	fs.StringVar(&s.viaDevice, "via-device", "", "`DEVICE` by which packets must leave; while the route leads elsewhere nothing is sent")
	fs.TextVar(&s.nextHop, "via-next-hop", netip.Addr{}, "`ADDR` of the next hop; none: the destination is on the device's own link")
	fs.BoolVar(&s.install, "install-route", false, "make the kernel route to the destination where it is missing (needs CAP_NET_ADMIN)")
	fs.BoolVar(&s.remove, "remove-route", false, "take away the kernel route that --install-route made, and exit")
	fs.StringVar(&s.gso, "gso", string(send.Auto), "`MODE` of sending many packets as one that the kernel cuts: auto, on or off")
	fs.UintVar(&s.ring, "ring", 32, "`MIB` of memory for frames that wait")
}

// check judges the settings together.
func (s *settings) check() error {
	switch {
	case !s.matchAddr.IsValid():
		return daemon.Bad("match-addr", "give the IPv4 address that the validator advertises for TVU", "is not set")
	case s.matchPort == 0:
		return daemon.Bad("match-port", "give the UDP port that the validator advertises for TVU", "is not set")
	case s.form == "":
		return daemon.Bad("form", "give bare, ip or sequenced, as the host listens", "is not set")
	case !s.to.IsValid():
		return daemon.Bad("to", "give the host's address and port, such as 198.51.100.2:20001", "is not set")
	case s.viaDevice == "":
		return daemon.Bad("via-device", "give the device that leads to the host: by another the shreds would leave by the public uplink", "is not set")
	}
	return s.checkValues()
}

// checkValues judges what is set.
func (s *settings) checkValues() error {
	switch {
	case !s.matchAddr.Is4() || s.matchAddr.IsUnspecified() || s.matchAddr.IsMulticast():
		return daemon.Bad("match-addr", "give the IPv4 address that the validator advertises for TVU", "%q is not an IPv4 address of a host", s.matchAddr)
	case s.matchPort > 65535:
		return daemon.Bad("match-port", "give the UDP port that the validator advertises for TVU", "%d is not a port", s.matchPort)
	case s.form != bare && s.form != ip && s.form != sequenced:
		return daemon.Bad("form", "give bare, ip or sequenced, as the host listens", "%q is not a form", s.form)
	case !s.to.Addr().Is4() || s.to.Port() == 0 || s.to.Addr().IsMulticast() || s.to.Addr().IsUnspecified():
		return daemon.Bad("to", "give the host's address and port, such as 198.51.100.2:20001", "%q is not an IPv4 address and port of a host", s.to)
	case s.to == netip.AddrPortFrom(s.matchAddr, uint16(s.matchPort)):
		return daemon.Bad("to", "give the host's own address: packets to the advertised one come back to the mirror", "%v is what is mirrored", s.to)
	case s.from.IsValid() && !s.from.Is4():
		return daemon.Bad("from", "give an IPv4 address of this machine, or none", "%v is not an IPv4 address", s.from)
	case s.nextHop.IsValid() && !s.nextHop.Is4():
		return daemon.Bad("via-next-hop", "give an IPv4 address, or none where the host is on the device's own link", "%v is not an IPv4 address", s.nextHop)
	case s.gso != string(send.Auto) && s.gso != string(send.On) && s.gso != string(send.Off):
		return daemon.Bad("gso", "give auto, on or off", "%q is not a mode", s.gso)
	case s.ring < 1 || s.ring > 1024:
		return daemon.Bad("ring", "give 1 to 1024; 32 hold 50 ms at 300,000 frames/s", "%d MiB", s.ring)
	case s.install && s.remove:
		return daemon.Bad("remove-route", "give one of the two", "cannot go with install-route")
	}
	return nil
}

func (s *settings) match() frame.Match {
	return frame.Match{Addr: s.matchAddr, Port: uint16(s.matchPort)}
}

func (s *settings) want() route.Want {
	return route.Want{To: s.to.Addr(), Device: s.viaDevice, NextHop: s.nextHop}
}

func (s *settings) ringOptions() ring.Options {
	return ring.Options{Device: s.device, Match: s.match(), Frames: int(s.ring) << 20 / ring.DefaultSize, Promiscuous: true}
}
