package plans

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// The kinds of these tests. They decode and validate as real ones do; only what they observe is made up.

type fakeMount struct {
	Target   string
	Source   string        `hcl:"source" doc:"the device to mount"`
	FSType   string        `hcl:"fstype" doc:"the file system's type"`
	Options  []string      `hcl:"options,optional" doc:"mount options" default:"[\"defaults\"]"`
	Size     modules.Bytes `hcl:"size,optional" doc:"how large" default:"1GiB"`
	Wait     time.Duration `hcl:"wait,optional" doc:"how long it may take" default:"\"10s\""`
	Critical *bool         `hcl:"boot_critical,optional" doc:"hold the boot up"`
	Passno   int           `hcl:"passno,optional" doc:"the last field of fstab" default:"0"`
	Absent   bool          `hcl:"absent,optional" doc:"it must not be there" default:"false"`

	met []modules.Resource
}

func (m *fakeMount) Plan(context.Context, host.Reader) (modules.Change, error) {
	return modules.Change{}, nil
}

func (m *fakeMount) Validate() error {
	var errs []error
	if !strings.HasPrefix(m.Target, "/") {
		errs = append(errs, &modules.AttrError{Reason: "a mount point is an absolute path"})
	}
	if !strings.HasPrefix(m.Source, "/dev/") {
		errs = append(errs, &modules.AttrError{Attr: "source", Reason: "write a device below /dev"})
	}
	if m.FSType == "zfs" {
		errs = append(errs, &modules.AttrError{Attr: "fstype", Reason: "io_uring on ZFS leaves threads that nothing can kill; use xfs"})
	}
	return errors.Join(errs...)
}

func (m *fakeMount) Owns() []string              { return []string{"fstab:" + m.Target} }
func (m *fakeMount) Meet(all []modules.Resource) { m.met = all }

type fakeFile struct {
	Path     string
	Content  modules.Text      `hcl:"content,optional" doc:"the whole content" default:"\"\""`
	Mode     modules.Mode      `hcl:"mode,optional" doc:"permission bits" default:"\"0644\""`
	Sections modules.Sections  `hcl:"sections,optional" doc:"as a unit file"`
	Section  modules.Section   `hcl:"section,optional" doc:"one section"`
	Env      map[string]string `hcl:"env,optional" doc:"names and values"`
	Owner    string            `hcl:"owner,optional" doc:"who"`
	Limit    *int              `hcl:"limit,optional" doc:"how many"`
	Max      int64             `hcl:"max,optional" doc:"a large number"`
}

func (f *fakeFile) Plan(context.Context, host.Reader) (modules.Change, error) {
	return modules.Change{}, nil
}
func (f *fakeFile) Owns() []string { return []string{"file:" + f.Path} }

type fakeACL struct {
	Name  string
	Rules []string `hcl:"rules" doc:"lines, in order"`
}

func (a *fakeACL) Plan(context.Context, host.Reader) (modules.Change, error) {
	return modules.Change{}, nil
}

// Agree refuses a rule that another list has.
func (a *fakeACL) Agree(with []modules.Resource) error {
	for _, r := range with {
		other, ok := r.(*fakeACL)
		if ok && other != a && slices.ContainsFunc(a.Rules, func(rule string) bool { return slices.Contains(other.Rules, rule) }) {
			return &modules.AttrError{Attr: "rules", Reason: other.Name + " has one of them"}
		}
	}
	return nil
}

func testRegistry() modules.Registry {
	return modules.NewRegistry(
		modules.Kind{Name: "mount", Label: "the mount point", Doc: "A mount, now and after boot.", Platform: host.Linux, Layer: "storage",
			Checks: []string{"now: the visible mount at the mount point", "after boot: the line of fstab"},
			Losses: []modules.Loss{{What: "what is mounted there", When: "absent = true", Guards: []string{"no validator lives", "device unused"}}},
			New:    func(label string) modules.Resource { return &fakeMount{Target: label} }},
		modules.Kind{Name: "file", Label: "the path", Doc: "A file.", Platform: host.Linux, Layer: "units",
			New: func(label string) modules.Resource { return &fakeFile{Path: label} }},
		modules.Kind{Name: "eos_acl", Label: "the name of the ACL", Platform: host.EOS, Layer: "relay",
			New: func(label string) modules.Resource { return &fakeACL{Name: label} }},
	)
}
