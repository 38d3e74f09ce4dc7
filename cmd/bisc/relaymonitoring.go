package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/monitoring"
)

func (c *command) relayAlerts() *cobra.Command {
	return c.printsOrInstalls("bisc-relay.rules.yml", monitoring.Alerts, &cobra.Command{
		Use:   "alerts",
		Short: "print, or install, the alert rules for Prometheus; dials nothing",
		Long: "Rules about the relay's daemons (job bisc-relay: the file's head says how to scrape them) and about bisc's own rounds of\n" +
			"drift (bisc schedule install --textfile). Name the file, or its folder, in rule_files of prometheus.yml.",
		Example: "  bisc relay alerts --install /etc/prometheus/rules.d && systemctl reload prometheus",
	})
}

func (c *command) relayDashboard() *cobra.Command {
	return c.printsOrInstalls("bisc-relay.json", monitoring.Dashboard, &cobra.Command{
		Use:     "dashboard",
		Short:   "print, or install, the dashboard for Grafana; dials nothing",
		Long:    "A dashboard of the relay, to be imported in Grafana, or installed where it looks for provisioned dashboards.",
		Example: "  bisc relay dashboard --install /var/lib/grafana/dashboards",
	})
}

// printsOrInstalls completes a verb that has a file to give.
func (c *command) printsOrInstalls(name string, text func() []byte, cmd *cobra.Command) *cobra.Command {
	var folder string
	var printed bool
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(*cobra.Command, []string) error {
		if folder == "" {
			_, err := c.out.Write(text())
			return err
		}
		file := filepath.Join(folder, name)
		if err := writeWhole(file, text(), 0o644); err != nil {
			return err
		}
		fmt.Fprintln(c.out, file)
		return nil
	}
	cmd.Flags().StringVar(&folder, "install", "", "write it into this folder of this machine, as "+name)
	cmd.Flags().BoolVar(&printed, "print", false, "print it (what is done without --install)")
	cmd.MarkFlagsMutuallyExclusive("install", "print")
	return cmd
}
