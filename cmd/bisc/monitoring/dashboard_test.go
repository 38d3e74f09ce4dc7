package monitoring

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// grafana is what of a dashboard matters here.
type grafana struct {
	SchemaVersion int    `json:"schemaVersion"`
	UID           string `json:"uid"`
	Panels        []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ RefID, Expr string }
	}
	Templating struct{ List []struct{ Name, Type string } }
}

func dashboardOf(t *testing.T) grafana {
	t.Helper()
	var d grafana
	if err := json.Unmarshal(Dashboard(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Every expression of the dashboard is one that Prometheus reads, once Grafana has put in its variables.
func TestDashboardExpressions(t *testing.T) {
	rules, n := "groups:\n  - name: dashboard\n    rules:\n", 0
	variables := strings.NewReplacer("$__rate_interval", "1m", "$instance", ".*")
	for _, p := range dashboardOf(t).Panels {
		for _, target := range p.Targets {
			expr := variables.Replace(target.Expr)
			if strings.Contains(expr, "$") {
				t.Errorf("%s: an unknown variable: %s", p.Title, expr)
			}
			quoted, err := json.Marshal(expr)
			if err != nil {
				t.Fatal(err)
			}
			rules += fmt.Sprintf("      - {record: \"panel:%d_%s\", expr: %s}\n", p.ID, target.RefID, quoted)
			n++
		}
	}
	if n < 35 {
		t.Errorf("only %d expressions were found", n)
	}
	if said, err := promtool(t, map[string]string{"d.yml": rules}, "check", "rules", "d.yml"); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
}

// The panels have ids of their own and lie beside each other, not on each other.
func TestDashboardLayout(t *testing.T) {
	d := dashboardOf(t)
	if d.SchemaVersion < 36 || d.UID == "" || len(d.Templating.List) != 2 {
		t.Errorf("%+v", d)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.ID == 0 || !slices.Contains([]string{"row", "stat", "timeseries"}, p.Type) || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %s (%s)", p.ID, p.Title, p.Type)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if on := taken[[2]int{x, y}]; on != "" || x >= 24 {
					t.Fatalf("%s lies on %s at %d, %d", p.Title, on, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// metrics are the names of the relay's metrics in a text, without what a histogram adds.
func metrics(text string) []string {
	found := regexp.MustCompile(`\bshred(?:mirror|unwrap|meter)_[a-z0-9_]+`).FindAllString(text, -1)
	for i := range found {
		found[i] = strings.TrimSuffix(found[i], "_bucket")
	}
	slices.Sort(found)
	return slices.Compact(found)
}
