package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"bisc/relaybin/lab"
	"bisc/relaybin/netns"
	"bisc/relaybin/recv"
)

const patience = time.Minute // of a test that waits for an event on a busy machine

var (
	onIP        = netip.AddrPortFrom(lab.HostAddr, 9100)
	onSequenced = netip.AddrPortFrom(lab.HostAddr, 9101)
	atMetrics   = "127.0.0.1:9466"
	stranger    = netip.MustParseAddr("198.51.100.66") // on the switch too, and not allowed
)

// process is shredunwrap in the host's namespace, its own process.
type process struct {
	*exec.Cmd
	t    testing.TB
	net  *lab.Net
	mu   sync.Mutex
	text bytes.Buffer
	web  http.Client
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func start(t testing.TB, n *lab.Net, args ...string) *process {
	t.Helper()
	p := &process{t: t, net: n, Cmd: exec.Command(os.Args[0], args...)}
	p.Env = append(os.Environ(), "BISC_TEST_DAEMON=1")
	p.Stdout, p.Stderr = p, p
	p.web.Timeout = patience
	p.web.Transport = &http.Transport{DialContext: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		err = n.Host.Do(func() error { c, err = new(net.Dialer).DialContext(ctx, network, addr); return err })
		return c, err
	}}
	if err := n.Host.Start(p.Cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	return p
}

// ready starts shredunwrap and waits until it listens.
func ready(t testing.TB, n *lab.Net, args ...string) *process {
	t.Helper()
	p := start(t, n, append([]string{"--listen-ip", onIP.String(), "--listen-sequenced", onSequenced.String(), "--allow", lab.SwitchAddr.String()}, args...)...)
	p.await("metrics", func() bool { return strings.Contains(p.output(), "metrics are served") })
	return p
}

func (p *process) await(what string, good func() bool) {
	p.t.Helper()
	for limit := time.Now().Add(patience); !good(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			p.t.Fatalf("no %s within %v\n%s\n%s", what, patience, p.output(), p.get("/metrics"))
		}
	}
}

func (p *process) get(path string) string {
	r, err := p.web.Get("http://" + atMetrics + path)
	if err != nil {
		return err.Error()
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return r.Status[:4] + string(body)
}

// metric is the value of a series.
func (p *process) metric(series string) string {
	for line := range strings.Lines(p.get("/metrics")) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == series {
			return value
		}
	}
	return "(none)"
}

// want waits for series to have their values.
func (p *process) want(values map[string]string) {
	p.t.Helper()
	for series, value := range values {
		p.await(series+" "+value, func() bool { return p.metric(series) == value })
	}
}

// stop ends the process as systemd does, and wants status 0.
func (p *process) stop() {
	p.t.Helper()
	p.Process.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		p.t.Errorf("after SIGTERM: %v\n%s", err, p.output())
	}
}

// from is a socket on the switch, connected to one of the daemon's ports.
func from(t testing.TB, n *lab.Net, source netip.Addr, to netip.AddrPort) int {
	t.Helper()
	fd := -1
	if err := n.Switch.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: source.As4()}); err != nil {
			return err
		}
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func put(t *testing.T, fd int, packets ...[]byte) {
	t.Helper()
	for _, p := range packets {
		if _, err := unix.Write(fd, p); err != nil && err != unix.ECONNREFUSED {
			t.Errorf("send: %v", err)
		}
	}
}

// validator is a TVU port in a namespace; it keeps how often each number has come.
type validator struct {
	socket *recv.Socket
	batch  *recv.Batch
	seen   map[uint64]int
}

func newValidator(t *testing.T, do func(func() error) error, at netip.AddrPort) *validator {
	t.Helper()
	v := &validator{seen: map[uint64]int{}}
	if err := do(func() (err error) { v.socket, err = recv.Listen(at, recv.Options{Buffer: 64 << 20}); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.socket.Close() })
	v.batch = v.socket.NewBatch()
	return v
}

// count reads what is there, and returns how many numbers have come.
func (v *validator) count() int {
	for more := true; more; {
		more, _ = v.socket.Read(v.batch)
		for _, m := range v.batch.Messages {
			v.seen[binary.LittleEndian.Uint64(m.Data[200:])]++
		}
	}
	return len(v.seen)
}

// A flood from a sender that is not allowed takes nothing from the one that is, and each of its packets is counted.
func TestForbiddenFlood(t *testing.T) {
	n := lab.ForTest(t)
	link, err := n.Switch.Netlink().LinkByName(lab.Backbone)
	if err == nil {
		err = n.Switch.Netlink().AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: stranger.AsSlice(), Mask: net.CIDRMask(24, 32)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	v := newValidator(t, n.Host.Do, lab.TVU)
	p := ready(t, n, "--to", lab.TVU.String())
	good, bad := from(t, n, lab.SwitchAddr, onSequenced), from(t, n, stranger, onSequenced)
	flood := bytes.Repeat(inSequence(9, 1, shredOf(1)), 50)
	enable(t, bad, len(flood)/50)
	const rounds, allowed = 2000, 2 // 100,000 against 4,000
	for i := range uint64(rounds) {
		put(t, bad, flood)
		put(t, good, inSequence(7, 2*i, shredOf(2*i)), inSequence(7, 2*i+1, shredOf(2*i+1)))
	}
	p.await("allowed packets", func() bool { return v.count() == rounds*allowed })
	p.want(map[string]string{
		`shredunwrap_drops_total{reason="source"}`:             fmt.Sprintf("%d", rounds*50),
		`shredunwrap_received_total{form="sequenced"}`:         fmt.Sprintf("%d", rounds*allowed),
		`shredunwrap_stream_lost_total{stream="00000007"}`:     "0",
		"shredunwrap_kernel_drops_total":                       "0",
		"shredunwrap_forwarded_total":                          fmt.Sprintf("%d", rounds*allowed),
		`shredunwrap_stream_received_total{stream="00000009"}`: "(none)",
	})
	p.stop()
}

// While nobody listens at the destination the daemon says so, and goes on by itself when somebody does.
func TestDestinationAway(t *testing.T) {
	n := lab.ForTest(t)
	p := ready(t, n, "--to", lab.TVU.String())
	fd, number := from(t, n, lab.SwitchAddr, onIP), uint64(0)
	send := func() { put(t, fd, inIP(shredOf(number))); number++ }
	p.await("refusal", func() bool { send(); return p.metric(`shredunwrap_send_errors_total{error="refused"}`) != "0" })
	p.await("news of it", func() bool {
		send()
		return strings.Contains(p.output(), "the destination is away") && strings.Contains(p.get("/healthz"), "fail destination: nobody listens")
	})
	v := newValidator(t, n.Host.Do, lab.TVU)
	p.await("packets", func() bool { send(); return v.count() > 10 })
	p.await("health", func() bool { send(); return strings.HasPrefix(p.get("/healthz"), "200") })
	p.await("news of it", func() bool { return strings.Contains(p.output(), "the destination is back") })
	if n := strings.Count(p.output(), "the destination is away"); n != 1 {
		t.Errorf("said %d times\n%s", n, p.output())
	}
	p.stop()
}

// The address that the daemon sends from is taken away and the host gets another: packets go on from that one.
func TestSourceAddressReplaced(t *testing.T) {
	n := lab.ForTest(t)
	address := func(space *lab.Space, device, addr string, do func(*netlink.Handle, netlink.Link, *netlink.Addr) error) {
		t.Helper()
		link, err := space.Netlink().LinkByName(device)
		if err == nil {
			a, _ := netlink.ParseAddr(addr)
			err = do(space.Netlink(), link, a)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func(h *netlink.Handle, l netlink.Link, a *netlink.Addr) error { return h.AddrAdd(l, a) }
	del := func(h *netlink.Handle, l netlink.Link, a *netlink.Addr) error { return h.AddrDel(l, a) }
	address(n.Switch, lab.Backbone, "198.18.0.1/28", add)
	address(n.Host, lab.HostEnd, "198.18.0.2/28", add)
	tvu := netip.MustParseAddrPort("198.18.0.1:9000")
	v := newValidator(t, n.Switch.Do, tvu)
	p := ready(t, n, "--to", tvu.String())
	fd, number := from(t, n, lab.SwitchAddr, onIP), uint64(0)
	send := func() { put(t, fd, inIP(shredOf(number))); number++ }
	p.await("packets", func() bool { send(); return v.count() > 10 })
	address(n.Host, lab.HostEnd, "198.18.0.2/28", del)
	address(n.Host, lab.HostEnd, "198.18.0.3/28", add)
	before := v.count()
	p.await("packets from the other address", func() bool { send(); return v.count() > before+10 })
	p.stop()
}

// With --on-link nothing leaves by a gateway while the validator's network is not there, as before docker has made it; it is counted,
// and packets flow when the network comes.
func TestOnLink(t *testing.T) {
	n := lab.ForTest(t)
	host, err := n.Host.Netlink().LinkByName(lab.HostEnd)
	if err != nil {
		t.Fatal(err)
	}
	backbone, err := n.Switch.Netlink().LinkByName(lab.Backbone)
	if err != nil {
		t.Fatal(err)
	}
	tvu, ours := netip.MustParseAddrPort("198.18.0.1:9000"), &net.IPNet{IP: net.IPv4(198, 18, 0, 2), Mask: net.CIDRMask(28, 32)}
	theirs := &net.IPNet{IP: tvu.Addr().AsSlice(), Mask: net.CIDRMask(28, 32)}
	if err := n.Switch.Netlink().AddrAdd(backbone, &netlink.Addr{IPNet: theirs}); err != nil {
		t.Fatal(err)
	}
	if err := n.Host.Netlink().RouteAdd(&netlink.Route{LinkIndex: host.Attrs().Index, Gw: lab.SwitchAddr.AsSlice()}); err != nil {
		t.Fatal(err)
	}
	v := newValidator(t, n.Switch.Do, tvu)
	for _, onLink := range []bool{false, true} {
		p := ready(t, n, "--to", tvu.String(), fmt.Sprintf("--on-link=%v", onLink))
		fd, number := from(t, n, lab.SwitchAddr, onIP), uint64(v.count())
		send := func() { put(t, fd, inIP(shredOf(number))); number++ }
		if !onLink { // the gateway would have taken them
			p.await("packets by the gateway", func() bool { send(); return v.count() > 10 })
			p.stop()
			continue
		}
		before := v.count()
		p.await("drops", func() bool { send(); return p.metric(`shredunwrap_drops_total{reason="send_net_unreachable"}`) > "0" })
		p.want(map[string]string{"shredunwrap_forwarded_total": "0"})
		if err := n.Host.Netlink().AddrAdd(host, &netlink.Addr{IPNet: ours}); err != nil {
			t.Fatal(err)
		}
		p.await("packets by the link", func() bool { send(); return v.count() > before+10 })
		p.stop()
	}
}

// The validator's namespace may come late, go, and be made anew: packets go to the one that is there, and those that have
// nowhere to go are counted.
func TestNamespaceReplaced(t *testing.T) {
	n := lab.ForTest(t)
	name, tvu := fmt.Sprintf("unwrap%d-node", os.Getpid()), netip.MustParseAddrPort("127.0.0.1:9000")
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v\n%s", args, err, out)
		}
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", name).Run() })
	in := func(f func() error) error {
		space, err := netns.Open("/run/netns/" + name)
		if err != nil {
			return err
		}
		defer space.Close()
		return space.Do(f)
	}
	p := ready(t, n, "--to", tvu.String(), "--netns", "/run/netns/"+name)
	fd, number := from(t, n, lab.SwitchAddr, onSequenced), uint64(0)
	send := func() { put(t, fd, inSequence(7, number, shredOf(number))); number++ }
	p.await("drops for want of a namespace", func() bool { send(); return p.metric(`shredunwrap_drops_total{reason="send_no_namespace"}`) > "0" })
	if !strings.Contains(p.get("/healthz"), "fail destination: open network namespace") {
		t.Errorf("/healthz: %s", p.get("/healthz"))
	}
	for range 3 {
		ip("netns", "add", name)
		ip("-n", name, "link", "set", "lo", "up")
		v := newValidator(t, in, tvu)
		p.await("packets in the new namespace", func() bool { send(); return v.count() > 10 })
		ip("netns", "del", name)
	}
	p.stop()
}

// Order, duplicates, gaps and restarts of the sender are told as they were made; all of it goes on.
func TestStreamAsSent(t *testing.T) {
	n := lab.ForTest(t)
	v := newValidator(t, n.Host.Do, lab.TVU)
	p := ready(t, n, "--to", lab.TVU.String())
	fd := from(t, n, lab.SwitchAddr, onSequenced)
	made := uint64(0)
	send := func(stream uint32, numbers ...uint64) {
		for _, number := range numbers {
			put(t, fd, inSequence(stream, number, shredOf(made)))
			made++
		}
	}
	for i := uint64(0); i < 1000; i += 10 { // of each ten: 5 is lost, 6 and 7 are exchanged, 8 comes twice
		send(0xa, i, i+1, i+2, i+3, i+4, i+7, i+6, i+8, i+8, i+9)
	}
	send(0xb, 2, 3, 4) // started again, and the first two were lost
	send(0xb, 5, 1<<50, 1<<50+1)
	p.await("all packets", func() bool { return v.count() == int(made) })
	p.want(map[string]string{
		`shredunwrap_stream_lost_total{stream="0000000a"}`:     "100",
		`shredunwrap_stream_received_total{stream="0000000a"}`: "1000",
		"shredunwrap_stream_reordered_total":                   "100",
		"shredunwrap_stream_duplicate_total":                   "100",
		"shredunwrap_stream_restarts_total":                    "1",
		`shredunwrap_stream_lost_total{stream="0000000b"}`:     "2",
		"shredunwrap_stream_resynchronized_total":              "1",
		"shredunwrap_forwarded_total":                          fmt.Sprint(made),
		"shredunwrap_stream_delay_seconds_count":               fmt.Sprint(made),
		"shredunwrap_stream_clock_jumps_total":                 "0",
	})
	p.stop()
	if want := fmt.Sprintf("ended received=%d forwarded=%d dropped=0 lost_by_kernel=0", made, made); !strings.Contains(p.output(), want) {
		t.Errorf("no %q in\n%s", want, p.output())
	}
}

// With one processor slot the loop that waits for packets keeps nobody from it: /metrics is answered, SIGTERM is heard.
func TestOneProcessor(t *testing.T) {
	t.Setenv("GOMAXPROCS", "1")
	n := lab.ForTest(t)
	v := newValidator(t, n.Host.Do, lab.TVU)
	p := ready(t, n, "--to", lab.TVU.String())
	put(t, from(t, n, lab.SwitchAddr, onSequenced), inSequence(1, 1, shredOf(1)))
	p.await("packet", func() bool { return v.count() == 1 })
	p.want(map[string]string{"shredunwrap_forwarded_total": "1"})
	p.stop()
}

// --once says what came, or what to look at when nothing does; --dry says what would be; a taken port is told with its remedy.
func TestOnce(t *testing.T) {
	n := lab.ForTest(t)
	newValidator(t, n.Host.Do, lab.TVU)
	settings := []string{"--listen-sequenced", onSequenced.String(), "--allow", lab.SwitchAddr.String(), "--to", lab.TVU.String()}
	ended := func(p *process) (int, string) { p.Wait(); return p.ProcessState.ExitCode(), p.output() }

	p := start(t, n, append(settings, "--once", "--once-limit", "60s")...)
	fd := from(t, n, lab.SwitchAddr, onSequenced)
	p.await("listening", func() bool { return strings.Contains(p.output(), "listening form=sequenced") })
	put(t, fd, inSequence(1, 1, shredOf(1)))
	if status, out := ended(p); status != 0 || !strings.Contains(out, "1 packets of the form sequenced came\n1 forwarded to "+lab.TVU.String()) {
		t.Errorf("status %d\n%s", status, out)
	}
	if status, out := ended(start(t, n, append(settings, "--once", "--once-limit", "1ms")...)); status != 1 || !strings.Contains(out, "no packet came within --once-limit") {
		t.Errorf("status %d\n%s", status, out)
	}
	if status, out := ended(start(t, n, append(settings, "--dry")...)); status != 0 || !strings.Contains(out, "would forward to "+lab.TVU.String()+" from "+lab.HostAddr.String()) {
		t.Errorf("status %d\n%s", status, out)
	}
	p = ready(t, n, "--to", lab.TVU.String())
	if status, out := ended(start(t, n, settings...)); status != 1 || !strings.Contains(out, "address already in use (see who has it: ss -lunp") {
		t.Errorf("status %d\n%s", status, out)
	}
	p.stop()
}
