// Package page writes the tables of a benchmark between their marks in a page of the docs.
package page

import (
	"fmt"
	"os"
	"strings"
)

// Insert puts a table between its marks in a page.
func Insert(page, name, text string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	from, to := "<!-- bench "+name+" -->\n", "<!-- /bench "+name+" -->"
	before, rest, ok := strings.Cut(string(old), from)
	_, after, closed := strings.Cut(rest, to)
	if !ok || !closed {
		return fmt.Errorf("%s has no marks %q and %q", page, strings.TrimSpace(from), to)
	}
	return os.WriteFile(page, []byte(before+from+strings.TrimSpace(text)+"\n"+to+after), 0o644)
}

// Load is the machine's average number of running processes over the last minute.
func Load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
