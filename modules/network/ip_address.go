package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// IPAddressKind is an address of a network interface.
var IPAddressKind = modules.Kind{
	Name:     "ip_address",
	Label:    "the address with its prefix: 137.239.194.65/32",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "An address of a network interface, beside those that the interface has from elsewhere; `lo` holds addresses that packets are only answered from. " +
		"At boot bisc-net-ip-address-ADDRESS.service puts it there, and again when systemd-networkd or networking restarts. Every change is done behind a dead-man's switch.",
	Checks: []string{
		"now: the address with this prefix, scope and label on this interface (by name and index); the same address with another prefix; the same address on another interface (told, and left); a lifetime that ends; a duplicate on the network (IPv6); the address and interface that the unit's lines of before brought",
		"after boot: the unit's file, links, and whether its lines worked when they ran last; whether a restart of systemd-networkd takes the address away",
	},
	Losses: []modules.Loss{{
		What: "the address, and every connection that uses it", When: "absent = true, scope or label differ, or the plan has another address or interface than the unit had",
		Guards: []string{"interface as shown: the same name with the same index"},
	}},
	Example: `ip_address "198.51.100.65/32" {
  device = "lo"
}
`,
	New: func(label string) modules.Resource { return &IPAddress{Name: label} },
}

// IPAddress is the resource of IPAddressKind.
type IPAddress struct {
	Name    string
	Address string `hcl:"address,optional" doc:"the address with its prefix, where the label is another word. Default: the label"`
	Device  string `hcl:"device" doc:"the network interface"`
	Scope   string `hcl:"scope,optional" doc:"global, link or host (IPv4). Default: global, and host for 127.0.0.0/8"`
	Label   string `hcl:"address_label,optional" doc:"IPv4: a label, as in eno1:relay. Default: none is asked for, and any is let be"`
	Absent  bool   `hcl:"absent,optional" doc:"no such address on the interface, and no unit that brings it" default:"false"`

	after  []string
	others []string // of the plan: "192.0.2.1/32 lo"
}

func (a *IPAddress) text() string {
	if a.Address != "" {
		return a.Address
	}
	return a.Name
}

// prefix is the address; without a length it stands for itself alone.
func (a *IPAddress) prefix() (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(a.text()); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(a.text())
}

// Validate checks that ip(8) takes it.
func (a *IPAddress) Validate() error {
	var faults []error
	p, err := a.prefix()
	if err != nil || p.Addr().Zone() != "" {
		faults = append(faults, &modules.AttrError{Attr: "address", Reason: fmt.Sprintf("%q is not an address with a prefix: write 198.51.100.65/32", a.text())})
	}
	if err := checkDevice(a.Device); err != nil {
		faults = append(faults, &modules.AttrError{Attr: "device", Reason: err.Error()})
	}
	switch a.Scope {
	case "", "global", "link", "host":
	default:
		faults = append(faults, &modules.AttrError{Attr: "scope", Reason: fmt.Sprintf("%q is no scope: write global, link or host", a.Scope)})
	}
	if err == nil && p.Addr().Is6() && (a.Scope != "" || a.Label != "") {
		faults = append(faults, &modules.AttrError{Attr: "scope", Reason: "the kernel gives IPv6 addresses their scope, and no label: leave both out"})
	}
	if a.Label != "" && (len(a.Label) > 15 || !strings.HasPrefix(a.Label, a.Device) || strings.ContainsAny(a.Label, " \t\n/")) {
		faults = append(faults, &modules.AttrError{Attr: "address_label", Reason: fmt.Sprintf("%q is no label: it begins with the interface's name, as in %s:relay, and has at most 15 characters", a.Label, a.Device)})
	}
	return errors.Join(append(faults, a.boot().Validate())...)
}

// Owns the address on the interface, and the unit.
func (a *IPAddress) Owns() []string {
	return append(a.boot().Owns(), "address:"+a.text()+" on "+a.Device)
}

// Meet learns which unit brings the interface.
func (a *IPAddress) Meet(all []modules.Resource) {
	a.after, a.others = bringers(all, a.Device, "", ""), addressesOf(all, a)
}

// addressesOf are the addresses that the plan's other resources bring, with their interfaces.
func addressesOf(all []modules.Resource, but modules.Resource) (out []string) {
	for _, r := range all {
		switch r := r.(type) {
		case *IPAddress:
			if p, err := r.prefix(); err == nil && r != but && !r.Absent {
				out = append(out, p.String()+" "+r.Device)
			}
		case *GRETunnel:
			if r != but && !r.Absent {
				out = append(out, r.Address+" "+r.Name)
			}
		}
	}
	return out
}

func (a *IPAddress) boot() Boot {
	return Boot{
		Slug: Slug("ip-address", a.Name), About: "Address " + a.text() + " on " + a.Device, After: a.after, Again: networks(),
		Start: []Line{{Argv: append([]string{"ip", "address", "replace"}, a.words()...)}},
	}
}

// networks are the units that configure interfaces anew when they start: what they flush comes back after them.
func networks() []string { return []string{"systemd-networkd.service", "networking.service"} }

func (a *IPAddress) words() []string {
	p, _ := a.prefix() // Validate has read it
	want := held{Family: "inet", Local: p.Addr(), Bits: p.Bits(), Scope: a.scope(), Label: a.Label}
	if p.Addr().Is6() {
		want.Family = "inet6"
	}
	return want.words(a.Device)
}

func (a *IPAddress) scope() string {
	if p, err := a.prefix(); a.Scope == "" && err == nil {
		if p.Addr().IsLoopback() {
			return "host"
		}
		return "global"
	}
	return a.Scope
}

// Plan asks for all of it at once.
func (a *IPAddress) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var devices []device
	var unit Booted
	var rival networkd
	var operators []netip.Addr
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { operators, err = askOperators(ctx, h); return err },
		func(ctx context.Context) (err error) { devices, err = askDevices(ctx, h); return err },
		func(ctx context.Context) (err error) { unit, err = a.boot().Plan(ctx, h, a.Absent); return err },
		func(ctx context.Context) (err error) { rival, err = askNetworkd(ctx, h); return err },
	)
	if err != nil {
		return modules.Change{}, err
	}
	live := a.decide(devices, unit)
	c := unit.Join(live)
	own, _ := a.prefix() // Validate has read it
	covers(&c, operators, own)
	if d := find(devices, a.Device); d != nil && !a.Absent {
		return c, rival.takes(ctx, h, &c, d, address)
	}
	return c, nil
}

// decide is the live half.
func (a *IPAddress) decide(devices []device, unit Booted) modules.Change {
	var c modules.Change
	want, _ := a.prefix() // Validate has read it
	prefix, on := a.former(unit)
	d := find(devices, a.Device)
	if d == nil {
		if a.Absent {
			a.forget(&c, devices, prefix, on)
		} else {
			c.Refuse("device", "(none)", a.Device, noDevice(a.Device))
		}
		return c
	}
	var exact *held
	for i, h := range d.Addresses {
		if h.Local == want.Addr() && h.Bits == want.Bits() {
			exact = &d.Addresses[i]
		}
	}
	if a.Absent {
		if exact != nil {
			a.removal(&c, d, *exact)
		}
		a.forget(&c, devices, prefix, on)
		return c
	}
	a.present(&c, d, exact)
	a.strangers(&c, devices, d, want, prefix+" "+on)
	if p, err := netip.ParsePrefix(prefix); err == nil && (p.Addr() != want.Addr() || on != a.Device) && (exact == nil || !exact.Failed) { // else it is a stranger
		a.forget(&c, devices, prefix, on)
	}
	return c
}

func (a *IPAddress) removal(c *modules.Change, d *device, h held) {
	c.Differ("address", h.prefix(), "(none)")
	lost := "the address " + h.prefix() + " of " + d.Name + ", and every connection that uses it"
	for _, o := range d.dependents(h) {
		lost += "; with it " + o.prefix() + ", unless promote_secondaries is set"
	}
	c.Destroy(lost)
	a.drop(c, d, h)
}

// drop takes an address away. The kernel takes routes that have it as their source with it, which is why a revert restores
// the table.
func (a *IPAddress) drop(c *modules.Change, d *device, h held) {
	c.Do(d.act("ip", "address", "del", h.prefix(), "dev", d.Name))
	for _, back := range append([]held{h}, d.dependents(h)...) {
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: append([]string{"ip", "address", "replace"}, back.words(d.Name)...)})
	}
	c.Back.Routes = true
}

func (a *IPAddress) present(c *modules.Change, d *device, exact *held) {
	put := append([]string{"ip", "address", "replace"}, a.words()...)
	if exact == nil {
		c.Differ("address", "(none)", a.text())
		c.Do(d.act(put...))
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: []string{"ip", "address", "del", a.text(), "dev", d.Name}, MayFail: true})
		return
	}
	scope := exact.Family == "inet" && c.Differ("scope", exact.Scope, a.scope())
	label := a.Label != "" && c.Differ("label", orNone(exact.Label), a.Label)
	switch {
	case exact.Failed:
		c.Refuse("duplicate", "another host on the network has it", "none", "the kernel found it in use (dadfailed) and does not use it: find the other host")
	case scope || label:
		c.Destroy("the connections that use " + exact.prefix() + " on " + d.Name + ", for the moment: scope and label only change by taking it away and putting it back")
		a.drop(c, d, *exact)
		c.Do(d.act(put...))
	case exact.Lifetime != forever:
		c.Differ("lifetime", "ends, if nobody renews it", "forever")
		c.Do(d.act(put...))
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: append(append([]string{"ip", "address", "change"}, exact.words(d.Name)...), "valid_lft", fmt.Sprint(exact.Lifetime), "preferred_lft", fmt.Sprint(exact.Lifetime))})
	}
}

// strangers are the same address elsewhere: with another prefix on the interface, or on another interface.
func (a *IPAddress) strangers(c *modules.Change, devices []device, d *device, want netip.Prefix, former string) {
	for _, o := range devices {
		for _, h := range o.Addresses {
			switch {
			case h.Local != want.Addr() || o.Index == d.Index && h.Bits == want.Bits():
			case h.prefix()+" "+o.Name == former && o.Index != d.Index: // it goes
			case o.Index == d.Index:
				c.Differ("prefix", h.prefix(), "only "+want.String())
				c.Destroy("the address " + h.prefix() + " of " + d.Name + " (another prefix of the same address)")
				a.drop(c, d, h)
			default:
				c.Refuse("also on", o.Name, "only on "+d.Name, fmt.Sprintf("the same address on two interfaces: packets are answered by either. Take it away there: ip address del %s dev %s, and what brings it", h.prefix(), o.Name))
			}
		}
	}
}

// serves tells whether a route needs the address: it holds the gateway, or is the route's source.
func (a *IPAddress) serves(via, src string) bool {
	p, err := a.prefix()
	if err != nil {
		return false
	}
	gateway, err := netip.ParseAddr(via)
	return err == nil && p.Contains(gateway) || src != "" && p.Addr().String() == src
}
