package standin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

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
