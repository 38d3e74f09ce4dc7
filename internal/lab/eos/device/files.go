package device

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"bisc/internal/lab/eos/device/config"
)

// startupName and checkpointDir are where EOS keeps them on flash (text/ntc/arista_eos_dir_recur_all.raw).
const (
	startupName   = "startup-config"
	checkpointDir = ".checkpoints"
)

// memory is a flash without a disk.
type memory map[string][]byte

func (m memory) ReadFile(name string) ([]byte, error) {
	b, there := m[name]
	if !there {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(b), nil
}

func (m memory) WriteFile(name string, data []byte) error {
	m[name] = slices.Clone(data)
	return nil
}

func (m memory) Remove(name string) error {
	if _, there := m[name]; !there {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	delete(m, name)
	return nil
}

func (m memory) List(dir string) ([]string, error) {
	var names []string
	for name := range m {
		if path.Dir(name) == path.Clean(dir) {
			names = append(names, path.Base(name))
		}
	}
	sort.Strings(names)
	return names, nil
}

func (m memory) Space() (total, free int64) { return 4 << 30, 3 << 30 }

func (d *Device) write(name, text string) error {
	if d.faults.DiskFull {
		return failed("Error copying system:/running-config to flash:/%s (No space left on device)", name)
	}
	if err := d.o.Files.WriteFile(name, []byte(text)); err != nil {
		return failed("Error copying system:/running-config to flash:/%s (%v)", name, err)
	}
	return nil
}

// save is "copy running-config startup-config". The second header line of the file is [I].
func (d *Device) save() error {
	if d.faults.CopyFails != "" {
		return failed("%s", d.faults.CopyFails)
	}
	return d.write(startupName, d.document("show running-config", d.running))
}

// startup gives the text of startup-config; none is "" (a switch that never saved).
func (d *Device) startup() (string, error) {
	b, err := d.o.Files.ReadFile(startupName)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(b), err
}

// checkpointCommit makes the checkpoint of a commit: what was before it, as ckp-YYYYMMDD-N (eos.md B.1). A full disk costs the
// checkpoint and not the commit ([I]).
func (d *Device) checkpointCommit(before *config.Tree) {
	day := "ckp-" + d.o.Now().UTC().Format("20060102") + "-"
	names, err := d.o.Files.List(checkpointDir)
	if err != nil {
		names = nil
	}
	n := 0
	for slices.Contains(names, fmt.Sprint(day, n)) {
		n++
	}
	if err := d.write(path.Join(checkpointDir, fmt.Sprint(day, n)), d.document("show running-config", before)); err != nil {
		d.syslog("ConfigAgent", "SYS-3-CHECKPOINT_FAILED", "%v", err)
	}
}

func (d *Device) checkpoint(name string) error {
	if strings.ContainsAny(name, "/") {
		return invalid(4, name)
	}
	return d.write(path.Join(checkpointDir, name), d.document("show running-config", d.running))
}

// replaceCommand is "configure replace URL [ignore-errors] [skip-checkpoint]": the whole configuration, at once (eos.md B.1).
func (s *Shell) replaceCommand(url string, options []string) error {
	d := s.d
	if err := d.held(s); err != nil {
		return err
	}
	from, name, _ := strings.Cut(url, ":")
	switch name = strings.TrimLeft(name, "/"); from {
	case "flash":
	case "checkpoint":
		name = path.Join(checkpointDir, name)
	default:
		return invalid(3, url)
	}
	b, err := d.o.Files.ReadFile(name)
	if err != nil {
		return failed("Error reading %s (No such file or directory)", url)
	}
	tree, errs := d.grammar.Parse(string(b))
	if len(errs) > 0 && !slices.Contains(options, "ignore-errors") {
		return failed("Error replacing the configuration with %s: %v", url, errors.Join(errs...))
	}
	if !slices.Contains(options, "skip-checkpoint") {
		d.checkpointCommit(d.running)
	}
	d.replace(tree)
	d.syslog("ConfigAgent", "SYS-5-CONFIG_REPLACE_SUCCESS", "User %s replaced running configuration with %s successfully on %s", s.user, url, s.where())
	return nil
}

// dir is "dir [flash:[/DIR]]": the text is that of text/ntc/arista_eos_dir_recur_all.raw without dates, the JSON that of
// show/anta/dir_flash_memory.
func (s *Shell) dir(args []string) (answer, error) {
	from, name := "flash:/", ""
	if len(args) == 1 {
		fs, rest, _ := strings.Cut(args[0], ":")
		if fs != "flash" {
			return answer{}, invalid(2, args[0])
		}
		name = strings.Trim(rest, "/")
		from += name
	}
	names, err := s.d.o.Files.List(path.Clean("./" + name))
	if err != nil {
		return answer{}, failed("Error listing directory %s (No such file or directory)", from)
	}
	text, entries := "Directory of "+from+"\n\n", object{}
	for _, n := range names {
		size := 0
		if b, err := s.d.o.Files.ReadFile(path.Join(name, n)); err == nil {
			size = len(b)
		}
		text += fmt.Sprintf("       -rw-  %10d  %s\n", size, n)
		entries = append(entries, field{n, object{{"permissions", "-rw-"}, {"size", size}}})
	}
	if len(names) == 0 {
		text += "No files in directory\n"
	}
	total, free := s.d.o.Files.Space()
	text += fmt.Sprintf("\n%d bytes total (%d bytes free)\n", total, free)
	return answer{text, object{{"urls", object{{from, object{{"entries", entries}, {"bytesTotal", total}, {"bytesFree", free}}}}}}}, nil
}

// restore is immediate and asks nothing (eos.md B.1).
func (d *Device) restore(name string) error {
	b, err := d.o.Files.ReadFile(path.Join(checkpointDir, name))
	if err != nil {
		return failed("Checkpoint %s does not exist", name)
	}
	tree, errs := d.grammar.Parse(string(b))
	if len(errs) > 0 {
		return failed("Error restoring checkpoint %s: %v", name, errors.Join(errs...))
	}
	d.checkpointCommit(d.running)
	d.replace(tree)
	return nil
}
