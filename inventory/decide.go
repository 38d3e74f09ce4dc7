package inventory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

// Resolver asks ssh's own configuration for a host's settings: the output of ssh -G, by keyword in lower case, each with
// its values in order. file is empty for ssh's default files.
type Resolver func(ctx context.Context, file, name string) (map[string][]string, error)

// Decision is how a host is reached: every value is set, and Settings says where each came from.
type Decision struct {
	Host     string // the inventory's name, or what ssh_config calls a jump host
	Platform host.Platform
	Address  string
	Port     int
	User     string
	Become   bool
	// Via is the jump hosts in the order passed, each with settings of its own.
	Via []Decision
	// ProxyCommand is ssh_config's, run in place of dialling; empty for none.
	ProxyCommand string
	// IdentitiesOnly offers no key of the agent but those of Identities.
	IdentitiesOnly bool
	// HostKeys are pins; where there are some, KnownHosts need not know the host.
	HostKeys   []string
	KnownHosts []string // files, absolute
	// HostKeyAlias is the name under which KnownHosts has the host; empty: Address.
	HostKeyAlias string
	Identities   []string // files, absolute; those that are not there are passed over
	AgentKey     string   // empty: any key of the agent
	// AgentSocket is the agent's socket where ssh_config names one; empty: SSH_AUTH_SOCK. "none": no agent.
	AgentSocket string
	// BecomePasswordEnv, BecomePasswordFile and BecomePasswordCmd name where the password is; all empty: asked for on the
	// terminal, if at all.
	BecomePasswordEnv  string
	BecomePasswordFile string
	BecomePasswordCmd  []string
	ConnectTimeout     time.Duration
	AnswerTimeout      time.Duration // of a question to a Linux host; 0: as the transport does by itself
	// Local is the machine that bisc runs on: of all the above only Become and its password mean something.
	Local bool
	// MachineID is what the host's /etc/machine-id must say; empty: anything.
	MachineID string
	// Hostname and Serial are what a switch must say of itself; empty: not compared.
	Hostname, Serial string
	// LookAgain is how long after a confirmed commit a switch is looked at again, each; nil: as bisc does by itself.
	LookAgain []time.Duration
	// EAPI is a switch's HTTP interface; its Mode is empty where there is none.
	EAPI     EAPI
	Settings []Setting
}

// Setting is one value of a decision and where it came from.
type Setting struct{ Name, Value, From string }

// DefaultConnectTimeout is how long a host may take to answer where nobody says.
const DefaultConnectTimeout = 10 * time.Second

// Decide finds how to reach a host: what the inventory says goes before what ssh's configuration says (asked under the
// host's address, or its name where the inventory has no address), and that before the defaults. ask is nil where there
// is no ssh program; then only an explicit ssh_config is an error.
func Decide(ctx context.Context, inv *Inventory, h *Host, ask Resolver) (Decision, error) {
	if h.Local {
		return decideLocal(h), nil
	}
	c := &chooser{inv: inv, ask: ask, visiting: map[string]bool{}}
	d, err := c.decide(ctx, h)
	if err != nil {
		return Decision{}, fmt.Errorf("deciding how to reach %s: %w", h.Name, err)
	}
	return d, nil
}

type chooser struct {
	inv      *Inventory
	ask      Resolver
	visiting map[string]bool // jump hosts of ssh_config, so that a circle there ends
}

func (c *chooser) decide(ctx context.Context, h *Host) (Decision, error) {
	d, proxy, err := c.alone(ctx, h)
	if err != nil {
		return d, err
	}
	if h.HasVia {
		for i, name := range c.inv.chain(h) {
			hop, err := c.link(ctx, c.inv.names[name], i == 0)
			if err != nil {
				return d, err
			}
			d.Via = append(append(d.Via, hop.Via...), hop.without())
		}
		d.setVia(h.where("via"))
		return d, nil
	}
	if proxy == nil {
		d.setVia("default")
		return d, nil
	}
	d.Via, err = c.proxyChain(ctx, proxy)
	d.setVia(proxy.from)
	return d, err
}

// link decides one hop of a chain. The first may have hops before it, as with ssh; the others are dialled from the hop
// before them, whatever ssh_config says of how they are reached from here.
func (c *chooser) link(ctx context.Context, h *Host, first bool) (Decision, error) {
	if first {
		return c.decide(ctx, h)
	}
	d, _, err := c.alone(ctx, h)
	d.ProxyCommand = ""
	d.Settings = slices.DeleteFunc(d.Settings, func(s Setting) bool { return s.Name == "proxy_command" })
	return d, err
}

// without is a hop whose own hops stand before it in the chain.
func (d Decision) without() Decision { d.Via = nil; return d }

// alone decides everything but the jump hosts; proxy is what ssh_config says of those.
func (c *chooser) alone(ctx context.Context, h *Host) (Decision, *proxyJump, error) {
	conf, err := c.config(ctx, h)
	if err != nil {
		return Decision{}, nil, err
	}
	d := Decision{Host: h.Name, Platform: h.Platform}
	d.Address = d.pick("address", h.where("address"), h.Address, conf, "hostname", h.Name)
	port := d.pick("port", h.where("port"), number(h.Port), conf, "port", "22")
	if d.Port, err = strconv.Atoi(port); err != nil {
		return d, nil, fmt.Errorf("ssh_config: port %q is not a number", port)
	}
	d.User = d.pick("user", h.where("user"), h.User, conf, "user", localUser())
	if err := errors.Join(checkAddress(d.Address), checkUser(d.User)); err != nil {
		return d, nil, err
	}
	d.become(h)
	d.HostKeys = d.pickList("host_key", h.where("host_key"), h.HostKeys, nil, "", nil)
	d.KnownHosts = d.paths(d.pickList("known_hosts", h.where("known_hosts"), h.KnownHosts, conf, "userknownhostsfile", []string{"~/.ssh/known_hosts"}))
	d.HostKeyAlias = d.pick("host_key_alias", "", "", conf, "hostkeyalias", "")
	d.Identities = d.paths(d.pickList("identity", h.where("identity"), h.Identities, conf, "identityfile", defaultIdentities()))
	d.AgentKey = d.pick("agent_key", h.where("agent_key"), h.AgentKey, nil, "", "")
	d.AgentSocket = expand(d.pick("agent_socket", "", "", conf, "identityagent", ""), d)
	d.password(h)
	d.known(h)
	d.eapi(h)
	d.MachineID = d.pick("machine_id", h.where("machine_id"), h.MachineID, nil, "", "")
	d.answer(h)
	if err := d.timeout(h, conf); err != nil {
		return d, nil, err
	}
	if conf.first("identitiesonly") == "yes" && len(h.Identities) == 0 {
		d.IdentitiesOnly = true
		d.set("identities_only", "yes", conf.from)
	}
	proxy, command := conf.proxy(h.HasVia)
	if command != "" {
		d.ProxyCommand = d.set("proxy_command", command, conf.from)
	}
	return d, proxy, nil
}

func (d *Decision) become(h *Host) {
	switch {
	case h.Become != nil:
		d.Become = *h.Become
		d.set("become", strconv.FormatBool(d.Become), h.where("become"))
	case h.JumpOnly:
		d.set("become", "false", "default: nothing is done on a jump host")
	case h.Platform == host.Linux && d.User == "root":
		d.set("become", "false", "default: root needs no sudo")
	default:
		d.Become = true
		d.set("become", "true", "default")
	}
}

func (d *Decision) password(h *Host) {
	d.BecomePasswordEnv = h.BecomePasswordEnv
	d.BecomePasswordFile = expand(h.BecomePasswordFile, *d)
	d.BecomePasswordCmd = h.BecomePasswordCmd
	if len(h.BecomePasswordCmd) > 0 {
		d.set("become_password", "what is printed by "+strings.Join(h.BecomePasswordCmd, " "), h.where("become_password_cmd"))
	}
	if h.BecomePasswordEnv != "" {
		d.set("become_password", "environment variable "+h.BecomePasswordEnv, h.where("become_password_env"))
	}
	if h.BecomePasswordFile != "" {
		d.set("become_password", "file "+d.BecomePasswordFile, h.where("become_password_file"))
	}
}

func (d *Decision) answer(h *Host) {
	if d.AnswerTimeout = h.AnswerTimeout; d.AnswerTimeout > 0 {
		d.set("answer_timeout", d.AnswerTimeout.String(), h.where("answer_timeout"))
	}
}

func (d *Decision) timeout(h *Host, conf *config) error {
	inInventory := ""
	if h.ConnectTimeout > 0 {
		inInventory = h.ConnectTimeout.String()
	}
	if conf.first("connecttimeout") == "none" { // ssh's word for its own default, which is the kernel's
		conf = nil
	}
	s := d.pick("connect_timeout", h.where("connect_timeout"), inInventory, conf, "connecttimeout", DefaultConnectTimeout.String())
	if seconds, err := strconv.Atoi(s); err == nil {
		s = strconv.Itoa(seconds) + "s" // ssh_config counts in seconds
	}
	t, err := time.ParseDuration(s)
	if err != nil || t <= 0 {
		return fmt.Errorf("ssh_config: connecttimeout %q is not a time", s)
	}
	d.ConnectTimeout = t
	for i := range d.Settings {
		if d.Settings[i].Name == "connect_timeout" {
			d.Settings[i].Value = t.String()
		}
	}
	return nil
}
