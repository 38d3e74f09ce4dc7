// Package scrape reads pages of metrics in Prometheus's text form, and tells what happened between two of them.
//
// Nothing here turns "not said" into zero: every answer comes with whether the page told it.
package scrape

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Page is what a program said of itself at one moment.
type Page struct {
	At       time.Time // when it was taken, by the clock of whoever took it
	families map[string]*dto.MetricFamily
}

// Parse reads a page. A page that is not whole or not of this format is an error: half of its figures would look absent.
func Parse(body []byte, at time.Time) (Page, error) {
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return Page{}, fmt.Errorf("reading the metrics: %w", err)
	}
	return Page{At: at, families: families}, nil
}

// Names lists the families of the page, sorted.
func (p Page) Names() []string { return slices.Sorted(maps.Keys(p.families)) }

// Value is the sum of a family's series that have these labels (name, value, name, value, …); not ok where there is none,
// or where one is not a number.
func (p Page) Value(name string, labels ...string) (sum float64, ok bool) {
	for _, m := range p.series(name, labels) {
		v := value(m)
		if !finite(v) {
			return 0, false
		}
		sum, ok = sum+v, true
	}
	return sum, ok && finite(sum)
}

// finite tells a figure from what is none: NaN and the infinities.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// By is Value for each value of one label; a series without the label is not in it.
func (p Page) By(name, label string) map[string]float64 {
	by := map[string]float64{}
	for _, m := range p.series(name, nil) {
		if of, ok := labelOf(m, label); ok && finite(value(m)) {
			by[of] += value(m)
		}
	}
	return by
}

// Label is the value of a label of a family's first series: of a build's digest, say.
func (p Page) Label(name, label string) (string, bool) {
	for _, m := range p.series(name, nil) {
		if v, ok := labelOf(m, label); ok {
			return v, true
		}
	}
	return "", false
}

// series are the metrics of a family that have these labels.
func (p Page) series(name string, labels []string) []*dto.Metric {
	var out []*dto.Metric
	for _, m := range p.families[name].GetMetric() {
		if has(m, labels) {
			out = append(out, m)
		}
	}
	return out
}

func has(m *dto.Metric, labels []string) bool {
	for i := 0; i+1 < len(labels); i += 2 {
		if v, ok := labelOf(m, labels[i]); !ok || v != labels[i+1] {
			return false
		}
	}
	return true
}

func labelOf(m *dto.Metric, name string) (string, bool) {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue(), true
		}
	}
	return "", false
}

// identity is the same for the same series of two pages.
func identity(m *dto.Metric) string {
	var words []string
	for _, l := range m.GetLabel() {
		words = append(words, l.GetName()+"\x00"+l.GetValue())
	}
	slices.Sort(words)
	return strings.Join(words, "\x01")
}

// value is a series' figure; a histogram's is the number of its samples.
func value(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	case m.Untyped != nil:
		return m.Untyped.GetValue()
	case m.Histogram != nil:
		return float64(m.Histogram.GetSampleCount())
	}
	return math.NaN()
}
