package supervise

import (
	"embed"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"bisc/internal/lab/spec"
	"bisc/internal/lab/standin"
)

// units are ZFS' units, with its package's names and order.
//
//go:embed units
var units embed.FS

// wants are the units that the package enables.
var wants = map[string][]string{
	"multi-user.target":  {"zfs.target"},
	"zfs.target":         {"zfs-import.target", "zfs-mount.service", "zfs-volumes.target"},
	"zfs-import.target":  {"zfs-import-cache.service"},
	"zfs-volumes.target": {"zfs-volume-wait.service"},
}

// modulesLoadUnit drops the condition on CAP_SYS_MODULE, which the machine itself may lack.
const modulesLoadUnit = "[Unit]\nConditionCapability=\n"

// standinFile is where the stand-in programs are in a host; they are links to it.
const standinFile = "usr/lib/bisc-lab/standin"

// standins puts the stand-in programs and ZFS' units into a host. program is a copy of this program on the layer's own
// file system.
func (l layer) standins(program string, pools []spec.Pool) error {
	if err := l.folders(standinFile); err != nil {
		return fmt.Errorf("place the stand-ins: %w", err)
	}
	if err := os.Link(program, filepath.Join(l.dir, standinFile)); err != nil {
		return fmt.Errorf("place the stand-ins: %w", err)
	}
	if err := l.copy(standin.Real, standin.RealCopy); err != nil {
		return err
	}
	for _, name := range standin.Links() {
		if err := l.link(name, "/"+standinFile); err != nil {
			return err
		}
	}
	state, err := standin.Initial(pools)
	if err != nil {
		return err
	}
	if err := l.file(standin.StateFile[1:], 0o600, string(state)); err != nil {
		return err
	}
	return l.zfsUnits()
}

func (l layer) zfsUnits() error {
	entries, err := units.ReadDir("units")
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := units.ReadFile("units/" + e.Name())
		if err != nil {
			return err
		}
		if err := l.file("usr/lib/systemd/system/"+e.Name(), 0o644, string(text)); err != nil {
			return err
		}
	}
	for target, wanted := range wants {
		for _, unit := range wanted {
			if err := l.link("etc/systemd/system/"+target+".wants/"+unit, "/lib/systemd/system/"+unit); err != nil {
				return err
			}
		}
	}
	return l.file("usr/lib/systemd/system/systemd-modules-load.service.d/lab.conf", 0o644, modulesLoadUnit)
}

// copySelf puts a copy of this program where hosts' layers can link to it.
func copySelf(to string) error {
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("copy the stand-ins: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return fmt.Errorf("copy the stand-ins: %w", err)
	}
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("copy the stand-ins: %w", err)
	}
	return out.Close()
}
