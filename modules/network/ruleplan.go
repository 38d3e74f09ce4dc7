package network

import (
	"context"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// plan observes all that a rule's decision needs, and its unit, in one wave.
func (p placed) plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var o observedRule
	var booted Booted
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { o.filter, err = lookAtRules(ctx, h); return err },
		func(ctx context.Context) (err error) { booted, err = p.boot().Plan(ctx, h, p.absent); return err },
	}
	if p.diverts() && !p.absent {
		questions = append(questions, func(ctx context.Context) (err error) { o.listeners, err = lookAtListeners(ctx, h); return err })
	}
	if p.loops() {
		questions = append(questions, func(ctx context.Context) (err error) { o.localnet, err = localnet(ctx, h, p.match.in); return err })
	}
	if p.rule.table == "filter" && p.rule.target() == "ACCEPT" && !p.absent {
		questions = append(questions, func(ctx context.Context) (err error) {
			o.deciders, err = deciders(ctx, h, hookOf(p.rule.chain))
			return err
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		if withoutIptables(ctx, h, err) {
			return p.planNft(ctx, h)
		}
		return modules.Change{}, err
	}
	live := p.decide(o)
	if refused := len(live.Steps) == 0 && slices.ContainsFunc(live.Diffs, func(d modules.Diff) bool { return stopsAll(d.Attr) }); refused {
		return live, nil // a unit that makes it at boot all the same would be no refusal
	}
	c := booted.Join(live)
	if c.InSync() {
		return c, nil
	}
	if step, needed := p.settled(o.filter.live); needed && !p.absent && runs(c.Steps, p.boot().Name()) {
		c.Do(step)
	}
	if len(c.Steps) > 0 {
		c.Cuts = "the packet filter"
		c.Back.Firewall = true
	}
	return c, nil
}

// stopsAll tells of a refusal whether the whole rule is refused by it.
func stopsAll(attr string) bool {
	return slices.Contains([]string{"rules", "chain", "takes"}, attr)
}

// runs tells whether the steps run the unit, which puts its rule at the head.
func runs(steps []host.Step, unit string) bool {
	return slices.ContainsFunc(steps, func(s host.Step) bool {
		script, ok := s.(host.Script)
		return ok && slices.Equal(script.Argv, []string{"systemctl", "restart", "--", unit})
	})
}

// localnet tells whether the kernel takes packets from outside for 127.0.0.0/8, on an interface or on all.
func localnet(ctx context.Context, h host.Reader, in string) (bool, error) {
	names := []string{"all"}
	if in != "" {
		names = append(names, in)
	}
	for _, name := range names {
		value, err := readIfThere(ctx, h, "/proc/sys/net/ipv4/conf/"+name+"/route_localnet")
		if err != nil {
			return false, err
		}
		if strings.TrimSpace(string(value)) == "1" {
			return true, nil
		}
	}
	return false, nil
}
