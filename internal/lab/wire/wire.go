// Package wire stands in for the network between a test and a host: a TCP proxy on loopback that delays, counts and
// breaks. The lab's kernel has no sch_netem, so delay cannot be had from it.
package wire

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Direction is a way through the proxy.
type Direction int

// Up is from the client to the server, Down the other way.
const (
	Up Direction = iota
	Down
)

// Counters are what went through since the start or the last Reset.
type Counters struct {
	Connections int64
	Up, Down    int64 // bytes delivered
	// Turns is how often a client sent after it had been given something by the server: what the network's delay is
	// paid for, beside one for each connection made. What a client sends unasked, or in several pieces, is no turn. With
	// a delay, pieces closer than two delays are of one turn, as no answer to the first can have come in between.
	Turns int64
}

// Proxy passes connections on to a target.
type Proxy struct {
	target string
	delay  time.Duration // each way
	addr   string

	connections, up, down, turns atomic.Int64

	mu       sync.Mutex
	changed  *sync.Cond // the faults below have changed
	listener net.Listener
	links    map[*link]bool
	closed   bool
	stalled  bool
	swallow  [2]bool
	soft     bool     // cut swallows, rather than resets
	rate     int64    // bytes a second in each direction; 0: any number
	silent   func()   // ends Vanish
	cut      [2]int64 // bytes that may still pass, by direction; negative: any number
	record   bool
	passed   [2]int64
	ends     [2][]int64
	running  sync.WaitGroup
}

// New starts a proxy to a TCP address with a one-way delay in each direction. Close ends it.
func New(target string, delay time.Duration) (*Proxy, error) {
	p := &Proxy{target: target, delay: delay, addr: "127.0.0.1:0", links: map[*link]bool{}, cut: [2]int64{-1, -1}}
	p.changed = sync.NewCond(&p.mu)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

// listen opens the port, the same one each time; the proxy is locked.
func (p *Proxy) listen() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("open the proxy's port: %w", err)
	}
	p.listener, p.addr = l, l.Addr().String()
	p.running.Go(func() { p.accept(l) })
	return nil
}

// Addr is where the proxy listens, as host:port.
func (p *Proxy) Addr() string { return p.addr }

// Port is the port of Addr.
func (p *Proxy) Port() int { return int(netip.MustParseAddrPort(p.addr).Port()) }

// Counters returns what has gone through.
func (p *Proxy) Counters() Counters {
	return Counters{Connections: p.connections.Load(), Up: p.up.Load(), Down: p.down.Load(), Turns: p.turns.Load()}
}

// Reset sets all counters to nothing; connections go on.
func (p *Proxy) Reset() {
	for _, n := range []*atomic.Int64{&p.connections, &p.up, &p.down, &p.turns} {
		n.Store(0)
	}
}

// Close ends the proxy and all that goes through it, and waits for it.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	if p.listener != nil {
		p.listener.Close()
	}
	p.appear()
	p.cutAll()
	p.mu.Unlock()
	p.running.Wait()
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(conn.(*net.TCPConn)) })
	}
}

// serve connects to the target. A client's connection stands before the target's does; what the client sends at once
// waits, and a target that refuses shows as a reset.
func (p *Proxy) serve(client *net.TCPConn) {
	far, err := net.DialTimeout("tcp", p.target, 10*time.Second)
	if err != nil {
		reset(client)
		return
	}
	p.connections.Add(1)
	l := &link{proxy: p, client: client, server: far.(*net.TCPConn)}
	p.mu.Lock()
	p.links[l] = true
	if p.closed {
		l.reset()
	}
	p.mu.Unlock()
	l.run()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}
