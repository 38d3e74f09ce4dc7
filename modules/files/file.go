package files

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// FileKind is a small file, written whole.
var FileKind = modules.Kind{
	Name:     "file",
	Label:    "the file's path",
	Platform: host.Linux,
	Layer:    "units",
	Doc: "A small file with this content, mode and owner. It is written whole: into a temporary file in the same folder, verified, " +
		"synced, and renamed over the old one. Content may come from `file(...)` or `templatefile(...)`; secret content is shown as two keyed digests only. " +
		"What sudo, sshd and fstab read is verified by their own programs first (`visudo -c -f`, `/usr/sbin/sshd -t -f`, `findmnt --verify --tab-file`), " +
		"for the files under `/etc/sudoers.d` and `/etc/ssh/sshd_config.d` too; an own `verify` takes the place of these, nothing switches them off.",
	Checks: []string{
		"now and after boot: the content, byte by byte; the permission bits; the numbers of user and group",
		"a symbolic link, a folder or a device at the path, or a missing folder above it, is told and left alone",
	},
	Losses: []modules.Loss{{
		What:   "the file",
		When:   "absent = true",
		Guards: []string{"file unchanged: it still has the content that was seen"},
	}},
	Example: `file "/etc/needrestart/conf.d/10-docker.conf" {
  content = "$nrconf{override_rc}{qr(^(docker|containerd)\\.service$)} = 0;\n"
  mode    = "0644"
}
`,
	New: func(label string) modules.Resource { return &File{Path: label, Mode: 0o644} },
}

// File is the resource of FileKind.
type File struct {
	Path    string
	Content modules.Text `hcl:"content,optional" doc:"the whole content; a secret is never shown" default:"\"\""`
	Mode    modules.Mode `hcl:"mode,optional" doc:"permission bits, octal, in quotes" default:"\"0644\""`
	Owner   modules.ID   `hcl:"owner,optional" doc:"the owner's number. Names are not taken: the same name may have another number in a container, and the number is what the kernel compares" default:"0"`
	Group   modules.ID   `hcl:"group,optional" doc:"the group's number" default:"0"`
	Verify  []string     `hcl:"verify,optional" doc:"a program and its arguments, run before the file takes its place; {path} stands for the temporary file. It must exit 0. Default: see above for sudoers, sshd and fstab, none for others"`
	Absent  bool         `hcl:"absent,optional" doc:"there must be no such file" default:"false"`
}

// Validate finds paths and verifiers that cannot work.
func (f *File) Validate() error {
	var faults []error
	if err := CheckPath("", f.Path); err != nil {
		faults = append(faults, err)
	}
	if f.Absent && f.Content.Value != "" {
		faults = append(faults, &modules.AttrError{Attr: "absent", Reason: "a file that is to be absent has no content: remove one of the two"})
	}
	if len(f.Verify) > 0 && !slices.ContainsFunc(f.Verify, func(w string) bool { return strings.Contains(w, "{path}") }) {
		faults = append(faults, &modules.AttrError{Attr: "verify", Reason: `it does not name the file: write {path} where the file's path belongs, for example ["nginx", "-t", "-c", "{path}"]`})
	}
	if path.Dir(f.Path) == "/etc/sudoers.d" && (strings.Contains(path.Base(f.Path), ".") || strings.HasSuffix(f.Path, "~")) {
		faults = append(faults, &modules.AttrError{Reason: "sudo ignores files in /etc/sudoers.d whose name has a dot or ends in ~: choose another name"})
	}
	return errors.Join(faults...)
}

// CheckPath tells whether name can be the path of a file that bisc writes.
func CheckPath(attr, name string) error {
	if !path.IsAbs(name) || path.Clean(name) != name || name == "/" {
		return &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q is not a full path: begin with /, without .., // or a / at the end", name)}
	}
	if strings.ContainsAny(name, "\n\x00") {
		return &modules.AttrError{Attr: attr, Reason: fmt.Sprintf("%q holds a newline or a NUL", name)}
	}
	return nil
}

// Owns the file.
func (f *File) Owns() []string { return []string{"file:" + f.Path} }

// Plan compares the file.
func (f *File) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	found, err := Look(ctx, h, f.Path)
	if err != nil {
		return modules.Change{}, err
	}
	c := f.wanted(func(b []byte) string { return modules.SecretDigest(ctx, b) }).Change(found)
	if f.Absent {
		c = Removal(f.Path, found)
	}
	if restart, ok := modules.InForce(f.Path); ok && len(c.Steps) > 0 {
		c.Do(restart)
	}
	return c, nil
}

func (f *File) wanted(keyed func([]byte) string) Wanted {
	verify := f.Verify
	if len(verify) == 0 {
		verify = preset(f.Path)
	}
	return Wanted{
		Path: f.Path, Content: []byte(f.Content.Value), Secret: f.Content.Secret,
		Mode: uint32(f.Mode), UID: int(f.Owner.N), GID: int(f.Group.N), Verify: verify, DigestKeyed: keyed,
	}
}

// preset is the verifier of files that can lock everybody out. A snippet of sshd_config is a whole configuration to
// sshd -t. sshd must be named by its full path, else it refuses to run.
func preset(name string) []string {
	switch dir := path.Dir(name); {
	case name == "/etc/sudoers" || dir == "/etc/sudoers.d":
		return []string{"visudo", "-c", "-f", "{path}"}
	case name == "/etc/ssh/sshd_config" || dir == "/etc/ssh/sshd_config.d":
		return []string{"/usr/sbin/sshd", "-t", "-f", "{path}"}
	case name == "/etc/fstab":
		return []string{"findmnt", "--verify", "--tab-file", "{path}"}
	}
	return nil
}
