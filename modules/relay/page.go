package relay

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// sample is one line of a daemon's metrics.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

// page is a daemon's metrics at one moment, in Prometheus' text form. It is read here and not by Prometheus' own parser, which
// brings an HTTP server along: what decides knows no network.
type page []sample

// parsePage reads NAME{LABEL="VALUE",...} VALUE a line; comments and empty lines say nothing. A line that is neither is an
// error: half a page is no answer.
func parsePage(body []byte) (page, error) {
	var p page
	line := regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?[0-9]+)?$`)
	for text := range strings.Lines(string(body)) {
		text = strings.TrimSpace(text)
		if text == "" || text[0] == '#' {
			continue
		}
		m := line.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("metrics: no sample: %.120q", text)
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return nil, fmt.Errorf("metrics: %.120q: %w", text, err)
		}
		labels, err := parseLabels(m[2])
		if err != nil {
			return nil, fmt.Errorf("metrics: %.120q: %w", text, err)
		}
		p = append(p, sample{m[1], labels, value})
	}
	return p, nil
}

func parseLabels(text string) (map[string]string, error) {
	pair := regexp.MustCompile(`^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?`)
	out := map[string]string{}
	for text != "" {
		m := pair.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("not a label: %q", text)
		}
		out[m[1]] = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(m[2])
		text = text[len(m[0]):]
	}
	return out, nil
}

// total adds all samples of a name up. No sample is not zero: it is an error.
func (p page) total(name string) (float64, error) {
	sum, found := 0.0, false
	for _, s := range p {
		if s.name == name {
			sum, found = sum+s.value, true
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
		if s.name == name {
			most, found = max(most, s.value), true
		}
	}
	return most, found
}

// by adds the samples of a name up by the values of a label.
func (p page) by(name, label string) map[string]float64 {
	out := map[string]float64{}
	for _, s := range p {
		if s.name == name {
			out[s.labels[label]] += s.value
		}
	}
	return out
}
