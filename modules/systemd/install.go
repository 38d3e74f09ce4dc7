package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// install is what an [Install] section asks for, or the links that stand for it. UnitFileState does not tell: it says
// enabled as soon as any link exists, also one that a former version of the file asked for.
type install struct{ WantedBy, RequiredBy, UpheldBy, Alias []string }

func (i install) empty() bool {
	return len(i.WantedBy)+len(i.RequiredBy)+len(i.UpheldBy)+len(i.Alias) == 0
}

// String reads like the section.
func (i install) String() string {
	var words []string
	for _, l := range i.lists() {
		if len(l.units) > 0 {
			words = append(words, l.name+"="+strings.Join(l.units, " "))
		}
	}
	if len(words) == 0 {
		return "disabled"
	}
	return strings.Join(words, ", ")
}

type installList struct {
	name, folder string
	units        []string
}

func (i install) lists() []installList {
	return []installList{{"WantedBy", "wants", i.WantedBy}, {"RequiredBy", "requires", i.RequiredBy}, {"UpheldBy", "upholds", i.UpheldBy}, {"Alias", "", i.Alias}}
}

// readInstall reads an [Install] section.
func readInstall(content []byte) (install, error) {
	options, err := parse(content)
	if err != nil {
		return install{}, fmt.Errorf("not a unit file: %w", err)
	}
	list := func(name string) []string {
		words := values(options, "Install", name)
		slices.Sort(words)
		return slices.Compact(words)
	}
	return install{list("WantedBy"), list("RequiredBy"), list("UpheldBy"), list("Alias")}, nil
}

// lookLinks finds the links that stand for a unit's [Install] in /etc/systemd/system. Aliases cannot be found by name,
// only those asked for are looked at.
func lookLinks(ctx context.Context, h host.Reader, unit string, aliases []string) (install, error) {
	var in install
	find := func(folder string, into *[]string) func(context.Context) error {
		return func(ctx context.Context) error {
			pattern := "/etc/systemd/system/*." + folder + "/" + strings.ReplaceAll(unit, `\`, `\\`)
			found, err := h.Glob(ctx, pattern)
			if err != nil {
				return fmt.Errorf("look for %s: %w", pattern, err)
			}
			for _, link := range found {
				*into = append(*into, strings.TrimSuffix(path.Base(path.Dir(link)), "."+folder))
			}
			return nil
		}
	}
	questions := []func(context.Context) error{find("wants", &in.WantedBy), find("requires", &in.RequiredBy), find("upholds", &in.UpheldBy)}
	stands := make([]bool, len(aliases))
	for i, a := range aliases {
		questions = append(questions, func(ctx context.Context) error {
			st, err := h.Stat(ctx, "/etc/systemd/system/"+a)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("look at the alias %s: %w", a, err)
			}
			stands[i] = err == nil && path.Base(st.Link) == unit
			return nil
		})
	}
	err := host.Ask(ctx, questions...)
	for i, a := range aliases {
		if stands[i] {
			in.Alias = append(in.Alias, a)
		}
	}
	return in, err
}

// linkChange adds the diff of the links and gives the steps: enable where there is none, disable where there should be
// none, reenable (which takes all links away first) where they differ.
func linkChange(c *modules.Change, unit string, got, want install) []host.Step {
	if !c.DifferBoot("enabled", got.String(), want.String()) {
		return nil
	}
	verb := "reenable"
	switch {
	case got.empty():
		verb = "enable"
	case want.empty():
		verb = "disable"
	}
	return []host.Step{host.Script{Argv: []string{"systemctl", verb, "--", unit}}}
}

// WantedBy gives the units in whose .wants folder below /etc/systemd/system a link to this one stands.
func WantedBy(ctx context.Context, h host.Reader, unit string) ([]string, error) {
	in, err := lookLinks(ctx, h, unit, nil)
	return in.WantedBy, err
}

// FileValues gives the words of a directive that lists units, of a unit file; none where there is no such file.
func FileValues(ctx context.Context, h host.Reader, name, section, directive string) ([]string, error) {
	content, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	options, err := parse(content)
	if err != nil {
		return nil, nil // no unit file: its content is drift as a whole
	}
	return values(options, section, directive), nil
}
