package relay

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/modules"
)

// window is what a daemon's metrics were at its beginning and at its end.
type window struct{ first, second page }

// growth is by how much a counter grew, of one value of a label.
type growth struct {
	of string
	by float64
}

// grew is by how much all of a counter grew together.
func (w window) grew(name string) (float64, error) {
	before, err := w.first.total(name)
	if err != nil {
		return 0, err
	}
	after, err := w.second.total(name)
	if err != nil {
		return 0, err
	}
	if after < before {
		return 0, fmt.Errorf("%s went back from %.0f to %.0f", name, before, after)
	}
	return after - before, nil
}

// grewBy is by how much a counter grew, by a label, in the order of its values. One that is new began at nothing.
func (w window) grewBy(name, label string) []growth {
	before := w.first.by(name, label)
	var out []growth
	for of, after := range w.second.by(name, label) {
		out = append(out, growth{of, after - before[of]})
	}
	slices.SortFunc(out, func(a, b growth) int { return cmp.Compare(a.of, b.of) })
	return out
}

// began tells whether the process is another than before: its start time is among its metrics.
func (w window) began() bool {
	before, err1 := w.first.total("process_start_time_seconds")
	after, err2 := w.second.total("process_start_time_seconds")
	return err1 == nil && err2 == nil && before != after
}

// streams judges what the sequenced form tells: loss, delay and jitter on the way. Where no stream sent anything there is
// nothing to judge, and whether anything should have come is another question (flowing).
func (f *Flow) streams(c *modules.Change, w window) error {
	arrived := 0.0
	for _, g := range w.grewBy("shredunwrap_received_total", "form") {
		if g.of == "sequenced" {
			arrived = g.by
		}
	}
	lost := 0.0
	if arrived > 0 {
		if _, err := w.second.total("shredunwrap_stream_lost_total"); err != nil {
			return err
		}
	}
	for _, g := range w.grewBy("shredunwrap_stream_lost_total", "stream") {
		lost += g.by
	}
	if share := lost / max(lost+arrived, 1); share > float64(f.MaxLoss) {
		c.Refuse("loss", fmt.Sprintf("%.0f of %.0f in %s", lost, lost+arrived, f.Window), "at most "+f.MaxLoss.String(), mends)
	}
	if f.MaxDelay > 0 {
		if err := f.delay(c, w, arrived); err != nil {
			return err
		}
	}
	if jitter, found := w.second.largest("shredunwrap_stream_jitter_seconds"); f.MaxJitter > 0 && found && jitter > f.MaxJitter.Seconds() {
		c.Refuse("jitter", seconds(jitter), "at most "+f.MaxJitter.String(), mends)
	}
	return nil
}

// delay wants 99 of 100 shreds of the window within the limit. The histogram knows bounds only: the one below the limit
// counts, or the limit itself.
func (f *Flow) delay(c *modules.Change, w window, arrived float64) error {
	const name = "shredunwrap_stream_delay_seconds"
	if arrived == 0 {
		return nil
	}
	all, within, bound := 0.0, 0.0, -1.0
	for _, g := range w.grewBy(name+"_bucket", "le") {
		le, err := strconv.ParseFloat(g.of, 64)
		if err != nil {
			return fmt.Errorf("%s has a bound %q", name, g.of)
		}
		if math.IsInf(le, 1) {
			all = g.by
		}
		if le <= f.MaxDelay.Seconds() && le > bound {
			within, bound = g.by, le
		}
	}
	if all == 0 {
		return fmt.Errorf("%.0f sequenced shreds came, and none has a delay in %s", arrived, name)
	}
	if within < 0.99*all {
		c.Refuse("delay", fmt.Sprintf("%.1f of 100 shreds within %s", 100*within/all, f.MaxDelay), "99 of 100", mends)
	}
	return nil
}

// run judges the run of complete slots that ends at the tip.
func (f *Flow) run(c *modules.Change, p page) error {
	if f.MinRun == 0 {
		return nil
	}
	got, err := p.total("shredmeter_run_seconds")
	if err != nil {
		return err
	}
	if math.IsNaN(got) {
		return fmt.Errorf("shredmeter does not know of any run of slots")
	}
	if got < f.MinRun.Seconds() {
		c.Refuse("run", seconds(got), "at least "+f.MinRun.String(), mends)
	}
	return nil
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond).String()
}

// Ratio is a share, written as "0.1%".
type Ratio float64

// UnmarshalText reads a percentage.
func (r *Ratio) UnmarshalText(text []byte) error {
	number, ok := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if !ok || err != nil || !(n >= 0 && n <= 100) {
		return fmt.Errorf("%q is not a share: write a percentage from 0%% to 100%%, for example \"0.1%%\"", text)
	}
	*r = Ratio(n / 100)
	return nil
}

// String gives the percentage.
func (r Ratio) String() string { return strconv.FormatFloat(float64(r)*100, 'g', -1, 64) + "%" }
