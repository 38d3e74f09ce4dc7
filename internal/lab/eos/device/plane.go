package device

import (
	"net/netip"
	"time"
)

// Plane is what carries out a configuration: processes, the kernel's routes, the chip. The device calls it under its own lock:
// a Plane must not call the device back from these, and should answer at once from what it knows.
type Plane interface {
	// Apply tells that the running configuration has a new form; also at boot. It starts and stops what follows from it, later.
	Apply(View)
	// Reload tells that the switch went down: daemons, kernel routes and everything in RAM are gone. Apply follows with startup.
	Reload()
	// Daemon tells of the process of a configured daemon.
	Daemon(name string) DaemonState
	// Mirror tells of a configured monitor session.
	Mirror(session string) MirrorState
	// Route tells of a route that is in the RIB.
	Route(vrf string, prefix netip.Prefix) RouteState
	// Queues are the CPU's queues by CoPP class (json/curated/cpu-counters-queue-sand-excerpt.json).
	Queues() map[string]Queue
	// Hits counts the packets that met a rule of an ACL.
	Hits(acl string, sequence int) uint64
	// Link tells of an interface, by its full name.
	Link(name string) LinkState
}

// DaemonState is what ProcMgr knows of a daemon.
type DaemonState struct {
	Running bool
	PID     int
	Since   time.Time
}

// MirrorState is a monitor session in the chip: State is "active", or "unknown" until it is programmed
// (json/curated/monitor-session-cpu-programming.json), and Device the kernel's name for what is mirrored to the CPU.
type MirrorState struct {
	Device string
	State  string
}

// RouteState is where a route of the RIB arrived.
type RouteState struct{ Hardware, Kernel bool }

// Queue counts since boot.
type Queue struct{ EnqueuedPackets, EnqueuedBytes, DroppedPackets, DroppedBytes uint64 }

// LinkState is the state of an interface: Up is what the line protocol says.
type LinkState struct {
	Up                bool
	InPkts, OutPkts   uint64
	InBytes, OutBytes uint64
}

// View is the running configuration as the planes need it: only what is well formed and enabled.
type View struct {
	Hostname   string
	Daemons    []Daemon
	Routes     []Route // the static ones that are in the RIB: their next hop resolves
	Mirrors    []Mirror
	Interfaces []Interface
	VRFs       []string
	Handlers   []Handler
	EAPI       EAPI
	// Copp is the shape in kbps of each class that the configuration changes.
	Copp map[string]int
}

// Daemon is "daemon NAME": Exec as written, split at spaces by nobody.
type Daemon struct {
	Name, Exec string
	Enabled    bool
}

// Route is a static route. Egress is the VRF in which the next hop is looked up; "default" has its name.
type Route struct {
	VRF, Egress string
	Prefix      netip.Prefix
	NextHop     netip.Addr
	Interface   string // out of which it goes: from the connected network of NextHop, or as written
}

// Mirror is a complete monitor session (a source and a destination).
type Mirror struct {
	Name        string
	ACL         string
	Sources     []MirrorSource
	Destination string // "Cpu" or an interface
	Rules       []ACLRule
}

// MirrorSource is an interface and "rx", "tx" or "both".
type MirrorSource struct{ Interface, Direction string }

// ACLRule is one rule, as printed, without its number.
type ACLRule struct {
	Sequence int
	Text     string
}

// Interface is a configured interface.
type Interface struct {
	Name      string
	VRF       string
	Addresses []netip.Prefix
	MTU       int
	Enabled   bool
	Routed    bool // no switchport, or a kind that is always routed
	Tunnel    Tunnel
}

// Tunnel is the GRE part of an interface; a zero Source says that there is none.
type Tunnel struct {
	Mode                string
	Source, Destination netip.Addr
}

// Handler is an event handler.
type Handler struct {
	Name, Trigger, Action string
	Delay                 time.Duration
}

// EAPI is what "management api http-commands" asks for.
type EAPI struct {
	Enabled    bool
	HTTPS      int // a port, 0: off
	HTTP       int
	LocalHTTP  int
	UnixSocket bool
	VRFs       []string // where it listens besides default
}
