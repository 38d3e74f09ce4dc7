package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"bisc/internal/host"
	"bisc/modules"
)

// IPRouteKind is a route of a table.
var IPRouteKind = modules.Kind{
	Name:     "ip_route",
	Label:    "the destination, or another word where several routes have the same: default, 203.0.113.0/24",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "A route, identified by destination, table and metric. With `probe` the kernel is asked where it would send such a packet, which is what counts: a rule, a route with a longer prefix or a lower metric, rp_filter or " +
		"missing forwarding show there and nowhere else. For packets that are forwarded (`from`, `mark`) it is asked with the interface that they come in by: without it, ip route get answers for packets of the host's own. " +
		"At boot bisc-net-ip-route-LABEL.service puts the route there, and again when systemd-networkd or networking restarts. Every change is done behind a dead-man's switch.",
	Checks: []string{
		"now: exactly one route to this destination with this metric in this table, with this gateway, interface, source, MTU and type; whether its link is up; whether a route with a lower metric wins; whether a routing daemon or DHCP owns it (told, and left); the route of another destination, table or metric that the unit's lines of before brought",
		"now: with probe, the kernel's answer for the packet",
		"after boot: the unit's file, links, and whether its lines worked when they ran last; whether a restart of systemd-networkd takes the route away",
	},
	Losses: []modules.Loss{{
		What: "the route, and what goes by it", When: "absent = true, there is more than one, or the plan has another destination, table or metric than the unit had",
		Guards: []string{"interface as shown: the same name with the same index"},
	}},
	Example: `ip_route "default by ashburn" {
  destination = "default"
  via         = "169.254.100.0"
  device      = "gre-ashburn"
  table       = "ashburn"
  probe       = "203.0.113.7"
  from        = "172.20.0.2"
  mark        = 100
}
`,
	New: func(label string) modules.Resource { return &IPRoute{Name: label, Type: "unicast"} },
}

// IPRoute is the resource of IPRouteKind.
type IPRoute struct {
	Name        string
	Destination string `hcl:"destination,optional" doc:"a prefix, an address, or default. Default: the label"`
	Via         string `hcl:"via,optional" doc:"the gateway's address"`
	Device      string `hcl:"device,optional" doc:"the network interface. Needed for type unicast"`
	Table       string `hcl:"table,optional" doc:"the table's name or number; a name is that of a route_table block or of the host's rt_tables; a VRF is named by its table" default:"\"main\""`
	Metric      int    `hcl:"metric,optional" doc:"lower wins. Default: 0, and 1024 for IPv6"`
	Src         string `hcl:"src,optional" doc:"the source address of the host's own packets"`
	MTU         int    `hcl:"mtu,optional" doc:"the path's MTU in bytes. Default: the interface's"`
	Onlink      bool   `hcl:"onlink,optional" doc:"the gateway is on the link although no address says so" default:"false"`
	Type        string `hcl:"type,optional" doc:"unicast, blackhole, unreachable or prohibit" default:"\"unicast\""`
	Probe       string `hcl:"probe,optional" doc:"an address to ask the kernel for; its answer must be this route"`
	From        string `hcl:"from,optional" doc:"of the packet to ask for: its source, where the host forwards it"`
	IIF         string `hcl:"iif,optional" doc:"of the packet to ask for: the interface that it comes in by. Default: the one by which from is reached, whatever docker calls its bridge today"`
	Mark        int    `hcl:"mark,optional" doc:"of the packet to ask for: its mark"`
	Absent      bool   `hcl:"absent,optional" doc:"no such route, and no unit that brings it" default:"false"`

	after  []string
	tables tables
	others []*IPRoute // of the plan
}

func (r *IPRoute) destination() string {
	if r.Destination != "" {
		return r.Destination
	}
	return r.Name
}

// prefix is the destination; default is 0.0.0.0/0, or ::/0 where the gateway says so.
func (r *IPRoute) prefix() (netip.Prefix, error) {
	text := r.destination()
	if via, err := netip.ParseAddr(r.Via); text == "default" && err == nil && via.Is6() {
		return netip.MustParsePrefix("::/0"), nil
	}
	if text == "default" {
		return netip.MustParsePrefix("0.0.0.0/0"), nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// Validate checks the words and how they go together.
func (r *IPRoute) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	p, err := r.prefix()
	switch {
	case err != nil:
		fault("destination", "%q is not a destination: write default, 203.0.113.0/24 or an address", r.destination())
	case p.Masked() != p:
		fault("destination", "%s has bits beyond its length: write %s", p, p.Masked())
	}
	for attr, text := range map[string]string{"via": r.Via, "src": r.Src, "probe": r.Probe, "from": r.From} {
		if a, bad := netip.ParseAddr(text); text != "" && bad != nil {
			fault(attr, "%q is not an address", text)
		} else if text != "" && err == nil && a.Is4() != p.Addr().Is4() {
			fault(attr, "%s is of another family than %s", text, p)
		} else if attr == "probe" && text != "" && err == nil && !p.Contains(a) {
			fault(attr, "%s is not within %s", text, p)
		}
	}
	switch r.Type {
	case "unicast":
		if r.Device == "" {
			fault("device", "write the interface that it leaves by: the kernel would choose one by the gateway, and another one another day")
		}
	case "blackhole", "unreachable", "prohibit":
		if r.Via != "" || r.Device != "" || r.Src != "" || r.Probe != "" {
			fault("type", "a route of type %s leads nowhere: it has no via, device, src or probe", r.Type)
		}
	default:
		fault("type", "%q is no type: write unicast, blackhole, unreachable or prohibit", r.Type)
	}
	for attr, name := range map[string]string{"device": r.Device, "iif": r.IIF} {
		if err := checkDevice(name); name != "" && err != nil {
			fault(attr, "%v", err)
		}
	}
	if r.Metric < 0 || r.MTU < 0 || r.Mark < 0 || r.Mark > 1<<32-1 {
		fault("metric", "metric, mtu and mark are not negative, and no larger than 4294967295")
	}
	if r.Probe == "" && (r.From != "" || r.IIF != "" || r.Mark != 0) {
		fault("probe", "from, iif and mark are of the packet to ask for: write its destination as probe")
	}
	if r.From == "" && (r.IIF != "" || r.Mark != 0) {
		fault("from", "write the packet's source: without it and the interface that it comes in by, the kernel answers for a packet of the host's own, which marks of PREROUTING never touch")
	}
	if err := checkTable(r.Table); err != nil {
		fault("table", "%v", err)
	}
	return errors.Join(append(faults, r.boot(0).Validate())...)
}

// Owns the route's key, and the unit.
func (r *IPRoute) Owns() []string {
	key := r.destination()
	if p, err := r.prefix(); err == nil {
		key = p.String()
	}
	return append(r.boot(0).Owns(), fmt.Sprintf("route:%s table %s metric %d", key, orMain(r.Table), r.Metric))
}

// Meet learns the plan's tables, and which units come first.
func (r *IPRoute) Meet(all []modules.Resource) {
	r.tables, r.others = tablesOf(all), nil
	for _, o := range all {
		if o, ok := o.(*IPRoute); ok && o != r && !o.Absent {
			r.others = append(r.others, o)
		}
	}
	r.after = bringers(all, r.Device, r.Via, r.Src)
}

func (r *IPRoute) boot(table int) Boot {
	return Boot{
		Slug: Slug("ip-route", r.Name), About: "Route " + r.destination() + " of table " + orMain(r.Table), After: r.after, Again: networks(),
		Start: []Line{{Argv: r.replace(table)}},
	}
}

// want is the route as the kernel would tell it.
func (r *IPRoute) want(table int) kernelRoute {
	p, _ := r.prefix() // Validate has read it
	k := kernelRoute{Dst: p.String(), Gateway: r.Via, Dev: r.Device, Table: strconv.Itoa(table), PrefSrc: r.Src, Metric: r.metric(), Protocol: "static"}
	if p.Bits() == 0 {
		k.Dst = "default"
	}
	if r.Type != "unicast" {
		k.Type = r.Type
	}
	if r.MTU > 0 {
		k.Metrics = append(k.Metrics, struct{ MTU int }{r.MTU})
	}
	if r.Onlink {
		k.Flags = append(k.Flags, "onlink")
	}
	return k
}

func (r *IPRoute) metric() int {
	if p, err := r.prefix(); err == nil && p.Addr().Is6() && r.Metric == 0 {
		return 1024
	}
	return r.Metric
}

func (r *IPRoute) ip() []string {
	p, _ := r.prefix()
	return []string{"ip", family(p.Addr()), "route"}
}

func (r *IPRoute) replace(table int) []string {
	return append(append(r.ip(), "replace"), r.want(table).words()...)
}

// seenRoute is what was observed.
type seenRoute struct {
	table   int
	unknown string // why the table has no number
	devices []device
	routes  []kernelRoute // to the destination, of all tables
	asked   flow
	answer  kernelRoute
	refused string
	far     []netip.Addr  // of SSH connections
	left    []kernelRoute // of the unit's old line
}

// Plan asks for all of it, then for the packet.
func (r *IPRoute) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var o seenRoute
	var rival networkd
	p, err := r.prefix()
	if err != nil {
		return modules.Change{}, err
	}
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) { o.far, err = askOperators(ctx, h); return err },
		func(ctx context.Context) (err error) { o.devices, err = askDevices(ctx, h); return err },
		func(ctx context.Context) (err error) { o.routes, err = askRoutes(ctx, h, p); return err },
		func(ctx context.Context) (err error) {
			o.table, o.unknown, err = r.tables.number(ctx, h, r.Table)
			return err
		},
		func(ctx context.Context) (err error) { rival, err = askNetworkd(ctx, h); return err },
		func(ctx context.Context) (err error) { return r.probe(ctx, h, &o) },
	)
	if err != nil {
		return modules.Change{}, err
	}
	if o.unknown != "" {
		var c modules.Change
		c.Refuse("table", "(none)", r.Table, o.unknown)
		return c, nil
	}
	unit, err := r.boot(o.table).Plan(ctx, h, r.Absent)
	if err != nil {
		return modules.Change{}, err
	}
	if o.left, err = r.left(ctx, h, unit, o.table); err != nil {
		return modules.Change{}, err
	}
	c := unit.Join(r.decide(o))
	covers(&c, o.far, p)
	if dst, _, ok := r.former(unit); ok {
		covers(&c, o.far, dst)
	}
	if d := find(o.devices, r.Device); !r.Absent && (d != nil || r.Device == "") {
		return c, rival.takes(ctx, h, &c, d, route)
	}
	return c, nil
}

// probe asks for the packet. What comes in from a source comes in by the interface that leads there.
func (r *IPRoute) probe(ctx context.Context, h host.Reader, o *seenRoute) (err error) {
	if r.Probe == "" || r.Absent {
		return nil
	}
	o.asked = flow{to: r.Probe, from: r.From, iif: r.IIF, mark: uint32(r.Mark)}
	if r.From != "" && r.IIF == "" {
		back, refused, err := askFlow(ctx, h, flow{to: r.From})
		switch {
		case err != nil:
			return err
		case refused != "":
			o.refused = fmt.Sprintf("no route leads to %s, so packets from there come in by no interface: %s", r.From, refused)
			return nil
		case back.kind() != "local": // a local address is a packet of the host's own
			o.asked.iif = back.Dev
		}
	}
	o.answer, o.refused, err = askFlow(ctx, h, o.asked)
	return err
}

// decide is the live half.
func (r *IPRoute) decide(o seenRoute) modules.Change {
	var c modules.Change
	d := find(o.devices, r.Device)
	if d == nil && r.Device != "" && !r.Absent {
		c.Refuse("device", "(none)", r.Device, noDevice(r.Device))
		return c
	}
	here := slices.DeleteFunc(slices.Clone(o.routes), func(k kernelRoute) bool { return k.table() != o.table })
	same := slices.DeleteFunc(slices.Clone(here), func(k kernelRoute) bool { return k.Metric != r.metric() })
	if r.Absent {
		for _, k := range same {
			c.Differ("route", k.String(), "(none)")
			c.Destroy("the route " + k.Dst + " " + k.String() + ", and what goes by it")
			r.drop(&c, o.devices, k)
		}
		r.forget(&c, o)
		return c
	}
	if !r.one(&c, o, d, same) {
		return c
	}
	r.forget(&c, o)
	for _, k := range here {
		if k.Metric < r.metric() && !slices.ContainsFunc(o.left, k.same) {
			c.Refuse("in force", "metric "+strconv.Itoa(k.Metric)+": "+k.String(), "this route", "a route to the same destination with a lower metric wins: give this one a lower metric, or take that one away")
		}
	}
	if c.InSync() {
		r.answered(&c, o)
	}
	return c
}

// drop takes a route away exactly as it stands.
func (r *IPRoute) drop(c *modules.Change, devices []device, k kernelRoute) {
	c.Do(actOn(find(devices, k.Dev), append(append(r.ip(), "del"), k.words()...)))
	c.Back.Acts = append(c.Back.Acts, host.Act{Argv: append(append(r.ip(), "append"), k.words()...), MayFail: true})
}

func actOn(d *device, argv []string) host.Step {
	if d == nil {
		return host.Script{Argv: argv}
	}
	return d.act(argv...)
}

// one leaves exactly one route with this key, and that as wanted; it tells whether it can.
func (r *IPRoute) one(c *modules.Change, o seenRoute, d *device, same []kernelRoute) bool {
	want := r.want(o.table)
	good := slices.IndexFunc(same, func(k kernelRoute) bool { return len(unlike(k, want)) == 0 })
	if len(same) > 0 && good < 0 {
		if who := same[0].daemon(); who != "" {
			c.Refuse("route", same[0].String(), want.String(), fmt.Sprintf("the route belongs to %s, which would bring it back: choose another metric, or configure it there", who))
			return false
		}
	}
	switch {
	case len(same) == 0:
		c.Differ("route", "(none)", want.String())
		c.Do(actOn(d, r.replace(o.table)))
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: append(append(r.ip(), "del"), want.words()...), MayFail: true})
	case good < 0:
		c.Diffs = append(c.Diffs, unlike(same[0], want)...)
		c.Do(actOn(d, r.replace(o.table)))
		c.Back.Acts = append(c.Back.Acts, host.Act{Argv: append(append(r.ip(), "replace"), same[0].words()...)})
		good = 0
	}
	for i, k := range same {
		if i == good {
			continue
		}
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "copies", Got: k.String(), Want: "only " + want.String()})
		c.Destroy("the other route with the same destination, table and metric: " + k.String())
		r.drop(c, o.devices, k)
	}
	if len(same) == 1 && good == 0 && (slices.Contains(same[0].Flags, "linkdown") || slices.Contains(same[0].Flags, "dead")) {
		c.Refuse("link", "down", "up", "the route is there, and "+r.Device+" has no carrier: look at the cable, the switch or the tunnel's other end")
	}
	return true
}

// unlike gives what of a route is not as wanted. Who put it there does not matter.
func unlike(got, want kernelRoute) []modules.Diff {
	var c modules.Change
	c.Differ("type", got.kind(), want.kind())
	if len(got.Nexthops) > 0 {
		c.Differ("via", got.String(), orNone(want.gateway()))
		return c.Diffs
	}
	if want.kind() == "unicast" { // IPv6 shows lo for those that lead nowhere
		c.Differ("via", orNone(got.gateway()), orNone(want.gateway()))
		c.Differ("device", orNone(got.Dev), want.Dev)
	}
	c.Differ("src", orNone(got.PrefSrc), orNone(want.PrefSrc))
	c.Differ("mtu", strconv.Itoa(got.mtu()), strconv.Itoa(want.mtu()))
	c.Differ("onlink", strconv.FormatBool(slices.Contains(got.Flags, "onlink")), strconv.FormatBool(slices.Contains(want.Flags, "onlink")))
	return c.Diffs
}

// answered compares the kernel's answer for the packet with the route.
func (r *IPRoute) answered(c *modules.Change, o seenRoute) {
	if r.Probe == "" {
		return
	}
	want := r.want(o.table)
	told := func(k kernelRoute) string {
		text := "dev " + orNone(k.Dev)
		if gw := k.gateway(); gw != "" {
			text = "via " + gw + " " + text
		}
		return text + " table " + strconv.Itoa(k.table())
	}
	got := o.refused
	if got == "" {
		got = told(o.answer)
	}
	if got != told(want) {
		c.Refuse("answer", got, told(want), fmt.Sprintf("asked for %s, the kernel does not take this route: look at ip rule, rp_filter, ip_forward, and routes with a longer prefix", o.asked))
	}
}
