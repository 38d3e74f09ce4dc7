package discover

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	sd "github.com/coreos/go-systemd/v22/unit"

	"bisc/modules/storage"
	"bisc/modules/systemd"
)

const unitFolder = "/etc/systemd/system"

// unitFile is a unit that was made on the host: its file is in /etc/systemd/system and no package's.
type unitFile struct {
	localFile
	name string
}

// units gives the unit files; others of the folder (mounts, devices) are what bisc has no kind for.
func (l locals) units() (out []unitFile, foreign []localFile) {
	for _, f := range l.files {
		if path.Dir(f.path) != unitFolder {
			continue
		}
		switch path.Ext(f.path) {
		case ".service", ".socket", ".target", ".path", ".timer", ".slice":
			out = append(out, unitFile{f, path.Base(f.path)})
		default:
			foreign = append(foreign, f)
		}
	}
	return out, foreign
}

// dropIns gives the pieces of configuration below /etc/systemd/system/UNIT.d.
func (l locals) dropIns() (out []localFile) {
	for _, f := range l.files {
		if dir := path.Dir(f.path); path.Dir(dir) == unitFolder && strings.HasSuffix(dir, ".d") {
			out = append(out, f)
		}
	}
	return out
}

// linked tells whether anything of the boot wants a unit.
func (l locals) linked(unit string) bool {
	for p := range l.links {
		if folder := path.Ext(path.Dir(p)); path.Base(p) == unit && slices.Contains([]string{".wants", ".requires", ".upholds"}, folder) {
			return true
		}
	}
	return false
}

// masked gives the units that nothing can start.
func (l locals) masked() (out []string) {
	for p, target := range l.links {
		if path.Dir(p) == unitFolder && target == "/dev/null" {
			out = append(out, path.Base(p))
		}
	}
	slices.Sort(out)
	return out
}

// unitBlocks makes a block of each unit, and of whether it runs. skip is units that another kind keeps.
func (l locals) unitBlocks(units []unitFile, states map[string]systemd.State, skip string) (blocks []*Block, out []Remark) {
	for _, u := range units {
		if u.name == skip {
			continue
		}
		if why := u.tellable(); why != "" {
			out = append(out, Remark{Outside, "unit", u.name, why})
			continue
		}
		b := newBlock("units", "unit", u.name).set("content", Text(u.text))
		u.warn(b)
		s, known := states[u.name]
		wants := len(installs(u.text)) > 0
		if wants && !l.linked(u.name) {
			b.set("enabled", false)
			if known && s.Running() {
				b.note("it runs and is not enabled: a reboot does not bring it back")
			}
		}
		if known && s.Active == "failed" {
			b.note("it has failed: %s", s.Prop("Result"))
		}
		blocks = append(blocks, b)
		if known && s.Running() && wants {
			blocks = append(blocks, newBlock("units", "service", u.name).set("active", true))
		}
	}
	for _, name := range l.masked() {
		blocks = append(blocks, newBlock("units", "service", name).set("masked", true))
	}
	return blocks, out
}

// installs is what the [Install] section of a unit says.
func installs(text string) (out []*sd.UnitOption) {
	options, err := sd.DeserializeOptions(bytes.NewReader([]byte(text)))
	if err != nil {
		return nil
	}
	for _, o := range options {
		if o.Section == "Install" && slices.Contains([]string{"WantedBy", "RequiredBy", "UpheldBy", "Alias"}, o.Name) {
			out = append(out, o)
		}
	}
	return out
}

// dropInBlocks makes a block of each piece. One with which the restart of a mount would stop docker is written as it ought
// to be.
func (l locals) dropInBlocks() (blocks []*Block, out []Remark) {
	for _, f := range l.dropIns() {
		unit := strings.TrimSuffix(path.Base(path.Dir(f.path)), ".d")
		if why := f.tellable(); why != "" {
			out = append(out, Remark{Outside, "drop-in", f.path, why})
			continue
		}
		b := newBlock("units", "drop_in", unit+"/"+strings.TrimSuffix(path.Base(f.path), ".conf"))
		if sections, bound := softened(f.text); len(bound) > 0 && (unit == "docker.service" || unit == "containerd.service") {
			b.set("sections", sections)
			b.fault("with %s a restart of a mount stops %s, and the validator with it: After=, Wants= and an assertion say the same without that", strings.Join(bound, " and "), unit)
		} else {
			b.set("content", Text(f.text))
		}
		f.warn(b)
		blocks = append(blocks, b)
	}
	return blocks, out
}

// softened gives a piece of configuration in which mounts are wanted and asserted, and no longer required; bound is the
// directives for which that was done.
func softened(text string) (sections map[string]map[string][]string, bound []string) {
	options, err := sd.DeserializeOptions(bytes.NewReader([]byte(text)))
	if err != nil {
		return nil, nil
	}
	sections = map[string]map[string][]string{}
	add := func(section, name string, values ...string) {
		if sections[section] == nil {
			sections[section] = map[string][]string{}
		}
		for _, v := range values {
			if !slices.Contains(sections[section][name], v) {
				sections[section][name] = append(sections[section][name], v)
			}
		}
	}
	for _, o := range options {
		mounts, paths, rest := hardMounts(o)
		if len(mounts) == 0 {
			add(o.Section, o.Name, o.Value)
			continue
		}
		bound = append(bound, o.Name+"=")
		if len(rest) > 0 {
			add(o.Section, o.Name, strings.Join(rest, " "))
		}
		add("Unit", "Wants", mounts...)
		add("Unit", "After", mounts...)
		add("Unit", "AssertPathIsMountPoint", paths...)
	}
	return sections, slices.Compact(bound)
}

// hardMounts gives the mount units, and the mount points, that a directive binds its unit to, and its other words.
func hardMounts(o *sd.UnitOption) (units, paths, rest []string) {
	if o.Section != "Unit" {
		return nil, nil, nil
	}
	for _, w := range strings.Fields(o.Value) {
		switch {
		case o.Name == "RequiresMountsFor" && strings.HasPrefix(w, "/"):
			units, paths = append(units, storage.MountUnit(w)), append(paths, w)
		case slices.Contains([]string{"Requires", "BindsTo", "Requisite"}, o.Name) && strings.HasSuffix(w, ".mount"):
			units, paths = append(units, w), append(paths, sd.UnitNamePathUnescape(strings.TrimSuffix(w, ".mount")))
		default:
			rest = append(rest, w)
		}
	}
	return units, paths, rest
}

// foreignUnits says of unit files that bisc has no kind for.
func foreignUnits(files []localFile) (out []Remark) {
	for _, f := range files {
		why := fmt.Sprintf("bisc has no kind for %s units", strings.TrimPrefix(path.Ext(f.path), "."))
		if ext := path.Ext(f.path); ext == ".mount" || ext == ".automount" {
			why = "a mount unit of its own: bisc keeps mounts in fstab. Move it there to have it in the plan"
		}
		out = append(out, Remark{Outside, "unit", path.Base(f.path), why})
	}
	return out
}
