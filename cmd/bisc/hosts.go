package main

import (
	"context"
	"fmt"
	"os/exec"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/host/sshhost"
	"bisc/inventory"
)

func (c *command) hosts() *cobra.Command {
	var explain bool
	cmd := &cobra.Command{
		Use:   "hosts [HOST...]",
		Short: "list the hosts of the inventory; with --explain, how each is reached and why; dials nothing",
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := c.load()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args = l.inv.Names()
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
	return cmd
}

// resolver asks ssh itself how it would reach a name; nil where there is no ssh.
func resolver() inventory.Resolver {
	if _, err := exec.LookPath("ssh"); err != nil {
		return nil
	}
	return sshhost.ResolveSSHConfig
}

func (l *loaded) describeHost(ctx context.Context, name string, explain bool) error {
	h, ok := l.inv.Lookup(name)
	if !ok {
		return fmt.Errorf("%q is not in the inventory; bisc hosts lists it", name)
	}
	d, err := inventory.Decide(ctx, l.inv, h, resolver())
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
