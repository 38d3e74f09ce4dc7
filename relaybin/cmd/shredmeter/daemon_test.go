package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/relaybin/daemon"
	"bisc/relaybin/lab"
	"bisc/relaybin/meter"
)

// patience is how long a test waits for an event on a busy machine.
const patience = 60 * time.Second

// TestMain runs the tests, or, started again by one of them, is shredmeter.
func TestMain(m *testing.M) {
	if os.Getenv("BISC_TEST_SHREDMETER") != "" {
		os.Unsetenv("BISC_TEST_SHREDMETER")
		os.Exit(daemon.Main((&settings{}).command()))
	}
	os.Exit(m.Run())
}

// ground is a host with a device for each of two paths, and somebody at their far ends.
type ground struct {
	*lab.Net
	t *testing.T
}

func newGround(t *testing.T) *ground {
	n := lab.ForTest(t)
	var none = addr("")
	for near, far := range map[string]string{"direct1": "far1", "relay1": "far2"} {
		if err := n.Connect(n.Turbine, far, none, n.Host, near, none); err != nil {
			t.Fatal(err)
		}
	}
	return &ground{n, t}
}

// meterd is a running shredmeter.
type meterd struct {
	g    *ground
	cmd  *exec.Cmd
	at   string // of its pages
	ends chan error
}

func (g *ground) start(args ...string) *meterd {
	t := g.t
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"--metrics", "127.0.0.1:0", "--warmup", "0s", "--expire", "1s", "--grace", "500ms", "--silence", "1s"}, args...)...)
	cmd.Env = append(os.Environ(), "BISC_TEST_SHREDMETER=1")
	r, w := io.Pipe()
	cmd.Stderr = w
	if err := g.Host.Start(cmd); err != nil {
		t.Fatal(err)
	}
	d := &meterd{g: g, cmd: cmd, ends: make(chan error, 1)}
	go func() { d.ends <- cmd.Wait(); w.Close() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(r)
	for d.at == "" && lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), "addr="); ok {
			d.at = at
		}
	}
	if d.at == "" {
		t.Fatal("shredmeter ended before it served its pages")
	}
	go io.Copy(io.Discard, r)
	for end := time.Now().Add(patience); !strings.Contains(d.get("/healthz"), "ok paths"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("its taps do not listen: %s", d.get("/healthz"))
		}
	}
	return d
}

func (d *meterd) stop() {
	d.g.t.Helper()
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-d.ends:
		if err != nil {
			d.g.t.Fatalf("shredmeter after SIGTERM: %v", err)
		}
	case <-time.After(patience):
		d.g.t.Fatal("shredmeter does not end")
	}
}

// client dials inside the host's namespace.
func (g *ground) client() *http.Client {
	dial := func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		err = g.Host.Do(func() error { c, err = new(net.Dialer).DialContext(ctx, network, addr); return err })
		return c, err
	}
	return &http.Client{Timeout: patience, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

func (d *meterd) get(path string) string {
	d.g.t.Helper()
	r, err := d.g.client().Get("http://" + d.at + path)
	if err != nil {
		d.g.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		d.g.t.Fatal(err)
	}
	return string(text)
}

func (d *meterd) report() *meter.Report {
	d.g.t.Helper()
	var r meter.Report
	if err := json.Unmarshal([]byte(d.get("/report?slots=64&sets=1")), &r); err != nil {
		d.g.t.Fatal(err)
	}
	return &r
}

// until waits for the report to say something.
func (d *meterd) until(what string, so func(*meter.Report) bool) *meter.Report {
	d.g.t.Helper()
	for end := time.Now().Add(patience); ; {
		r := d.report()
		if so(r) {
			return r
		}
		if time.Now().After(end) {
			text, _ := json.MarshalIndent(r, "", " ")
			d.g.t.Fatalf("not within %v: %s\n%s", patience, what, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// frames wraps payloads into Ethernet, IPv4 and UDP, from a sender to the TVU address of the recordings.
func frames(source byte, payloads ...[]byte) []lab.Frame {
	var all []lab.Frame
	for _, p := range payloads {
		f := make([]byte, 42, 42+len(p))
		copy(f, []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0})
		copy(f[14:], datagram(source, p)[:28])
		f = append(f, p...)
		all = append(all, lab.Frame{Data: f, Length: len(f)})
	}
	return all
}

func datagram(source byte, p []byte) []byte {
	d := make([]byte, 28, 28+len(p))
	copy(d, []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, source, 203, 0, 113, 10})
	binary.BigEndian.PutUint16(d[2:], uint16(28+len(p)))
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(d[i:]))
	}
	binary.BigEndian.PutUint16(d[10:], ^uint16(sum+sum>>16))
	binary.BigEndian.PutUint16(d[20:], 9999)
	binary.BigEndian.PutUint16(d[22:], 8001)
	binary.BigEndian.PutUint16(d[24:], uint16(8+len(p)))
	return append(d, p...)
}

// send sends frames at a far end, a few thousand a second.
func (g *ground) send(device string, all []lab.Frame) {
	g.t.Helper()
	if err := g.Replay(g.t.Context(), device, all, 100*time.Microsecond); err != nil {
		g.t.Fatal(err)
	}
}
