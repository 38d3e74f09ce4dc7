package system

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/confd"
	"bisc/modules/files"
)

// KernelModuleKind is a kernel module, now and after boot, with its options.
var KernelModuleKind = modules.Kind{
	Name:     "kernel_module",
	Label:    "the module's name: nf_conntrack",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A kernel module that is loaded now and at boot, with its options. Options count when the module is loaded: on one that is loaded already another value is shown and left. " +
		"(The module brd and its options belong to `ramdisk`.)",
	Checks: []string{
		"now: the module is loaded; each option's value where the module shows it in /sys/module/NAME/parameters",
		"after boot: /etc/modules-load.d/bisc-NAME.conf and /etc/modprobe.d/bisc-NAME.conf; no other file of modprobe.d that blacklists the module, replaces its loading or sets an option otherwise",
	},
	Losses: []modules.Loss{{
		What: "what the module holds: its devices, connections, memory", When: "absent = true and it is loaded",
		Guards: []string{"no validator lives", "the kernel unloads no module that is in use"},
	}, {
		What: "the module's own configuration files", When: "absent = true",
		Guards: []string{"file unchanged: it still has the content that was seen"},
	}},
	Example: `kernel_module "nf_conntrack" {
  options = { hashsize = "262144" }
}
`,
	New: func(label string) modules.Resource { return &KernelModule{Name: label} },
}

// KernelModule is the resource of KernelModuleKind.
type KernelModule struct {
	Name    string
	Options map[string]string `hcl:"options,optional" doc:"option to value, for the next time that it is loaded" default:"{}"`
	Absent  bool              `hcl:"absent,optional" doc:"unloaded now, and not loaded at boot by a file of bisc's" default:"false"`
}

// module is what was observed of a kernel module.
type module struct {
	loaded     bool
	parameters map[string]string // of those wanted, that the module shows
	info       modinfo
	atBoot     files.Found
	options    files.Found
	conf       []confd.File
}

// Validate checks the words.
func (k *KernelModule) Validate() error {
	var faults []error
	word := regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]*$`)
	if !word.MatchString(k.Name) {
		faults = append(faults, &modules.AttrError{Reason: fmt.Sprintf("%q is not the name of a kernel module", k.Name)})
	}
	for _, name := range slices.Sorted(maps.Keys(k.Options)) {
		if !word.MatchString(name) || k.Options[name] == "" || strings.ContainsAny(k.Options[name], " \t\n\r\x00#\"\\") {
			faults = append(faults, &modules.AttrError{Attr: "options", Reason: fmt.Sprintf("%s=%q: an option is one word, and so is its value", name, k.Options[name])})
		}
	}
	if k.Absent && len(k.Options) > 0 {
		faults = append(faults, &modules.AttrError{Attr: "absent", Reason: "a module that is to be absent has no options"})
	}
	return errors.Join(faults...)
}

func (k *KernelModule) bootPath() string    { return "/etc/modules-load.d/bisc-" + k.Name + ".conf" }
func (k *KernelModule) optionsPath() string { return "/etc/modprobe.d/bisc-" + k.Name + ".conf" }

// Owns the module's options and its files.
func (k *KernelModule) Owns() []string {
	return []string{"modprobe:" + confd.KernelName(k.Name), "file:" + k.bootPath(), "file:" + k.optionsPath()}
}

// Plan asks for all of it at once.
func (k *KernelModule) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	o := module{parameters: map[string]string{}}
	live := "/sys/module/" + confd.KernelName(k.Name)
	names := slices.Sorted(maps.Keys(k.Options))
	values := make([]string, len(names))
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { o.loaded, err = there(ctx, h, live); return err },
		func(ctx context.Context) (err error) { o.info, err = askModinfo(ctx, h, k.Name); return err },
		func(ctx context.Context) (err error) { o.atBoot, err = files.Look(ctx, h, k.bootPath()); return err },
		func(ctx context.Context) (err error) {
			o.options, err = files.Look(ctx, h, k.optionsPath())
			return err
		},
		func(ctx context.Context) (err error) { o.conf, err = confd.Read(ctx, h, "modprobe.d"); return err },
	}
	for i, name := range names {
		questions = append(questions, func(ctx context.Context) (err error) {
			values[i], err = readIfThere(ctx, h, live+"/parameters/"+name)
			return err
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return modules.Change{}, err
	}
	for i, name := range names {
		if values[i] != "" {
			o.parameters[name] = values[i]
		}
	}
	if k.Absent {
		return k.removal(o), nil
	}
	return k.decide(o), nil
}

func there(ctx context.Context, h host.Reader, name string) (bool, error) {
	_, err := h.Stat(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("stat %s: %w", name, err)
	}
	return err == nil, nil
}

func readIfThere(ctx context.Context, h host.Reader, name string) (string, error) {
	content, err := h.ReadFile(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return strings.TrimSpace(string(content)), nil
}

func (k *KernelModule) decide(o module) modules.Change {
	var c modules.Change
	k.persisted(&c, o)
	if !o.loaded && !o.info.builtIn {
		got := "no"
		if o.info.known && !o.info.exists {
			got = "no, and modinfo finds no such module for the running kernel"
		}
		c.Differ("loaded", got, "yes")
		c.Do(host.Script{Argv: []string{"modprobe", "--", k.Name}})
		return c
	}
	for _, name := range slices.Sorted(maps.Keys(k.Options)) {
		got, shown := o.parameters[name]
		switch {
		case shown && !confd.SameValue(got, k.Options[name]):
			c.Refuse("options."+name, got, k.Options[name], "it takes effect when the module is loaded next; bisc unloads no module for it")
		case !shown && o.info.exists && !slices.Contains(o.info.parameters, name):
			c.Refuse("options."+name, "(no such option)", k.Options[name], "modinfo "+k.Name+" lists the options that it has; the kernel ignores others")
		}
	}
	return c
}

// persisted compares the two files, and what other files of modprobe.d make of them.
func (k *KernelModule) persisted(c *modules.Change, o module) {
	boot := files.Wanted{Path: k.bootPath(), Content: []byte(k.Name + "\n"), Mode: 0o644, Boot: true}.Change(o.atBoot)
	options := files.Wanted{Path: k.optionsPath(), Content: []byte(k.optionsLine()), Mode: 0o644, Boot: true}.Change(o.options)
	if len(k.Options) == 0 {
		options = files.Removal(k.optionsPath(), o.options)
	}
	c.Diffs = append(named("load", boot.Diffs), named("options", options.Diffs)...)
	c.Steps = append(boot.Steps, options.Steps...)
	for _, s := range confd.Spoilers(o.conf, k.Name, k.Options, k.optionsPath()) {
		c.Diffs = append(c.Diffs, modules.Diff{Attr: "load", Got: s.Line, Want: "loaded as written here", Boot: true, Why: s.Why})
	}
}

func (k *KernelModule) optionsLine() string {
	line := "options " + k.Name
	for _, name := range slices.Sorted(maps.Keys(k.Options)) {
		line += " " + name + "=" + k.Options[name]
	}
	return line + "\n"
}

func (k *KernelModule) removal(o module) modules.Change {
	var c modules.Change
	if o.loaded {
		c.Differ("loaded", "yes", "no")
		c.Destroy("what the kernel module " + k.Name + " holds: its devices and their contents")
		c.Do(host.Script{Argv: []string{"modprobe", "-r", "--", k.Name}, Guards: []host.Guard{host.ValidatorStopped()}})
	}
	for _, f := range []struct {
		path  string
		found files.Found
	}{{k.bootPath(), o.atBoot}, {k.optionsPath(), o.options}} {
		rm := files.Removal(f.path, f.found)
		c.Diffs = append(c.Diffs, named(path.Base(path.Dir(f.path)), rm.Diffs)...)
		c.Steps, c.Destroys = append(c.Steps, rm.Steps...), append(c.Destroys, rm.Destroys...)
	}
	return c
}

// named puts a file's diffs under the attribute that the file stands for, as the persisted half.
func named(attr string, diffs []modules.Diff) []modules.Diff {
	for i, d := range diffs {
		diffs[i].Boot = true
		if d.Attr == "content" || d.Attr == "absent" {
			diffs[i].Attr = attr
		} else {
			diffs[i].Attr = attr + "." + d.Attr
		}
	}
	return diffs
}
