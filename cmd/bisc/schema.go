package main

import (
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
)

func (c *command) schema() *cobra.Command {
	return &cobra.Command{
		Use:       "schema [discover|status]",
		Short:     "print the JSON schema of --json",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"discover", "status"},
		RunE: func(_ *cobra.Command, args []string) error {
			text := view.Schema()
			switch {
			case slices.Contains(args, "discover"):
				text = view.DiscoverSchema()
			case slices.Contains(args, "status"):
				text = view.StatusSchema()
			}
			_, err := c.out.Write(text)
			return err
		},
	}
}

func (c *command) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "print the version",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { _, err := fmt.Fprintln(c.out, "bisc", version()); return err },
	}
}

// version is the module's, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return info.Main.Version + " " + s.Value
		}
	}
	return info.Main.Version
}
