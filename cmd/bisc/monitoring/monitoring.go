// Package monitoring has what others watch the relay with: alert rules for Prometheus and a dashboard for Grafana.
package monitoring

import (
	_ "embed"
	"slices"
)

//go:embed alerts.yml
var alerts []byte

//go:embed dashboard.json
var dashboard []byte

// Alerts is a file of rules for Prometheus 2.42 and later.
func Alerts() []byte { return slices.Clone(alerts) }

// Dashboard is a dashboard for Grafana 10 and later, to be imported or provisioned.
func Dashboard() []byte { return slices.Clone(dashboard) }
