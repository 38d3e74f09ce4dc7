package standin

import (
	"errors"
	"fmt"
	"io"
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

// kmod becomes the real program.
func kmod(name string, args []string) error {
	return unix.Exec("/bin/kmod", append([]string{name}, args...), os.Environ())
}

func modprobe(args []string, _ io.Writer) error {
	opts, words, err := getopt(longToShort(args), "rqvnafbiCDRsc:S:d:V")
	if err != nil || len(words) == 0 || opts.has('D') || opts.has('R') || opts.has('V') || opts.has('c') {
		return kmod("modprobe", args)
	}
	modules, params := words[:1], words[1:]
	if opts.has('a') || opts.has('r') {
		modules, params = words, nil
	}
	for _, name := range modules {
		module := canonical(name)
		if standIns[module].load == nil && !isBuiltIn(module) {
			return kmod("modprobe", args)
		}
		if opts.has('n') {
			continue
		}
		if err := change(module, params, opts.has('r')); err != nil {
			return fmt.Errorf("modprobe: %w", err)
		}
	}
	return nil
}

// longToShort rewrites the long options that have a letter.
func longToShort(args []string) []string {
	long := map[string]string{"--remove": "-r", "--quiet": "-q", "--verbose": "-v", "--dry-run": "-n", "--show": "-n", "--all": "-a",
		"--force": "-f", "--use-blacklist": "-b", "--ignore-install": "-i", "--show-depends": "-D", "--resolve-alias": "-R", "--syslog": "-s",
		"--version": "-V", "--help": "-V", "--showconfig": "-V", "--first-time": "-f"}
	var out []string
	for _, arg := range args {
		if letter := long[arg]; letter != "" {
			arg = letter
		}
		out = append(out, arg)
	}
	return out
}

// change loads or unloads one module. To load one that is loaded, or unload one that is not, is no error.
func change(module string, params []string, remove bool) error {
	m := standIns[module]
	switch {
	case remove && isBuiltIn(module):
		return fmt.Errorf("FATAL: Module %s is builtin.", module)
	case remove && loaded(module):
		if err := m.unload(); errors.Is(err, errInUse) {
			return fmt.Errorf("FATAL: Module %s is in use.", module)
		} else if err != nil {
			return fmt.Errorf("ERROR: could not remove '%s': %w", module, err)
		}
	case remove || isBuiltIn(module) || loaded(module):
	default:
		settings := moduleOptions(module)
		for _, param := range params {
			key, value, _ := strings.Cut(param, "=")
			settings[key] = value
		}
		if err := m.load(settings); err != nil {
			return fmt.Errorf("ERROR: could not insert '%s': %w", module, err)
		}
	}
	return nil
}

// moduleOptions reads the options lines of modprobe.d. A file in /etc takes the place of one of the same name in /lib.
func moduleOptions(module string) map[string]string {
	settings := map[string]string{}
	for _, name := range configFiles("modprobe.d") {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
			words := strings.Fields(line)
			if len(words) < 3 || words[0] != "options" || canonical(words[1]) != module {
				continue
			}
			for _, word := range words[2:] {
				key, value, _ := strings.Cut(word, "=")
				settings[key] = value
			}
		}
	}
	return settings
}

// configFiles returns the *.conf files of a folder that exists in /etc, /run and /lib, in the order of their names.
func configFiles(folder string) []string {
	byName := map[string]string{}
	for _, dir := range []string{"/usr/lib", "/usr/local/lib", "/run", "/etc"} {
		files, _ := filepath.Glob(filepath.Join(dir, folder, "*.conf"))
		for _, file := range files {
			byName[filepath.Base(file)] = file
		}
	}
	var names []string
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = byName[name]
	}
	return names
}

func rmmod(args []string, _ io.Writer) error {
	_, words, err := getopt(args, "fsvV")
	if err != nil || len(words) == 0 {
		return kmod("rmmod", args)
	}
	for _, name := range words {
		module := canonical(name)
		m, ok := standIns[module]
		switch {
		case !ok:
			return kmod("rmmod", args)
		case !loaded(module):
			return fmt.Errorf("rmmod: ERROR: Module %s is not currently loaded", module)
		}
		if err := m.unload(); errors.Is(err, errInUse) {
			return fmt.Errorf("rmmod: ERROR: Module %s is in use", module)
		} else if err != nil {
			return fmt.Errorf("rmmod: ERROR: could not remove module %s: %w", module, err)
		}
	}
	return nil
}

func lsmod(_ []string, out io.Writer) error {
	fmt.Fprintln(out, "Module                  Size  Used by")
	dirs, _ := filepath.Glob(sysModule + "/*")
	for _, dir := range dirs {
		fmt.Fprintf(out, "%-19s  %8d  0\n", filepath.Base(dir), 16384)
	}
	return nil
}

// modulesLoad is what systemd-modules-load.service runs. zfs is always there, as on a host whose pools are imported at
// boot.
func modulesLoad(_ []string, _ io.Writer) error {
	errs := []error{change("zfs", nil, false)}
	for _, name := range configFiles("modules-load.d") {
		text, err := os.ReadFile(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for line := range strings.Lines(string(text)) {
			module := canonical(strings.TrimSpace(line))
			switch {
			case module == "" || strings.HasPrefix(module, "#") || strings.HasPrefix(module, ";"):
			case standIns[module].load == nil && !isBuiltIn(module):
				errs = append(errs, fmt.Errorf("Failed to find module '%s'", module))
			default:
				errs = append(errs, change(module, nil, false))
			}
		}
	}
	return errors.Join(errs...)
}

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
		writeModule("spl", map[string]string{"initstate": "live", "version": "2.2.2-lab"}),
		writeModule("zfs", map[string]string{"initstate": "live", "version": "2.2.2-lab", "parameters/zfs_arc_max": moduleOr(moduleOptions("zfs"), "zfs_arc_max", "0")}),
	)
}

func moduleOr(settings map[string]string, key, def string) string {
	if value := settings[key]; value != "" {
		return value
	}
	return def
}
