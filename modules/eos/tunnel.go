package eos

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/modules"
)

// TunnelKind is a GRE tunnel that a switch ends.
var TunnelKind = modules.Kind{
	Name:     "eos_tunnel",
	Label:    "the interface's name: Tunnel100",
	Platform: host.EOS,
	Layer:    "relay",
	Doc: "A GRE tunnel over IPv4: these lines and no others. Its source must be an address that the switch has, now or by this plan: with another EOS takes the tunnel and it never comes up. " +
		"EOS takes an interface's addresses away when its VRF changes, so the VRF is typed before them.",
	Checks: []string{
		"now: every line of the interface in the running configuration",
		"after boot: the same in the startup configuration; what only that lacks is saved",
		"programmed: the interface is connected and its line protocol up, by `show interfaces NAME`",
		"refused: a source that no interface has; Tunnel500 to 599, which are the second manager's",
	},
	Losses: []modules.Loss{{
		What: "the tunnel and what goes through it", When: "absent = true", Guards: sectionGuards(),
	}, {
		What: "what goes through the tunnel, until it is up again", When: "its ends, VRF or address change", Guards: sectionGuards(),
	}},
	Example: `eos_tunnel "Tunnel100" {
  vrf         = "relay"
  mtu         = 9216
  address     = "169.254.100.0/31"
  acl_in      = "SEC-VALIDATOR-100-IN"
  source      = "209.42.167.137"
  destination = "186.233.184.235"
}
`,
	New: func(label string) modules.Resource { return &Tunnel{Name: label} },
}

// Tunnel is the resource of TunnelKind.
type Tunnel struct {
	neighbours
	Name         string
	Source       string `hcl:"source,optional" doc:"an address of this switch, or the name of an interface that has one"`
	Destination  string `hcl:"destination,optional" doc:"the other end's address"`
	Address      string `hcl:"address,optional" doc:"the address inside, with its prefix"`
	VRF          string `hcl:"vrf,optional" doc:"of the packets inside. Default: the default one"`
	MTU          int    `hcl:"mtu,optional" doc:"of the packets inside, in bytes. Default: as EOS sets it"`
	ACLIn        string `hcl:"acl_in,optional" doc:"the access list for packets that come out of the tunnel. Default: none"`
	TTL          int    `hcl:"ttl,optional" doc:"of the outer packet, 1 to 255. Default: as EOS sets it"`
	Description  string `hcl:"description,optional" doc:"what it is for, in one line. Default: none"`
	AllowForeign bool   `hcl:"allow_foreign,optional" doc:"also where it is the second manager's" default:"false"`
	Absent       bool   `hcl:"absent,optional" doc:"there must be no such tunnel" default:"false"`
}

// Called is the block.
func (t *Tunnel) Called() string { return quoted("eos_tunnel", t.Name) }

// Foreigner is allow_foreign.
func (t *Tunnel) Foreigner() bool { return t.AllowForeign }

func (t *Tunnel) header() string { return "interface " + t.Name }

// Wants is the whole interface, in the order in which EOS prints it [V: mia's Tunnel500].
func (t *Tunnel) Wants() []eosconf.Want {
	if t.Absent {
		return []eosconf.Want{{Under: []string{t.header()}, Mode: eosconf.Absent}}
	}
	var lines []string
	add := func(words, value string) {
		if value != "" && value != "0" {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf(words, value)))
		}
	}
	add("description %s", t.Description)
	add("mtu %s", strconv.Itoa(t.MTU))
	add("vrf %s", t.VRF)
	add("ip address %s", t.Address)
	add("ip access-group %s in", t.ACLIn)
	lines = append(lines, "tunnel mode gre")
	add("tunnel source "+t.sourceWord()+"%s", t.Source)
	add("tunnel destination %s", t.Destination)
	add("tunnel ttl %s", strconv.Itoa(t.TTL))
	return []eosconf.Want{{Under: []string{t.header()}, Lines: lines, Mode: eosconf.Exact}}
}

// sourceWord stands before an interface's name [I: both real switches name addresses].
func (t *Tunnel) sourceWord() string {
	if _, err := netip.ParseAddr(t.Source); err != nil {
		return "interface "
	}
	return ""
}

// Owns the interface.
func (t *Tunnel) Owns() []string { return owned(t.Wants()) }

// Agree with the other lines of the plan.
func (t *Tunnel) Agree(with []modules.Resource) error { return t.agree(t, with) }

// Validate checks that EOS takes it.
func (t *Tunnel) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if !isTunnel(t.Name) {
		fault("", "%q is no tunnel's name: write Tunnel and a number, as in Tunnel100", t.Name)
	}
	if t.Absent {
		return errors.Join(faults...)
	}
	if a, err := netip.ParseAddr(t.Destination); err != nil || !a.Is4() || a.IsUnspecified() {
		fault("destination", "%q is not an IPv4 address", t.Destination)
	}
	if a, err := netip.ParseAddr(t.Source); (err != nil || !a.Is4() || a.IsUnspecified()) && !isInterface(t.Source) {
		fault("source", "%q is neither an IPv4 address nor an interface's full name, as in Loopback101", t.Source)
	}
	if p, err := netip.ParsePrefix(t.Address); t.Address != "" && (err != nil || !p.Addr().Is4()) {
		fault("address", "%q is not an IPv4 address with a prefix: write 169.254.100.0/31", t.Address)
	}
	if t.Source == t.Destination && t.Source != "" {
		fault("destination", "both ends are the same")
	}
	if t.MTU != 0 && (t.MTU < 68 || t.MTU > 65535) {
		fault("mtu", "write 68 to 65535")
	}
	if t.TTL < 0 || t.TTL > 255 {
		fault("ttl", "write 1 to 255, or leave it out")
	}
	for attr, name := range map[string]string{"vrf": t.VRF, "acl_in": t.ACLIn} {
		if err := checkName(name); name != "" && err != nil {
			fault(attr, "%v", err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if t.Description != "" {
		if err := checkLines("description", []string{t.header()}, []string{"description " + t.Description}); err != nil {
			return err
		}
	}
	return possible("", t.Wants())
}

// isTunnel tells whether a word is a tunnel's full name.
func isTunnel(word string) bool {
	n, err := strconv.Atoi(strings.TrimPrefix(word, "Tunnel"))
	return err == nil && n >= 0 && word == fmt.Sprintf("Tunnel%d", n)
}

// isInterface tells whether a word is the full name of an interface that may give a tunnel its source.
func isInterface(word string) bool {
	for _, p := range []string{"Ethernet", "Loopback", "Management", "Port-Channel", "Vlan"} {
		if rest, ok := strings.CutPrefix(word, p); ok && rest != "" && strings.Trim(rest, "0123456789/.") == "" {
			return true
		}
	}
	return false
}

// Plan compares the interface, looks for its source, and asks whether it is up.
func (t *Tunnel) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o, err := t.look(ctx, h, t)
	if err != nil {
		return modules.Change{}, err
	}
	if missing := t.missing(o.after); len(missing) > 0 {
		var c modules.Change
		for _, m := range missing {
			c.Refuse(m.attr, m.got, m.want, m.why)
		}
		return c, nil
	}
	c, inForce := t.decide(o, t)
	if !t.Absent && inForce {
		return c, t.programmed(ctx, h, &c)
	}
	if t.Absent && configures(c) {
		c.Destroy("the tunnel " + t.Name + " and what goes through it")
	}
	return c, nil
}

// missing is what the tunnel names and the switch will not have.
func (t *Tunnel) missing(after *eosconf.Config) []refusal {
	if t.Absent {
		return nil
	}
	var out []refusal
	all := interfaces(after)
	holder := holderOf(all, t.Source)
	switch {
	case holder == nil:
		out = append(out, refusal{"source", "no interface has " + t.Source, t.Source, "EOS takes a tunnel from an address that the switch does not have, and it never comes up: bring the address in this plan (eos_section with the loopback), or write one that is there"})
	case holder.name == t.Name:
		out = append(out, refusal{"source", t.Name + " itself has " + t.Source, t.Source, "a tunnel cannot start from its own inside: write an address of another interface"})
	}
	for _, i := range all {
		if i.name != t.Name && i.isTunnel() && i.destination == t.Destination && i.source == t.Source {
			out = append(out, refusal{"ends", i.name + " has these ends", t.Name, "two GRE tunnels between the same ends cannot be told apart: take another source address, as Loopback101 gives it"})
		}
	}
	if t.VRF != "" && !after.Has("vrf instance "+t.VRF) {
		out = append(out, refusal{"vrf", "(none)", t.VRF, "there is no such VRF: add eos_vrf \"" + t.VRF + "\""})
	}
	if t.ACLIn != "" && !after.Has("ip access-list "+t.ACLIn) {
		out = append(out, refusal{"acl_in", "(none)", t.ACLIn, "there is no such list, and an interface with a list that is not there filters nothing: add eos_acl \"" + t.ACLIn + "\""})
	}
	return out
}
