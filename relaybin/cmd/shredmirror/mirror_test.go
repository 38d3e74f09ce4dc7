package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"bisc/relaybin/frame"
	"bisc/relaybin/lab"
	"bisc/relaybin/ring"
	"bisc/relaybin/send"
	"bisc/relaybin/stream"
)

const fixtures = "../../../../shared/fixtures/solana/frames/mirrored-frames"

// expected are the digests of the payloads that must go on, in order.
func expected(t *testing.T) (sums []string) {
	t.Helper()
	b, err := os.ReadFile(fixtures + ".expect.jsonl")
	if err != nil {
		t.Fatalf("the frames are missing (CI has them): %v", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		var s struct {
			Forward any
			Sha     string `json:"payload_sha256"`
		}
		do(t, json.Unmarshal(lines.Bytes(), &s))
		if s.Forward != false {
			sums = append(sums, s.Sha)
		}
	}
	return sums
}

// payload takes a packet's shred out of its form.
func payload(t *testing.T, form string, packet []byte) []byte {
	t.Helper()
	switch form {
	case ip:
		rule := frame.Match{Addr: lab.Advertised.Addr(), Port: lab.Advertised.Port()}.Rule()
		cut, v := rule.Check(frame.IPv4, packet, len(packet))
		if v != frame.Forward || cut.IP != 0 || int(cut.End) != len(packet) {
			t.Fatalf("not the IP packet: %v %+v of %d bytes", v, cut, len(packet))
		}
		return packet[cut.Payload:]
	case sequenced:
		_, shred, err := stream.Decode(packet)
		do(t, err)
		return shred
	}
	return packet
}

// Every frame of the fixtures meets its verdict in each form, with large packets and without, and each drop is counted by name.
func TestFixtures(t *testing.T) {
	frames, err := lab.ReadPcap(fixtures + ".pcap")
	if err != nil {
		t.Fatalf("the frames are missing (CI has them): %v", err)
	}
	want := expected(t)
	for _, form := range []string{bare, ip, sequenced} {
		for _, gso := range []string{"on", "off"} {
			t.Run(form+" gso "+gso, func(t *testing.T) {
				n := lab.ForTest(t)
				k := sink(t, n, len(frames))
				p := start(t, n, "--form", form, "--gso", gso).ready(t)
				do(t, n.Replay(t.Context(), lab.Inlet, frames, 0))
				got, err := k.Wait(t.Context(), "packets", patience, func(r lab.Received) bool { return len(r.Payloads) >= len(want) })
				do(t, err)
				compare(t, form, got.Payloads, want)
				for reason, n := range map[string]float64{"fragment": 2, "truncated": 2, "length": 3, "ihl": 1} {
					p.until(t, fmt.Sprintf(`shredmirror_drops_total{reason="%s"} %v`, reason, n)) // it is counted after it is sent, and the last are dropped
				}
				p.until(t, fmt.Sprintf(`shredmirror_sent_total{form="%s"} %d`, form, len(want)))
			})
		}
	}
}

// compare wants the payloads with those digests, each as often as it is there. Large packets change their order.
func compare(t *testing.T, form string, packets [][]byte, want []string) {
	t.Helper()
	missing := map[string]int{}
	for _, sum := range want {
		missing[sum]++
	}
	var stamps []stream.Header
	for _, b := range packets {
		sum := sha256.Sum256(payload(t, form, b))
		if missing[hex.EncodeToString(sum[:])]--; missing[hex.EncodeToString(sum[:])] < 0 {
			t.Errorf("%d bytes that were not to be sent, or twice", len(b))
		}
		if form == sequenced {
			h, _, _ := stream.Decode(b)
			stamps = append(stamps, h)
		}
	}
	for i, h := range stamps {
		if h.Sequence != uint64(i) || h.Stream != stamps[0].Stream || h.Time < stamps[0].Time {
			t.Errorf("packet %d has %+v after %+v", i, h, stamps[0])
		}
	}
	if len(packets) != len(want) {
		t.Errorf("%d packets arrived, want %d", len(packets), len(want))
	}
}

// The backbone goes down and the default route takes over: nothing leaves by the uplink, it is counted, and shreds flow again
// when the backbone is back.
func TestFaultF45_NothingByTheUplink(t *testing.T) {
	n := lab.ForTest(t)
	k := sink(t, n, 0)
	p := start(t, n).ready(t)
	var spy *ring.Ring
	do(t, n.Turbine.Do(func() (err error) {
		spy, err = ring.Open(ring.Options{Device: lab.PeerEnd, Match: frame.Match{Addr: at.Addr(), Port: at.Port()}})
		return err
	}))
	defer spy.Close()
	shreds(t, n, 0, 100)
	arrive(t, k, 100)
	backbone, err := n.Switch.Netlink().LinkByName(lab.Backbone)
	do(t, err)
	do(t, n.Switch.Netlink().LinkSetDown(backbone))
	p.until(t, "shredmirror_route_ok 0")
	shreds(t, n, 100, 200)
	p.until(t, `shredmirror_drops_total{reason="wrong_route"} 200`)
	if health := p.scrape("/healthz"); !strings.Contains(health, "503") || !strings.Contains(health, lab.Uplink) {
		t.Errorf("healthy while nothing may be sent: %s", health)
	}
	do(t, n.Switch.Netlink().LinkSetUp(backbone))
	p.until(t, "shredmirror_route_ok 1")
	again(t, n, k, p, 300)
	if frames, _, err := spy.Stats(); frames != 0 || err != nil {
		t.Errorf("%d packets left by the uplink, %v", frames, err)
	}
}

// again sends until something arrives: a cable or a neighbour may take its time.
func again(t *testing.T, n *lab.Net, k *lab.Sink, p *process, first uint64) {
	t.Helper()
	before := k.Now().Unique
	for i := range uint64(600) {
		shreds(t, n, first+i*100, 100)
		if _, err := k.Quiet(t.Context(), quiet/10); err == nil && k.Now().Unique > before {
			return
		}
	}
	t.Fatal("nothing arrives any more")
}

// The mirror device goes down and up, and vanishes and returns, while shreds come.
func TestFaultF45_MirrorDevice(t *testing.T) {
	n := lab.ForTest(t)
	k := sink(t, n, 0)
	p := start(t, n).ready(t)
	shreds(t, n, 0, 100)
	arrive(t, k, 100)
	l, err := n.Switch.Netlink().LinkByName(lab.Mirror)
	do(t, err)
	do(t, n.Switch.Netlink().LinkSetDown(l))
	p.until(t, "shredmirror_device_up 0")
	do(t, n.Switch.Netlink().LinkSetUp(l))
	p.until(t, "shredmirror_device_up 1")
	again(t, n, k, p, 1000)
	do(t, n.Switch.Netlink().LinkDel(l))
	p.until(t, "shredmirror_device_up 0")
	do(t, n.Connect(n.Turbine, lab.Inlet, netip.Prefix{}, n.Switch, "mirror7", netip.Prefix{}))
	p.until(t, "shredmirror_device_up 1")
	again(t, n, k, p, 100_000)
}

// Started before the monitor session is, the daemon waits for the device.
func TestFaultF45_NoDeviceYet(t *testing.T) {
	n := lab.ForTest(t)
	k := sink(t, n, 0)
	l, err := n.Switch.Netlink().LinkByName(lab.Mirror)
	do(t, err)
	do(t, n.Switch.Netlink().LinkDel(l))
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	do(t, err)
	defer systemd.Close()
	t.Setenv("NOTIFY_SOCKET", systemd.LocalAddr().String())
	p := start(t, n)
	p.until(t, "shredmirror_device_up 0")
	do(t, systemd.SetReadDeadline(time.Now().Add(patience)))
	var told [64]byte
	if n, err := systemd.Read(told[:]); err != nil || string(told[:n]) != "READY=1" {
		t.Errorf("systemd was told %q, %v: it would end a daemon that waits", told[:n], err)
	}
	do(t, n.Connect(n.Turbine, lab.Inlet, netip.Prefix{}, n.Switch, lab.Mirror, netip.Prefix{}))
	p.until(t, "shredmirror_device_up 1")
	again(t, n, k, p, 0)
	if log := p.log(); !strings.Contains(log, "waiting for it") {
		t.Errorf("the log does not say what was waited for: %s", log)
	}
}

// Nobody listens, then somebody does.
func TestFaultF45_Destination(t *testing.T) {
	n := lab.ForTest(t)
	p := start(t, n).ready(t)
	shreds(t, n, 0, 2000)
	p.above(t, `shredmirror_send_errors_total{error="refused"}`, 0)
	k := sink(t, n, 0)
	again(t, n, k, p, 2000)
	if lost := p.value(t, `shredmirror_drops_total{reason="send_refused"}`); lost != 0 {
		t.Errorf("%v shreds were lost to errors of earlier ones", lost)
	}
}

// A backbone device that computes no checksums.
func TestFaultF45_ChecksumOffloadOff(t *testing.T) {
	n := lab.ForTest(t)
	do(t, n.Switch.Do(func() error { return exec.Command("ethtool", "-K", lab.Backbone, "tx", "off").Run() }))
	k := sink(t, n, 0)
	start(t, n).ready(t)
	shreds(t, n, 0, 5000)
	arrive(t, k, 5000)
}

// With a MTU that a shred does not fit, the large packets are given up and fragments arrive.
func TestFaultF45_SmallMTU(t *testing.T) {
	n := lab.ForTest(t)
	l, err := n.Switch.Netlink().LinkByName(lab.Backbone)
	do(t, err)
	do(t, n.Switch.Netlink().LinkSetMTU(l, 1240))
	k := sink(t, n, 0)
	p := start(t, n).ready(t)
	shreds(t, n, 0, 1000)
	arrive(t, k, 1000)
	p.until(t, "shredmirror_gso 0")
}

// The route is made, used, and taken away again.
func TestInstallRoute(t *testing.T) {
	n := lab.ForTest(t)
	far := netip.MustParseAddrPort("203.0.113.222:20001")
	l, err := n.Host.Netlink().LinkByName(lab.HostEnd)
	do(t, err)
	do(t, n.Host.Netlink().AddrAdd(l, &netlink.Addr{IPNet: netlink.NewIPNet(far.Addr().AsSlice())}))
	k, err := n.Host.NewSink(far, 0)
	do(t, err)
	defer k.Close()
	args := []string{"--to", far.String(), "--via-next-hop", lab.HostAddr.String()}
	p := start(t, n, append(args, "--install-route")...).ready(t)
	shreds(t, n, 0, 500)
	arrive(t, k, 500)
	p.stop(t)
	gone := start(t, n, append(args, "--remove-route")...)
	do(t, gone.wait(t))
	if want := "took away 203.0.113.222/32 via 198.51.100.2 dev bb0"; !strings.Contains(gone.log(), want) {
		t.Errorf("said %q, want %q", gone.log(), want)
	}
	dry := start(t, n, append(args, "--dry")...)
	do(t, dry.wait(t))
	if !strings.Contains(dry.log(), lab.Uplink) {
		t.Errorf("after the removal the route does not lead by the uplink again: %s", dry.log())
	}
}

// Told to stop under load it sends what is in its ring, says so, and ends with status 0.
func TestStop(t *testing.T) {
	n := lab.ForTest(t)
	k := sink(t, n, 0)
	p := start(t, n).ready(t)
	shreds(t, n, 0, 3000)
	log := p.stop(t)
	arrive(t, k, 3000)
	if !strings.Contains(log, "stopped: 3000 frames read, 3000 packets sent, 0 not sent, 0 dropped") {
		t.Errorf("said %s", log)
	}
}

func TestOnceAndDry(t *testing.T) {
	n := lab.ForTest(t)
	dry := start(t, n, "--dry")
	do(t, dry.wait(t))
	for _, want := range []string{"device: mirror0", "route: right: 198.51.100.0/24 dev bb0, from 198.51.100.1", "sends: bare to 198.51.100.2:20001"} {
		if !strings.Contains(dry.log(), want) {
			t.Errorf("no %q in %s", want, dry.log())
		}
	}
	once := start(t, n, "--once")
	for i := uint64(0); once.cmd.ProcessState == nil && i < 600; i++ {
		shreds(t, n, i*10, 10)
		if strings.Contains(once.log(), "frame:") {
			break
		}
	}
	do(t, once.wait(t))
	if want := "would be sent as bare to 198.51.100.2:20001"; !strings.Contains(once.log(), want) {
		t.Errorf("no %q in %s", want, once.log())
	}
	none := start(t, n, "--once", "--once-limit", "300ms")
	if err := none.wait(t); err == nil || !strings.Contains(none.log(), "is the monitor session active") {
		t.Errorf("%v: %s", err, none.log())
	}
}

func TestBadSettings(t *testing.T) {
	n := lab.ForTest(t)
	for _, tt := range []struct{ name, value, want string }{
		{"--match-addr", "2001:db8::1", "advertises for TVU"},
		{"--match-addr", "", "--match-addr: is not set (from flag); give the IPv4 address"},
		{"--match-addr", "224.0.0.1", "is not an IPv4 address of a host"},
		{"--match-port", "70000", "advertises for TVU"},
		{"--match-port", "0", "--match-port: is not set"},
		{"--form", "", "--form: is not set"},
		{"--metrics", "9465", "give HOST:PORT"},
		{"--form", "socat", "give bare, ip or sequenced"},
		{"--to", "0.0.0.0:1", "give the host's address and port"},
		{"--to", lab.Advertised.String(), "come back to the mirror"},
		{"--via-device", "", "public uplink"},
		{"--via-next-hop", "2001:db8::1", "IPv4"},
		{"--from", "2001:db8::1", "IPv4"},
		{"--gso", "maybe", "auto, on or off"},
		{"--ring", "0", "1 to 1024"},
	} {
		p := start(t, n, tt.name, tt.value)
		err := p.wait(t)
		if p.cmd.ProcessState.ExitCode() != 2 || !strings.Contains(p.log(), tt.want) || !strings.Contains(p.log(), tt.name) {
			t.Errorf("%s %s: %v: %s", tt.name, tt.value, err, p.log())
		}
	}
}

// An empty datagram, which anybody may send to the advertised port, is dropped by name in each form and makes nobody believe that
// the destination is in trouble.
func TestEmptyDatagram(t *testing.T) {
	for _, form := range []string{bare, ip, sequenced} {
		t.Run(form, func(t *testing.T) {
			n := lab.ForTest(t)
			m, r := inside(t, n, form)
			empty := slices.Concat(make([]byte, 12), []byte{8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 2}, lab.Advertised.Addr().AsSlice(),
				[]byte{1, 1}, binary.BigEndian.AppendUint16(nil, lab.Advertised.Port()), []byte{0, 8, 0, 0}, make([]byte, 18)) // and Ethernet's padding
			do(t, n.Replay(t.Context(), lab.Inlet, []lab.Frame{{Data: empty}}, 0))
			for m.metrics.frames.Value() == 0 {
				if _, err := r.Wait(patience); err != nil {
					t.Fatal(err)
				}
				m.turn(r, time.Now())
			}
			if m.metrics.drops.Value(int(frame.Length)) != 1 || m.sender.Counts != (send.Counts{}) {
				t.Errorf("%d dropped for their length; sender %+v", m.metrics.drops.Value(int(frame.Length)), m.sender.Counts)
			}
		})
	}
}
