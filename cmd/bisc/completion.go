package main

import (
	"errors"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/layers"
)

func (c *command) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash",
		Short: "print a completion script; addresses are completed from the plan",
		Long:  "Load it with:  source <(bisc completion bash)\nIt needs Debian's package bash-completion. Complete an address before you quote it.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "bash" {
				return errors.New("completion is for bash: bisc completion bash")
			}
			return cmd.Root().GenBashCompletionV2(c.out, true)
		},
	}
}

// completeAddresses offers the addresses of the plan that the flags on the line name.
func (c *command) completeAddresses(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	s, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for _, st := range s.everyStage() {
		for _, it := range st.Items {
			out = append(out, it.Address)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeHosts offers the hosts of the inventory.
func (c *command) completeHosts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	s, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return s.hostNames(), cobra.ShellCompDirectiveNoFileComp
}

// completes gives the flags of a verb their values from the plan.
func (c *command) completes(cmd *cobra.Command) {
	offer := map[string]cobra.CompletionFunc{
		"layer":  cobra.FixedCompletions(layers.Names(), cobra.ShellCompDirectiveNoFileComp),
		"host":   c.completeHosts,
		"format": cobra.FixedCompletions(view.Formats(), cobra.ShellCompDirectiveNoFileComp),
		"target": c.completeAddresses, "exclude": c.completeAddresses,
		"destroy": c.completeAddresses, "override": c.completeAddresses, "match": c.completeAddresses,
	}
	for name, values := range offer {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, values) // fails only for a flag that is not there
		}
	}
}
