// Package mutation proves that guards are tested: it takes one out, runs the test that is said to miss it, and wants that
// test to fail. A guard that no test misses will vanish one day (k0sctl lost its host lock to an unrelated commit).
package mutation

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mutation is one guard taken out of one file.
type Mutation struct {
	Name    string   // the file's name without .mut
	File    string   // what is changed, from the module's root
	Package string   // of the test, as go test takes it
	Args    []string // what go test takes beside it: -run and the like
	Why     string   // what would break in the field
	Quick   bool     // needs no lab host and little time: part of make test
	Old     string   // occurs once in File
	New     string
}

// Load reads all mutations of a folder, by name.
func Load(folder string) ([]Mutation, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.mut"))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []Mutation
	var errs []error
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m, err := Parse(strings.TrimSuffix(filepath.Base(name), ".mut"), string(text))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		all = append(all, m)
	}
	return all, errors.Join(errs...)
}

// Parse reads a mutation: lines "file:", "test:", "why:" and optionally "quick: yes", then ---, the old text, +++, and the
// new one, which may be empty. The line ends before +++ and at the end belong to no text.
func Parse(name, text string) (Mutation, error) {
	m := Mutation{Name: name}
	head, body, ok := strings.Cut(text, "\n---\n")
	if !ok {
		return m, errors.New("no line --- after the heading")
	}
	for line := range strings.Lines(head) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if err := m.set(key, strings.TrimSpace(value)); err != nil {
			return m, err
		}
	}
	if m.Old, m.New, ok = strings.Cut(body, "\n+++\n"); !ok {
		if m.Old, ok = strings.CutSuffix(strings.TrimSuffix(body, "\n"), "\n+++"); !ok {
			return m, errors.New("no line +++ between the old text and the new")
		}
	}
	m.New = strings.TrimSuffix(m.New, "\n")
	switch {
	case m.File == "" || m.Package == "" || m.Why == "":
		return m, errors.New("file, test and why must all be given")
	case m.Old == "" || m.Old == m.New:
		return m, errors.New("it changes nothing")
	}
	return m, nil
}

func (m *Mutation) set(key, value string) error {
	switch key {
	case "file":
		m.File = value
	case "test":
		words := strings.Fields(value)
		if len(words) < 3 || !slices.Contains(words, "-run") {
			return errors.New("test: want a package, -run and a pattern")
		}
		m.Package, m.Args = words[0], words[1:]
	case "why":
		m.Why = value
	case "quick":
		m.Quick = value == "yes"
	case "":
	default:
		return fmt.Errorf("unknown heading %q", key)
	}
	return nil
}

// Test is what is run, for people and to tell equal tests.
func (m Mutation) Test() string { return strings.Join(append([]string{m.Package}, m.Args...), " ") }
