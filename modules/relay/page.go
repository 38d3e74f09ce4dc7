package relay

import (
	"fmt"
	"math"
	"time"

	"bisc/internal/scrape"
)

// page is a daemon's metrics at one moment, a line each: its histograms are NAME_bucket, _sum and _count.
type page []scrape.Sample

// parsePage reads a page. What is none is an error: half a page is no answer.
func parsePage(body []byte) (page, error) {
	p, err := scrape.Parse(body, time.Time{})
	if err != nil {
		return nil, err
	}
	return p.Samples()
}

// total adds all samples of a name up. No sample is not zero: it is an error.
func (p page) total(name string) (float64, error) {
	sum, found := 0.0, false
	for _, s := range p {
		if s.Name == name {
			sum, found = sum+s.Value, true
		}
	}
	if !found {
		return 0, fmt.Errorf("the daemon's metrics have no %s", name)
	}
	return sum, nil
}

// largest is the greatest of all samples of a name.
func (p page) largest(name string) (float64, bool) {
	most, found := math.Inf(-1), false
	for _, s := range p {
		if s.Name == name {
			most, found = max(most, s.Value), true
		}
	}
	return most, found
}

// by adds the samples of a name up by the values of a label.
func (p page) by(name, label string) map[string]float64 {
	out := map[string]float64{}
	for _, s := range p {
		if s.Name == name {
			out[s.Labels[label]] += s.Value
		}
	}
	return out
}
