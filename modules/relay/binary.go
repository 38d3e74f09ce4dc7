package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/relaybin"
	"bisc/relaybin/builds"
)

// BinaryKind is a relay daemon's program on a host.
var BinaryKind = modules.Kind{
	Name:     "relay_binary",
	Label:    "the daemon's name: shredmirror, shredunwrap or shredmeter",
	Platform: host.Linux | host.EOS,
	Layer:    "relay",
	Doc: "A relay daemon's program, as it is in this bisc (`bisc relay list`): in " + linuxFolder + " on Linux, in " + flashFolder + " on EOS, whose root file system " +
		"is made anew at each boot. The build is chosen by the host's machine (uname -m), and its own ELF header is held against that before anything is sent. " +
		"It takes the old program's place in one act; what runs goes on running: `relay_service` restarts it. On flash with a file system that keeps no " +
		"mode and owner (vfat) those are not looked at.",
	Checks: []string{
		"on EOS: 200 MiB of flash stay free, and the build suits the image's architecture (`show version`), not only the kernel's",
		"now and after boot: the SHA-256 of the program equals that of the build for this host's machine",
		"the permission bits; the numbers of user and group",
		"a symbolic link or a folder at the path, and a file system that runs no programs (noexec), are told and left alone",
	},
	Losses: []modules.Loss{{
		What:   "the program",
		When:   "absent = true",
		Guards: []string{"file unchanged: it still has the content that was seen"},
	}},
	Example: `relay_binary "shredunwrap" {}
`,
	New: func(label string) modules.Resource { return &Binary{Name: label, Mode: 0o755} },
}

// Binary is the resource of BinaryKind.
type Binary struct {
	Name     string
	Platform string       `hcl:"platform,optional" doc:"build for this platform instead: linux/amd64, linux/386 or linux/arm64. Default: the one for the host's machine"`
	Mode     modules.Mode `hcl:"mode,optional" doc:"permission bits, octal, in quotes" default:"\"0755\""`
	Owner    modules.ID   `hcl:"owner,optional" doc:"the owner's number" default:"0"`
	Group    modules.ID   `hcl:"group,optional" doc:"the group's number" default:"0"`
	Absent   bool         `hcl:"absent,optional" doc:"there must be no such program" default:"false"`
}

// Validate finds names that there are none of.
func (b *Binary) Validate() error {
	var faults []error
	if err := checkName(b.Name); err != nil {
		faults = append(faults, err)
	}
	if b.Platform != "" {
		known := false
		for _, p := range builds.Platforms() {
			known = known || p == b.Platform
		}
		if !known {
			faults = append(faults, &modules.AttrError{Attr: "platform", Reason: fmt.Sprintf("%q is none that the relay is built for: write linux/amd64, linux/386 or linux/arm64", b.Platform)})
		}
	}
	if b.Mode&0o111 == 0 && !b.Absent {
		faults = append(faults, &modules.AttrError{Attr: "mode", Reason: fmt.Sprintf("%s lets nobody run it: write \"0755\"", b.Mode)})
	}
	return errors.Join(faults...)
}

// Owns the program, wherever the platform keeps it.
func (b *Binary) Owns() []string {
	return []string{"file:" + linuxFolder + "/" + b.Name, "file:" + flashFolder + "/" + b.Name}
}

// program is what was observed where a daemon's program belongs.
type program struct {
	path    string
	machine string // as uname -m names it
	exists  bool
	stat    host.Stat
	digest  string // of a plain file
	folder  host.FileType
	ground  ground
	flash   bool  // on a switch, whose writer makes the folder itself
	free    int64 // bytes on flash; where flash
}

// Plan looks at the program, and at the build that belongs there.
func (b *Binary) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	p, err := lookProgram(ctx, h, b.Name)
	if err != nil {
		return modules.Change{}, err
	}
	if b.Absent {
		return b.removal(p), nil
	}
	want, chosen := relaybin.For(b.Name, p.machine, b.Platform)
	if errors.Is(chosen, relaybin.ErrNotBuilt) {
		return modules.Change{}, chosen
	}
	if p.flash {
		if p.free, err = freeOn(ctx, h, "/mnt/flash"); err != nil {
			return modules.Change{}, err
		}
	}
	return b.decide(p, want, chosen), nil
}

// lookProgram finds where the program belongs and reads what is there.
func lookProgram(ctx context.Context, h host.Reader, name string) (program, error) {
	p := program{path: linuxFolder + "/" + name}
	kernel, err := machineOf(ctx, h)
	if err != nil {
		return p, err
	}
	// That it answers show commands makes a host a switch: a file of its image would be one more thing to guess.
	p.machine, err = imageOf(ctx, h, kernel)
	switch {
	case errors.Is(err, host.ErrNoSwitch):
		p.machine = kernel
	case err != nil:
		return p, err
	default:
		p.path, p.flash = flashFolder+"/"+name, true
	}
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) {
			p.stat, p.exists, err = host.StatIfThere(ctx, h, p.path)
			return err
		},
		func(ctx context.Context) (err error) {
			st, _, err := host.StatIfThere(ctx, h, path.Dir(p.path))
			p.folder = st.Type
			return err
		},
		func(ctx context.Context) (err error) { p.ground, err = groundOf(ctx, h, path.Dir(p.path)); return err },
	)
	if err == nil && p.exists && p.stat.Link == "" && p.stat.Type == host.Regular {
		p.digest, err = host.FileDigest(ctx, h, p.path)
	}
	return p, err
}

// decide is the whole of what a program needs; chosen is why no build suits the host.
func (b *Binary) decide(p program, want relaybin.Binary, chosen error) modules.Change {
	var c modules.Change
	if chosen != nil {
		c.Refuse("machine", p.machine, orAny(b.Platform), chosen.Error())
		return c
	}
	text := host.ShortDigest(want.SHA256) + " (" + want.Platform + ")"
	if why := p.obstacle(); why != "" {
		c.Refuse("program", p.describe(), text, why)
		return c
	}
	if !p.exists || p.digest != want.SHA256 {
		if short := want.Size + flashReserve - p.free; p.flash && short > 0 {
			c.Refuse("program", p.describe(), text, fmt.Sprintf("flash has %d MiB free: with the program less than the %d MiB would be left that the switch's own saves need (%d MiB lack); "+
				"remove an old image from flash:", p.free>>20, flashReserve>>20, short>>20+1))
			return c
		}
		c.Differ("program", p.describe(), text)
		if p.folder == "" && !p.flash {
			c.Do(host.Script{Argv: []string{"mkdir", "-p", "-m", "0755", "--", path.Dir(p.path)}})
		}
		c.Do(host.Push{
			Path: p.path, Digest: want.SHA256, Size: want.Size, Mode: uint32(b.Mode), UID: int(b.Owner.N), GID: int(b.Group.N),
			Source: func() (io.ReadCloser, error) { return want.Open() },
		})
	}
	if p.exists && p.ground.keepsModes() {
		b.rights(&c, p)
	}
	return c
}

// rights compares mode and owner. A program that is pushed anyway gets them on its way.
func (b *Binary) rights(c *modules.Change, p program) {
	pushed := len(c.Steps) > 0
	if c.Differ("mode", fmt.Sprintf("%04o", p.stat.Mode), b.Mode.String()) && !pushed {
		c.Do(host.Script{Argv: []string{"chmod", b.Mode.String(), "--", p.path}})
	}
	owner := c.Differ("owner", fmt.Sprint(p.stat.UID), fmt.Sprint(b.Owner.N))
	if group := c.Differ("group", fmt.Sprint(p.stat.GID), fmt.Sprint(b.Group.N)); (owner || group) && !pushed {
		c.Do(host.Script{Argv: []string{"chown", "-h", fmt.Sprintf("%d:%d", b.Owner.N, b.Group.N), "--", p.path}})
	}
}

// removal says what stands between the host and no such program.
func (b *Binary) removal(p program) modules.Change {
	var c modules.Change
	if !p.exists {
		return c
	}
	if why := p.obstacle(); why != "" {
		c.Refuse("absent", p.describe(), "(none)", why)
		return c
	}
	c.Differ("absent", p.describe(), "(none)")
	c.Destroy(fmt.Sprintf("the program %s (%d bytes)", p.path, p.stat.Size))
	c.Do(host.Remove{Path: p.path, Guards: []host.Guard{host.Unchanged(p.path, p.digest)}})
	return c
}

// obstacle says why bisc puts no program where this stands.
func (p program) obstacle() string {
	switch {
	case p.exists && p.stat.Link != "":
		return fmt.Sprintf("%s is a symbolic link to %s: bisc writes through no link; remove it", p.path, p.stat.Link)
	case p.exists && p.stat.Type != host.Regular:
		return fmt.Sprintf("%s is a %s: bisc replaces only plain files", p.path, p.stat.Type)
	case p.folder != "" && p.folder != host.Directory:
		return fmt.Sprintf("%s is a %s, not a folder", path.Dir(p.path), p.folder)
	case p.ground.noexec:
		return fmt.Sprintf("the file system at %s runs no programs (noexec): remount it, or carry the daemon there otherwise (on EOS as an extension)", p.ground.at)
	}
	return ""
}

func (p program) describe() string {
	switch {
	case !p.exists:
		return "(none)"
	case p.stat.Link != "":
		return "link to " + p.stat.Link
	case p.stat.Type != host.Regular:
		return string(p.stat.Type)
	}
	return host.ShortDigest(p.digest)
}

func orAny(platform string) string {
	if platform == "" {
		return "x86_64, i686 or aarch64"
	}
	return platform
}
