package standin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// sysModule is the kernel's list of modules. In a host /sys is nspawn's own tmpfs, read-only, and lacks this folder.
const sysModule = "/sys/module"

// builtIn are modules that the machine's kernel has inside, as a distribution's modules.builtin would say.
var builtIn = []string{"bridge", "br_netfilter", "ext4", "ip_tables", "iptable_nat", "iptable_filter", "loop", "nf_conntrack", "nf_nat",
	"nf_tables", "overlay", "tun", "veth", "vxlan", "xfs", "xt_MASQUERADE", "xt_conntrack", "xt_addrtype", "xt_comment", "zram"}

// standIns are the modules that these programs load.
var standIns = map[string]struct {
	load   func(params map[string]string) error
	unload func() error
}{
	"brd": {loadBrd, unloadBrd},
	"zfs": {loadZFS, func() error { return errInUse }},
	"spl": {loadZFS, func() error { return errInUse }},
}

var errInUse = errors.New("in use")

// canonical is a module's name as the kernel writes it.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }

func loaded(module string) bool {
	_, err := os.Stat(filepath.Join(sysModule, module))
	return err == nil
}

// isBuiltIn tells whether the kernel itself has what the module would bring.
func isBuiltIn(module string) bool { return slices.Contains(builtIn, module) }

// writeModule shows a module in /sys/module, whose folder is made on nspawn's tmpfs while that is writable.
func writeModule(module string, files map[string]string) error {
	return inSys(func() error {
		for name, text := range files {
			path := filepath.Join(sysModule, module, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte(text+"\n"), 0o444); err != nil {
				return err
			}
		}
		return nil
	})
}

func removeModule(module string) error {
	return inSys(func() error { return os.RemoveAll(filepath.Join(sysModule, module)) })
}

// sysFlags remount /sys writable, as a mount and not as a file system.
const sysFlags = unix.MS_REMOUNT | unix.MS_BIND | unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RELATIME

// inSys runs f while /sys, but nothing mounted below it, can be written.
func inSys(f func() error) error {
	if err := unix.Mount("", "/sys", "", sysFlags, ""); err != nil {
		return fmt.Errorf("make /sys writable: %w", err)
	}
	err := f()
	if err := unix.Mount("", "/sys", "", sysFlags|unix.MS_RDONLY, ""); err != nil {
		return fmt.Errorf("make /sys read-only: %w", err)
	}
	return err
}

func loadZFS(map[string]string) error {
	return errors.Join(
		writeModule("spl", map[string]string{"initstate": "live", "version": "2.2.9-lab"}),
		writeModule("zfs", map[string]string{"initstate": "live", "version": "2.2.9-lab", "parameters/zfs_arc_max": moduleOr(moduleOptions("zfs"), "zfs_arc_max", "0")}),
	)
}

func moduleOr(settings map[string]string, key, def string) string {
	if value := settings[key]; value != "" {
		return value
	}
	return def
}
