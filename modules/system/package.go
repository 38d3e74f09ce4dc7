package system

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// PackageKind is a Debian package that must be there.
var PackageKind = modules.Kind{
	Name:     "package",
	Label:    "the package's name: docker.io",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A Debian package, asserted: installed, in a version, held. bisc installs, upgrades and removes nothing, because that restarts services as it likes; " +
		"it only sets and lifts holds. (A package that restarts docker on upgrade is held, and kept out of needrestart by a `file`.)",
	Checks: []string{
		"now and after boot: dpkg's status, version and hold",
	},
	Example: `package "docker.io" {
  version = "20.10.*"
  held    = true
}
`,
	New: func(label string) modules.Resource { return &Package{Name: label} },
}

// Package is the resource of PackageKind.
type Package struct {
	Name    string
	Version string `hcl:"version,optional" doc:"the version as dpkg has it, whole or ending in * for any rest; any version where it is left out"`
	Held    *bool  `hcl:"held,optional" doc:"apt leaves it as it is (apt-mark hold). Not looked at where it is left out"`
	Absent  bool   `hcl:"absent,optional" doc:"it must not be installed" default:"false"`
}

// installed is what dpkg says of a package.
type installed struct{ want, status, version string }

// Validate checks the words.
func (p *Package) Validate() error {
	var faults []error
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?$`).MatchString(p.Name) {
		faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%q is not the name of a package", p.Name)})
	}
	if strings.Contains(strings.TrimSuffix(p.Version, "*"), "*") || strings.ContainsAny(p.Version, " \n") {
		faults = append(faults, &modules.AttrError{Attr: "version", Reason: fmt.Sprintf("%q: write a whole version, or its beginning and one * at the end", p.Version)})
	}
	if p.Absent && (p.Version != "" || p.Held != nil) {
		faults = append(faults, &modules.AttrError{Attr: "absent", Reason: "a package that must not be installed has no version and no hold"})
	}
	return errors.Join(faults...)
}

// Owns the package's hold.
func (p *Package) Owns() []string { return []string{"package:" + p.Name} }

// Plan asks dpkg.
func (p *Package) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	out, err := h.Query(ctx, "dpkg-query", "-W", "-f=${db:Status-Want}\\t${db:Status-Status}\\t${Version}\\n", "--", p.Name)
	if err != nil {
		return modules.Change{}, fmt.Errorf("ask dpkg for %s: %w", p.Name, err)
	}
	seen, err := p.read(out)
	if err != nil {
		return modules.Change{}, err
	}
	return p.decide(seen), nil
}

// read takes exit 1 without an answer for "no such package", which is what dpkg-query means by it.
func (p *Package) read(out host.Output) (installed, error) {
	if out.Exit == 1 && len(out.Stdout) == 0 {
		return installed{status: "not-installed"}, nil
	}
	fail := fmt.Errorf("ask dpkg for %s: %w", p.Name, &host.ExitError{Argv: []string{"dpkg-query"}, Exit: out.Exit, Stderr: out.Stderr})
	if out.Exit != 0 {
		return installed{}, fail
	}
	var best installed
	for line := range strings.Lines(string(out.Stdout)) { // one for each architecture
		words := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(words) != 3 {
			return installed{}, fail
		}
		if best.status != "installed" {
			best = installed{words[0], words[1], words[2]}
		}
	}
	return best, nil
}

func (p *Package) decide(seen installed) modules.Change {
	var c modules.Change
	there := !slices.Contains([]string{"not-installed", "config-files"}, seen.status)
	const why = "bisc installs, upgrades and removes no package"
	switch {
	case p.Absent && there:
		c.Refuse("installed", seen.status+" "+seen.version, "not installed", why)
		return c
	case p.Absent:
		return c
	case !there:
		c.Refuse("installed", "not installed", "installed", why)
		return c
	case seen.status != "installed":
		c.Refuse("installed", seen.status, "installed", "dpkg did not finish: see dpkg --audit")
	}
	if p.Version != "" && !p.accepts(seen.version) {
		c.Refuse("version", seen.version, p.Version, why)
	}
	if p.Held != nil {
		p.hold(&c, seen)
	}
	return c
}

func (p *Package) accepts(version string) bool {
	if prefix, any := strings.CutSuffix(p.Version, "*"); any {
		return strings.HasPrefix(version, prefix)
	}
	return version == p.Version
}

func (p *Package) hold(c *modules.Change, seen installed) {
	words := map[bool]string{true: "held", false: "not held"}
	if c.Differ("held", words[seen.want == "hold"], words[*p.Held]) {
		verb := map[bool]string{true: "hold", false: "unhold"}[*p.Held]
		c.Do(host.Script{Argv: []string{"apt-mark", verb, "--", p.Name}})
	}
}
