package network

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// nftBoot is the rule's unit on a host without iptables. nftables.service empties the whole ruleset when it starts.
func (p placed) nftBoot() Boot {
	b := p.boot()
	b.After, b.Again = nil, []string{"nftables.service"}
	b.Start = []Line{{Argv: []string{"nft", p.nftScript()}}}
	return b
}

// planNft plans the rule on a host without iptables.
func (p placed) planNft(ctx context.Context, h host.Reader) (modules.Change, error) {
	var rules nftRuleset
	var there, known bool
	var booted Booted
	o := observedRule{}
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) {
			if known, err = nftables(ctx, h); err == nil && known {
				rules, there, err = lookAtNft(ctx, h)
			}
			return err
		},
		func(ctx context.Context) (err error) { booted, err = p.nftBoot().Plan(ctx, h, p.absent); return err },
	}
	if p.diverts() && !p.absent {
		questions = append(questions, func(ctx context.Context) (err error) { o.listeners, err = lookAtListeners(ctx, h); return err })
	}
	if p.loops() {
		questions = append(questions, func(ctx context.Context) (err error) { o.localnet, err = localnet(ctx, h, p.match.in); return err })
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return modules.Change{}, err
	}
	if !there && !p.absent {
		var c modules.Change
		c.Refuse("program", "(none)", "iptables or nft", "the host has neither, or its kernel has no nf_tables: install the package iptables or nftables")
		return c, nil
	}
	live, refused := p.decideNft(rules, o)
	if refused {
		return live, nil
	}
	c := booted.Join(live)
	if len(c.Steps) > 0 {
		c.Cuts, c.Back.Firewall = "the packet filter", true
	}
	return c, nil
}

// decideNft gives the live half, and whether the rule is refused as a whole.
func (p placed) decideNft(rules nftRuleset, o observedRule) (c modules.Change, refused bool) {
	table := "ip " + p.nftName()
	if p.absent {
		if rules.tables[table] {
			c.Differ("rule", "table "+table, "(none)")
			c.Destroy("the packet rule in nft's table " + table + ", and the connections that live by it")
			c.Do(script([]string{"nft", "delete table " + table}))
		}
		return c, false
	}
	k, _ := parseMark(p.to)
	switch taken := p.taken(o); {
	case !builtin(p.rule.chain):
		c.Refuse("chain", "(none)", p.rule.chain, "the host has no iptables, and "+p.rule.chain+" is a chain of iptables': name INPUT, FORWARD or OUTPUT")
		return c, true
	case p.rule.target() == "MARK" && k.mask != ^uint32(0):
		c.Refuse("to", p.to, "a whole mark", "on a host without iptables bisc sets all bits of a mark: write it without a mask")
		return c, true
	case len(taken) > 0:
		c.Refuse("takes", strings.Join(taken, ", "), nobodys, takesWhy)
		return c, true
	}
	if got := p.nftDiffers(rules); got != "" {
		c.Differ("rule", got, p.nftRule())
		c.Do(script([]string{"nft", p.nftScript()}))
	}
	want := p.nftChainWanted()
	for _, n := range rules.chains {
		before := n.Hook == want.Hook && n.Type == want.Type && n.Prio > -200 && n.Prio <= want.Prio
		if p.position == "first" && before && !strings.HasPrefix(n.Table, "bisc_") {
			c.Refuse("position", fmt.Sprintf("after %s %s, priority %d", n.table(), n.Name, n.Prio), "first", fmt.Sprintf("a chain with a lower priority is asked first, and this rule's is %d: raise that of the other, or say position = \"any\"", want.Prio))
		}
	}
	if p.rule.target() == "ACCEPT" {
		o.deciders = rules.deciders(want.Hook, p.nftName())
	}
	p.unheard(&c, o)
	return c, false
}

// nftDiffers says what stands in place of the table, "" where it is as wanted.
func (p placed) nftDiffers(rules nftRuleset) string {
	want := p.nftChainWanted()
	table := want.table()
	if !rules.tables[table] {
		return "(none)"
	}
	var chains []nftChain
	for _, n := range rules.chains {
		if n.table() == table {
			chains = append(chains, n)
		}
	}
	if len(chains) != 1 || chains[0] != want || rules.plain[table] > 0 {
		return "another chain in table " + table
	}
	found := rules.rules[table]
	if len(found) != 1 || !reflect.DeepEqual(found[0], p.nftExpr()) {
		return fmt.Sprintf("another rule, or %d, in table %s", len(found), table)
	}
	return ""
}

// withoutIptables tells whether an error of the look at iptables means that the host has none.
func withoutIptables(ctx context.Context, h host.Reader, err error) bool {
	if !errors.Is(err, host.ErrNoProgram) {
		return false
	}
	_, err = h.Query(ctx, "iptables", "--version")
	return errors.Is(err, host.ErrNoProgram)
}
