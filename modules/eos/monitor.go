package eos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// MonitorKind is a mirror of packets to the switch's CPU.
var MonitorKind = modules.Kind{
	Name:     "eos_monitor",
	Label:    "the session's number or name: 1",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "A monitor session that mirrors what comes in at interfaces to the CPU, where a daemon reads it from a device mirrorN. EOS allots N: it is found, never assumed. Mirrored packets pass the CPU's queue for them " +
		"(CoPP class " + mirrorClass + "), which drops what is too much for it in silence: its counter is read twice.",
	Checks: []string{
		"now: the session's lines in the running configuration, and no others of the session",
		"after boot: the same in the startup configuration; what only that lacks is saved",
		"programmed: the session's target is active and has a device, by `show monitor session`; the chip needs some 2 s",
		"drops: how many packets a second the CPU's queue dropped between two looks, by `show cpu counters queue`; bisc mends none of it",
	},
	Losses: []modules.Loss{{
		What: "the mirror, and what the relay reads from it", When: "absent = true", Guards: sectionGuards(),
	}, {
		What: "packets of the relay, for a moment", When: "sources, list or destination change", Guards: sectionGuards(),
	}},
	Example: `eos_monitor "1" {
  sources = ["Ethernet1/1 rx"]
  acl     = "SHRED-RELAY"
}
`,
	New: func(label string) modules.Resource {
		return &Monitor{Name: label, Destination: "Cpu", Window: time.Second}
	},
}

// Monitor is the resource of MonitorKind.
type Monitor struct {
	neighbours
	Name         string
	Sources      []string      `hcl:"sources,optional" doc:"interfaces by their full names, each with rx, tx or both: \"Ethernet1/1 rx\""`
	ACL          string        `hcl:"acl,optional" doc:"mirror only what this list permits; it sees what comes in alone. Default: everything"`
	Destination  string        `hcl:"destination,optional" doc:"Cpu, or an interface's full name" default:"\"Cpu\""`
	MaxDrops     int           `hcl:"max_drops,optional" doc:"packets a second that the CPU's queue may drop; -1: do not look (a switch whose counters have another form)" default:"0"`
	Window       time.Duration `hcl:"window,optional" doc:"between the two looks at the queue" default:"\"1s\""`
	AllowForeign bool          `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool          `hcl:"absent,optional" doc:"there must be no such session" default:"false"`
}

// Called is the block.
func (m *Monitor) Called() string { return quoted("eos_monitor", m.Name) }

// Foreigner is allow_foreign.
func (m *Monitor) Foreigner() bool { return m.AllowForeign }

func (m *Monitor) prefix() string { return "monitor session " + m.Name + " " }

// Wants is the session's lines, in the order in which EOS prints them.
func (m *Monitor) Wants() []eosconf.Want {
	if m.Absent {
		return []eosconf.Want{{Prefix: m.prefix(), Mode: eosconf.Absent}}
	}
	var lines []string
	if m.ACL != "" {
		lines = append(lines, m.prefix()+"ip access-group "+m.ACL)
	}
	for _, s := range m.Sources {
		lines = append(lines, m.prefix()+"source "+s)
	}
	return []eosconf.Want{{Prefix: m.prefix(), Lines: append(lines, m.prefix()+"destination "+m.Destination)}}
}

// Owns the session.
func (m *Monitor) Owns() []string { return owned(m.Wants()) }

// Agree with the other lines of the plan.
func (m *Monitor) Agree(with []modules.Resource) error { return m.agree(m, with) }

// Validate finds what EOS would not take, or would mirror otherwise than meant.
func (m *Monitor) Validate() error {
	faults := []error{checkName(m.Name)}
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if m.Absent {
		return errors.Join(faults...)
	}
	if len(m.Sources) == 0 {
		fault("sources", "a session without a source mirrors nothing: write sources = [\"Ethernet1/1 rx\"]")
	}
	for i, s := range m.Sources {
		name, way, _ := strings.Cut(s, " ")
		switch {
		case !isInterface(name) || strings.HasPrefix(name, "Loopback") || strings.HasPrefix(name, "Management"):
			fault("sources", "%q: %q is no interface that can be mirrored, by its full name: write Ethernet1/1", s, name)
		case !slices.Contains([]string{"rx", "tx", "both"}, way):
			fault("sources", "%q: write rx, tx or both after the interface: EOS prints it, and both is what it takes without", s)
		case m.ACL != "" && way != "rx":
			fault("sources", "%q: a list is asked of what comes in alone: write %q", s, name+" rx")
		case slices.ContainsFunc(m.Sources[:i], func(o string) bool { return strings.HasPrefix(o, name+" ") }):
			fault("sources", "%s is there twice", name)
		}
	}
	if m.Destination != "Cpu" && (!isInterface(m.Destination) || strings.HasPrefix(m.Destination, "Loopback")) {
		fault("destination", "%q: write Cpu, or an interface's full name", m.Destination)
	}
	if m.MaxDrops < -1 {
		fault("max_drops", "write a number of packets a second, or -1 for not looking")
	}
	if m.Window < 10*time.Millisecond || m.Window > time.Minute {
		fault("window", "from 10ms to 1m: every plan and every check waits for it")
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	return possible("", m.Wants())
}

// Plan compares the session, and asks what the chip made of it.
func (m *Monitor) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := m.look(ctx, h, m)
	if err != nil {
		return modules.Change{}, err
	}
	var c modules.Change
	if m.missing(&c, o.after); len(c.Diffs) > 0 {
		return c, nil
	}
	c, inForce := m.decide(o, m)
	if m.Absent || !inForce {
		if m.Absent && configures(c) {
			c.Destroy("the monitor session " + m.Name + " and what the relay reads from it")
		}
		return c, nil
	}
	if err := m.programmed(ctx, h, &c); err != nil {
		return c, err
	}
	if m.Destination != "Cpu" || m.MaxDrops < 0 {
		return c, nil
	}
	return c, m.drops(ctx, h, &c)
}

// missing is what the session names and the switch will not have.
func (m *Monitor) missing(c *modules.Change, after *eosconf.Config) {
	if m.Absent {
		return
	}
	if m.ACL != "" && !after.Has("ip access-list "+m.ACL) {
		c.Refuse("acl", "(none)", m.ACL, "there is no such list, and what a session without its list mirrors is not known: add eos_acl \""+m.ACL+"\"")
	}
	for _, s := range m.Sources {
		if name, _, _ := strings.Cut(s, " "); !after.Has("interface " + name) {
			c.Refuse("sources", "(none)", name, "the switch has no such interface: is this the right switch?")
		}
	}
}

// sessions is what is read of show monitor session [V: json/curated/monitor-session-cpu-*.json].
type sessions struct {
	Sessions map[string]struct {
		Device  string `json:"mirrorDeviceName"`
		Targets []struct {
			Name  string `json:"name"`
			State string `json:"operState"`
		} `json:"targetInterfaces"`
	} `json:"sessions"`
}

// programmed wants the target active. Right after a commit it is "unknown" for some 2 s [V].
func (m *Monitor) programmed(ctx context.Context, h host.Reader, c *modules.Change) error {
	got, want, err := m.target(ctx, h)
	if err == nil {
		c.Differ("programmed", got, want)
	}
	return err
}

// target is what the switch says of the session's target, and what it says of one that is well.
func (m *Monitor) target(ctx context.Context, h host.Reader) (got, want string, err error) {
	const command = "show monitor session"
	var said sessions
	if err := host.ShowJSON(ctx, h, command, &said); err != nil {
		return "", "", fmt.Errorf("what the mirror does: %w", err)
	}
	if said.Sessions == nil {
		return "", "", fmt.Errorf("what the mirror does: the answer to %q has no sessions: it has a shape that this bisc does not know", command)
	}
	want = m.Destination + " active"
	s, there := said.Sessions[m.Name]
	if !there {
		return "no session " + m.Name + " in force", want, nil
	}
	for _, t := range s.Targets {
		switch {
		case t.Name != m.Destination:
		case t.State == "active" && m.Destination == "Cpu" && s.Device == "":
			return t.Name + " active, without a device", want, nil
		case t.State == "":
			return "", "", fmt.Errorf("what the mirror does: the answer to %q has no operState of %s: it has a shape that this bisc does not know", command, t.Name)
		default:
			return t.Name + " " + t.State, want, nil
		}
	}
	return "no target " + m.Destination, want, nil
}

// MirrorDevice finds the kernel's device of a session that mirrors to the CPU: mirrorN. EOS allots N anew with each session and
// boot. It is an error where the session is not there, or not active yet.
func MirrorDevice(ctx context.Context, h host.Reader, session string) (string, error) {
	var said sessions
	if err := host.ShowJSON(ctx, h, "show monitor session", &said); err != nil {
		return "", fmt.Errorf("find the mirror's device: %w", err)
	}
	s, there := said.Sessions[session]
	if !there || s.Device == "" {
		return "", fmt.Errorf("find the mirror's device: monitor session %s has none: it is not configured, or not programmed yet", session)
	}
	return s.Device, nil
}
