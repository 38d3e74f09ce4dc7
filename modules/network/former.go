package network

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// What the unit's lines of before brought is still in the kernel when the plan names another thing: another destination, table,
// metric, interface or priority makes another route, address or rule, and nobody would ask for the old one again. The old lines
// are read from the unit's file as it stands, before it is written anew.

// askLines gives the words of a unit file's ExecStart= lines; none where there is no such file. Lines with quotes are none of
// those that are looked for.
func askLines(ctx context.Context, h host.Reader, name string) ([][]string, error) {
	text, err := readIfThere(ctx, h, name)
	var out [][]string
	for line := range strings.Lines(string(text)) {
		if words, ok := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="); ok {
			out = append(out, strings.Fields(strings.NewReplacer("%%", "%", "$$", "$").Replace(strings.TrimPrefix(words, "-"))))
		}
	}
	return out, err
}

// after gives what follows these words in the first line that begins with them; nil where none does.
func (o Booted) after(words ...string) []string {
	for _, l := range o.was {
		if len(l) > len(words) && slices.Equal(l[:len(words)], words) {
			return l[len(words):]
		}
	}
	return nil
}

// options are pairs of words by the first of each.
func options(words []string) map[string]string {
	out := map[string]string{}
	for i := 0; i+1 < len(words); i += 2 {
		out[words[i]] = words[i+1]
	}
	return out
}

const byOldLines = "by the unit's lines of before"

// former is the route of the unit's old line; not ok where it is the present one, or there is none.
func (r *IPRoute) former(unit Booted) (dst netip.Prefix, was kernelRoute, ok bool) {
	words := unit.after("ip", "-4", "route", "replace")
	if words == nil {
		words = unit.after("ip", "-6", "route", "replace")
	}
	if len(words) > 0 && slices.Contains([]string{"blackhole", "unreachable", "prohibit"}, words[0]) {
		was.Type, words = words[0], words[1:]
	}
	if len(words) == 0 {
		return dst, was, false
	}
	old := IPRoute{Destination: words[0]}
	with := words[1:]
	if i := slices.Index(with, "onlink"); i >= 0 {
		with, was.Flags = slices.Delete(slices.Clone(with), i, i+1), []string{"onlink"}
	}
	o := options(with)
	if old.Via = o["via"]; slices.Contains(unit.was[0], "-6") && old.Destination == "default" {
		old.Destination = "::/0"
	}
	dst, err := old.prefix()
	was.Dst, was.Gateway, was.Dev, was.Table, was.PrefSrc = dst.String(), o["via"], o["dev"], o["table"], o["src"]
	was.Metric, _ = strconv.Atoi(o["metric"])
	if mtu, _ := strconv.Atoi(o["mtu"]); mtu > 0 {
		was.Metrics = append(was.Metrics, struct{ MTU int }{mtu})
	}
	return dst, was, err == nil
}

// same tells whether two routes have one key.
func (r kernelRoute) same(other kernelRoute) bool {
	return r.table() == other.table() && r.Metric == other.Metric
}

// left are the routes that stand as the unit's old line made them, and are none of the plan's.
func (r *IPRoute) left(ctx context.Context, h host.Reader, unit Booted, now int) ([]kernelRoute, error) {
	dst, was, ok := r.former(unit)
	if own, err := r.prefix(); !ok || err != nil || own == dst && was.same(r.want(now)) {
		return nil, err
	}
	for _, other := range r.others {
		p, err := other.prefix()
		if err != nil || p != dst {
			continue
		}
		table, _, err := r.tables.number(ctx, h, other.Table)
		if err != nil || was.same(other.want(table)) {
			return nil, err
		}
	}
	routes, err := askRoutes(ctx, h, dst)
	routes = slices.DeleteFunc(routes, func(k kernelRoute) bool { return !k.same(was) || len(unlike(k, was)) > 0 })
	for i := range routes {
		routes[i].Dst = was.Dst // with its length, by which the family is told
	}
	return routes, err
}

// forget takes them away.
func (r *IPRoute) forget(c *modules.Change, o seenRoute) {
	for _, k := range o.left {
		c.Differ("former", k.Dst+" "+k.String()+" ("+byOldLines+")", "(none)")
		c.Destroy("the route " + k.Dst + " " + k.String() + ", and what goes by it")
		old := IPRoute{Destination: k.Dst}
		old.drop(c, o.devices, k)
	}
}

// former is the address of the unit's old line, and its interface; empty where it is the present one, or there is none.
func (a *IPAddress) former(unit Booted) (prefix, device string) {
	words := unit.after("ip", "address", "replace")
	if len(words) < 3 || words[1] != "dev" {
		return "", ""
	}
	if own, _ := a.prefix(); own.String() == words[0] && a.Device == words[2] {
		return "", ""
	}
	return words[0], words[2]
}

// forget takes the address of the unit's old line away, where it is none of the plan's.
func (a *IPAddress) forget(c *modules.Change, devices []device, prefix, device string) {
	d := find(devices, device)
	if d == nil || slices.Contains(a.others, prefix+" "+device) {
		return
	}
	for _, h := range d.Addresses {
		if h.prefix() == prefix {
			c.Differ("former", prefix+" on "+device+" ("+byOldLines+")", "(none)")
			c.Destroy("the address " + prefix + " of " + device + ", and every connection that uses it")
			a.drop(c, d, h)
		}
	}
}

// former is the rule of the unit's old line; not ok where there is none.
func (r *IPRule) former(unit Booted) (was kernelRule, selector string, ok bool) {
	words := unit.after("ip", r.family(), "rule", "add")
	if len(words) < 4 || words[0] != "pref" || words[len(words)-2] != "table" {
		return was, "", false
	}
	was.Priority, _ = strconv.Atoi(words[1])
	was.Table = words[len(words)-1]
	taken := slices.ContainsFunc(r.others, func(o *IPRule) bool { return o.family() == r.family() && o.Priority == was.Priority })
	return was, strings.Join(words[2:len(words)-2], " "), !taken
}

// former is the address of the unit's old line; empty where it is the present one, or there is none.
func (g *GRETunnel) former(unit Booted) string {
	words := unit.after("ip", "address", "replace")
	if len(words) == 0 || words[0] == g.Address || slices.Contains(g.others, words[0]) {
		return ""
	}
	return words[0]
}
