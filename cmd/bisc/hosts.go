package main

import (
	"context"
	"fmt"
	"os/exec"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/host/sshhost"
	"bisc/internal/source"
	"bisc/inventory"
)

func (c *command) hosts() *cobra.Command {
	var explain, probe bool
	cmd := &cobra.Command{
		Use:   "hosts [HOST...]",
		Short: "list the hosts of the inventory; with --explain, how each is reached and why; with --probe, what each is",
		Long: "Dials nothing, but with --probe: then each host is connected to and asked what it is. Of a switch it says which ways to its commands work,\n" +
			"why the others do not, and what of EOS that no document tells holds there (bisc eos probe says it at length).",
		Example: "  bisc hosts --explain biscayne\n  bisc hosts --probe was-sw01\n  bisc hosts --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if probe {
				return c.reading(cmd, "hosts", func(ctx context.Context, s *session) error {
					if len(args) == 0 {
						args = s.loaded.inv.Names()
					}
					return s.eachHost(ctx, args, probeHost)
				})
			}
			l, err := c.load()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = l.inv.Names()
			}
			if c.flags.json {
				return l.hostsJSON(cmd.Context(), args, explain)
			}
			for _, name := range args {
				if err := l.describeHost(cmd.Context(), name, explain); err != nil {
					return err
				}
			}
			return nil
		},
		ValidArgsFunction: c.completeHosts,
	}
	cmd.Flags().BoolVar(&explain, "explain", false, "every setting, and where it came from")
	cmd.Flags().BoolVar(&probe, "probe", false, "connect, and say what each is and which ways to it work")
	cmd.MarkFlagsMutuallyExclusive("explain", "probe")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// resolver asks ssh itself how it would reach a name; nil where there is no ssh.
func resolver() inventory.Resolver {
	if _, err := exec.LookPath("ssh"); err != nil {
		return nil
	}
	return sshhost.ResolveSSHConfig
}

// decide finds how a host of the inventory is reached.
func (l *loaded) decide(ctx context.Context, name string) (inventory.Decision, error) {
	h, ok := l.inv.Lookup(name)
	if !ok {
		return inventory.Decision{}, fmt.Errorf("%q is not in the inventory; bisc hosts lists it.%s", name, source.DidYouMean(name, l.inv.Names()))
	}
	return inventory.Decide(ctx, l.inv, h, resolver())
}

// reached is a host and how it is reached, as JSON. The jump hosts are in the order passed.
type reached struct {
	Host     string            `json:"host"`
	Platform string            `json:"platform,omitempty"` // of a jump host that only ssh knows nobody says it
	Local    bool              `json:"local,omitempty"`
	Address  string            `json:"address"`
	Port     int               `json:"port"`
	User     string            `json:"user"`
	Via      []reached         `json:"via,omitempty"`
	Settings map[string]string `json:"settings,omitempty"` // each with where it came from
	ByHand   []string          `json:"by_hand,omitempty"`  // its console and its power, as an operator types them
}

func reachedAs(d inventory.Decision, explain bool) reached {
	out := reached{Host: d.Host, Platform: d.Platform.String(), Local: d.Local, Address: d.Address, Port: d.Port, User: d.User}
	for _, via := range d.Via {
		out.Via = append(out.Via, reachedAs(via, explain))
	}
	if explain {
		out.Settings = map[string]string{}
		for _, s := range d.Settings {
			out.Settings[s.Name] = s.Value + " (" + s.From + ")"
		}
	}
	return out
}

func (l *loaded) hostsJSON(ctx context.Context, names []string, explain bool) error {
	doc := struct {
		FormatVersion string    `json:"format_version"`
		Hosts         []reached `json:"hosts"`
	}{view.FormatVersion, []reached{}}
	for _, name := range names {
		d, err := l.decide(ctx, name)
		if err != nil {
			return err
		}
		one := reachedAs(d, explain)
		if h, ok := l.inv.Lookup(name); ok {
			one.ByHand = h.ByHand()
		}
		doc.Hosts = append(doc.Hosts, one)
	}
	return l.c.writeJSON(doc)
}

func (l *loaded) describeHost(ctx context.Context, name string, explain bool) error {
	d, err := l.decide(ctx, name)
	if err != nil {
		return err
	}
	route := ""
	for _, via := range d.Via {
		route += fmt.Sprintf(" via %s@%s:%d", via.User, via.Address, via.Port)
	}
	where := fmt.Sprintf("%s@%s:%d%s", d.User, d.Address, d.Port, route)
	if d.Local {
		where = "this machine, as " + d.User
	}
	fmt.Fprintln(l.c.out, view.Clean(fmt.Sprintf("%s  %s  %s", d.Host, d.Platform, where)))
	if h, ok := l.inv.Lookup(name); ok {
		for _, way := range h.ByHand() {
			fmt.Fprintln(l.c.out, "  "+view.Clean(way))
		}
	}
	if !explain {
		return nil
	}
	w := tabwriter.NewWriter(l.c.out, 0, 8, 2, ' ', 0)
	settings(w, "  ", d)
	return w.Flush()
}

// settings writes a decision's values with their origins, and those of its jump hosts below.
func settings(w *tabwriter.Writer, indent string, d inventory.Decision) {
	for _, s := range d.Settings {
		fmt.Fprintf(w, "%s%s\t%s\t%s\n", indent, s.Name, view.Clean(s.Value), view.Clean(s.From))
	}
	for _, via := range d.Via {
		fmt.Fprintf(w, "%svia %s\t\t\n", indent, via.Host)
		settings(w, indent+"  ", via)
	}
}
