package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"bisc/modules/all"
)

func (c *command) guards() *cobra.Command {
	return &cobra.Command{
		Use:   "guards",
		Short: "list everything that bisc can destroy or interrupt, and what stands before it",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, k := range all.Registry().Kinds() {
				for _, loss := range k.Losses {
					fmt.Fprintf(c.out, "%s: %s\n  when   %s\n", k.Name, loss.What, loss.When)
					for _, g := range loss.Guards {
						fmt.Fprintf(c.out, "  guard  %s\n", g)
					}
				}
			}
			return nil
		},
	}
}
