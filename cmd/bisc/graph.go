package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/source"
	"bisc/plans"
)

func graphFormats() []string { return []string{"text", "dot", "json"} }

func (c *command) graph() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "graph",
		Short:   "print hosts, their layers with what gates them, and the resources in their order",
		Example: "  bisc graph --format dot | dot -Tsvg >plan.svg",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !slices.Contains(graphFormats(), format) {
				return fmt.Errorf("--format %q: no such format.%s", format, source.DidYouMean(format, graphFormats()))
			}
			l, err := c.load()
			if err != nil {
				return err
			}
			switch format {
			case "dot":
				_, err = fmt.Fprint(c.out, view.CleanText(l.plan.GraphDOT()))
			case "json":
				err = c.writeJSON(struct {
					FormatVersion string       `json:"format_version"`
					Graph         []plans.Node `json:"graph"`
				}{view.FormatVersion, append([]plans.Node{}, l.plan.Graph()...)})
			default:
				_, err = fmt.Fprint(c.out, view.CleanText(l.plan.GraphText()))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", strings.Join(graphFormats(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(graphFormats(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}
