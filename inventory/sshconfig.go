package inventory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"bisc/internal/host"
)

// config is what ssh's configuration says of one host; nil where it is not asked.
type config struct {
	values map[string][]string
	name   string // under which it was asked
	file   string // the inventory's; empty: ssh's own
	from   string
}

// config asks ssh's configuration, unless the inventory says not to.
func (c *chooser) config(ctx context.Context, h *Host) (*config, error) {
	if h.SSHConfig != nil && !*h.SSHConfig {
		return nil, nil
	}
	if c.ask == nil {
		if h.SSHConfig != nil {
			return nil, fmt.Errorf("%s wants ssh_config, and there is no ssh program to read it", h.where("ssh_config"))
		}
		return nil, nil
	}
	name := h.Address
	if name == "" {
		name = h.Name
	}
	file := expand(h.SSHConfigFile, Decision{})
	values, err := c.ask(ctx, file, name)
	if err != nil {
		return nil, fmt.Errorf("asking ssh_config for %s: %w", name, err)
	}
	from := "ssh_config (ssh -G " + name + ")"
	if file != "" {
		from = "ssh_config (ssh -F " + file + " -G " + name + ")"
	}
	return &config{values: values, name: name, file: file, from: from}, nil
}

func (c *config) first(keyword string) string {
	if all := c.all(keyword); len(all) > 0 {
		return all[0]
	}
	return ""
}

// all gives a keyword's values. ssh -G prints several files of one keyword on one line.
func (c *config) all(keyword string) []string {
	if c == nil || keyword == "" {
		return nil
	}
	values := c.values[keyword]
	if keyword == "userknownhostsfile" {
		// ssh also reads the files of the whole machine.
		values = strings.Fields(strings.Join(append(slices.Clone(values), c.values["globalknownhostsfile"]...), " "))
	}
	return values
}

// proxyJump is the chain that ssh_config names, outermost first.
type proxyJump struct {
	hops []string // [user@]host[:port]
	file string   // that says it, and is asked for the hops too, as ssh does
	from string
}

// proxy reads how ssh would get there: through jump hosts, or by a command whose streams are the connection.
func (c *config) proxy(overridden bool) (jumps *proxyJump, command string) {
	if c == nil || overridden {
		return nil, ""
	}
	if cmd := c.first("proxycommand"); cmd != "" && cmd != "none" {
		return nil, cmd
	}
	jump := strings.Join(c.all("proxyjump"), ",")
	if jump == "" || jump == "none" {
		return nil, ""
	}
	return &proxyJump{hops: strings.Split(jump, ","), file: c.file, from: c.from}, ""
}

// proxyChain decides the jump hosts that ssh_config names: a host block where there is one of that name, else what
// ssh_config says of it. Before the first of them come its own, as with ssh.
func (c *chooser) proxyChain(ctx context.Context, p *proxyJump) ([]Decision, error) {
	var out []Decision
	for i, word := range p.hops {
		hop, err := c.hop(ctx, strings.TrimSpace(word), i == 0, p)
		if err != nil {
			return nil, err
		}
		out = append(append(out, hop.Via...), hop.without())
	}
	return out, nil
}

func (c *chooser) hop(ctx context.Context, word string, first bool, p *proxyJump) (Decision, error) {
	user, name, port, err := splitHop(word)
	if err != nil {
		return Decision{}, err
	}
	if c.visiting[name] {
		return Decision{}, fmt.Errorf("ssh_config leads in a circle: ProxyJump to %s comes back to it", name)
	}
	c.visiting[name] = true
	defer delete(c.visiting, name)
	h, known := c.inv.Lookup(name)
	if !known {
		h = &Host{Name: name, Platform: host.Linux, JumpOnly: true, SSHConfigFile: p.file}
	}
	d, err := c.link(ctx, h, first)
	if user != "" {
		d.User = d.set("user", user, p.from)
	}
	if port != 0 {
		d.Port = port
		d.set("port", number(port), p.from)
	}
	return d, err
}

// splitHop reads [user@]host[:port], with an IPv6 address in brackets, or as ssh://.
func splitHop(word string) (user, name string, port int, err error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(word, "ssh://"), "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		user, rest = rest[:i], rest[i+1:]
	}
	name = strings.Trim(rest, "[]")
	if h, p, splitErr := net.SplitHostPort(rest); splitErr == nil {
		name = h
		if _, err := fmt.Sscanf(p, "%d", &port); err != nil || port < 1 || port > 65535 {
			return "", "", 0, fmt.Errorf("ssh_config: ProxyJump %q has no port that can be", word)
		}
	}
	if err := errors.Join(checkAddress(name), emptyOr(user, checkUser)); err != nil {
		return "", "", 0, fmt.Errorf("ssh_config: ProxyJump: %w", err)
	}
	return user, name, port, nil
}

func emptyOr(s string, check func(string) error) error {
	if s == "" {
		return nil
	}
	return check(s)
}
