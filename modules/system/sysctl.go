package system

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/confd"
	"bisc/modules/files"
)

// SysctlKind is a kernel setting, now and after boot.
var SysctlKind = modules.Kind{
	Name:     "sysctl",
	Label:    "the key with dots: vm.max_map_count. A dot within a name is a slash: net.ipv4.conf.eth0/100.forwarding",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A kernel setting. Its persisted half is /etc/sysctl.d/90-bisc-KEY.conf; what counts at boot is what systemd-sysctl applies last, " +
		"so a file that comes later and sets something else is shown, with its name. (/etc/sysctl.conf is read only where /etc/sysctl.d/99-sysctl.conf links to it, as Debian has it.)",
	Checks: []string{
		"now: the value in /proc/sys; runs of blanks and tabs count as one blank",
		"after boot: the own file, and the value that wins over /etc, /run, /usr/local/lib and /usr/lib in systemd-sysctl's order",
	},
	Example: `sysctl "vm.max_map_count" {
  value = "1000000"
}
`,
	New: func(label string) modules.Resource { return &Sysctl{Key: label} },
}

// Sysctl is the resource of SysctlKind.
type Sysctl struct {
	Key   string
	Value string `hcl:"value" doc:"the value; several numbers with blanks between"`
}

// setting is what was observed of a key.
type setting struct {
	exists bool
	live   string // normal
	file   files.Found
	conf   []confd.File
}

// Validate checks that key and value can be written in a line.
func (s *Sysctl) Validate() error {
	var faults []error
	if !regexp.MustCompile(`^[A-Za-z0-9_./:@-]+$`).MatchString(s.Key) || path.Clean(s.livePath()) != s.livePath() || !strings.Contains(s.Key, ".") {
		faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%q is not a key: write it with dots, as in net.core.rmem_max", s.Key)})
	}
	if normal(s.Value) == "" || strings.ContainsAny(s.Value, "\n\r\x00") {
		faults = append(faults, &modules.AttrError{Attr: "value", Reason: "it must be one line, and not empty"})
	}
	return errors.Join(faults...)
}

// Path is the persisted half's file.
func (s *Sysctl) Path() string {
	return "/etc/sysctl.d/90-bisc-" + strings.ReplaceAll(s.Key, "/", "-") + ".conf"
}

func (s *Sysctl) livePath() string { return "/proc/sys/" + slashed(s.Key) }

// Owns the key and its file.
func (s *Sysctl) Owns() []string {
	return []string{"sysctl:" + slashed(s.Key), "file:" + s.Path()}
}

// Plan reads the live value, the own file and all that counts at boot.
func (s *Sysctl) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var o setting
	err := host.Ask(ctx,
		func(ctx context.Context) error {
			content, err := h.ReadFile(ctx, s.livePath())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("read %s: %w", s.livePath(), err)
			}
			o.exists, o.live = err == nil, normal(string(content))
			return nil
		},
		func(ctx context.Context) (err error) { o.file, err = files.Look(ctx, h, s.Path()); return err },
		func(ctx context.Context) (err error) { o.conf, err = confd.Read(ctx, h, "sysctl.d"); return err },
	)
	if err != nil {
		return modules.Change{}, err
	}
	return s.decide(o), nil
}

func (s *Sysctl) decide(o setting) modules.Change {
	want := normal(s.Value)
	content := "# Written by bisc: a change by hand is drift.\n" + s.Key + " = " + want + "\n"
	c := files.Wanted{Path: s.Path(), Content: []byte(content), Mode: 0o644, Boot: true}.Change(o.file)
	by, value := s.winner(o.conf)
	for i, d := range c.Diffs {
		if d.Attr == "content" && d.Why == "" { // the value says more than the lines of a file of one line
			c.Diffs[i] = modules.Diff{Attr: "value", Got: persisted(by, value), Want: want, Boot: true}
		}
	}
	if later := path.Base(by) > path.Base(s.Path()); later && value != want {
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "value", Got: persisted(by, value), Want: want, Boot: true,
			Why: by + " comes after " + s.Path() + " and wins: remove the line there"})
	}
	switch {
	case !o.exists:
		c.Refuse("value", "(no such key)", want, "the kernel has no "+s.livePath()+": the module that brings it is not loaded")
	case c.Differ("value", o.live, want):
		c.Do(host.Script{Argv: []string{"sysctl", "-q", "-w", s.Key + "=" + want}})
	}
	return c
}

// winner is the file that sets the key last, and its value. A key that is written out beats one with wildcards wherever
// it stands, so that those need no look: the own file writes it out.
func (s *Sysctl) winner(conf []confd.File) (by, value string) {
	for _, f := range conf {
		for _, line := range f.Lines {
			key, v, assigned := strings.Cut(strings.TrimPrefix(line, "-"), "=")
			if assigned && slashed(strings.TrimSpace(key)) == slashed(s.Key) {
				by, value = f.Path, normal(v)
			}
		}
	}
	return by, value
}

func persisted(by, value string) string {
	if by == "" {
		return "(not set)"
	}
	return value + " (" + by + ")"
}

// slashed is a key as a path below /proc/sys. The separator that comes first is the separator, and the other one is part
// of the names, as in sysctl.d(5).
func slashed(key string) string {
	first := strings.IndexAny(key, "./")
	if first < 0 || key[first] == '/' {
		return key
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '.':
			return '/'
		case '/':
			return '.'
		}
		return r
	}, key)
}

func normal(value string) string { return strings.Join(strings.Fields(value), " ") }
