package biscayne_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every runbook of the plan has a page in docs/runbooks that says what an operator asks, and the index lists it; the relay's are in
// relay.md. A page without a runbook is none.
func TestEveryRunbookHasAPage(t *testing.T) {
	const folder = "../../docs/runbooks"
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	files, err := filepath.Glob("*.bisc.hcl")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var names []string
	for _, f := range files {
		for _, m := range regexp.MustCompile(`(?m)^runbook "([^"]+)"`).FindAllStringSubmatch(read(f), -1) {
			names = append(names, m[1])
		}
	}
	index, relay := read(filepath.Join(folder, "README.md")), read("../../docs/relay.md")
	for _, name := range names {
		if strings.HasPrefix(name, "relay-") {
			if !strings.Contains(relay, name) {
				t.Errorf("docs/relay.md does not name the runbook %s", name)
			}
			continue
		}
		if !strings.Contains(index, "| ["+name+"]("+name+".md) | ") {
			t.Errorf("the index does not list %s", name)
		}
		page := read(filepath.Join(folder, name+".md"))
		if !strings.HasPrefix(page, "# "+name+"\n") {
			t.Errorf("%s.md does not begin with its name", name)
		}
		for _, heading := range []string{"What it does", "When", "What it refuses", "What it replaces"} {
			if !strings.Contains(page, "\n**"+heading+".** ") {
				t.Errorf("%s.md lacks %q", name, heading)
			}
		}
	}
	pages, err := filepath.Glob(filepath.Join(folder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		name := strings.TrimSuffix(filepath.Base(p), ".md")
		if name != "README" && !slices.Contains(names, name) {
			t.Errorf("%s.md is the page of no runbook", name)
		}
	}
	linked(t, append(pages, "../../README.md", "../../docs/operating.md", "../../docs/snapshots.md", "../../docs/images.md", "../../docs/language.md"))
}

// linked holds that each link of a page to a file leads to one.
func linked(t *testing.T, pages []string) {
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Error(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(p), m[1])); err != nil {
				t.Errorf("%s: a link leads nowhere: %v", p, err)
			}
		}
	}
}
