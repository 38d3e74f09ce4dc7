package network

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

func (p *FirewalldPolicy) decide(o policySeen) modules.Change {
	var c modules.Change
	f := o.firewalld
	if !f.running {
		if !p.Absent {
			c.Refuse("firewalld", "not running", "running", "a policy is nothing without it: start it with service \"firewalld.service\" in a block before this one, and restart docker after it, whose rules its start takes away")
		} else if o.file.Exists {
			c.Refuse("policy", p.path(), "(none)", "firewalld does not run, and has the policy on disk: start it, or remove the file")
		}
		return c
	}
	if p.Absent {
		p.removed(&c, o)
	} else {
		if !p.zonesThere(&c, f) {
			return c
		}
		p.written(&c, f.written)
	}
	p.interfaces(&c, o, true)
	p.interfaces(&c, o, false) // before the reload, after which what is not on disk is gone
	p.inForce(&c, o)
	if len(c.Steps) > 0 {
		p.guarded(&c, o)
		c.Settle = reloadLimit
		c.Back.Firewall = true
		for _, name := range []string{p.path(), "/etc/firewalld/zones/" + p.IngressZone + ".xml", "/etc/firewalld/zones/" + p.EgressZone + ".xml"} {
			c.Back.Files = append(c.Back.Files, host.UndoFile{Path: name}, host.UndoFile{Path: name + ".old"})
		}
	}
	return c
}

// guarded has the first step see that the policy is on disk as it was seen: what comes after it is not done without it.
func (p *FirewalldPolicy) guarded(c *modules.Change, o policySeen) {
	digest := host.Absent
	if o.file.Exists {
		digest = host.ContentDigest(append([]byte{}, o.file.Content...)) // never nil: an empty file is not an absent one
	}
	if first, ok := c.Steps[0].(host.Script); ok {
		first.Guards = append(first.Guards, host.Unchanged(p.path(), digest))
		c.Steps[0] = first
	}
}

// zonesThere tells whether both zones are known: a policy with one that is not makes firewalld's next start fail.
func (p *FirewalldPolicy) zonesThere(c *modules.Change, f firewalld) bool {
	for _, zone := range []string{p.IngressZone, p.EgressZone} {
		if f.written.zones[zone] == nil || f.runtime.zones[zone] == nil {
			c.Refuse("zone", "(none)", zone, "firewalld knows no such zone: docker makes its own when it starts beside a running firewalld (restart it in a maintenance window), others are made with firewall-cmd --permanent --new-zone")
		}
	}
	return c.InSync()
}

// wanted is the policy as it should be listed.
func (p *FirewalldPolicy) wanted() []struct{ attr, want, option string } {
	return []struct{ attr, want, option string }{{"ingress-zones", p.IngressZone, "ingress-zone"}, {"egress-zones", p.EgressZone, "egress-zone"}}
}

// written compares what is on disk.
func (p *FirewalldPolicy) written(c *modules.Change, side firewalldSide) {
	policy := side.policies[p.Name]
	if policy == nil {
		c.DifferBoot("policy", "(none)", p.Name)
		c.Do(firewallCmd("--permanent", "--new-policy", p.Name))
	}
	if policy.target() != p.Target {
		if policy != nil {
			c.DifferBoot("target", policy.target(), p.Target)
		}
		c.Do(firewallCmd("--permanent", "--policy", p.Name, "--set-target", p.Target))
	}
	for _, w := range p.wanted() {
		got := policy[w.attr]
		if slices.Equal(got, []string{w.want}) {
			continue
		}
		if policy != nil {
			c.DifferBoot(w.attr, orNone(strings.Join(got, " ")), w.want)
		}
		for _, other := range got {
			if other != w.want {
				c.Do(firewallCmd("--permanent", "--policy", p.Name, "--remove-"+w.option, other))
			}
		}
		if !slices.Contains(got, w.want) {
			c.Do(firewallCmd("--permanent", "--policy", p.Name, "--add-"+w.option, w.want))
		}
	}
}

// inForce compares what firewalld does now. A policy comes in force, and goes, by a reload alone.
func (p *FirewalldPolicy) inForce(c *modules.Change, o policySeen) {
	policy := o.firewalld.runtime.policies[p.Name]
	got, want := "(none)", p.listing()
	if policy != nil {
		got = listing(policy)
	}
	if p.Absent {
		want = "(none)"
	}
	if !c.Differ("in force", got, want) {
		return
	}
	for _, r := range o.live.rules {
		if !strings.HasPrefix(r.comment, "bisc: ") && !dockers(r) {
			c.Destroy("the packet rule " + r.table + " " + r.String() + ": firewalld's reload takes it away, and nobody makes it again")
		}
	}
	c.Do(firewallCmd("--reload"))
	// Not waited for: docker makes its chains again in its own time, and a unit that finds none is tried again by systemd.
	argv := []string{"systemctl", "restart", "--no-block", "--"}
	for _, r := range slices.Backward(p.rules) { // the last of the plan goes to the head first
		if slices.ContainsFunc(o.live.rules, func(l packetRule) bool { return l.same(r.rule) }) {
			argv = append(argv, r.boot().Name())
		}
	}
	if len(argv) > 4 {
		c.Do(script(argv))
	}
}

func (p *FirewalldPolicy) listing() string {
	return p.IngressZone + " -> " + p.EgressZone + ": " + p.Target
}

func listing(s section) string {
	return strings.Join(s["ingress-zones"], " ") + " -> " + strings.Join(s["egress-zones"], " ") + ": " + s.target()
}

// dockers tells whether docker makes a rule again by itself.
func dockers(r packetRule) bool {
	if strings.HasPrefix(r.chain, "DOCKER") || strings.HasPrefix(r.target(), "DOCKER") {
		return true
	}
	return slices.ContainsFunc(r.matches, func(w string) bool { return w == "docker0" || strings.HasPrefix(w, "br-") })
}

// interfaces compares which zone each interface is in.
func (p *FirewalldPolicy) interfaces(c *modules.Change, o policySeen, boot bool) {
	side, how := o.firewalld.runtime, []string(nil)
	if boot {
		side, how = o.firewalld.written, []string{"--permanent"}
	}
	move := func(iface, got, want string, act ...string) {
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "zone of " + iface, Got: orNone(got), Want: orNone(want), Boot: boot})
		c.Do(firewallCmd(append(slices.Clone(how), act...)...))
	}
	for _, z := range []struct {
		zone string
		list []string
	}{{p.IngressZone, p.Ingress}, {p.EgressZone, p.Egress}} {
		for _, i := range z.list {
			iface, network := p.resolve(i, o)
			if iface == "" {
				if !p.Absent && boot {
					c.Refuse("zone of "+i, "(none)", z.zone, "docker knows no network "+network)
				}
				continue
			}
			got := side.zoneOf(iface)
			switch {
			case !p.Absent && got != z.zone:
				move(iface, got, z.zone, "--zone", z.zone, "--change-interface", iface)
			case p.Absent && got == z.zone && (boot || !dockersOwn(i)):
				move(iface, got, "", "--zone", z.zone, "--remove-interface", iface)
			}
		}
		for _, iface := range side.zones[z.zone]["interfaces"] {
			if boot && bridgeName(iface) && !slices.Contains(o.there, "/sys/class/net/"+iface) {
				move(iface, z.zone+", and there is no such bridge", "", "--zone", z.zone, "--remove-interface", iface)
			}
		}
	}
}

// resolve gives an interface's name, and the docker network's where it is one.
func (p *FirewalldPolicy) resolve(i string, o policySeen) (iface, network string) {
	if name, ok := strings.CutPrefix(i, "docker:"); ok {
		return o.bridges[name], name
	}
	return i, ""
}

// dockersOwn tells whether docker puts the interface into its zone itself.
func dockersOwn(i string) bool { return i == "docker0" || strings.HasPrefix(i, "docker:") }

func bridgeName(iface string) bool {
	return regexp.MustCompile(`^br-[0-9a-f]{12}$`).MatchString(path.Base(iface))
}

// removed takes the policy off the disk.
func (p *FirewalldPolicy) removed(c *modules.Change, o policySeen) {
	if o.firewalld.written.policies[p.Name] != nil {
		c.DifferBoot("policy", p.Name, "(none)")
		c.Destroy("the policy " + p.Name + ", and the connections that live by it")
		c.Do(firewallCmd("--permanent", "--delete-policy", p.Name))
	}
}

func firewallCmd(words ...string) host.Step {
	return script(append([]string{"firewall-cmd"}, words...))
}
