package view

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Exit statuses of a Nagios plugin.
const (
	nagiosOK = iota
	nagiosWarning
	nagiosCritical
	nagiosUnknown
)

// NagiosStatus is 2 where an invariant does not hold or bisc failed, else 3 where something is not known or a host was
// not reached, else 1 where a resource differs, else 0: the exit status of --format nagios.
func NagiosStatus(doc Document) int {
	critical, unseen, warning := false, false, false
	for _, h := range doc.Hosts {
		if h.Error != "" {
			unseen = true
			continue
		}
		for _, it := range h.Items {
			switch verdictOf(doc.Verb, it) {
			case fails:
				critical = true
			case errs:
				unseen = true
			case diverges:
				warning = true
			case skips:
				unseen = unseen || it.State == "not reached"
			}
		}
	}
	switch {
	case critical:
		return nagiosCritical
	case unseen:
		return nagiosUnknown
	case warning:
		return nagiosWarning
	}
	return nagiosOK
}

// nagios writes a plugin's answer: one line with performance data, then a line for each item that is not in order.
func nagios(w io.Writer, doc Document) error {
	word := [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[NagiosStatus(doc)]
	long := worstFirst(doc)
	b := bufio.NewWriter(w) // bufio keeps the error for Flush
	fmt.Fprintf(b, "%s - %s | %s\n", word, nagiosText(headline(doc, long)), perfdata(doc))
	for _, l := range long {
		fmt.Fprintln(b, nagiosText(l))
	}
	return b.Flush()
}

// worstFirst has a line for each host and item that is not in order: what fails, what is not known, what differs, what
// is held.
func worstFirst(doc Document) []string {
	of := map[verdict][]string{}
	for _, h := range doc.Hosts {
		if h.Error != "" {
			of[errs] = append(of[errs], Clean(h.Host)+": "+Clean(h.Error))
		}
		for _, it := range h.Items {
			v := verdictOf(doc.Verb, it)
			of[v] = append(of[v], Clean(it.Address)+": "+brief(doc.Verb, it))
		}
	}
	return slices.Concat(of[fails], of[errs], of[diverges], of[skips])
}

// headline is the summary and the first thing that is wrong: many displays show one line.
func headline(doc Document, long []string) string {
	text := doc.Summary.String() + unseen(doc)
	if len(long) > 0 {
		text += ": " + shorten(long[0], longValue)
	}
	return text
}

func perfdata(doc Document) string {
	s := doc.Summary
	differ := s.ToChange + s.Differ
	return fmt.Sprintf("in_sync=%d;;;0;%d broken=%d differ=%d unknown=%d held=%d time=%.3fs",
		s.InSync, s.Total, s.Broken, differ, s.Unknown, s.Held, doc.TookMs/1000)
}

// nagiosText keeps a text from being taken for performance data.
func nagiosText(s string) string { return strings.ReplaceAll(s, "|", "/") }
