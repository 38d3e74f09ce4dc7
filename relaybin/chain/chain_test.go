package chain

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bisc/relaybin/lab"
)

var bin string // the folder with the daemons, made once

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "bisc-chain-")
	if err == nil {
		bin = dir
		build := exec.Command("go", "build", "-o", dir+"/", "../cmd/shredmirror", "../cmd/shredunwrap")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the daemons:", err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// quiet is how long nothing must come until nothing more is waited for.
const quiet = 3 * time.Second

var (
	tvu       = netip.MustParseAddrPort("127.0.0.1:9000")
	port      = netip.AddrPortFrom(lab.HostAddr, 9101)
	mirrorAt  = netip.MustParseAddrPort("127.0.0.1:9465")
	unwrapAt  = netip.MustParseAddrPort("127.0.0.1:9466")
	advertise = lab.Advertised
)

// chain is both daemons between a sender and a sink.
type chain struct {
	*testing.T
	net            *lab.Net
	sink           *lab.Sink
	mirror, unwrap *process
	held           *os.File // the daemon's port, held as systemd holds it; nil: its own
	next           uint64   // sequence number
	mirrorArgs     []string
	unwrapArgs     []string
}

// process is a daemon that runs.
type process struct {
	*exec.Cmd
	mu   sync.Mutex
	said bytes.Buffer
}

func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}
func (p *process) text() string { p.mu.Lock(); defer p.mu.Unlock(); return p.said.String() }

func newChain(t *testing.T) *chain {
	c := &chain{T: t, net: lab.ForTest(t)}
	c.openSink()
	return c
}

func (c *chain) openSink() {
	c.Helper()
	var err error
	if c.sink, err = c.net.Host.NewSink(tvu, 0); err != nil {
		c.Fatal(err)
	}
	sink := c.sink
	c.Cleanup(func() { sink.Close() })
}

// hold opens the daemon's port here, so that it outlives the daemon.
func (c *chain) hold() {
	c.Helper()
	err := c.net.Host.Do(func() error {
		conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(port))
		if err != nil {
			return err
		}
		defer conn.Close()
		c.held, err = conn.File()
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { c.held.Close() })
}

func (c *chain) startMirror() {
	c.Helper()
	args := append([]string{"--device", lab.Mirror, "--match-addr", advertise.Addr().String(), "--match-port", fmt.Sprint(advertise.Port()), "--form", "sequenced",
		"--to", port.String(), "--via-device", lab.Backbone, "--metrics", mirrorAt.String()}, c.mirrorArgs...)
	c.mirror = c.start(c.net.Switch, exec.Command(filepath.Join(bin, "shredmirror"), args...))
	c.up(c.net.Switch, mirrorAt, c.mirror)
}

func (c *chain) startUnwrap() {
	c.Helper()
	program := filepath.Join(bin, "shredunwrap")
	args := append([]string{"--allow", lab.SwitchAddr.String() + "/32", "--to", tvu.String(), "--metrics", unwrapAt.String()}, c.unwrapArgs...)
	cmd := exec.Command(program, append(args, "--listen-sequenced", port.String())...)
	if c.held != nil {
		cmd = exec.Command("sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, program}, args...)...)
		cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "LISTEN_FDNAMES=sequenced")
		cmd.ExtraFiles = []*os.File{c.held}
	}
	c.unwrap = c.start(c.net.Host, cmd)
	c.up(c.net.Host, unwrapAt, c.unwrap)
}

func (c *chain) start(space *lab.Space, cmd *exec.Cmd) *process {
	c.Helper()
	p := &process{Cmd: cmd}
	cmd.Stdout, cmd.Stderr = p, p
	if err := space.Start(cmd); err != nil {
		c.Fatal(err)
	}
	return p
}

// up waits until a daemon answers.
func (c *chain) up(space *lab.Space, at netip.AddrPort, p *process) {
	c.Helper()
	for try := 0; ; try++ {
		if _, err := c.page(space, at); err == nil {
			return
		} else if try == 600 {
			c.Fatalf("%s does not answer: %v\n%s", p.Path, err, p.text())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// end sends a signal and waits for the end.
func (c *chain) end(p *process, s syscall.Signal) {
	c.Helper()
	if err := p.Process.Signal(s); err != nil {
		c.Fatal(err)
	}
	_ = p.Wait() // killed or not, it has ended
}

// page is a daemon's page of metrics, asked in its namespace.
func (c *chain) page(space *lab.Space, at netip.AddrPort) (string, error) {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
		return conn, space.Do(func() error { conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", at.String()); return err })
	}}
	client := http.Client{Transport: transport, Timeout: 10 * time.Second}
	answer, err := client.Get("http://" + at.String() + "/metrics")
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// sum adds up the series of a metric.
func (c *chain) sum(space *lab.Space, at netip.AddrPort, name string) uint64 {
	c.Helper()
	page, err := c.page(space, at)
	if err != nil {
		c.Fatal(err)
	}
	var sum float64
	found := false
	for line := range strings.Lines(page) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if series == name || strings.HasPrefix(series, name+"{") {
			number, err := strconv.ParseFloat(value, 64)
			if err != nil {
				c.Fatalf("%q: %v", line, err)
			}
			sum, found = sum+number, true
		}
	}
	if !found {
		c.Fatalf("no %s in\n%s", name, page)
	}
	return uint64(sum)
}

func (c *chain) ofMirror(name string) uint64 { return c.sum(c.net.Switch, mirrorAt, name) }
func (c *chain) ofUnwrap(name string) uint64 { return c.sum(c.net.Host, unwrapAt, name) }

// send sends shreds and returns when all have left.
func (c *chain) send(rate float64, count uint64) {
	c.Helper()
	if _, err := c.net.Send(c.Context(), lab.Stream{Rate: rate, Count: count, First: c.next}); err != nil {
		c.Fatal(err)
	}
	c.next += count
}

// through sends shreds until one arrives: the daemons are at work then. The rest of them is forgotten.
func (c *chain) through() {
	c.Helper()
	for try := 0; ; try++ {
		c.send(1000, 10)
		if _, err := c.sink.Wait(c.Context(), "a shred", 200*time.Millisecond, lab.Unique(1)); err == nil {
			break
		} else if try == 100 {
			c.Fatalf("%v\nmirror: %s\nunwrap: %s", err, c.mirror.text(), c.unwrap.text())
		}
	}
	if _, err := c.sink.Quiet(c.Context(), 300*time.Millisecond); err != nil {
		c.Fatal(err)
	}
	c.sink.Forget()
}

// background sends on until the returned function is called, which gives the number sent.
func (c *chain) background(rate float64) (stop func() uint64) {
	ctx, cancel := context.WithCancel(c.Context())
	type result struct {
		sent lab.Sent
		err  error
	}
	done := make(chan result, 1)
	first := c.next
	go func() {
		sent, err := c.net.Send(ctx, lab.Stream{Rate: rate, First: first, For: time.Minute})
		done <- result{sent, err}
	}()
	return func() uint64 {
		cancel()
		r := <-done
		if r.err != nil {
			c.Fatal(r.err)
		}
		c.next += r.sent.Sequences
		return r.sent.Sequences
	}
}

// arrived waits until more shreds than so far have arrived. More must be on the way still: what has come by now does not count.
func (c *chain) arrived(more uint64) {
	c.Helper()
	c.reached(c.sink.Now().Unique + more)
}

// reached waits until so many different shreds have arrived since the start.
func (c *chain) reached(unique uint64) {
	c.Helper()
	if _, err := c.sink.Wait(c.Context(), fmt.Sprintf("%d shreds", unique), 30*time.Second, lab.Unique(unique)); err != nil {
		c.Fatalf("%v\nmirror: %s\nunwrap: %s", err, c.mirror.text(), c.unwrap.text())
	}
}

// thaw lets a frozen process go on, and waits until something of what it kept has arrived: it may have sent all before we look.
func (c *chain) thaw(p *process) {
	c.Helper()
	before := c.sink.Now().Unique
	signal(c, p, syscall.SIGCONT)
	c.reached(before + 1)
}

// rest is what has arrived when nothing more comes.
func (c *chain) rest() lab.Received {
	c.Helper()
	got, err := c.sink.Quiet(c.Context(), quiet)
	if err != nil {
		c.Fatal(err)
	}
	if got.Bad > 0 || got.Dropped > 0 {
		c.Errorf("%d shreds arrived changed, %d were dropped at the sink", got.Bad, got.Dropped)
	}
	return got
}
