package view

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/layers"
)

func write(t *testing.T, format string, doc Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := Check(&b, format, doc, Options{Verb: doc.Verb}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// No format may say that a check failed which exits 0, nor that one passed which does not.
func TestFormatsAgreeWithTheExitStatus(t *testing.T) {
	unreachable := layers.HostReport{Host: "b", Err: host.ErrUnreachable}
	held := with(mount(), func(o *layers.Outcome) { o.State, o.Reason = layers.Held, "held by alice" })
	gone := with(mount(), func(o *layers.Outcome) { o.State, o.Err = layers.Unknown, host.ErrStuck })
	for name, rep := range map[string]layers.Report{
		"in sync": report(outcome(storage, layers.InSync, "mount", "x", 1)), "drifted": report(mount()), "left": report(ramdisk()),
		"broken": report(invariant(layers.Blocked)), "broken, apply would mend it": report(mount(), invariant(layers.Drifted)),
		"overridden": report(invariant(layers.Held)), "held": report(held), "unknown": report(gone),
		"unreachable": {unreachable}, "everything": append(everything(), unreachable),
	} {
		for _, verb := range []string{"check", "drift"} {
			doc := New(Run{Verb: verb, Started: began}, rep)
			status := Of(verb, rep, nil)
			bad := status != ExitOK && status != ExitAccepted
			if got := junitBad(t, write(t, "junit", doc)); got != bad {
				t.Errorf("%s, %s: exit status %d, junit says failed: %v", verb, name, status, got)
			}
			if got := tapBad(t, write(t, "tap", doc)); got != bad {
				t.Errorf("%s, %s: exit status %d, tap says failed: %v", verb, name, status, got)
			}
			if got := NagiosStatus(doc) >= nagiosCritical; got != bad {
				t.Errorf("%s, %s: exit status %d, nagios says %d", verb, name, status, NagiosStatus(doc))
			}
		}
	}
}

func junitBad(t *testing.T, text string) bool {
	t.Helper()
	var s junitSuites
	if err := xml.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	var sum junitCounts
	for _, suite := range s.Suites {
		sum.sum(suite.junitCounts)
		if len(suite.Cases) != suite.Tests {
			t.Errorf("suite %s says %d tests and has %d", suite.Name, suite.Tests, len(suite.Cases))
		}
	}
	if sum.Tests != s.Tests || sum.Failures != s.Failures || sum.Errors != s.Errors || sum.Skipped != s.Skipped {
		t.Errorf("junit's sums are wrong: %+v and %+v", sum, s.junitCounts)
	}
	return s.Failures+s.Errors > 0
}

var tapPoint = regexp.MustCompile(`^(not )?ok (\d+) - (?:[^#\\]|\\.)*(# (TODO|SKIP) .*)?$`)

// tapBad reads TAP as a harness does: a plan, points in order, YAML blocks, directives.
func tapBad(t *testing.T, text string) bool {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if lines[0] != "TAP version 14" {
		t.Fatalf("it begins with %q", lines[0])
	}
	bad, points, inside := false, 0, false
	for _, l := range lines[2:] {
		switch {
		case l == "  ---":
			inside = true
		case l == "  ...":
			inside = false
		case inside:
		default:
			m := tapPoint.FindStringSubmatch(l)
			points++
			if m == nil || m[2] != strconv.Itoa(points) {
				t.Fatalf("not a test point %d: %q", points, l)
			}
			bad = bad || m[1] != "" && m[4] != "TODO"
		}
	}
	if want := fmt.Sprintf("1..%d", points); lines[1] != want {
		t.Errorf("the plan is %q, want %q", lines[1], want)
	}
	return bad
}

func TestTapOfNothing(t *testing.T) {
	if got, want := write(t, "tap", New(Run{Verb: "check"}, nil)), "TAP version 14\n1..0 # SKIP nothing selected\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

var (
	promComment = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	promSample  = regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="(?:[^"\\]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\]|\\[\\"n])*")*\})? (\S+)$`)
)

// TestPrometheusText reads the exposition as its specification says: HELP and TYPE once before the samples of a family,
// samples of a family together, no series twice.
func TestPrometheusText(t *testing.T) {
	for name, rep := range map[string]layers.Report{"every class": everything(), "hostile": hostile()[:1], "empty": nil} {
		text := write(t, "prometheus", New(Run{Verb: "check", Started: began}, rep))
		family, seen := "", map[string]bool{}
		for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if m := promComment.FindStringSubmatch(l); m != nil {
				if seen[m[1]+m[2]] {
					t.Errorf("%s: %s of %s twice", name, m[1], m[2])
				}
				seen[m[1]+m[2]], family = true, m[2]
				continue
			}
			m := promSample.FindStringSubmatch(l)
			if m == nil {
				t.Fatalf("%s: not a sample: %q", name, l)
			}
			if _, err := strconv.ParseFloat(m[3], 64); err != nil || m[1] != family || seen[m[1]+m[2]] {
				t.Errorf("%s: in family %s: %q (%v)", name, family, l, err)
			}
			seen[m[1]+m[2]] = true
		}
	}
}

// Unknown is neither 1 nor 0: an alert on 0 would call out for what may be in order.
func TestPrometheusKeepsUnknownApart(t *testing.T) {
	gone := with(mount(), func(o *layers.Outcome) { o.State, o.Err = layers.Unknown, host.ErrStuck })
	text := write(t, "prometheus", New(Run{Verb: "check", Started: began}, report(gone)))
	if strings.Contains(text, "bisc_check_ok{") {
		t.Errorf("a verdict on what is unknown:\n%s", text)
	}
	if !regexp.MustCompile(`(?m)^bisc_check_unknown\{.*\} 1$`).MatchString(text) {
		t.Errorf("unknown is not told:\n%s", text)
	}
}

func TestNagios(t *testing.T) {
	gone := with(mount(), func(o *layers.Outcome) { o.State, o.Err = layers.Unknown, host.ErrStuck })
	for _, c := range []struct {
		name  string
		rep   layers.Report
		want  int
		first string
	}{
		{"in order", report(outcome(storage, layers.InSync, "mount", "x", 1)), 0, "OK - 1 in sync | in_sync=1;;;0;1 "},
		{"a resource differs", report(mount()), 1, "WARNING - 0 in sync, 1 to change: biscayne:storage.mount"},
		{"an invariant does not hold", report(gone, invariant(layers.Blocked)), 2, "CRITICAL - "},
		{"unknown", report(gone, mount()), 3, "UNKNOWN - "},
		{"no host", layers.Report{{Host: "b", Err: host.ErrUnreachable}}, 3, "UNKNOWN - nothing selected; 1 host with an error: b: host not reachable | "},
	} {
		doc := New(Run{Verb: "check", Started: began}, c.rep)
		text := write(t, "nagios", doc)
		if got := NagiosStatus(doc); got != c.want || !strings.HasPrefix(text, c.first) {
			t.Errorf("%s: status %d, want %d; %q, want %q", c.name, got, c.want, text, c.first)
		}
		line, _, _ := strings.Cut(text, "\n")
		if n := strings.Count(line, "|"); n != 1 {
			t.Errorf("%s: %d bars in %q", c.name, n, line)
		}
	}
}

func TestNoSuchFormat(t *testing.T) {
	err := Check(&bytes.Buffer{}, "yaml", Document{}, Options{})
	if err == nil || !strings.Contains(err.Error(), "prometheus") {
		t.Errorf("got %v", err)
	}
}
