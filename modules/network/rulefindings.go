package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// observedRule is what a rule's decision is made of.
type observedRule struct {
	filter    packetFilter
	listeners []listener
	localnet  bool         // the kernel forwards packets to 127.0.0.0/8
	deciders  []nftDecider // that can drop what this rule accepts
}

// decide gives the live half. What must not be done, and what bisc cannot tell right, is said and has no step.
func (p placed) decide(o observedRule) modules.Change {
	var c modules.Change
	if p.refused(&c, o) {
		return c
	}
	c = p.live(o.filter.live)
	p.formerPlace(&c, o.filter.live)
	if !p.absent {
		p.rivals(&c, o.filter.live)
		p.unheard(&c, o)
	}
	p.revived(&c, o.filter)
	return c
}

// refused tells of what keeps bisc from making the rule at all.
func (p placed) refused(c *modules.Change, o observedRule) bool {
	if other := o.filter.other; other != "" {
		c.Refuse("rules", "iptables' own and "+other+"'s", "one way", "the kernel asks both, each in its own order, and iptables shows one: bisc does not guess which of them is meant. "+
			"Look with iptables-legacy-save and nft list ruleset, and empty the one that nothing makes any more (iptables-legacy -t TABLE -F, or update-alternatives --config iptables)")
		return true
	}
	if p.absent {
		return false
	}
	if !builtin(p.rule.chain) && !o.filter.live.has(p.rule.table, p.rule.chain) {
		why := "nobody has made the chain: DOCKER-USER comes when docker starts, and goes with all of iptables' rules when firewalld starts (docker makes it again at its own restart)"
		c.Refuse("chain", "(none)", p.rule.chain, why)
		return true
	}
	if taken := p.taken(o); len(taken) > 0 {
		c.Refuse("takes", strings.Join(taken, ", "), nobodys, takesWhy)
		return true
	}
	return false
}

const (
	nobodys  = "ports of nobody on this host"
	takesWhy = "the rule would take what these wait for, ssh, gossip and ip_echo among it: name a destination, a source or fewer ports, or say takes = [...] with the ports where that is meant"
)

func builtin(chain string) bool {
	return slices.Contains([]string{"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}, chain)
}

// taken lists what waits on the host for packets that the rule would take from it: programs that listen, and what docker
// publishes, behind which the validator's gossip and ip_echo may be. A rule for an address takes only what goes there.
func (p placed) taken(o observedRule) []string {
	if !p.diverts() {
		return nil
	}
	var out []string
	for _, l := range o.listeners {
		ssh := l.program == "sshd"
		if p.match.covers(l.protocol, l.port) && (ssh || p.reaches(l.address)) && !slices.Contains(p.takes, fmt.Sprint(l.port)) {
			out = append(out, l.String())
		}
	}
	for _, r := range o.filter.live.rules {
		ports, err := parsePorts(r.option("--dport"))
		published := r.table == "nat" && r.chain == "DOCKER" && r.target() == "DNAT" && err == nil
		if published && p.rule.table == "nat" && p.match.destination == "" && p.match.covers(r.option("-p"), ports.first) && !slices.Contains(p.takes, fmt.Sprint(ports.first)) {
			out = append(out, fmt.Sprintf("%s %d (docker: %s)", r.option("-p"), ports.first, joinWords(r.action[2:])))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// diverts tells whether packets for the host itself can come to this rule, and go elsewhere by it.
func (p placed) diverts() bool {
	switch p.rule.target() {
	case "DNAT", "REDIRECT":
		return p.rule.chain == "PREROUTING"
	case "DROP", "REJECT":
		return p.rule.chain == "INPUT"
	}
	return false
}

// reaches tells whether packets of the rule can go to an address that somebody listens on. One that listens on all addresses
// is reached where the rule names none; which are the host's is not asked.
func (p placed) reaches(at netip.Addr) bool {
	if p.match.destination == "" {
		return !at.IsLoopback()
	}
	d, err := parsePrefix(p.match.destination)
	return err == nil && at.IsValid() && !at.IsUnspecified() && d.Contains(at)
}

// formerPlace takes away what the rule was in another chain or table, which its comment tells: nobody would look there again.
func (p placed) formerPlace(c *modules.Change, t ruleTable) {
	for _, r := range t.rules {
		if r.comment != p.comment() || r.place() == p.rule.place() || (r.table == "filter") != (p.word == "filter") {
			continue
		}
		c.Differ("former", r.String(), "(none)")
		if p.absent {
			c.Destroy("the packet rule " + r.String() + ", and the connections that live by it")
		}
		old := p
		old.rule = r
		c.Do(script(old.iptables("-D", r.chain, r.words()...)))
	}
}

// rivals are foreign rules that look like this one with something changed: what a playbook of before, or a plan of before,
// left. Whose they are bisc does not know.
func (p placed) rivals(c *modules.Change, t ruleTable) {
	for _, r := range t.chain(p.rule.table, p.rule.chain) {
		if p.foreign(r) && r.comment != p.comment() && p.rule.alike(r) {
			undo := host.Quote(p.iptables("-D", r.chain, r.words()...)...)
			c.Refuse("rival", r.String(), "(none)", "it is like this rule, and nobody's in the plan: declare it with absent = true, or remove it: "+undo)
		}
	}
}

// unheard tells what takes the effect from a rule that stands as it should.
func (p placed) unheard(c *modules.Change, o observedRule) {
	if p.loops() && !o.localnet {
		where := "all"
		if p.match.in != "" {
			where = p.match.in
		}
		c.Refuse("route_localnet", "0", "1", fmt.Sprintf("the kernel drops what comes from outside for 127.0.0.0/8: add sysctl \"net.ipv4.conf.%s.route_localnet\" { value = \"1\" }, or send it to an address of the host or of the container", where))
	}
	for _, d := range o.deciders {
		if !slices.Contains(p.beside, d.table()) {
			c.Refuse("also decides", d.String(), "(none)", "what this rule accepts, that table can still drop: an accept ends one table's chain and no other's. Allow it there too (firewalld_policy where it is firewalld's), "+
				"and then say beside = ["+fmt.Sprintf("%q", d.table())+"]")
		}
	}
}

// loops tells whether the rule sends packets from outside to the host's own loopback.
func (p placed) loops() bool {
	host, _, _ := strings.Cut(p.to, ":")
	a, err := netip.ParseAddr(host)
	return p.rule.target() == "DNAT" && p.rule.chain == "PREROUTING" && err == nil && a.IsLoopback()
}

// revived tells of the rule in the file of netfilter-persistent, which puts it in early in the boot, before docker: at the
// wrong place where the rule is wanted, and back where it is not.
func (p placed) revived(c *modules.Change, f packetFilter) {
	if f.saved == nil {
		return
	}
	var drop []string
	for i, r := range f.saved.rules {
		if r.table == p.rule.table && r.chain == p.rule.chain && (r.same(p.rule) || r.comment == p.comment()) {
			drop = append(drop, f.saved.lines[i])
		}
	}
	if len(drop) == 0 {
		return
	}
	c.DifferBoot("rules.v4", strings.Join(drop, "; "), "(none)")
	c.Do(host.Edit{Path: savedRules, Drop: drop, Verify: []string{"iptables-restore", "--test", "{path}"}})
}
