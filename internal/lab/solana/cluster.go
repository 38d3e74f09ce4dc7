package solana

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab"
	"bisc/internal/lab/solana/key"
	"bisc/internal/lab/solana/slot"
)

// Options say what the cluster is. The zero value has three nodes on this machine's loopback.
type Options struct {
	Host    *lab.Host    // whose network it is in; nil is this machine's
	Network netip.Prefix // of the nodes: with a host 198.18.0.0/16, made local there; without 127.64.0.0/16, where another must be in 127.0.0.0/8
	Port    int          // of RPC and snapshots; 0 is 18899 with a host, else a free one
	Nodes   []Node
	Clock   slot.Clock // the default clock when it is not set

	GenesisHash  string // mainnet's when it is ""
	ShredVersion uint16 // 50093 when it is 0
	// Seen is the address that ip_echo tells its callers; the caller's own when it is not set.
	Seen netip.Addr
}

// Mainnet's genesis hash and shred version (biscayne.md 3.2).
const (
	MainnetGenesis = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
	MainnetShreds  = 50093
)

// Cluster is one that runs.
type Cluster struct {
	RPC        string // http://198.18.0.1:18899
	Entrypoint string // 198.18.0.1:8001, ip_echo

	network netip.Prefix
	port    int
	opts    Options

	mu       sync.Mutex
	clock    slot.Clock
	nodes    []*Node
	requests []Request
	rpcFault string
	bodies   map[bodyKey][]byte
}

// Request is one that a node or the RPC (Node -1) has answered.
type Request struct {
	Node         int
	Method, Path string // of the RPC: POST and the method's name
	Status       int
	Sent         int64 // bytes of the body
	At           time.Time
}

// Start starts a cluster that ends with the test.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	c, err := Run(ctx, o)
	if err != nil {
		end()
		t.Fatalf("start the cluster of snapshots: %v", err)
	}
	t.Cleanup(end)
	return c
}

// Run starts a cluster that ends with ctx.
func Run(ctx context.Context, o Options) (*Cluster, error) {
	if o.Nodes == nil {
		o.Nodes = []Node{{}, {}, {}}
	}
	if o.GenesisHash == "" {
		o.GenesisHash = MainnetGenesis
	}
	if o.ShredVersion == 0 {
		o.ShredVersion = MainnetShreds
	}
	if o.Host != nil && o.Port == 0 {
		o.Port = 18899 // docker has published 8899 for the validator, on all addresses
	}
	if !o.Network.IsValid() {
		o.Network = netip.MustParsePrefix("127.64.0.0/16")
		if o.Host != nil {
			o.Network = netip.MustParsePrefix("198.18.0.0/16")
		}
	}
	c := &Cluster{network: o.Network.Masked(), opts: o, clock: o.Clock.Or(slot.Default()), bodies: map[bodyKey][]byte{}}
	for i, n := range o.Nodes {
		if n.Pubkey == "" {
			n.Pubkey = key.Hash(fmt.Sprint("node ", i))
		}
		c.nodes = append(c.nodes, &n)
	}
	return c, c.listen(ctx)
}

// listen opens the sockets in the host's network; they stay there whoever serves them.
func (c *Cluster) listen(ctx context.Context) error {
	if h := c.opts.Host; h != nil && !c.network.Addr().IsLoopback() {
		if _, err := h.Exec(ctx, "ip", "route", "replace", "local", c.network.String(), "dev", "lo"); err != nil {
			return err
		}
	}
	var pages, echo net.Listener
	err := c.inNetwork(func() (err error) {
		// The wildcard address takes all nodes' addresses; only loopback leads there on this machine, as the nodes refuse others.
		if pages, err = net.Listen("tcp4", fmt.Sprintf("0.0.0.0:%d", c.opts.Port)); err != nil {
			return err
		}
		port := 0
		if c.opts.Host != nil {
			port = 8001
		}
		echo, err = net.Listen("tcp4", netip.AddrPortFrom(c.addr(0), uint16(port)).String())
		return err
	})
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	c.port = pages.Addr().(*net.TCPAddr).Port
	c.RPC = fmt.Sprintf("http://%s:%d", c.addr(0), c.port)
	c.Entrypoint = echo.Addr().String()
	server := &http.Server{Handler: http.HandlerFunc(c.serve), BaseContext: func(net.Listener) context.Context { return ctx }}
	context.AfterFunc(ctx, func() { server.Close(); echo.Close() })
	go func() { _ = server.Serve(pages) }() // ends by Close alone
	go c.serveEcho(echo)
	return nil
}

// inNetwork runs f on a thread that is in the host's network namespace and ends with it.
func (c *Cluster) inNetwork(f func() error) error {
	if c.opts.Host == nil {
		return f()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is no use to others
		ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.opts.Host.Leader()))
		if err != nil {
			done <- err
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the network of %s: %w", c.opts.Host.Name, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// addr is the nth address of the network after its own: 0 is the RPC's and the entrypoint's, node i has i+1.
func (c *Cluster) addr(n int) netip.Addr {
	b := c.network.Addr().As4()
	v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	v += uint32(n) + 1
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// Addr is where node i offers snapshots.
func (c *Cluster) Addr(i int) netip.AddrPort { return netip.AddrPortFrom(c.addr(i+1), uint16(c.port)) }

// nodeAt is the node that a connection reached.
func (c *Cluster) nodeAt(a netip.Addr) int {
	if !c.network.Contains(a) {
		return -2
	}
	b, base := a.As4(), c.network.Addr().As4()
	n := 0
	for i := range b {
		n = n<<8 + int(b[i]) - int(base[i])
	}
	if n > len(c.nodes)+1 || n < 1 {
		return -2
	}
	return n - 2
}

// Set changes node i while the cluster runs.
func (c *Cluster) Set(i int, change func(*Node)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c.nodes[i])
}

// SetRPC makes the RPC fail: one of the Fault constants, "" is well.
func (c *Cluster) SetRPC(fault string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rpcFault = fault
}

// SetClock sets the cluster's time.
func (c *Cluster) SetClock(k slot.Clock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock = k
}

// Clock is the cluster's time.
func (c *Cluster) Clock() slot.Clock {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock
}

// Tip is the newest slot now.
func (c *Cluster) Tip() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clock.Tip(time.Now())
}

// Requests are those that were answered so far, in the order in which their answers ended.
func (c *Cluster) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

func (c *Cluster) note(r Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.At = time.Now()
	c.requests = append(c.requests, r)
}
