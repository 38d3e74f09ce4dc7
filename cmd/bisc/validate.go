package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"bisc/plans"
)

func (c *command) validate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "find every fault of the plan and the inventory, without asking any host",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := c.load()
			if err != nil {
				return err
			}
			if c.flags.json {
				return plans.WriteDiagnosticsJSON(c.out, l.plan.Files, nil)
			}
			items, hosts := 0, map[string]bool{}
			for _, st := range l.stages {
				items += len(st.Items)
				hosts[st.Host] = true
			}
			fmt.Fprintf(c.out, "the plan is good: %s on %s, %s\n", count(items, "resource"), count(len(hosts), "host"), count(len(l.plan.Runbooks), "runbook"))
			return nil
		},
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "faults as JSON")
	return cmd
}

// count reads "1 host", "2 hosts".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
