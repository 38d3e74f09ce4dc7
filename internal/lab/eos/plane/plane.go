package plane

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"time"

	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/linux"
)

// Options says what a Plane is to be.
type Options struct {
	Cables *os.File // the network namespace in which far ends lie; whoever wires the switch takes them from there
	// MirrorDelay is how long a monitor session is programmed; 0: 2 s.
	MirrorDelay time.Duration
	FirstMirror int // N of the first mirrorN
	// DefaultNetns is what ip netns calls the default namespace: "default" (the default), or "ns-default". [V] both were seen.
	DefaultNetns string
	// Problem is told of what the emulation could not carry out; it must not be silent, and a test wants none.
	Problem func(error)
}

// Faults are what a test has gone wrong below the configuration.
type Faults struct {
	KernelStuck   bool          // no route reaches the kernel from now on
	KernelDelay   time.Duration // how long a route takes
	HardwareStuck bool          // no route is programmed into the chip from now on
	MirrorStuck   bool          // a monitor session stays unknown, and has no device
	MirrorKbps    int           // the shape of the mirroring class where the configuration has none; 0: any number
}

// Plane carries out one switch's configuration.
type Plane struct {
	options Options
	system  *linux.System
	home    *space // the default namespace, in which the emulator's process is
	cables  *space
	wake    chan struct{}

	// turn is held while the configuration is being carried out, and by Reload; it is taken before mu.
	turn sync.Mutex

	mu        sync.Mutex
	view      *device.View // what is to be carried out; nil: the switch is down
	version   int          // of view
	done      int          // the version that was carried out
	changed   *sync.Cond   // done has changed
	faults    Faults
	vrfs      map[string]*space
	ports     map[string]*port
	unplugged map[string]bool
	routes    map[routeKey]*kernelRoute
	hardware  map[routeKey]bool
	mirrors   map[string]*mirror
	queues    map[string]*queue
	handlers  bool // those of this boot have been started
}

// New makes the planes of a switch whose Linux runs. The present network namespace is the switch's default one.
func New(system *linux.System, options Options) (*Plane, error) {
	if options.MirrorDelay == 0 {
		options.MirrorDelay = 2 * time.Second
	}
	if options.DefaultNetns == "" {
		options.DefaultNetns = "default"
	}
	if options.Problem == nil {
		options.Problem = func(error) {}
	}
	file, err := os.Open("/proc/self/ns/net")
	if err != nil {
		return nil, err
	}
	p := &Plane{options: options, system: system, wake: make(chan struct{}, 1), vrfs: map[string]*space{}, ports: map[string]*port{}, unplugged: map[string]bool{},
		routes: map[routeKey]*kernelRoute{}, hardware: map[routeKey]bool{}, mirrors: map[string]*mirror{}, queues: map[string]*queue{}}
	p.changed = sync.NewCond(&p.mu)
	if p.home, err = openSpace("default", file); err != nil {
		return nil, err
	}
	if p.cables, err = openSpace("cables", options.Cables); err != nil {
		return nil, err
	}
	if err := errors.Join(p.home.prepare(), p.cables.prepare(), p.makeVRFs(device.View{})); err != nil {
		return nil, err
	}
	go p.serve()
	return p, nil
}

// Apply has a configuration carried out, soon. (device.Plane)
func (p *Plane) Apply(view device.View) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view = &view
	p.version++
	p.wakeNow()
}

func (p *Plane) wakeNow() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Plane) wakeIn(d time.Duration) { time.AfterFunc(d, p.wakeNow) }

// serve carries out what is wanted whenever it has changed, or something is due.
func (p *Plane) serve() {
	for range p.wake {
		p.turn.Lock()
		p.carryOut()
		p.turn.Unlock()
	}
}

// carryOut has its turn.
func (p *Plane) carryOut() {
	p.mu.Lock()
	view, version := p.view, p.version
	if view == nil {
		p.mu.Unlock()
		return
	}
	err := errors.Join(p.makeVRFs(*view), p.applyInterfaces(*view), p.dropVRFs(*view), p.applyRoutes(*view), p.applyMirrors(*view))
	p.applyQueues(*view)
	start := !p.handlers
	p.handlers = true
	p.mu.Unlock()
	if err != nil {
		p.options.Problem(err)
	}
	var agents []linux.Agent
	for _, d := range view.Daemons {
		agents = append(agents, linux.Agent{Name: d.Name, Exec: d.Exec, Enabled: d.Enabled})
	}
	p.system.ProcMgr().Set(agents)
	if start {
		p.startHandlers(*view)
	}
	p.mu.Lock()
	p.done = version
	p.changed.Broadcast()
	p.mu.Unlock()
}

// Settle waits until what was applied last is carried out, except for what takes its time (mirrors, late routes).
func (p *Plane) Settle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for want := p.version; p.done < want; {
		p.changed.Wait()
	}
}

// Reload ends everything that lives in RAM. (device.Plane)
func (p *Plane) Reload() {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.view, p.handlers = nil, false
	var errs []error
	for name, m := range p.mirrors {
		errs = append(errs, p.dropMirror(m))
		delete(p.mirrors, name)
	}
	errs = append(errs, p.dropRoutes(), p.system.Reload())
	clear(p.hardware)
	clear(p.queues)
	for s := range p.spaces() {
		errs = append(errs, s.setAddresses("lo", nil))
	}
	for _, port := range p.ports {
		errs = append(errs, port.configure(device.Interface{}))
	}
	for name, s := range p.vrfs {
		errs = append(errs, p.dropVRF(name, s))
	}
	if err := errors.Join(errs...); err != nil {
		p.options.Problem(fmt.Errorf("reload: %w", err))
	}
}

// SetFaults changes the faults; what they held back goes on.
func (p *Plane) SetFaults(change func(*Faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.faults)
	p.wakeNow()
}

// Daemon is what show daemon says of an agent. (device.Plane)
func (p *Plane) Daemon(name string) device.DaemonState {
	state, _ := p.system.ProcMgr().State(name)
	return device.DaemonState{Running: state.Running, PID: state.PID, Since: state.Started}
}

// Route tells where a route of the RIB has arrived. (device.Plane)
func (p *Plane) Route(vrf string, prefix netip.Prefix) device.RouteState {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := routeKey{vrfName(vrf), prefix}
	r := p.routes[key]
	if r == nil {
		return device.RouteState{}
	}
	if !p.faults.HardwareStuck {
		p.hardware[key] = true
	}
	return device.RouteState{Hardware: p.hardware[key], Kernel: r.done && (p.stateOnly(r.Route) || p.inKernel(r.Route))}
}

// Queues are the processor's. (device.Plane)
func (p *Plane) Queues() map[string]device.Queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue(mirrorClass)
	out := map[string]device.Queue{}
	for name, q := range p.queues {
		out[name] = q.read()
	}
	return out
}

// queue is a class's; the plane is locked.
func (p *Plane) queue(class string) *queue {
	if p.queues[class] == nil {
		p.queues[class] = &queue{}
	}
	return p.queues[class]
}

// applyQueues shapes the queues as the configuration says.
func (p *Plane) applyQueues(view device.View) {
	p.queue(mirrorClass).shape(p.faults.MirrorKbps)
	for class, kbps := range view.Copp {
		p.queue(queueName(class)).shape(kbps)
	}
}

// Drop has a queue of the processor drop packets that nobody sent: a test's drops.
func (p *Plane) Drop(class string, packets int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range packets {
		p.queue(class).drop(1280)
	}
}

// Hits counts what met a rule of an ACL that a monitor session to the CPU uses; others are never asked by a packet. (device.Plane)
func (p *Plane) Hits(acl string, sequence int) (hits uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mirrors {
		if m.ACL == acl && m.filter.Load().hits[sequence] != nil {
			hits += m.filter.Load().hits[sequence].Load()
		}
	}
	return hits
}

// Link tells of an interface. One that nobody unplugged is up: a port without a device has a cable too. (device.Plane)
func (p *Plane) Link(name string) device.LinkState {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := device.LinkState{Up: !p.unplugged[name]}
	port := p.ports[name]
	if port == nil {
		return state
	}
	l, err := port.space.link.LinkByName(port.dev)
	if err != nil {
		return state
	}
	if s := l.Attrs().Statistics; s != nil {
		state.InPkts, state.InBytes, state.OutPkts, state.OutBytes = s.RxPackets, s.RxBytes, s.TxPackets, s.TxBytes
	}
	return state
}

// Plug puts a cable into a port, or takes it out. The port's device is made where it is not there yet, so that the far end can be
// taken to somebody.
func (p *Plane) Plug(name string, in bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !isPort(name) {
		return fmt.Errorf("%s is not a port: want EthernetN/M or ManagementN", name)
	}
	port, err := p.ensurePort(name, p.spaceOfPort(name))
	if err != nil {
		return err
	}
	p.unplugged[name] = !in
	if farEnd, err := p.cables.link.LinkByName(far(port.dev)); err == nil {
		if in {
			err = p.cables.link.LinkSetUp(farEnd)
		} else {
			err = p.cables.link.LinkSetDown(farEnd)
		}
		if err != nil {
			return fmt.Errorf("cable of %s: %w", name, err)
		}
	}
	if p.view != nil {
		p.version++ // the port has a device now: what is configured on it goes there
		p.wakeNow()
	}
	return nil
}

// spaceOf is a VRF's namespace.
func (p *Plane) spaceOf(vrf string) *space {
	if s := p.vrfs[vrf]; s != nil {
		return s
	}
	return p.home
}

// spaceOfPort is where a port is, or will be.
func (p *Plane) spaceOfPort(name string) *space {
	if port := p.ports[name]; port != nil {
		return port.space
	}
	if p.view != nil {
		for _, i := range p.view.Interfaces {
			if i.Name == name {
				return p.spaceOf(i.VRF)
			}
		}
	}
	return p.home
}

// startHandlers starts the boot's event handlers, each after its delay. A handler's output goes to no one but a file, as on a switch.
func (p *Plane) startHandlers(view device.View) {
	for _, h := range view.Handlers {
		if h.Trigger != "on-boot" || h.Action == "" {
			continue
		}
		boot := p.system.Boots()
		time.AfterFunc(h.Delay, func() { p.system.Handler(boot, h.Name, h.Action) })
	}
}
