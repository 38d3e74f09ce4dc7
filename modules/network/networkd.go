package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/confd"
	"bisc/modules/systemd"
)

// networkd is what systemd-networkd does to what it did not configure itself: networkd.conf(5).
type networkd struct {
	runs          bool
	routes, rules bool // ManageForeignRoutes=, ManageForeignRoutingPolicyRules=
}

// What of a resource networkd may take away.
type foreign string

const (
	address foreign = "the address"
	route   foreign = "the route"
	rule    foreign = "the rule"
)

// askNetworkd reads whether it runs, and its configuration: the main file first, then the pieces, whose later ones win.
func askNetworkd(ctx context.Context, h host.Reader) (n networkd, err error) {
	var state systemd.State
	var main []byte
	var pieces []confd.File
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			state, err = systemd.Show(ctx, h, "systemd-networkd.service")
			return err
		},
		func(ctx context.Context) (err error) {
			if main, err = h.ReadFile(ctx, "/etc/systemd/networkd.conf"); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			return err
		},
		func(ctx context.Context) (err error) {
			pieces, err = confd.Read(ctx, h, "systemd/networkd.conf.d")
			return err
		},
	)
	if err != nil {
		return n, fmt.Errorf("ask what systemd-networkd does to foreign routes: %w", err)
	}
	n = networkd{runs: state.Running(), routes: true, rules: true}
	lines := strings.Split(string(main), "\n")
	for _, p := range pieces {
		lines = append(lines, p.Lines...)
	}
	for _, line := range lines {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch strings.TrimSpace(key) {
		case "ManageForeignRoutes":
			n.routes = isTrue(value)
		case "ManageForeignRoutingPolicyRules":
			n.rules = isTrue(value)
		}
	}
	return n, nil
}

func isTrue(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "0", "no", "n", "false", "f", "off":
		return false
	}
	return true
}

// takes adds the finding that a restart of networkd takes the thing away. Addresses and routes go with an interface that it
// manages (its state file says so); rules go whatever interface it manages.
func (n networkd) takes(ctx context.Context, h host.Reader, c *modules.Change, d *device, what foreign) error {
	if !n.runs || what == route && !n.routes || what == rule && !n.rules {
		return nil
	}
	if d != nil {
		managed, err := manages(ctx, h, d)
		if err != nil || !managed {
			return err
		}
	}
	key := map[foreign]string{route: "ManageForeignRoutes", rule: "ManageForeignRoutingPolicyRules"}[what]
	remedy := fmt.Sprintf("write a file block /etc/systemd/networkd.conf.d/10-bisc.conf with [Network] and %s=no (systemd 246 for routes, 249 for rules)", key)
	want := key + "=no"
	if what == address {
		remedy, want = "write the address into the interface's .network file, or KeepConfiguration=yes there", "kept"
	}
	c.Diffs = append(c.Diffs, modules.Diff{Attr: "restart of networkd", Got: "takes " + string(what) + " away", Want: want, Boot: true,
		Why: "systemd-networkd removes what it did not configure itself when it configures an interface: " + remedy})
	return nil
}

// manages tells whether networkd configures the interface: its own state file of it, by index.
func manages(ctx context.Context, h host.Reader, d *device) (bool, error) {
	name := fmt.Sprintf("/run/systemd/netif/links/%d", d.Index)
	text, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	for line := range strings.Lines(string(text)) {
		if state, ok := strings.CutPrefix(strings.TrimSpace(line), "ADMIN_STATE="); ok {
			return state != "unmanaged", nil
		}
	}
	return false, nil
}

// bringers are the units of the plan's other resources that a resource needs at boot: the tunnel that is its device, and the
// addresses on that device that hold its gateway or are its source.
func bringers(all []modules.Resource, dev, via, src string) []string {
	var out []string
	for _, r := range all {
		switch r := r.(type) {
		case *GRETunnel:
			if r.Name == dev && !r.Absent {
				out = append(out, r.boot().Name())
			}
		case *IPAddress:
			if !r.Absent && (src != "" || r.Device == dev) && r.serves(via, src) {
				out = append(out, r.boot().Name())
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
