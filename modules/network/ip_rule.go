package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// IPRuleKind is a rule of policy routing.
var IPRuleKind = modules.Kind{
	Name:     "ip_rule",
	Label:    "a word for the rule: marked by ashburn",
	Platform: host.Linux,
	Layer:    "relay",
	Doc: "A rule that sends packets to a routing table. Its priority is its place, and is its alone: a rule with the same selectors at another priority, or at this one to another table, is the same rule gone astray and is taken away; " +
		"another rule at this priority is told and left. At boot bisc-net-ip-rule-LABEL.service puts it there, and again when systemd-networkd or networking restarts. Every change is done behind a dead-man's switch.",
	Checks: []string{
		"now: exactly one copy of the rule, at this priority, to this table; the rule that the unit's lines of before brought",
		"now: with steers = \"validator\", that no validator lives whose packets pass the rule by (Agave from 4.2 on without --no-xdp)",
		"after boot: the unit's file, links, and whether its lines worked when they ran last; whether a restart of systemd-networkd takes the rule away",
	},
	Losses: []modules.Loss{{
		What: "the rule, and what goes by it", When: "absent = true, there are copies, or the plan has another rule than the unit had",
		Guards: []string{"file unchanged: the unit's file still has the content that was seen"},
	}},
	Example: `ip_rule "marked by ashburn" {
  priority = 100
  fwmark   = "100"
  table    = "ashburn"
  steers   = "validator"
}
`,
	New: func(label string) modules.Resource { return &IPRule{Name: label} },
}

// IPRule is the resource of IPRuleKind.
type IPRule struct {
	Name     string
	Priority int    `hcl:"priority" doc:"its place, 1 to 32765: rules are asked in this order, and the main table's is 32766"`
	FWMark   string `hcl:"fwmark,optional" doc:"the packet's mark: 100, 0x64, or with a mask 0x64/0xff"`
	From     string `hcl:"from,optional" doc:"the packet's source: a prefix or an address"`
	To       string `hcl:"to,optional" doc:"the packet's destination: a prefix or an address"`
	IIF      string `hcl:"iif,optional" doc:"the interface that it comes in by; lo for the host's own packets"`
	Table    string `hcl:"table" doc:"the table's name or number, as for ip_route"`
	IPv6     bool   `hcl:"ipv6,optional" doc:"a rule for IPv6, where neither from nor to says so" default:"false"`
	Steers   string `hcl:"steers,optional" doc:"validator: the rule is for packets that a validator sends. From Agave 4.2 on it then has to run with --no-xdp, and one that lives without is told"`
	Agave    string `hcl:"agave,optional" doc:"with steers: the version that runs, 4.1. Default: not known, so --no-xdp is asked for"`
	Absent   bool   `hcl:"absent,optional" doc:"no such rule, and no unit that brings it" default:"false"`

	tables tables
	others []*IPRule // of the plan
}

// kernelRule is a rule as ip(8) tells it with numbers for names.
type kernelRule struct {
	Priority int    `json:"priority"`
	Not      any    `json:"not"`
	Src      string `json:"src"`
	SrcLen   *int   `json:"srclen"`
	Dst      string `json:"dst"`
	DstLen   *int   `json:"dstlen"`
	FWMark   string `json:"fwmark"`
	FWMask   string `json:"fwmask"`
	IIF      string `json:"iif"`
	OIF      string `json:"oif"`
	TOS      string `json:"tos"`
	IPProto  string `json:"ipproto"`
	Table    string `json:"table"`
	Action   string `json:"action"`
	Suppress *int   `json:"suppress_prefixlen"`
	SPort    any    `json:"sport"`
	DPort    any    `json:"dport"`
	UIDStart *int64 `json:"uid_start"`
	Goto     *int   `json:"goto"`
	Protocol string `json:"protocol"`
}

// selector is what a rule asks of a packet, in one form.
func (k kernelRule) selector() string {
	var words []string
	add := func(name, value string) {
		if value != "" && value != "all" && value != "any" {
			words = append(words, name+" "+value)
		}
	}
	add("from", prefixText(k.Src, k.SrcLen))
	add("to", prefixText(k.Dst, k.DstLen))
	add("fwmark", markText(k.FWMark, k.FWMask))
	add("iif", k.IIF)
	add("oif", k.OIF)
	add("tos", k.TOS)
	add("ipproto", k.IPProto)
	for i, there := range []bool{k.Not != nil, k.SPort != nil, k.DPort != nil, k.UIDStart != nil, k.Suppress != nil} {
		if there { // bisc writes none of these, so that any is another rule
			words = append(words, []string{"not", "sport", "dport", "uidrange", "suppress_prefixlength"}[i]+" ...")
		}
	}
	return strings.Join(words, " ")
}

// prefixText is a prefix as ip(8) tells it in two parts; an address has no length.
func prefixText(addr string, length *int) string {
	if length == nil {
		return addr
	}
	return addr + "/" + strconv.Itoa(*length)
}

// markText is a mark with its mask, in hexadecimal; a mask of all ones is none.
func markText(mark, mask string) string {
	m, err := strconv.ParseUint(mark, 0, 32)
	if err != nil {
		return mark
	}
	text := fmt.Sprintf("%#x", m)
	if n, err := strconv.ParseUint(mask, 0, 32); err == nil && n != 1<<32-1 {
		text += fmt.Sprintf("/%#x", n)
	}
	return text
}

// action is what the rule does with the packet.
func (k kernelRule) action() string {
	switch {
	case k.Goto != nil:
		return "goto " + strconv.Itoa(*k.Goto)
	case k.Action != "":
		return "action " + k.Action
	}
	return "table " + k.Table
}

// String is the rule without its priority.
func (k kernelRule) String() string { return orAll(k.selector()) + " " + k.action() }

func orAll(selector string) string {
	if selector == "" {
		return "all"
	}
	return selector
}

// Validate checks the words.
func (r *IPRule) Validate() error {
	var faults []error
	fault := func(attr, format string, args ...any) {
		faults = append(faults, &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)})
	}
	if r.Priority < 1 || r.Priority > 32765 {
		fault("priority", "write a number from 1 to 32765: 0 is the local table's, and after 32766 the main table has answered")
	}
	mark, mask, masked := strings.Cut(r.FWMark, "/")
	if _, err := strconv.ParseUint(mark, 0, 32); r.FWMark != "" && err != nil {
		fault("fwmark", "%q is no mark: write 100, 0x64 or 0x64/0xff", r.FWMark)
	} else if _, err := strconv.ParseUint(mask, 0, 32); masked && err != nil {
		fault("fwmark", "%q has no mask after the slash: write 0x64/0xff", r.FWMark)
	}
	for attr, text := range map[string]string{"from": r.From, "to": r.To} {
		if p, err := rulePrefix(text); text != "" && (err != nil || p.Masked() != p) {
			fault(attr, "%q is no prefix, or has bits beyond its length: write 172.20.0.0/16 or an address", text)
		}
	}
	if from, to := r.is6(r.From), r.is6(r.To); r.From != "" && r.To != "" && from != to {
		fault("to", "from and to are of different families")
	}
	if err := checkDevice(r.IIF); r.IIF != "" && err != nil {
		fault("iif", "%v", err)
	}
	if err := checkTable(r.Table); err != nil || r.Table == "" {
		fault("table", "write the name or number of a table")
	}
	if r.Steers != "" && r.Steers != "validator" {
		fault("steers", "%q: write validator, or leave it out", r.Steers)
	}
	if r.Agave != "" && r.Steers == "" {
		fault("agave", "it says something only with steers = \"validator\"")
	}
	if r.FWMark == "" && r.From == "" && r.To == "" && r.IIF == "" {
		fault("fwmark", "the rule would take every packet, the operator's own among them: write at least one of fwmark, from, to, iif")
	}
	return errors.Join(append(faults, r.boot(0).Validate())...)
}

func rulePrefix(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

func (r *IPRule) is6(text string) bool {
	p, err := rulePrefix(text)
	return err == nil && p.Addr().Is6()
}

func (r *IPRule) family() string {
	if r.IPv6 || r.is6(r.From) || r.is6(r.To) {
		return "-6"
	}
	return "-4"
}

// Owns the place, and the unit.
func (r *IPRule) Owns() []string {
	return append(r.boot(0).Owns(), fmt.Sprintf("ip %s rule %d", r.family(), r.Priority))
}

// Meet learns the plan's tables.
func (r *IPRule) Meet(all []modules.Resource) {
	r.tables, r.others = tablesOf(all), nil
	for _, o := range all {
		if o, ok := o.(*IPRule); ok && o != r && !o.Absent {
			r.others = append(r.others, o)
		}
	}
}

// want is the rule as the kernel would tell it.
func (r *IPRule) want(table int) kernelRule {
	k := kernelRule{Priority: r.Priority, IIF: r.IIF, Table: strconv.Itoa(table)}
	k.FWMark, k.FWMask, _ = strings.Cut(r.FWMark, "/")
	k.Src, k.Dst = ruleText(r.From), ruleText(r.To)
	return k
}

// ruleText is a prefix as selector has it: an address without its length, nothing for all.
func ruleText(text string) string {
	p, err := rulePrefix(text)
	switch {
	case err != nil || p.Bits() == 0:
		return ""
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}

// words are the arguments after "ip rule VERB"; the kernel's selector is in ip(8)'s own words.
func (k kernelRule) words() []string {
	out := []string{"pref", strconv.Itoa(k.Priority)}
	out = append(out, strings.Fields(k.selector())...)
	return append(out, "table", k.Table)
}

// boot adds without taking away first: the kernel refuses an equal rule (EEXIST), so there is one copy and no moment
// without it. A failure for another reason is seen in the kernel, where bisc looks.
func (r *IPRule) boot(table int) Boot {
	return Boot{
		Slug: Slug("ip-rule", r.Name), About: "Rule " + strconv.Itoa(r.Priority) + " to table " + r.Table, Again: networks(),
		Start: []Line{{Argv: append([]string{"ip", r.family(), "rule", "add"}, r.want(table).words()...), MayFail: true}},
	}
}

// Plan asks for the rules and the unit.
func (r *IPRule) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var rules []kernelRule
	var table int
	var unknown string
	var rival networkd
	var operators []netip.Addr
	var bypasses []bypass
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			if r.Steers != "" && !r.Absent {
				bypasses, err = askBypass(ctx, h)
			}
			return err
		},
		func(ctx context.Context) (err error) { operators, err = askOperators(ctx, h); return err },
		func(ctx context.Context) error { return askIP(ctx, h, &rules, "-N", r.family(), "rule", "show") },
		func(ctx context.Context) (err error) {
			table, unknown, err = r.tables.number(ctx, h, r.Table)
			return err
		},
		func(ctx context.Context) (err error) { rival, err = askNetworkd(ctx, h); return err },
	)
	if err != nil {
		return modules.Change{}, err
	}
	if unknown != "" {
		var c modules.Change
		c.Refuse("table", "(none)", r.Table, unknown)
		return c, nil
	}
	unit, err := r.boot(table).Plan(ctx, h, r.Absent)
	if err != nil {
		return modules.Change{}, err
	}
	c := unit.Join(r.decide(rules, table, unit))
	bypassed(&c, r.Agave, bypasses)
	for _, end := range []string{r.To, r.From} {
		p, _ := rulePrefix(end) // none covers nobody
		covers(&c, operators, p)
	}
	if !r.Absent {
		return c, rival.takes(ctx, h, &c, nil, rule)
	}
	return c, nil
}

// decide is the live half. At boot nothing is there but the kernel's own three.
func (r *IPRule) decide(rules []kernelRule, table int, unit Booted) modules.Change {
	var c modules.Change
	want := r.want(table)
	there := false
	var astray []kernelRule
	was, selector, brought := r.former(unit)
	for _, k := range rules {
		same, here := k.selector() == want.selector(), k.Priority == want.Priority
		old := brought && k.Priority == was.Priority && k.selector() == selector && k.action() == was.action()
		switch {
		case same && here && k.action() == want.action() && !there && !r.Absent:
			there = true
		case old, same && (here || k.action() == want.action()), here && k.action() == want.action() && !r.Absent:
			astray = append(astray, k)
		case here && !r.Absent:
			c.Refuse("priority", k.String(), "only "+want.String(), fmt.Sprintf("another rule has the place: take it away (ip %s rule del pref %d ...) or choose another priority", r.family(), r.Priority))
		}
	}
	if !there && !r.Absent {
		c.Differ("rule", "(none)", strconv.Itoa(want.Priority)+": "+want.String())
		c.Do(r.step("add", want))
		c.Back.Acts = append(c.Back.Acts, r.act("del", want))
	}
	for _, k := range astray {
		c.Differ("copies", strconv.Itoa(k.Priority)+": "+k.String(), r.left(want))
		c.Destroy(fmt.Sprintf("the rule %d: %s, and what goes by it", k.Priority, k))
		c.Do(r.step("del", k))
		c.Back.Acts = append(c.Back.Acts, r.act("add", k))
	}
	return c
}

func (r *IPRule) left(want kernelRule) string {
	if r.Absent {
		return "(none)"
	}
	return "only " + strconv.Itoa(want.Priority) + ": " + want.String()
}

func (r *IPRule) step(verb string, k kernelRule) host.Step {
	return host.Script{Argv: append([]string{"ip", r.family(), "rule", verb}, k.words()...)}
}

func (r *IPRule) act(verb string, k kernelRule) host.Act {
	return host.Act{Argv: append([]string{"ip", r.family(), "rule", verb}, k.words()...), MayFail: true}
}
