package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// Addresses of a Net, all of documentation (RFC 5737).
var (
	Advertised = netip.MustParseAddrPort("203.0.113.10:8001")  // what the mirror copies; nobody here has it
	SwitchAddr = netip.MustParseAddr("198.51.100.1")           // bb0
	HostAddr   = netip.MustParseAddr("198.51.100.2")           // bb1
	TVU        = netip.AddrPortFrom(HostAddr, 9000)            // where the validator takes shreds
	UplinkAddr = netip.MustParseAddr("192.0.2.1")              // up0, on the switch
	PeerAddr   = netip.MustParseAddr("192.0.2.2")              // up1: the switch's default route; source of the shreds
	DirectTVU  = netip.MustParseAddrPort("203.0.113.129:9000") // direct0, on the host
)

// Devices of a Net.
const (
	Mirror   = "mirror0" // on the switch: frames come out here
	Inlet    = "g0"      // its other end, on the turbine peer
	Backbone = "bb0"     // on the switch, towards the host's HostEnd
	HostEnd  = "bb1"
	Uplink   = "up0" // on the switch, towards the peer's PeerEnd
	PeerEnd  = "up1"
	Direct   = "direct0" // on the host; its other end is DirectInlet
	DirectIn = "d0"
)

// Net is three namespaces and the links between them.
type Net struct {
	Turbine, Switch, Host *Space

	name     string
	hostFile string // of a host that is there already
	spaces   []*Space
	once     sync.Once
	err      error
}

// Start sweeps what dead processes have left and makes a net. Close ends it.
func Start() (*Net, error) { return StartWith("") }

// StartWith makes a net whose host is there already: the network namespace of a file, such as /proc/PID/ns/net of a
// container's first process. It gets the devices of the net, and loses them when the net ends.
func StartWith(host string) (*Net, error) {
	if err := Sweep(); err != nil {
		return nil, err
	}
	own, err := ownPrefix()
	if err != nil {
		return nil, err
	}
	n := &Net{hostFile: host, name: fmt.Sprintf("%s%d-", own, time.Now().UnixNano())}
	if err := n.build(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Net) build() (err error) {
	if n.Turbine, err = n.AddSpace("turbine"); err != nil {
		return err
	}
	if n.Switch, err = n.AddSpace("switch"); err != nil {
		return err
	}
	if n.hostFile == "" {
		n.Host, err = n.AddSpace("host")
	} else if n.Host, err = borrow(n.hostFile); err == nil {
		n.spaces = append(n.spaces, n.Host)
	}
	if err != nil {
		return err
	}
	none := netip.Prefix{}
	for _, l := range []struct {
		a     *Space
		aDev  string
		aAddr netip.Prefix
		b     *Space
		bDev  string
		bAddr netip.Prefix
	}{
		{n.Turbine, Inlet, none, n.Switch, Mirror, none},
		{n.Switch, Backbone, netip.PrefixFrom(SwitchAddr, 24), n.Host, HostEnd, netip.PrefixFrom(HostAddr, 24)},
		{n.Switch, Uplink, netip.PrefixFrom(UplinkAddr, 24), n.Turbine, PeerEnd, netip.PrefixFrom(PeerAddr, 24)},
		{n.Turbine, DirectIn, none, n.Host, Direct, netip.PrefixFrom(DirectTVU.Addr(), 25)},
	} {
		if err := n.Connect(l.a, l.aDev, l.aAddr, l.b, l.bDev, l.bAddr); err != nil {
			return err
		}
	}
	up, err := n.Switch.link.LinkByName(Uplink)
	if err != nil {
		return err
	}
	return n.Switch.link.RouteAdd(&netlink.Route{LinkIndex: up.Attrs().Index, Gw: net.IP(PeerAddr.AsSlice())})
}

// AddSpace makes one more namespace, such as the kind node's. It ends with the net.
func (n *Net) AddSpace(role string) (*Space, error) {
	s, err := newSpace(n.name + role)
	if s != nil {
		n.spaces = append(n.spaces, s)
	}
	return s, err
}

// Connect makes a veth pair between two namespaces, both ends up. An invalid prefix gives an end no address.
func (n *Net) Connect(a *Space, aDev string, aAddr netip.Prefix, b *Space, bDev string, bAddr netip.Prefix) error {
	pair := &netlink.Veth{LinkAttrs: netlink.NewLinkAttrs(), PeerName: bDev, PeerNamespace: netlink.NsFd(b.handle)}
	pair.Name = aDev
	pair.NumRxQueues, pair.NumTxQueues = 1, 1 // else one a core, of which a few flows use one
	if err := a.link.LinkAdd(pair); err != nil {
		return fmt.Errorf("make veth pair %s, %s: %w", aDev, bDev, err)
	}
	return errors.Join(a.setUp(aDev, aAddr), b.setUp(bDev, bAddr))
}

func (s *Space) setUp(dev string, addr netip.Prefix) error {
	l, err := s.link.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("find %s in %s: %w", dev, s.Name, err)
	}
	if addr.IsValid() {
		network := &net.IPNet{IP: addr.Addr().AsSlice(), Mask: net.CIDRMask(addr.Bits(), addr.Addr().BitLen())}
		if err := s.link.AddrAdd(l, &netlink.Addr{IPNet: network}); err != nil {
			return fmt.Errorf("give %s address %s: %w", dev, addr, err)
		}
	}
	if err := s.link.LinkSetUp(l); err != nil {
		return fmt.Errorf("set %s up: %w", dev, err)
	}
	return nil
}

// Close kills the programs in the namespaces and removes them. A second call does nothing.
func (n *Net) Close() error {
	n.once.Do(func() {
		for _, s := range n.spaces {
			n.err = errors.Join(n.err, s.close())
		}
	})
	return n.err
}

// ForTest makes a net that ends with the test, also when the test is interrupted or ended by a signal.
func ForTest(t testing.TB) *Net {
	t.Helper()
	n, err := Start()
	if err != nil {
		t.Fatalf("%v\n(the relay's tests need root and network namespaces)", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if s, ok := <-signals; ok {
			_ = n.Close() // what it does not remove, the next start does
			signal.Reset(s)
			_ = syscall.Kill(os.Getpid(), s.(syscall.Signal))
			runtime.Goexit()
		}
	}()
	t.Cleanup(func() {
		signal.Stop(signals)
		close(signals)
		if err := n.Close(); err != nil {
			t.Errorf("end the net: %v", err)
		}
	})
	return n
}
