package route

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"bisc/relaybin/lab"
)

// patience is how long a test waits for an event that must come, on a machine that does other things too.
const patience = time.Minute

// remote is an address to which the switch has no route but the default one, by the uplink.
var remote = netip.MustParseAddr("203.0.113.200")

// onSwitch does f in the switch's namespace.
func onSwitch(t *testing.T, n *lab.Net, f func() error) {
	t.Helper()
	if err := n.Switch.Do(f); err != nil {
		t.Fatal(err)
	}
}

// table is the switch's.
func table(t *testing.T, n *lab.Net) (tab Table) {
	t.Helper()
	onSwitch(t, n, func() (err error) { tab, err = Open(); return })
	t.Cleanup(tab.Close)
	return tab
}

// watch watches a route of the switch until the test ends.
func watch(t *testing.T, n *lab.Net, want Want, install bool) (w *Watch) {
	t.Helper()
	onSwitch(t, n, func() (err error) { w, err = NewWatch(want, install); return })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w
}

// until waits until the route is right, or is not.
func until(t *testing.T, w *Watch, right bool) {
	t.Helper()
	for end := time.Now().Add(patience); w.Right() != right; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("right is %v after %v: %v", w.Right(), patience, w.Last().Err)
		}
	}
}

func link(t *testing.T, n *lab.Net, name string) netlink.Link {
	t.Helper()
	l, err := n.Switch.Netlink().LinkByName(name)
	do(t, err)
	return l
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// single is a route to remote, as somebody may have made it.
func single(t *testing.T, n *lab.Net, device string, via netip.Addr) *netlink.Route {
	return &netlink.Route{Dst: &net.IPNet{IP: remote.AsSlice(), Mask: net.CIDRMask(32, 32)}, LinkIndex: link(t, n, device).Attrs().Index, Gw: via.AsSlice()}
}

func TestGet(t *testing.T) {
	n := lab.ForTest(t)
	tab := table(t, n)
	near, err := tab.Get(lab.HostAddr)
	if want := (Route{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Device: lab.Backbone, Index: near.Index, Source: lab.SwitchAddr}); err != nil || near != want {
		t.Errorf("%+v, %v; want %+v", near, err, want)
	}
	far, err := tab.Get(remote)
	if want := (Route{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Device: lab.Uplink, Index: far.Index, NextHop: lab.PeerAddr, Source: lab.UplinkAddr}); err != nil || far != want {
		t.Errorf("%+v, %v; want %+v", far, err, want)
	}
	do(t, n.Switch.Netlink().LinkSetDown(link(t, n, lab.Uplink)))
	if r, err := tab.Get(remote); !errors.Is(err, ErrNoRoute) {
		t.Errorf("without any route: %+v, %v", r, err)
	}
}

func TestJudge(t *testing.T) {
	want := Want{To: remote, Device: lab.Backbone, NextHop: lab.HostAddr}
	good := Route{Prefix: netip.PrefixFrom(remote, 32), Device: lab.Backbone, NextHop: lab.HostAddr}
	if err := want.Judge(good); err != nil {
		t.Error(err)
	}
	device, hop, none := good, good, good
	device.Device, hop.NextHop, none.NextHop = lab.Uplink, lab.PeerAddr, netip.Addr{}
	for _, r := range []Route{device, hop, none} {
		err := want.Judge(r)
		if err == nil || !strings.Contains(err.Error(), r.String()) || !strings.Contains(err.Error(), want.String()) {
			t.Errorf("%v: %v", r, err)
		}
	}
}

// When the device goes down the default route takes over, and that is not right, until the device is up again.
func TestFaultF44_RouteByTheUplink(t *testing.T) {
	n := lab.ForTest(t)
	w := watch(t, n, Want{To: lab.HostAddr, Device: lab.Backbone}, false)
	until(t, w, true)
	before := w.Changes()
	do(t, n.Switch.Netlink().LinkSetDown(link(t, n, lab.Backbone)))
	until(t, w, false)
	if f := w.Last(); f.Route.Device != lab.Uplink || f.Err == nil || !strings.Contains(f.Err.Error(), lab.Uplink) {
		t.Errorf("found %+v", f)
	}
	do(t, n.Switch.Netlink().LinkSetUp(link(t, n, lab.Backbone)))
	until(t, w, true)
	if w.Changes() < before+2 {
		t.Errorf("%d changes were seen, want two", w.Changes()-before)
	}
}

// A device that vanished and returned has another number: whoever was bound to the old one has to know.
func TestFaultF44_DeviceReturns(t *testing.T) {
	n := lab.ForTest(t)
	w := watch(t, n, Want{To: lab.HostAddr, Device: lab.Backbone}, false)
	until(t, w, true)
	before := w.Last().Route
	do(t, n.Switch.Netlink().LinkDel(link(t, n, lab.Backbone)))
	until(t, w, false)
	do(t, n.Connect(n.Switch, lab.Backbone, netip.PrefixFrom(lab.SwitchAddr, 24), n.Host, lab.HostEnd, netip.PrefixFrom(lab.HostAddr, 24)))
	until(t, w, true)
	if now := w.Last().Route; now.Index == before.Index || now.Device != before.Device {
		t.Errorf("before %+v, now %+v", before, now)
	}
}

// With install the route is made, and made again when somebody takes it away.
func TestInstall(t *testing.T) {
	n := lab.ForTest(t)
	tab := table(t, n)
	want := Want{To: remote, Device: lab.Backbone, NextHop: lab.HostAddr}
	w := watch(t, n, want, true)
	until(t, w, true)
	now := w.Last().Route
	if !now.Ours || now.Prefix != netip.PrefixFrom(remote, 32) || now.Source != lab.SwitchAddr {
		t.Errorf("installed %+v", now)
	}
	do(t, n.Switch.Netlink().RouteDel(single(t, n, lab.Backbone, lab.HostAddr)))
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if now, err := tab.Get(remote); err == nil && want.Judge(now) == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the route that was taken away is not made again: %v", w.Last().Err)
		}
	}
}

// Another's route to the same address is not touched, neither by Install nor by Remove.
func TestInstallTouchesNoOther(t *testing.T) {
	n := lab.ForTest(t)
	tab := table(t, n)
	do(t, n.Switch.Netlink().RouteAdd(single(t, n, lab.Uplink, lab.PeerAddr)))
	before, err := tab.Get(remote)
	do(t, err)
	err = tab.Install(Want{To: remote, Device: lab.Backbone, NextHop: lab.HostAddr})
	if err == nil || !strings.Contains(err.Error(), "stands in the way") {
		t.Errorf("install over another's: %v", err)
	}
	if removed, err := tab.Remove(remote); removed != "" || err != nil {
		t.Errorf("removed %q, %v", removed, err)
	}
	if now, err := tab.Get(remote); now != before || err != nil {
		t.Errorf("%+v, %v; was %+v", now, err, before)
	}
}

// Ours from other settings gives way, Remove is the exact inverse, and what cannot be made says why.
func TestInstallReplacesOurs(t *testing.T) {
	n := lab.ForTest(t)
	tab := table(t, n)
	before, err := tab.Get(remote)
	do(t, err)
	do(t, tab.Install(Want{To: remote, Device: lab.Backbone, NextHop: netip.MustParseAddr("198.51.100.9")}))
	want := Want{To: remote, Device: lab.Backbone, NextHop: lab.HostAddr}
	do(t, tab.Install(want))
	do(t, tab.Install(want)) // nothing to do
	if now, err := tab.Get(remote); err != nil || want.Judge(now) != nil {
		t.Errorf("%v, %v", now, err)
	}
	_, err = tab.Remove(remote)
	do(t, err)
	if now, err := tab.Get(remote); now != before || err != nil {
		t.Errorf("after the removal %+v, %v; was %+v", now, err, before)
	}
	err = tab.Install(Want{To: remote, Device: lab.Backbone, NextHop: netip.MustParseAddr("10.9.9.9")})
	if err == nil || !strings.Contains(err.Error(), "none of the device's networks") {
		t.Errorf("with a next hop that is on no network: %v", err)
	}
}
