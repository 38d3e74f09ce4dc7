package scrape

import (
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Sample is one line of a page.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64 // also NaN and the infinities, as the page has them
}

// Samples gives the page a line each, a histogram as its NAME_bucket, NAME_sum and NAME_count.
func (p Page) Samples() ([]Sample, error) {
	var families []*dto.MetricFamily
	for _, name := range p.Names() {
		families = append(families, p.families[name])
	}
	lines, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: model.TimeFromUnixNano(p.At.UnixNano())}, families...)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics: %w", err)
	}
	out := make([]Sample, len(lines))
	for i, line := range lines {
		out[i] = Sample{Labels: map[string]string{}, Value: float64(line.Value)}
		for name, value := range line.Metric {
			if name == model.MetricNameLabel {
				out[i].Name = string(value)
				continue
			}
			out[i].Labels[string(name)] = string(value)
		}
	}
	return out, nil
}
