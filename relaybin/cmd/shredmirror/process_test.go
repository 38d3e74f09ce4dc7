package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bisc/relaybin/daemon"
	"bisc/relaybin/lab"
)

// TestMain runs the tests, or, started again by one of them, is the daemon.
func TestMain(m *testing.M) {
	if os.Getenv("BISC_TEST_DAEMON") != "" {
		os.Unsetenv("BISC_TEST_DAEMON")
		os.Exit(daemon.Main(command()))
	}
	os.Exit(m.Run())
}

const (
	patience = time.Minute // of a test that waits for an event on a busy machine
	quiet    = time.Second // nothing more comes after nothing came for so long
)

// at is where the shreds go.
var at = netip.AddrPortFrom(lab.HostAddr, 20001)

// process is a daemon on the switch.
type process struct {
	cmd  *exec.Cmd
	lab  *lab.Net
	mu   sync.Mutex
	said bytes.Buffer
	end  chan error
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

func (p *process) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// start starts the daemon on the switch, with the settings of the lab and those given, which win.
func start(t *testing.T, n *lab.Net, args ...string) *process {
	t.Helper()
	base := []string{"--match-addr", lab.Advertised.Addr().String(), "--match-port", fmt.Sprint(lab.Advertised.Port()),
		"--form", bare, "--to", at.String(), "--via-device", lab.Backbone}
	p := &process{cmd: exec.Command(os.Args[0], append(base, args...)...), lab: n, end: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), "BISC_TEST_DAEMON=1")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := n.Switch.Start(p.cmd); err != nil {
		t.Fatal(err)
	}
	go func() { p.end <- p.cmd.Wait() }()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		if t.Failed() {
			t.Log(p.log())
		}
	})
	return p
}

// ready waits until the daemon reads its device and may send.
func (p *process) ready(t *testing.T) *process {
	t.Helper()
	p.until(t, "shredmirror_device_up 1")
	p.until(t, "shredmirror_route_ok 1")
	return p
}

// scrape asks for a page of the daemon's, or returns nothing.
func (p *process) scrape(page string) string {
	var b []byte
	_ = p.lab.Switch.Do(func() error { // no answer is an answer without the line that is waited for
		c, err := net.Dial("tcp", "127.0.0.1:9465")
		if err != nil {
			return err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		fmt.Fprintf(c, "GET %s HTTP/1.0\r\n\r\n", page)
		b, err = io.ReadAll(c)
		return err
	})
	return string(b)
}

// until waits until a line of the metrics is there.
func (p *process) until(t *testing.T, line string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		page := p.scrape("/metrics")
		if strings.Contains(page, "\n"+line+"\n") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("no line %q after %v in\n%s", line, patience, page)
		}
	}
}

// value is a metric's.
func (p *process) value(t *testing.T, name string) float64 {
	t.Helper()
	page := p.scrape("/metrics")
	_, rest, found := strings.Cut(page, "\n"+name+" ")
	number, _, _ := strings.Cut(rest, "\n")
	v, err := strconv.ParseFloat(number, 64)
	if !found || err != nil {
		t.Fatalf("no %s in\n%s", name, page)
	}
	return v
}

// above waits until a metric is larger than a number.
func (p *process) above(t *testing.T, name string, n float64) {
	t.Helper()
	for end := time.Now().Add(patience); p.value(t, name) <= n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s is %v after %v, want more than %v", name, p.value(t, name), patience, n)
		}
	}
}

// stop ends the daemon as systemd does, and wants it to end well.
func (p *process) stop(t *testing.T) string {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
	return p.log()
}

// wait waits for the daemon to end by itself.
func (p *process) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.end:
		return err
	case <-time.After(patience):
		t.Fatalf("still there after %v", patience)
	}
	return nil
}

// sink takes what comes to the host, and keeps the first payloads.
func sink(t *testing.T, n *lab.Net, keep int) *lab.Sink {
	t.Helper()
	k, err := n.Host.NewSink(at, keep)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

// shreds sends so many through the mirror.
func shreds(t *testing.T, n *lab.Net, first, count uint64) {
	t.Helper()
	if _, err := n.Send(t.Context(), lab.Stream{Rate: 20_000, First: first, Count: count}); err != nil {
		t.Fatal(err)
	}
}

// arrive wants so many different ones at the sink in all, and no other.
func arrive(t *testing.T, k *lab.Sink, unique uint64) {
	t.Helper()
	if got, err := k.Wait(t.Context(), "shreds", patience, lab.Unique(unique)); err != nil || got.Bad+got.Duplicate > 0 {
		t.Fatalf("%d arrived, %d bad, %d double: %v", got.Unique, got.Bad, got.Duplicate, err)
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
