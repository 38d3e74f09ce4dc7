package scrape

import (
	"fmt"
	"math"
	"testing"
	"time"
)

var began = time.Unix(1_700_000_000, 0)

func page(t *testing.T, at int, text string) Page {
	t.Helper()
	p, err := Parse([]byte(text), began.Add(time.Duration(at)*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestValue(t *testing.T) {
	p := page(t, 0, "# TYPE drops_total counter\ndrops_total{reason=\"short\"} 2\ndrops_total{reason=\"source\"} 3\n"+
		"# TYPE jitter gauge\njitter NaN\nplain 7\nbuild_info{sha256=\"ab\"} 1\nodd{reason=\"\x1b[31m\\n\"} 1\n")
	for _, c := range []struct {
		name   string
		labels []string
		want   float64
		ok     bool
	}{
		{"drops_total", nil, 5, true}, {"drops_total", []string{"reason", "short"}, 2, true}, {"drops_total", []string{"reason", "none"}, 0, false},
		{"jitter", nil, 0, false}, {"plain", nil, 7, true}, {"absent", nil, 0, false},
	} {
		if got, ok := p.Value(c.name, c.labels...); got != c.want || ok != c.ok {
			t.Errorf("%s %q: %v %v", c.name, c.labels, got, ok)
		}
	}
	if by := p.By("drops_total", "reason"); len(by) != 2 || by["source"] != 3 {
		t.Errorf("%v", by)
	}
	if d, ok := p.Label("build_info", "sha256"); d != "ab" || !ok {
		t.Errorf("%q", d)
	}
}

// What is not a whole page is no page: absent figures would look like figures that are not there.
func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"a_total 1", "a_total 1\nb{", "<html>\n", "a_total one\n", "\x1b[2J\n", "a 1\na{x=\"1} 2\n"} {
		if p, err := Parse([]byte(text), began); err == nil {
			t.Errorf("%q is a page of %v", text, p.Names())
		}
	}
}

func TestIncrease(t *testing.T) {
	const name = "n_total"
	text := func(start, a, b float64) string {
		s := fmt.Sprintf("# TYPE n_total counter\nn_total{p=\"a\"} %v\n", a)
		if b >= 0 {
			s += fmt.Sprintf("n_total{p=\"b\"} %v\n", b)
		}
		return s + fmt.Sprintf("process_start_time_seconds %v\n", start)
	}
	for _, c := range []struct {
		name        string
		before, now string
		want        float64
		ok          bool
	}{
		{"grew", text(1, 100, 5), text(1, 150, 6), 51, true},
		{"still", text(1, 100, 5), text(1, 100, 5), 0, true},
		{"one began again, less than before", text(1, 100, 5), text(1, 30, 6), 31, true},
		{"another process, more than before", text(1, 100, 5), text(2, 130, 6), 136, true},
		{"a series that is new", text(1, 100, -1), text(1, 100, 4), 4, true},
		{"a series that went", text(1, 100, 4), text(1, 101, -1), 1, true},
		{"not there", "x 1\n", "x 1\n", 0, false},
		{"no number", text(1, 1, 1), text(1, math.NaN(), 2), 0, false},
	} {
		s := Span{page(t, 0, c.before), page(t, 10, c.now)}
		if got, ok := s.Increase(name); got != c.want || ok != c.ok {
			t.Errorf("%s: %v %v, want %v %v", c.name, got, ok, c.want, c.ok)
		}
		if rate, ok := s.Rate(name); rate != c.want/10 || ok != c.ok {
			t.Errorf("%s: rate %v %v", c.name, rate, ok)
		}
	}
	one := Span{Now: page(t, 0, text(1, 5, 5))}
	if _, ok := one.Rate(name); ok {
		t.Error("one page has a rate")
	}
	if _, ok := (Span{page(t, 5, text(1, 5, 5)), page(t, 5, text(1, 6, 6))}).Rate(name); ok {
		t.Error("no time has a rate")
	}
}

func histogram(start, a, b, c, all int) string {
	return fmt.Sprintf("# TYPE d_seconds histogram\nd_seconds_bucket{p=\"x\",le=\"-0.001\"} %d\nd_seconds_bucket{p=\"x\",le=\"0.001\"} %d\nd_seconds_bucket{p=\"x\",le=\"0.01\"} %d\nd_seconds_bucket{p=\"x\",le=\"+Inf\"} %d\n"+
		"d_seconds_sum{p=\"x\"} 1\nd_seconds_count{p=\"x\"} %d\nprocess_start_time_seconds %d\n", a, b, c, all, all, start)
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		name        string
		before, now string
		q           float64
		want        Quantile
		ok          bool
	}{
		{"within", histogram(1, 0, 10, 10, 10), histogram(1, 0, 10, 20, 20), 0.5, Quantile{Value: 0.0055}, true},
		{"only what came between counts", histogram(1, 0, 1000, 1000, 1000), histogram(1, 0, 1000, 1010, 1010), 0.5, Quantile{Value: 0.0055}, true},
		{"no sample", histogram(1, 5, 10, 10, 10), histogram(1, 5, 10, 10, 10), 0.5, Quantile{}, false},
		{"beyond the last", histogram(1, 0, 0, 0, 0), histogram(1, 0, 0, 1, 10), 0.99, Quantile{Value: 0.01, Over: true}, true},
		{"below the first", histogram(1, 0, 0, 0, 0), histogram(1, 10, 10, 10, 10), 0.5, Quantile{Value: -0.001, Under: true}, true},
		{"another process", histogram(1, 0, 1000, 1000, 1000), histogram(2, 0, 0, 1010, 1010), 0.5, Quantile{Value: 0.0055}, true},
		{"began again", histogram(1, 0, 1000, 1000, 1000), histogram(1, 0, 0, 10, 10), 0.5, Quantile{Value: 0.0055}, true},
		{"no page before", "x 1\n", histogram(1, 0, 0, 10, 10), 0.5, Quantile{Value: 0.0055}, true},
		{"not there", "x 1\n", "x 1\n", 0.5, Quantile{}, false},
	} {
		got, ok := Span{page(t, 0, c.before), page(t, 1, c.now)}.Quantile(c.q, "d_seconds", "p", "x")
		if math.Abs(got.Value-c.want.Value) > 1e-9 || got.Over != c.want.Over || got.Under != c.want.Under || ok != c.ok {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func FuzzSpan(f *testing.F) {
	f.Add([]byte(histogram(1, 0, 10, 10, 10)), []byte(histogram(2, 0, 10, 20, 20)))
	f.Add([]byte("d_seconds 1\n"), []byte(histogram(1, 0, 0, 0, 0)))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		before, err := Parse(a, began)
		if err != nil {
			return
		}
		now, err := Parse(b, began.Add(time.Second))
		if err != nil {
			return
		}
		s := Span{before, now}
		for _, name := range now.Names() {
			if n, ok := s.Increase(name); ok && math.IsNaN(n) {
				t.Errorf("%s grew by NaN", name)
			}
			if q, ok := s.Quantile(0.5, name); ok && math.IsNaN(q.Value) {
				t.Errorf("%s: %+v", name, q)
			}
		}
	})
}
