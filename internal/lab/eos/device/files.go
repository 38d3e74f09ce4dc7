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
