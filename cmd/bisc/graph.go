package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
)

func (c *command) graph() *cobra.Command {
	return &cobra.Command{
		Use:   "graph",
		Short: "print hosts, their layers with what gates them, and the resources in their order",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			l, err := c.load()
			if err != nil {
				return err
			}
			fmt.Fprint(c.out, view.CleanText(l.plan.GraphText()))
			return nil
		},
	}
}
