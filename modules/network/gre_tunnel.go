package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// GRETunnelKind is a GRE tunnel over IPv4.
var GRETunnelKind = modules.Kind{
	Name:     "gre_tunnel",
	Label:    "the interface's name: gre-ashburn",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "A GRE tunnel over IPv4. A tunnel of this name with other ends, another key or TTL is drift, not a tunnel that exists: it is changed in place, so that its index, addresses and routes stay. " +
		"At boot bisc-net-gre-tunnel-NAME.service makes it. Every change is done behind a dead-man's switch.",
	Checks: []string{
		"now: an interface of this name that is a GRE tunnel, its two ends, TTL, key and MTU, and that it is up; its address, where one is written; whether another tunnel has the same ends; whether the kernel has GRE at all",
		"after boot: the unit's file, links, and whether its lines worked when they ran last",
	},
	Losses: []modules.Loss{{
		What: "the tunnel, with its addresses and routes, and what goes through it", When: "absent = true",
		Guards: []string{"interface as shown: the same name with the same index", "file unchanged: the unit's file still has the content that was seen"},
	}},
	Example: `gre_tunnel "gre-ashburn" {
  local   = "186.233.184.235"
  remote  = "209.42.167.137"
  mtu     = 8972
  address = "169.254.100.1/31"
}
`,
	New: func(label string) modules.Resource { return &GRETunnel{Name: label, TTL: 64} },
}

// GRETunnel is the resource of GRETunnelKind.
type GRETunnel struct {
	Name    string
	Local   string `hcl:"local" doc:"this host's end"`
	Remote  string `hcl:"remote" doc:"the other end"`
	TTL     int    `hcl:"ttl,optional" doc:"of the outer packet, 1 to 255; 0 takes that of the inner one" default:"64"`
	Key     int    `hcl:"key,optional" doc:"a number that both ends have, to tell tunnels between the same ends apart. Default: none"`
	MTU     int    `hcl:"mtu,optional" doc:"in bytes. Default: as the kernel sets it"`
	Address string `hcl:"address,optional" doc:"an address with its prefix; ip_address blocks may add others"`
	Absent  bool   `hcl:"absent,optional" doc:"no interface of this name that is a GRE tunnel, and no unit that makes it" default:"false"`

	others []string // addresses that the plan's ip_address blocks bring to it
}

// Validate checks that ip(8) takes it.
func (g *GRETunnel) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if err := checkDevice(g.Name); err != nil {
		fault("", "%v", err)
	} else if g.Name == "gre0" {
		fault("", "gre0 is the kernel's own, and takes what no tunnel does: choose another name")
	}
	for attr, text := range map[string]string{"local": g.Local, "remote": g.Remote} {
		if a, err := netip.ParseAddr(text); err != nil || !a.Is4() || a.IsUnspecified() {
			fault(attr, "%q is not an IPv4 address", text)
		}
	}
	if g.Local == g.Remote {
		fault("remote", "both ends are the same")
	}
	if g.TTL < 0 || g.TTL > 255 {
		fault("ttl", "write 0 to 255")
	}
	if g.Key < 0 || g.Key > 1<<32-1 {
		fault("key", "write 0 to 4294967295")
	}
	if g.MTU != 0 && (g.MTU < 68 || g.MTU > 65511) {
		fault("mtu", "write 68 to 65511")
	}
	if p, err := netip.ParsePrefix(g.Address); g.Address != "" && (err != nil || !p.Addr().Is4()) {
		fault("address", "%q is not an IPv4 address with a prefix: write 169.254.100.1/31", g.Address)
	}
	return errors.Join(append(faults, g.boot().Validate())...)
}

// Owns the interface, its address and the unit.
func (g *GRETunnel) Owns() []string {
	out := append(g.boot().Owns(), "interface:"+g.Name)
	if g.Address != "" {
		out = append(out, "address:"+g.Address+" on "+g.Name)
	}
	return out
}

// Meet learns which addresses of the tunnel are other blocks'.
func (g *GRETunnel) Meet(all []modules.Resource) {
	g.others = nil
	for _, a := range addressesOf(all, g) {
		if p, ok := strings.CutSuffix(a, " "+g.Name); ok {
			g.others = append(g.others, p)
		}
	}
}

// ends are the arguments that make the tunnel what it is.
func (g *GRETunnel) ends() []string {
	ttl := strconv.Itoa(g.TTL)
	if g.TTL == 0 {
		ttl = "inherit"
	}
	out := []string{"type", "gre", "local", g.Local, "remote", g.Remote, "ttl", ttl}
	if g.Key != 0 {
		out = append(out, "key", strconv.Itoa(g.Key))
	}
	return out
}

func (g *GRETunnel) make() []string {
	return append([]string{"ip", "link", "add", "name", g.Name}, g.ends()...)
}

// change says that there is no key, too: what a change does not name stays as it was.
func (g *GRETunnel) change() []string {
	out := append([]string{"ip", "link", "set", "dev", g.Name}, g.ends()...)
	if g.Key == 0 {
		out = append(out, "nokey")
	}
	return out
}

func (g *GRETunnel) setUp() []string {
	out := []string{"ip", "link", "set", "dev", g.Name}
	if g.MTU != 0 {
		out = append(out, "mtu", strconv.Itoa(g.MTU))
	}
	return append(out, "up")
}

func (g *GRETunnel) bringAddress() []string {
	return []string{"ip", "address", "replace", g.Address, "dev", g.Name}
}

// boot makes the tunnel, whose failure is no news where it is there, and then has it as wanted, which is.
func (g *GRETunnel) boot() Boot {
	b := Boot{Slug: Slug("gre-tunnel", g.Name), About: "GRE tunnel " + g.Name, Again: networks(),
		Start: []Line{{Argv: g.make(), MayFail: true}, {Argv: g.change()}, {Argv: g.setUp()}}}
	if g.Address != "" {
		b.Start = append(b.Start, Line{Argv: g.bringAddress()})
	}
	return b
}

// seenTunnel is what was observed.
type seenTunnel struct {
	devices []device
	noGRE   bool          // the kernel has none, and no module of it
	routes  []kernelRoute // by the device, asked only where it is to go
}

// Plan asks for the interfaces, and whether the kernel has GRE.
func (g *GRETunnel) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var o seenTunnel
	var unit Booted
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { o.devices, err = askDevices(ctx, h); return err },
		func(ctx context.Context) (err error) { o.noGRE, err = lacksGRE(ctx, h); return err },
		func(ctx context.Context) (err error) { unit, err = g.boot().Plan(ctx, h, g.Absent); return err },
	)
	if err == nil && g.Absent && find(o.devices, g.Name) != nil {
		err = askIP(ctx, h, &o.routes, "-N", "-4", "route", "show", "table", "all", "dev", g.Name)
	}
	if err != nil {
		return modules.Change{}, err
	}
	return unit.Join(g.decide(o, unit)), nil
}

// lacksGRE tells whether the kernel can make no GRE tunnel: the module is neither there nor to be had.
func lacksGRE(ctx context.Context, h host.Reader) (bool, error) {
	_, err := h.Stat(ctx, "/sys/module/ip_gre")
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look for the kernel's GRE: %w", err)
	}
	out, err := h.Query(ctx, "modinfo", "ip_gre")
	if errors.Is(err, host.ErrNoProgram) {
		return false, nil // not known: the step will tell
	}
	if err != nil {
		return false, fmt.Errorf("look for the kernel's GRE: %w", err)
	}
	return out.Exit != 0, nil
}

// decide is the live half.
func (g *GRETunnel) decide(o seenTunnel, unit Booted) modules.Change {
	var c modules.Change
	d := find(o.devices, g.Name)
	switch {
	case d != nil && d.Link.Kind != "gre":
		c.Refuse("tunnel", "an interface that is no GRE tunnel ("+orNone(d.Link.Kind)+")", "a GRE tunnel", "something else has the name: choose another, or take that away")
	case g.Absent:
		if d != nil {
			g.removal(&c, d, o.routes)
		}
	case d == nil && o.noGRE:
		c.Refuse("tunnel", "(none)", "a GRE tunnel", "the kernel has no GRE: modinfo finds no ip_gre. Boot a kernel that has it (on Ubuntu it is in linux-modules-extra)")
	case d == nil:
		if other := g.rival(o.devices); other != "" {
			c.Refuse("ends", other+" has these ends and this key", g.Name, "the kernel makes no second tunnel between the same ends with the same key: take that one away (ip link del "+other+"), or give this one a key")
			return c
		}
		c.Differ("tunnel", "(none)", g.Local+" -> "+g.Remote)
		for _, l := range g.boot().Start {
			c.Do(host.Script{Argv: l.Argv})
		}
		c.Steps = append(c.Steps[:1], c.Steps[2:]...) // it is made as wanted
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: []string{"ip", "link", "del", "dev", g.Name}, MayFail: true})
	default:
		g.compare(&c, d)
		g.forget(&c, d, g.former(unit))
	}
	return c
}

// forget takes the address of the unit's old line away.
func (g *GRETunnel) forget(c *modules.Change, d *device, old string) {
	for _, a := range d.Addresses {
		if a.prefix() == old {
			c.Differ("former", old+" ("+byOldLines+")", orNone(g.Address))
			c.Destroy("the address " + old + " of " + g.Name + ", and every connection that uses it")
			(&IPAddress{}).drop(c, d, a)
		}
	}
}

// rival is another tunnel that the kernel takes for the same.
func (g *GRETunnel) rival(devices []device) string {
	for _, d := range devices {
		if d.Link.Kind == "gre" && d.Name != g.Name && d.Link.Data.Local == g.Local && d.Link.Data.Remote == g.Remote && keyOf(d.Link.Data.IKey) == g.Key {
			return d.Name
		}
	}
	return ""
}

// keyOf is a key as ip(8) writes it: four numbers with dots, or nothing.
func keyOf(dotted string) int {
	a, err := netip.ParseAddr(dotted)
	if err != nil || !a.Is4() {
		return 0
	}
	b := a.As4()
	return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
}

// asIs is the tunnel as it stands.
func asIs(d *device) *GRETunnel {
	data := d.Link.Data
	return &GRETunnel{Name: d.Name, Local: orAny(data.Local), Remote: orAny(data.Remote), TTL: data.TTL, Key: keyOf(data.IKey), MTU: d.MTU}
}

func orAny(s string) string {
	if s == "" || s == "any" {
		return "any"
	}
	return s
}

func (g *GRETunnel) compare(c *modules.Change, d *device) {
	was := asIs(d)
	before := len(c.Diffs)
	c.Differ("local", was.Local, g.Local)
	c.Differ("remote", was.Remote, g.Remote)
	c.Differ("ttl", strconv.Itoa(was.TTL), strconv.Itoa(g.TTL))
	c.Differ("key", d.Link.Data.IKey+"/"+d.Link.Data.OKey, g.keyText())
	if len(c.Diffs) > before {
		c.Do(d.act(g.change()...))
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: was.change()})
	}
	up := false
	for _, f := range d.Flags {
		up = up || f == "UP"
	}
	before = len(c.Diffs)
	if g.MTU != 0 && c.Differ("mtu", strconv.Itoa(was.MTU), strconv.Itoa(g.MTU)) {
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: []string{"ip", "link", "set", "dev", g.Name, "mtu", strconv.Itoa(was.MTU)}})
	}
	if !up {
		c.Differ("up", "down", "up")
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: []string{"ip", "link", "set", "dev", g.Name, "down"}})
	}
	if len(c.Diffs) > before {
		c.Do(d.act(g.setUp()...))
	}
	g.compareAddress(c, d)
}

func (g *GRETunnel) keyText() string {
	if g.Key == 0 {
		return "/"
	}
	dotted := netip.AddrFrom4([4]byte{byte(g.Key >> 24), byte(g.Key >> 16), byte(g.Key >> 8), byte(g.Key)}).String()
	return dotted + "/" + dotted
}

func (g *GRETunnel) compareAddress(c *modules.Change, d *device) {
	if g.Address == "" {
		return
	}
	for _, a := range d.Addresses {
		if a.prefix() == g.Address {
			return
		}
	}
	c.Differ("address", "(none)", g.Address)
	c.Do(d.act(g.bringAddress()...))
	c.Back.Acts = append(c.Back.Acts, host.Act{Argv: []string{"ip", "address", "del", g.Address, "dev", g.Name}, MayFail: true})
}

// removal takes the tunnel away. A revert makes it anew, with another index, so that what hung on it is given by name.
func (g *GRETunnel) removal(c *modules.Change, d *device, routes []kernelRoute) {
	was := asIs(d)
	c.Differ("tunnel", was.Local+" -> "+was.Remote, "(none)")
	c.Destroy("the tunnel " + g.Name + ", with its addresses and " + strconv.Itoa(len(routes)) + " routes, and what goes through it")
	c.Do(d.act("ip", "link", "del", "dev", g.Name))
	back := [][]string{was.make(), was.setUp()}
	for _, a := range d.Addresses {
		if a.Family == "inet" {
			back = append(back, append([]string{"ip", "address", "replace"}, a.words(d.Name)...))
		}
	}
	for _, k := range routes {
		if k.Protocol != "2" { // the kernel's own come with the address
			k.Dev = g.Name // "show dev" leaves it out
			back = append(back, append([]string{"ip", "-4", "route", "replace"}, k.words()...))
		}
	}
	for i, argv := range back { // the unit that comes back may have made it already
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: argv, MayFail: i == 0})
	}
}
