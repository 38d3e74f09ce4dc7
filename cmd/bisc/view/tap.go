package view

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// tap writes the Test Anything Protocol, version 14. A resource that differs in a check is a TODO: it is told, and does
// not count.
func tap(w io.Writer, doc Document) error {
	b := bufio.NewWriter(w) // bufio keeps the error for Flush
	points := 0
	for _, h := range doc.Hosts {
		if h.Error != "" {
			points++
			continue
		}
		points += len(h.Items)
	}
	fmt.Fprintf(b, "TAP version 14\n1..%d", points)
	if points == 0 {
		fmt.Fprint(b, " # SKIP nothing selected")
	}
	fmt.Fprintln(b)
	n := 0
	for _, h := range doc.Hosts {
		if h.Error != "" {
			n++
			fmt.Fprintf(b, "not ok %d - %s\n", n, tapText(h.Host))
			tapDetails(b, map[string]any{"message": Clean(h.Error), "severity": "error"})
			continue
		}
		for _, it := range h.Items {
			n++
			tapItem(b, doc.Verb, n, it)
		}
	}
	return b.Flush()
}

func tapItem(b *bufio.Writer, verb string, n int, it Item) {
	ok, directive, severity := "ok", "", ""
	switch verdictOf(verb, it) {
	case fails:
		ok, severity = "not ok", "fail"
	case errs:
		ok, severity = "not ok", "error"
	case diverges:
		ok, directive, severity = "not ok", " # TODO differs, but only invariants decide a check", "todo"
	case skips:
		directive, severity = " # SKIP "+tapText(brief(verb, it)), "skip"
	}
	fmt.Fprintf(b, "%s %d - %s%s\n", ok, n, tapText(it.Address), directive)
	if severity != "" {
		tapDetails(b, map[string]any{"message": brief(verb, it), "severity": severity, "state": it.State,
			"at": Clean(it.Where), "diffs": it.Diffs})
	}
}

// tapText escapes what TAP would take for the beginning of a directive.
func tapText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `#`, `\#`).Replace(Clean(s))
}

// tapDetails writes a YAML block. JSON is YAML, so a value cannot leave its place whatever it holds.
func tapDetails(b *bufio.Writer, fields map[string]any) {
	fmt.Fprintln(b, "  ---")
	for _, k := range []string{"message", "severity", "state", "at", "diffs"} {
		v, ok := fields[k]
		if !ok {
			continue
		}
		text, err := json.Marshal(v) // escapes < and > as \u003c too, which YAML reads back
		if err != nil {
			text = []byte(`"` + err.Error() + `"`)
		}
		fmt.Fprintf(b, "  %s: %s\n", k, escapeJSON(string(text)))
	}
	fmt.Fprintln(b, "  ...")
}
