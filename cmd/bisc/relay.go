package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/relaybin"
	"bisc/relaybin/builds"
)

func (c *command) relay() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "the relay daemons: what this bisc has of them, and what they do",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.relayList(), c.relayExtract(), c.relayTop(), c.relayMark(), c.relayAlerts(), c.relayDashboard())
	return cmd
}

func (c *command) relayList() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the builds of the relay daemons that are in this bisc; dials nothing",
		Long: "Each daemon is in bisc for each platform, and that is what a host gets. A build that is not current was made of other\n" +
			"source, with another toolchain or other modules than this bisc: make build in bisc's source makes both anew.",
		Example: "  bisc relay list\n  bisc relay list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := relayBuilds()
			if err != nil {
				return err
			}
			if c.flags.json {
				return c.writeJSON(struct {
					FormatVersion string       `json:"format_version"`
					Builds        []relayBuild `json:"builds"`
				}{view.FormatVersion, all})
			}
			return c.relayTable(all)
		},
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// relayBuild is one build as JSON.
type relayBuild struct {
	Name     string `json:"name"`
	Platform string `json:"platform"`
	Machine  string `json:"machine"` // as uname -m names it
	Bits     string `json:"bits"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
	Go       string `json:"go"`
	Source   string `json:"source"` // digest of the source that it was made of
	Current  bool   `json:"current"`
	Because  string `json:"because,omitempty"` // in what it differs from this bisc
}

func relayBuilds() ([]relayBuild, error) {
	all, err := relaybin.Binaries()
	if err != nil {
		return nil, err
	}
	out := []relayBuild{}
	for _, b := range all {
		why, err := b.Stale()
		if err != nil {
			return nil, err
		}
		out = append(out, relayBuild{
			Name: b.Name, Platform: b.Platform, Machine: b.Target.Machine, Bits: b.Target.Class, SHA256: b.SHA256, Size: b.Size, Go: b.Go, Source: b.Source,
			Current: why == "", Because: why,
		})
	}
	return out, nil
}

func (c *command) relayTable(all []relayBuild) error {
	w := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPLATFORM\tBYTES\tSHA256\tCURRENT")
	for _, b := range all {
		current := "yes"
		if !b.Current {
			current = "no: " + b.Because
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", b.Name, b.Platform, b.Size, b.SHA256, current)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(b relayBuild) bool { return !b.Current }) {
		fmt.Fprintln(c.out, "not all are current: in bisc's source run `make build`, which makes them and then bisc")
	}
	return nil
}

func (c *command) relayExtract() *cobra.Command {
	var platform string
	cmd := &cobra.Command{
		Use:     "extract NAME FOLDER",
		Short:   "write a relay daemon into a folder, as a host would get it",
		Example: "  bisc relay extract shredmirror --platform linux/386 /tmp",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := relaybin.Binaries()
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(b relaybin.Binary) bool { return b.Name == args[0] && b.Platform == platform })
			if i < 0 {
				return fmt.Errorf("there is no %s for %s in this bisc: bisc relay list shows what there is", args[0], platform)
			}
			name := filepath.Join(args[1], args[0])
			if err := extract(all[i], name); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s  %s\n", all[i].SHA256, name)
			return nil
		},
	}
	cmd.Flags().StringVar(&platform, "platform", "linux/amd64", "for which machine")
	_ = cmd.RegisterFlagCompletionFunc("platform", cobra.FixedCompletions(builds.Platforms(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	return cmd
}

func extract(b relaybin.Binary, name string) error {
	r, err := b.Open()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("unpack %s for %s: %w", b.Name, b.Platform, err)
	}
	return writeWhole(name, text, 0o755)
}
