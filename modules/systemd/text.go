package systemd

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	sd "github.com/coreos/go-systemd/v22/unit"

	"bisc/modules"
)

// written is the first line of what is made of sections.
const written = "# Written by bisc: a change by hand is drift.\n"

// Render is a unit file made of sections, in one order whatever the plan's: Unit first, Install last, directives by
// name. A directive whose first value is empty comes before the others of its section, because for some an empty value
// resets more than itself (every condition, for instance).
func Render(s modules.Sections) []byte {
	var options []*sd.UnitOption
	for _, name := range sectionOrder(s) {
		for _, directive := range directiveOrder(s[name]) {
			for _, value := range s[name][directive] {
				options = append(options, sd.NewUnitOption(name, directive, value))
			}
		}
	}
	body, err := io.ReadAll(sd.Serialize(options))
	if err != nil {
		panic(err) // a bytes.Buffer
	}
	return append([]byte(written), body...)
}

func sectionOrder(s modules.Sections) []string {
	rank := map[string]int{"Unit": -1, "Install": 1}
	return slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		if d := rank[a] - rank[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

func directiveOrder(s modules.Section) []string {
	rank := func(name string) int {
		switch {
		case len(s[name]) > 0 && s[name][0] == "":
			return 0
		case name == "Description":
			return 1
		}
		return 2
	}
	return slices.SortedFunc(maps.Keys(s), func(a, b string) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
}

// parse reads a unit file.
func parse(content []byte) ([]*sd.UnitOption, error) {
	return sd.DeserializeOptions(bytes.NewReader(content))
}

// values is every word of a directive that lists units, in a parsed file; an empty value forgets what was before.
func values(options []*sd.UnitOption, section, name string) []string {
	var out []string
	for _, o := range options {
		if o.Section != section || o.Name != name {
			continue
		}
		if strings.TrimSpace(o.Value) == "" {
			out = nil
		}
		out = append(out, strings.Fields(o.Value)...)
	}
	return out
}

// body is what unit and drop_in have in common: sections or content, and never both.
func body(s modules.Sections, content string) ([]byte, error) {
	switch {
	case len(s) > 0 && content != "":
		return nil, &modules.AttrError{Attr: "content", Reason: "write sections or content, not both"}
	case len(s) > 0:
		return Render(s), errors.Join(checkSections(s)...)
	case content == "":
		return nil, &modules.AttrError{Attr: "sections", Reason: "write sections = { Unit = {...} } or content = \"...\""}
	}
	options, err := parse([]byte(content))
	if err != nil {
		return nil, &modules.AttrError{Attr: "content", Reason: "not a unit file: " + err.Error()}
	}
	if len(options) == 0 {
		return nil, &modules.AttrError{Attr: "content", Reason: "it has no directive in any section"}
	}
	return []byte(content), nil
}

//go:embed directives.txt
var directivesText string

// directives is the known names by section: systemd 252's own list and what came later up to 258. systemd ignores a name
// that it does not know, so that a slip of the pen in a condition or an order goes unseen.
func directives() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(directivesText) {
		words := strings.Fields(line)
		out[words[0]] = words[1:]
	}
	return out
}

func checkSections(s modules.Sections) []error {
	known := directives()
	var faults []error
	for _, section := range sectionOrder(s) {
		if !isWord(section) {
			faults = append(faults, &modules.AttrError{Attr: "sections", Reason: fmt.Sprintf("%q is not the name of a section", section)})
			continue
		}
		for _, name := range directiveOrder(s[section]) {
			if err := checkDirective(section, name, s[section][name], known[section]); err != nil {
				faults = append(faults, &modules.AttrError{Attr: "sections", Reason: err.Error()})
			}
		}
	}
	return faults
}

func checkDirective(section, name string, values, known []string) error {
	if !isWord(name) {
		return fmt.Errorf("[%s] %q is not the name of a directive", section, name)
	}
	if len(known) > 0 && !strings.HasPrefix(name, "X-") && !slices.Contains(known, name) {
		return fmt.Errorf("[%s] has no directive %s, and systemd would ignore it%s; if systemd is newer than bisc, write the file with content", section, name, suggest(name, known))
	}
	for _, v := range values {
		if strings.ContainsAny(v, "\n\r\x00") || strings.HasSuffix(v, `\`) {
			return fmt.Errorf("[%s] %s: a value holds a newline or a NUL, or ends in a backslash, which would swallow the next line", section, name)
		}
	}
	return nil
}

func suggest(name string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(k), nil); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

func isWord(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

// CheckName tells whether name is a unit's of one of the types, with its suffix.
func CheckName(name string, types ...string) error {
	dot := strings.LastIndex(name, ".")
	if dot < 0 || !slices.Contains(types, name[dot+1:]) {
		return fmt.Errorf("%q must end in .%s", name, strings.Join(types, " or ."))
	}
	if !regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]+$`).MatchString(name) || dot == 0 || name[0] == '@' || len(name) > 255 {
		return fmt.Errorf("%q is not the name of a unit", name)
	}
	return nil
}

// template tells whether name is a template's ("x@.service"): systemd has no state for those.
func template(name string) bool { return strings.Contains(name, "@.") }
