package wire

import "slices"

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
func (p *Proxy) HalfOpen() { p.set(func() { p.swallow = true }) }

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

// Resume ends HalfOpen, Stall and Refuse. It fails when somebody else has taken the port in the meantime.
func (p *Proxy) Resume() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallow, p.stalled = false, false
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

// gate waits while the proxy is stalled and says how many of n bytes may pass, and whether the connection is to be cut
// after them. It says -1 for an end of file, of no bytes, that is not to pass.
func (p *Proxy) gate(l *link, way Direction, n int) (pass int, cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.stalled && !p.closed && !l.dead.Load() {
		p.changed.Wait()
	}
	if p.swallow {
		return -1, false
	}
	if p.record && n > 0 {
		p.passed[way] += int64(n)
		p.ends[way] = append(p.ends[way], p.passed[way])
	}
	if left := p.cut[way]; left >= 0 {
		if left <= int64(n) && n > 0 {
			p.cut[way] = -1
			return int(left), true
		}
		p.cut[way] = left - int64(n)
	}
	return n, false
}
