package view

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// The elements of JUnit's XML as Jenkins, GitLab and GitHub read it.
type (
	junitSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Name    string   `xml:"name,attr"`
		junitCounts
		Suites []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string `xml:"name,attr"`
		Hostname  string `xml:"hostname,attr"`
		Timestamp string `xml:"timestamp,attr"`
		junitCounts
		Cases []junitCase `xml:"testcase"`
	}
	junitCounts struct {
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Time     string `xml:"time,attr"` // seconds
	}
	junitCase struct {
		Class   string      `xml:"classname,attr"`
		Name    string      `xml:"name,attr"`
		File    string      `xml:"file,attr,omitempty"`
		Line    string      `xml:"line,attr,omitempty"`
		Time    string      `xml:"time,attr"`
		Failure *junitFault `xml:"failure"`
		Error   *junitFault `xml:"error"`
		Skipped *junitFault `xml:"skipped"`
	}
	junitFault struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// junit writes a test case for each item, in a suite for each layer of a host. A resource that differs is skipped in a
// check, with what differs, because only invariants decide one.
func junit(w io.Writer, doc Document) error {
	all := junitSuites{Name: "bisc " + doc.Verb, junitCounts: junitCounts{Time: seconds(doc.TookMs)}}
	for _, h := range doc.Hosts {
		for _, s := range hostSuites(doc, h) {
			all.sum(s.junitCounts)
			all.Suites = append(all.Suites, s)
		}
	}
	b, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report as JUnit: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	return err
}

// sum adds counts, not times: items are observed at the same time.
func (c *junitCounts) sum(o junitCounts) {
	c.Tests += o.Tests
	c.Failures += o.Failures
	c.Errors += o.Errors
	c.Skipped += o.Skipped
}

func hostSuites(doc Document, h Host) []junitSuite {
	suite := func(name string) junitSuite {
		return junitSuite{Name: name, Hostname: Clean(h.Host), Timestamp: doc.Started.Format(time.RFC3339)}
	}
	if h.Error != "" {
		s := suite(Clean(h.Host))
		s.add(junitCase{Class: s.Name, Name: "host", Error: &junitFault{Message: Clean(h.Error), Type: "host", Text: CleanText(h.Error)}}, 0)
		return []junitSuite{s}
	}
	names, _ := stages(doc.Verb, h)
	var out []junitSuite
	for _, n := range names {
		s := suite(Clean(h.Host + "." + n))
		longest := 0.0
		for _, it := range h.Items {
			if it.Stage == n {
				longest = max(longest, it.TookMs)
				s.add(newCase(doc.Verb, h, it, s.Name), it.TookMs)
			}
		}
		s.Time = seconds(longest)
		out = append(out, s)
	}
	return out
}

func newCase(verb string, h Host, it Item, suite string) junitCase {
	c := junitCase{Class: suite, Name: local(it, h)}
	c.File, c.Line, _ = strings.Cut(Clean(it.Where), ":")
	fault := &junitFault{Message: brief(verb, it), Text: details(verb, it)}
	switch verdictOf(verb, it) {
	case fails:
		fault.Type, c.Failure = it.State, fault
	case errs:
		fault.Type, c.Error = it.State, fault
	case diverges:
		fault.Message = "differs, but only invariants decide a check: " + fault.Message
		c.Skipped = fault
	case skips:
		c.Skipped = fault
	}
	return c
}

func (s *junitSuite) add(c junitCase, ms float64) {
	c.Time = seconds(ms)
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
	if s.Time == "" {
		s.Time = seconds(ms)
	}
}

func seconds(ms float64) string { return fmt.Sprintf("%.3f", ms/1000) }
