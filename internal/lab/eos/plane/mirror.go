package plane

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"bisc/internal/lab/eos/device"
)

// The states of a monitor session's destination. (json/curated/monitor-session-cpu-programming.json and -active.json)
const (
	stateUnknown = "unknown"
	stateActive  = "active"
)

// mirror is a monitor session. It is active a while after it was configured, and has its device from then on.
// [V] the reference, C.1: for about 2 s after the commit the state is unknown and there is no device.
type mirror struct {
	device.Mirror
	due    time.Time
	number int    // of mirrorN; -1 while it has none
	dev    string // mirrorN
	filter atomic.Pointer[filter]
	taps   []*tap
	out    *injector
}

// filter is an ACL as the chip has it.
type filter struct {
	all   bool // no ACL: everything is copied
	rules []rule
	hits  map[int]*atomic.Uint64
}

// newFilter reads the rules of a session's ACL, and says which it cannot read. Hits go on where a rule stayed.
func newFilter(m device.Mirror, before *filter) (*filter, error) {
	f := &filter{all: m.ACL == "", hits: map[int]*atomic.Uint64{}}
	var errs []error
	for _, r := range m.Rules {
		one, skip, known := parseRule(r.Sequence, r.Text)
		switch {
		case skip:
			continue
		case !known:
			errs = append(errs, fmt.Errorf("the emulated chip cannot match rule %d %s of %s: it copies nothing by it", r.Sequence, r.Text, m.ACL))
			continue
		}
		f.rules = append(f.rules, one)
		f.hits[r.Sequence] = new(atomic.Uint64)
		if before != nil && before.hits[r.Sequence] != nil {
			f.hits[r.Sequence] = before.hits[r.Sequence]
		}
	}
	return f, errors.Join(errs...)
}

// takes tells whether a frame is to be copied, and counts the rule that it met. What meets no rule is not.
func (f *filter) takes(frame []byte) bool {
	if f.all {
		return true
	}
	p, ok := parsePacket(frame)
	if !ok {
		return false
	}
	for _, r := range f.rules {
		if r.matches(p) {
			f.hits[r.sequence].Add(1)
			return r.permit
		}
	}
	return false
}

// applyMirrors follows the configuration. A session whose rules alone have changed keeps its device.
func (p *Plane) applyMirrors(view device.View) error {
	var errs []error
	wanted := map[string]device.Mirror{}
	for _, m := range view.Mirrors {
		wanted[m.Name] = m
	}
	for name, have := range p.mirrors {
		w, ok := wanted[name]
		if ok && w.Destination == have.Destination && slices.Equal(w.Sources, have.Sources) {
			f, err := newFilter(w, have.filter.Load())
			errs = append(errs, err)
			have.filter.Store(f)
			have.Mirror = w
			delete(wanted, name)
			continue
		}
		errs = append(errs, p.dropMirror(have))
		delete(p.mirrors, name)
	}
	for name, w := range wanted {
		f, err := newFilter(w, nil)
		errs = append(errs, err)
		m := &mirror{Mirror: w, due: time.Now().Add(p.options.MirrorDelay), number: -1}
		m.filter.Store(f)
		p.mirrors[name] = m
	}
	return errors.Join(append(errs, p.activate())...)
}

// activate makes the devices of the sessions that are due.
func (p *Plane) activate() error {
	var errs []error
	for _, m := range p.mirrors {
		switch wait := time.Until(m.due); {
		case m.number >= 0, m.Destination != "Cpu", p.faults.MirrorStuck:
		case wait > 0:
			p.wakeIn(wait)
		default:
			errs = append(errs, p.makeMirror(m))
		}
	}
	return errors.Join(errs...)
}

// makeMirror gives a session the next free mirrorN and has what its sources see copied there.
// [V] N is EOS's choice: nothing may count on 0, so the first number is the test's (Options.FirstMirror).
func (p *Plane) makeMirror(m *mirror) (err error) {
	n := p.options.FirstMirror
	for taken := true; taken; n++ {
		taken = false
		for _, other := range p.mirrors {
			taken = taken || other.number == n
		}
		if !taken {
			break
		}
	}
	dev := fmt.Sprintf("mirror%d", n)
	// [I] the device is in the default namespace.
	if err := pair(dev, p.home, far(dev), p.cables); err != nil {
		return err
	}
	if m.out, err = newInjector(p.cables, far(dev), p.queue(mirrorClass)); err != nil {
		return err
	}
	m.number, m.dev = n, dev
	for _, s := range m.Sources {
		port, err := p.ensurePort(s.Interface, p.spaceOfPort(s.Interface))
		if err != nil {
			return fmt.Errorf("mirror %s: %w", s.Interface, err)
		}
		t, err := newTap(port, s.Direction, m)
		if err != nil {
			return err
		}
		m.taps = append(m.taps, t)
	}
	return nil
}

// dropMirror takes a session's device away.
func (p *Plane) dropMirror(m *mirror) error {
	for _, t := range m.taps {
		t.close()
	}
	if m.out != nil {
		m.out.close()
	}
	if m.number < 0 {
		return nil
	}
	l, err := p.home.link.LinkByName(m.dev)
	if err != nil {
		return fmt.Errorf("find %s: %w", m.dev, err)
	}
	m.number, m.taps, m.out = -1, nil, nil
	return p.home.link.LinkDel(l)
}

// Mirror is what show monitor session says of a session. (device.Plane)
func (p *Plane) Mirror(session string) device.MirrorState {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.mirrors[session]
	switch {
	case m == nil:
		return device.MirrorState{State: stateUnknown}
	case m.Destination != "Cpu":
		return device.MirrorState{State: stateActive}
	case m.number < 0:
		return device.MirrorState{State: stateUnknown}
	}
	return device.MirrorState{State: stateActive, Device: m.dev}
}
