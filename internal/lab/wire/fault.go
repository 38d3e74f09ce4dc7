package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// CutAfter resets all connections once n more bytes have been delivered in a direction, in the middle of whatever is
// being sent. It works once; later connections pass.
func (p *Proxy) CutAfter(way Direction, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut[way] = n
}

// Left is how many bytes may still pass before CutAfter cuts; negative: it has cut, or was not asked to.
func (p *Proxy) Left(way Direction) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cut[way]
}

// Record keeps where the pieces end from now on, for Ends.
func (p *Proxy) Record() {
	p.set(func() { p.record, p.passed, p.ends = true, [2]int64{}, [2][]int64{} })
}

// Ends are the byte counts in a direction, since Record, at which a piece ended: what was sent at once, as far as one can see
// on the way.
func (p *Proxy) Ends(way Direction) []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.ends[way])
}

// Cut resets all connections now.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAll()
}

func (p *Proxy) cutAll() {
	for l := range p.links {
		l.reset()
	}
	p.changed.Broadcast()
}

// HalfOpen swallows everything from now on, in both directions, ends of file too: each side sees a peer that is there
// and says nothing, as when a route is lost. What is swallowed never comes back, so Resume helps new connections only.
func (p *Proxy) HalfOpen() { p.set(func() { p.swallow = [2]bool{true, true} }) }

// OneWay swallows everything in one direction from now on; the other goes on, as when a route is lost on one side.
func (p *Proxy) OneWay(way Direction) { p.set(func() { p.swallow[way] = true }) }

// SwallowAfter is HalfOpen once n more bytes have been delivered in a direction.
func (p *Proxy) SwallowAfter(way Direction, n int64) {
	p.set(func() { p.cut[way], p.soft = n, true })
}

// Lose has the connections that stand go half-open for good; new ones pass.
func (p *Proxy) Lose() {
	p.set(func() {
		for l := range p.links {
			l.lost.Store(true)
		}
	})
}

// Throttle lets at most so many bytes a second pass in each direction; 0 ends that.
func (p *Proxy) Throttle(bytes int64) { p.set(func() { p.rate = bytes }) }

// Vanish has new connections neither made nor refused: their packets are dropped, as by a firewall or a host that is
// gone. Those that stand go on.
func (p *Proxy) Vanish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		p.listener.Close()
		p.listener = nil
	}
	silent, err := drop(netip.MustParseAddrPort(p.addr))
	p.silent = silent
	return err
}

// appear ends Vanish; the proxy is locked.
func (p *Proxy) appear() {
	if p.silent != nil {
		p.silent()
		p.silent = nil
	}
}

// drop listens at an address with a queue that is full, so that the kernel drops what else comes.
func drop(at netip.AddrPort) (end func(), err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("vanish: %w", err)
	}
	err = errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
		unix.Bind(fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}), unix.Listen(fd, 0))
	if err != nil {
		return nil, fmt.Errorf("vanish: %w", errors.Join(err, unix.Close(fd)))
	}
	fill, err := net.Dial("tcp", at.String()) // a queue of none holds one
	if err != nil {
		return nil, fmt.Errorf("vanish: %w", errors.Join(err, unix.Close(fd)))
	}
	return func() { fill.Close(); unix.Close(fd) }, nil
}

// Stall holds everything back until Resume, which lets it pass.
func (p *Proxy) Stall() { p.set(func() { p.stalled = true }) }

// Refuse has new connections refused; those that stand go on.
func (p *Proxy) Refuse() {
	p.set(func() {
		if p.listener != nil {
			p.listener.Close()
			p.listener = nil
		}
	})
}

// Resume ends HalfOpen, OneWay, Throttle, Stall, Vanish and Refuse. It fails when somebody else has taken the port in the meantime.
func (p *Proxy) Resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallow, p.stalled, p.rate = [2]bool{}, false, 0
	p.appear()
	p.changed.Broadcast()
	if p.listener == nil && !p.closed {
		return p.listen()
	}
	return nil
}

func (p *Proxy) set(fault func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fault()
	p.changed.Broadcast()
}

// pace waits for as long as n bytes take at the proxy's rate.
func (p *Proxy) pace(n int) {
	p.mu.Lock()
	rate := p.rate
	p.mu.Unlock()
	if rate > 0 {
		time.Sleep(time.Duration(n) * time.Second / time.Duration(rate))
	}
}

// gate waits while the proxy is stalled and says how many of n bytes may pass, and whether the connection is to be cut
// after them. It says -1 for an end of file, of no bytes, that is not to pass.
func (p *Proxy) gate(l *link, way Direction, n int) (pass int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled && !p.closed && !l.dead.Load() {
		p.changed.Wait()
	}
	if p.swallow[way] || l.lost.Load() {
		return -1, false
	}
	if p.record && n > 0 {
		p.passed[way] += int64(n)
		p.ends[way] = append(p.ends[way], p.passed[way])
	}
	if left := p.cut[way]; left >= 0 {
		if left <= int64(n) && n > 0 {
			p.cut[way] = -1
			if p.soft {
				p.swallow, p.soft = [2]bool{true, true}, false
				return int(left), false
			}
			return int(left), true
		}
		p.cut[way] = left - int64(n)
	}
	return n, false
}
