package network

import (
	"fmt"
	"slices"
	"strings"
)

// On a host without iptables a rule is a table of nft of its own, with one chain and one rule: it is put in and taken away
// whole in one commit, and its place is its chain's priority, which is before that of iptables, docker and firewalld.

// nftName is the table's.
func (p placed) nftName() string {
	return "bisc_" + strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, p.word+"_"+p.label)
}

// nftChainWanted is the rule's chain. Rules of one plan are asked in the plan's order: each has the next number.
func (p placed) nftChainWanted() nftChain {
	c := nftChain{Family: "ip", Table: p.nftName(), Name: "here", Type: "filter", Hook: strings.ToLower(p.rule.chain), Policy: "accept"}
	index := max(0, slices.IndexFunc(p.ours, p.is))
	switch {
	case p.rule.table == "nat":
		c.Type, c.Prio = "nat", -150+index // dstnat is -100, connection tracking -200
		if c.Hook == "postrouting" || c.Hook == "input" {
			c.Prio = 50 + index // srcnat is 100
		}
	case p.rule.table == "mangle":
		c.Prio = -190 + index // mangle is -150
		if c.Hook == "output" {
			c.Type = "route"
		}
	default:
		c.Prio = -50 + index // filter is 0
	}
	return c
}

// nftScript puts the table in, in place of the one that is there, in one commit.
func (p placed) nftScript() string {
	c := p.nftChainWanted()
	return fmt.Sprintf("add table ip %[1]s; delete table ip %[1]s; add table ip %[1]s; add chain ip %[1]s here { type %[2]s hook %[3]s priority %[4]d; policy accept; }; add rule ip %[1]s here %[5]s",
		c.Table, c.Type, c.Hook, c.Prio, p.nftRule())
}

// nftRule is the rule in nft's words.
func (p placed) nftRule() string {
	m := p.match
	var words []string
	add := func(format, value string) {
		if value != "" {
			words = append(words, fmt.Sprintf(format, value))
		}
	}
	add("ip saddr %s", m.source)
	add("ip daddr %s", m.destination)
	add(`iifname "%s"`, nftWildcard(m.in))
	add(`oifname "%s"`, nftWildcard(m.out))
	if m.sport == "" && m.dport == "" {
		add("meta l4proto %s", m.protocol)
	}
	add(m.protocol+" sport %s", strings.Replace(m.sport, ":", "-", 1))
	add(m.protocol+" dport %s", strings.Replace(m.dport, ":", "-", 1))
	if k, err := parseMark(m.mark); m.mark != "" && err == nil {
		if k.mask == ^uint32(0) {
			words = append(words, fmt.Sprintf("meta mark %d", k.value))
		} else {
			words = append(words, fmt.Sprintf("meta mark & %d == %d", k.mask, k.value))
		}
	}
	return strings.Join(append(words, "counter", p.nftAction()), " ")
}

func nftWildcard(iface string) string {
	if name, ok := strings.CutSuffix(iface, "+"); ok {
		return name + "*"
	}
	return iface
}

func (p placed) nftAction() string {
	switch target := p.rule.target(); target {
	case "DNAT":
		return "dnat to " + p.to
	case "SNAT":
		return "snat to " + p.to
	case "REDIRECT":
		return "redirect to :" + p.to
	case "MARK":
		k, _ := parseMark(p.to) // found valid
		return fmt.Sprintf("meta mark set %d", k.value)
	default:
		return strings.ToLower(target)
	}
}

// nftExpr is the rule as nft lists it in JSON, without the counter (nft 1.0.6).
func (p placed) nftExpr() []any {
	m := p.match
	var out []any
	match := func(left, right any) {
		out = append(out, map[string]any{"match": map[string]any{"op": "==", "left": left, "right": right}})
	}
	payload := func(protocol, field string) any {
		return map[string]any{"payload": map[string]any{"protocol": protocol, "field": field}}
	}
	meta := func(key string) any { return map[string]any{"meta": map[string]any{"key": key}} }
	for _, a := range [][2]string{{"saddr", m.source}, {"daddr", m.destination}} {
		if a[1] != "" {
			match(payload("ip", a[0]), nftAddress(a[1]))
		}
	}
	if m.in != "" {
		match(meta("iifname"), nftWildcard(m.in))
	}
	if m.out != "" {
		match(meta("oifname"), nftWildcard(m.out))
	}
	if m.protocol != "" && m.sport == "" && m.dport == "" {
		match(meta("l4proto"), m.protocol)
	}
	for _, a := range [][2]string{{"sport", m.sport}, {"dport", m.dport}} {
		if a[1] != "" {
			match(payload(m.protocol, a[0]), nftPorts(a[1]))
		}
	}
	if k, err := parseMark(m.mark); m.mark != "" && err == nil {
		if k.mask == ^uint32(0) {
			match(meta("mark"), float64(k.value))
		} else {
			match(map[string]any{"&": []any{meta("mark"), float64(k.mask)}}, float64(k.value))
		}
	}
	return append(out, p.nftActionExpr())
}

func (p placed) nftActionExpr() any {
	to := map[string]any{}
	address, ports, _ := strings.Cut(p.to, ":")
	switch p.rule.target() {
	case "DNAT", "SNAT":
		to["addr"] = address
		if ports != "" {
			to["port"] = nftPorts(strings.Replace(ports, "-", ":", 1))
		}
		return map[string]any{strings.ToLower(p.rule.target()): to}
	case "REDIRECT":
		return map[string]any{"redirect": map[string]any{"port": nftPorts(p.to)}}
	case "MARK":
		k, _ := parseMark(p.to)
		return map[string]any{"mangle": map[string]any{"key": map[string]any{"meta": map[string]any{"key": "mark"}}, "value": float64(k.value)}}
	case "REJECT":
		return map[string]any{"reject": map[string]any{"type": "icmp", "expr": "port-unreachable"}}
	}
	return map[string]any{strings.ToLower(p.rule.target()): nil}
}

func nftAddress(text string) any {
	p, err := parsePrefix(text)
	if err != nil || p.Bits() == 32 {
		return p.Addr().String()
	}
	return map[string]any{"prefix": map[string]any{"addr": p.Addr().String(), "len": float64(p.Bits())}}
}

func nftPorts(text string) any {
	r, _ := parsePorts(text)
	if r.first == r.last {
		return float64(r.first)
	}
	return map[string]any{"range": []any{float64(r.first), float64(r.last)}}
}
