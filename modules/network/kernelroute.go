package network

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// kernelRoute is a route as ip(8) tells it with numbers for names. What is not said is at its default.
type kernelRoute struct {
	Type     string                 `json:"type"`
	Dst      string                 `json:"dst"`
	Gateway  string                 `json:"gateway"`
	Via      *struct{ Host string } `json:"via"` // a gateway of the other family
	Dev      string                 `json:"dev"`
	Table    string                 `json:"table"`
	Protocol string                 `json:"protocol"`
	Scope    string                 `json:"scope"`
	PrefSrc  string                 `json:"prefsrc"`
	Metric   int                    `json:"metric"`
	Flags    []string               `json:"flags"`
	Metrics  []struct{ MTU int }    `json:"metrics"`
	Nexthops []struct {
		Gateway, Dev string
		Weight       int
	} `json:"nexthops"`
}

// What rtnetlink(7) has numbers for. Types that are not here stay numbers.
func routeTypes() map[string]string {
	return map[string]string{"": "unicast", "1": "unicast", "2": "local", "6": "blackhole", "7": "unreachable", "8": "prohibit"}
}

func (r kernelRoute) kind() string {
	if name, ok := routeTypes()[r.Type]; ok {
		return name
	}
	return r.Type
}

// table is the number; main's is left out by ip(8).
func (r kernelRoute) table() int {
	if r.Table == "" {
		return mainTable
	}
	n, err := strconv.Atoi(r.Table)
	if err != nil {
		return -1
	}
	return n
}

func (r kernelRoute) gateway() string {
	if r.Via != nil {
		return r.Via.Host
	}
	return r.Gateway
}

func (r kernelRoute) mtu() int {
	for _, m := range r.Metrics {
		if m.MTU > 0 {
			return m.MTU
		}
	}
	return 0
}

// daemons are the protocols of rt_protos(5) whose routes a program keeps: it puts them back and takes them away as it likes.
func (r kernelRoute) daemon() string {
	return map[string]string{"1": "ICMP redirects", "8": "gated", "9": "router advertisements", "11": "zebra", "12": "bird", "13": "dnrouted", "14": "xorp", "15": "ntkd", "16": "a DHCP client",
		"18": "keepalived", "42": "babel", "99": "openr", "186": "BGP", "187": "IS-IS", "188": "OSPF", "189": "RIP", "192": "EIGRP"}[r.Protocol]
}

// words are the arguments that name the route as it is, after "ip route VERB".
func (r kernelRoute) words() []string {
	var out []string
	if k := r.kind(); k != "unicast" {
		out = append(out, k)
	}
	out = append(out, r.Dst)
	if gw := r.gateway(); gw != "" {
		out = append(out, "via", gw)
	}
	if r.Dev != "" {
		out = append(out, "dev", r.Dev)
	}
	out = append(out, "table", strconv.Itoa(r.table()))
	if r.Metric != 0 {
		out = append(out, "metric", strconv.Itoa(r.Metric))
	}
	if r.PrefSrc != "" {
		out = append(out, "src", r.PrefSrc)
	}
	if r.Protocol != "" {
		out = append(out, "proto", r.Protocol)
	}
	if r.Scope != "" {
		out = append(out, "scope", r.Scope)
	}
	if m := r.mtu(); m != 0 {
		out = append(out, "mtu", strconv.Itoa(m))
	}
	if slices.Contains(r.Flags, "onlink") {
		out = append(out, "onlink")
	}
	for _, n := range r.Nexthops {
		out = append(out, "nexthop")
		if n.Gateway != "" {
			out = append(out, "via", n.Gateway)
		}
		out = append(out, "dev", n.Dev, "weight", strconv.Itoa(max(1, n.Weight)))
	}
	return out
}

// String is what a person needs of it: where it leads.
func (r kernelRoute) String() string {
	words := slices.DeleteFunc(r.words(), func(w string) bool { return w == r.Dst })
	text := strings.Join(words, " ")
	return strings.Replace(text, " table 254", "", 1)
}

// family is ip(8)'s option for an address or prefix.
func family(a netip.Addr) string {
	if a.Is6() {
		return "-6"
	}
	return "-4"
}

// askRoutes gives the routes to exactly this destination, of all tables: one that is not there is no error then.
func askRoutes(ctx context.Context, h host.Reader, dst netip.Prefix) ([]kernelRoute, error) {
	var out []kernelRoute
	return out, askIP(ctx, h, &out, "-N", family(dst.Addr()), "route", "show", "table", "all", "exact", dst.String())
}

// flow is a packet to ask the kernel about.
type flow struct {
	to, from, iif string
	mark          uint32
}

// String reads like the question.
func (f flow) String() string { return strings.Join(f.words(), " ") }

func (f flow) words() []string {
	out := []string{f.to}
	if f.from != "" {
		out = append(out, "from", f.from)
	}
	if f.iif != "" {
		out = append(out, "iif", f.iif)
	}
	if f.mark != 0 {
		out = append(out, "mark", strconv.FormatUint(uint64(f.mark), 10))
	}
	return out
}

// askFlow asks where the kernel would send a packet now. A packet that the kernel would drop has no answer: refused then says
// why, as the kernel does (No route to host without forwarding; Invalid cross-device link or Invalid argument by rp_filter).
func askFlow(ctx context.Context, h host.Reader, f flow) (r kernelRoute, refused string, err error) {
	to, err := netip.ParseAddr(f.to)
	if err != nil {
		return r, "", fmt.Errorf("ask for the route of %s: %w", f, err)
	}
	argv := append([]string{"ip", "-j", "-N", family(to), "route", "get"}, f.words()...)
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return r, "", fmt.Errorf("%s: %w", host.Quote(argv...), err)
	}
	if out.Exit != 0 {
		return r, strings.TrimPrefix(firstLine(out.Stderr), "RTNETLINK answers: "), nil
	}
	var answers []kernelRoute
	if err := unmarshal(argv, out.Stdout, &answers); err != nil || len(answers) == 0 {
		return r, "", fmt.Errorf("%s: no answer: %w", host.Quote(argv...), err)
	}
	return answers[0], "", nil
}

func firstLine(b []byte) string {
	s, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return s
}
