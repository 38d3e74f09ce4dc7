package device

import (
	"fmt"
	"net/netip"
	"time"
)

// Model is a Plane that starts nothing: it answers as a healthy switch would.
type Model struct {
	now     func() time.Time
	pids    int
	daemons map[string]modelDaemon
	mirrors map[string]modelMirror
	Down    map[string]bool // interfaces whose link is down
	// Stuck keeps routes out of the kernel (KernelFib, eos.md C.3).
	Stuck bool
}

type modelDaemon struct {
	DaemonState
	exec string
}

type modelMirror struct {
	device string
	since  time.Time
}

// NewModel gives a Model that reads a clock.
func NewModel(now func() time.Time) *Model {
	m := &Model{now: now, pids: 3000, Down: map[string]bool{}}
	m.Reload()
	return m
}

// Apply starts and ends what the view has and has not.
func (m *Model) Apply(v View) {
	daemons := map[string]modelDaemon{}
	for _, d := range v.Daemons {
		old, there := m.daemons[d.Name]
		switch {
		case !d.Enabled || d.Exec == "":
			daemons[d.Name] = modelDaemon{}
		case there && old.Running && old.exec == d.Exec:
			daemons[d.Name] = old
		default:
			m.pids++
			daemons[d.Name] = modelDaemon{DaemonState{Running: true, PID: m.pids, Since: m.now()}, d.Exec}
		}
	}
	m.daemons = daemons
	mirrors := map[string]modelMirror{}
	for _, s := range v.Mirrors {
		if old, there := m.mirrors[s.Name]; there {
			mirrors[s.Name] = old
		}
	}
	for _, s := range v.Mirrors {
		if _, there := mirrors[s.Name]; !there {
			mirrors[s.Name] = modelMirror{free(mirrors), m.now()}
		}
	}
	m.mirrors = mirrors
}

// free is the next mirrorN that no session has (eos.md C.1: the switch chooses N).
func free(taken map[string]modelMirror) string {
	for n := 0; ; n++ {
		name, used := fmt.Sprint("mirror", n), false
		for _, t := range taken {
			used = used || t.device == name
		}
		if !used {
			return name
		}
	}
}

// Reload forgets all processes.
func (m *Model) Reload() {
	m.daemons, m.mirrors = map[string]modelDaemon{}, map[string]modelMirror{}
}

// Daemon is as Apply left it.
func (m *Model) Daemon(name string) DaemonState { return m.daemons[name].DaemonState }

// Mirror becomes active after two seconds (eos.md C.1).
func (m *Model) Mirror(session string) MirrorState {
	s, there := m.mirrors[session]
	if !there || m.now().Sub(s.since) < 2*time.Second {
		return MirrorState{State: "unknown"}
	}
	return MirrorState{Device: s.device, State: "active"}
}

// Route is programmed at once.
func (m *Model) Route(string, netip.Prefix) RouteState {
	return RouteState{Hardware: true, Kernel: !m.Stuck}
}

// Queues count nothing.
func (m *Model) Queues() map[string]Queue {
	return map[string]Queue{"CoppSystemMirroring": {}, "CoppSystemIpUcast": {}, "CoppSystemLldp": {}}
}

// Hits counts nothing.
func (m *Model) Hits(string, int) uint64 { return 0 }

// Link is up unless Down says otherwise.
func (m *Model) Link(name string) LinkState { return LinkState{Up: !m.Down[name]} }
