package main

import (
	"flag"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"bisc/relaybin/daemon"
	"bisc/relaybin/frame"
	"bisc/relaybin/recv"
	"bisc/relaybin/send"
	"bisc/relaybin/shred"
)

// settings are what flags, environment and file say.
type settings struct {
	listen    [forms]netip.AddrPort
	allow     prefixes
	matchAddr netip.Addr
	matchPort uint
	to        netip.AddrPort
	netns     string
	onLink    bool
	filter    string
	version   uint
	below     uint64
	above     uint64
	buffer    int
	gro       bool
	gso       string
	books     string
}

func (s *settings) declare(fs *flag.FlagSet) {
	fs.TextVar(&s.listen[formIP], "listen-ip", netip.AddrPort{}, "`ADDR:PORT` where whole IP packets come; not with a socket \"ip\" from systemd")
	fs.TextVar(&s.listen[formSequenced], "listen-sequenced", netip.AddrPort{}, "`ADDR:PORT` where the sequenced form comes; not with a socket \"sequenced\" from systemd")
	fs.Var(&s.allow, "allow", "`CIDR[,CIDR]` of the senders that are listened to, such as 172.16.1.188/32; 0.0.0.0/0 for anybody")
	fs.TextVar(&s.matchAddr, "match-addr", netip.Addr{}, "`ADDR` that the shreds in the form ip were sent to, the advertised TVU address; others are dropped; none: any")
	fs.UintVar(&s.matchPort, "match-port", 0, "`PORT` that the shreds in the form ip were sent to, the advertised TVU port; others are dropped; 0: any")
	fs.TextVar(&s.to, "to", netip.AddrPort{}, "`ADDR:PORT` of the validator's TVU, such as 172.20.0.2:9000")
	fs.StringVar(&s.netns, "netns", "", "`PATH` of the network namespace to send in, /run/netns/NAME or /proc/PID/ns/net")
	fs.BoolVar(&s.onLink, "on-link", false, "send only while --to is on one of this host's own networks, never by a gateway: else the shreds leave by the uplink while the validator's network is not there")
	fs.StringVar(&s.filter, "filter", "on", "`MODE` of judging shreds: on drops what is no shred or outside the window, count forwards and counts it, off does not look")
	fs.UintVar(&s.version, "shred-version", 0, "the cluster's shred version, a `NUMBER` such as 50093 for mainnet; 0: any")
	fs.Uint64Var(&s.below, "slots-below", 0, "`SLOTS` below the tip that still pass; 0: any")
	fs.Uint64Var(&s.above, "slots-above", 0, "`SLOTS` above the tip that still pass; 0: any")
	fs.IntVar(&s.buffer, "buffer", 64<<20, "`BYTES` of receive buffer a port")
	fs.BoolVar(&s.gro, "gro", true, "take several packets as one from the kernel (UDP_GRO)")
	fs.StringVar(&s.gso, "gso", string(send.Auto), "`MODE` of sending several packets as one (UDP_SEGMENT): auto, on or off")
	fs.StringVar(&s.books, "books", "", "`PATH` of the file, under /run, that keeps the streams' accounts across a restart; none: $RUNTIME_DIRECTORY/streams, or none at all")
}

// check judges what can be judged without touching anything.
func (s *settings) check() error {
	switch {
	case len(s.allow) == 0:
		return daemon.Bad("allow", "name the switch, such as 172.16.1.188/32, or 0.0.0.0/0 for anybody", "nobody may send")
	case len(s.allow) > recv.Sources:
		return daemon.Bad("allow", "write larger prefixes", "%d prefixes, at most %d", len(s.allow), recv.Sources)
	case !s.to.Addr().Is4() || s.to.Port() == 0:
		return daemon.Bad("to", "give the validator's TVU as IPv4 ADDR:PORT, such as 172.20.0.2:9000", "%s", s.unusable())
	case s.to.Addr().IsMulticast() || s.to.Addr().IsUnspecified() || s.to.Addr() == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return daemon.Bad("to", "give the validator's own address", "%s is no single host", s.to.Addr())
	case s.matchAddr.IsValid() && !s.matchAddr.Is4():
		return daemon.Bad("match-addr", "give the IPv4 address that the validator advertises for TVU", "%s is not an IPv4 address", s.matchAddr)
	case s.matchPort > 65535:
		return daemon.Bad("match-port", "give the UDP port that the validator advertises for TVU", "%d is not a port", s.matchPort)
	case s.version > 65535:
		return daemon.Bad("shred-version", "give the number that `solana cluster-version` or ip_echo tells, at most 65535", "%d is no shred version", s.version)
	case !slices.Contains([]string{"on", "count", "off"}, s.filter):
		return daemon.Bad("filter", "give on, count or off", "%q is not a mode", s.filter)
	case !slices.Contains([]send.Mode{send.Auto, send.On, send.Off}, send.Mode(s.gso)):
		return daemon.Bad("gso", "give auto, on or off", "%q is not a mode", s.gso)
	case s.buffer < 1<<16 || s.buffer > 1<<30:
		return daemon.Bad("buffer", "give 65536 to 1073741824", "%d bytes", s.buffer)
	case s.netns != "" && (!path.IsAbs(s.netns) || path.Clean(s.netns) != s.netns):
		return daemon.Bad("netns", "a clean absolute path, /run/netns/NAME or /proc/PID/ns/net", "%q", s.netns)
	}
	return s.checkListen()
}

// unusable says why to is no destination.
func (s *settings) unusable() string {
	if !s.to.IsValid() {
		return "is not set"
	}
	return s.to.String() + " is no IPv4 address and port"
}

func (s *settings) checkListen() error {
	for f, at := range s.listen {
		name := "listen-" + form(f).String()
		switch {
		case !at.IsValid():
			continue
		case !at.Addr().Is4() || at.Port() == 0:
			return daemon.Bad(name, "an IPv4 address and a port, such as 172.16.1.200:9101", "%s", at)
		case s.netns == "" && loops(at, s.to):
			return daemon.Bad("to", "the validator's TVU, not the relay's own port", "%s is where this daemon listens: packets would go round for ever", s.to)
		}
	}
	if ip, seq := s.listen[formIP], s.listen[formSequenced]; ip.IsValid() && ip.Port() == seq.Port() && (ip.Addr() == seq.Addr() || ip.Addr().IsUnspecified() || seq.Addr().IsUnspecified()) {
		return daemon.Bad("listen-sequenced", "another port: the forms never mix on one", "%s is the port of the form ip too", seq)
	}
	return nil
}

// loops says whether what is sent to to comes in at at. A port on all addresses is taken to have each of them: a TVU of the
// same number on this machine could not have been opened beside it.
func loops(at, to netip.AddrPort) bool {
	return at.Port() == to.Port() && (at.Addr() == to.Addr() || at.Addr().IsUnspecified())
}

// rule is what the datagram inside the form ip must be.
func (s *settings) rule() frame.Rule {
	return frame.Match{Addr: s.matchAddr, Port: uint16(s.matchPort)}.Rule()
}

func (s *settings) newFilter() *shred.Filter {
	return shred.NewFilter(shred.Limits{Version: uint16(s.version), Below: s.below, Above: s.above, Off: s.filter == "off"})
}

func (s *settings) options() recv.Options {
	return recv.Options{Allow: s.allow, Buffer: s.buffer, GRO: s.gro}
}

// prefixes are a flag's value: networks, or single addresses, with commas between.
type prefixes []netip.Prefix

func (p *prefixes) String() string {
	var out []string
	for _, x := range *p {
		out = append(out, x.String())
	}
	return strings.Join(out, ",")
}

func (p *prefixes) Set(text string) error {
	*p = nil
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if addr, err := netip.ParseAddr(part); err == nil {
			part = netip.PrefixFrom(addr, addr.BitLen()).String()
		}
		one, err := netip.ParsePrefix(part)
		if err != nil {
			return err
		}
		if !one.Addr().Is4() {
			return fmt.Errorf("%s is not IPv4", one)
		}
		if one != one.Masked() {
			return fmt.Errorf("%s has bits beyond its length: did you mean %s or %s/32?", one, one.Masked(), one.Addr())
		}
		*p = append(*p, one)
	}
	return nil
}
