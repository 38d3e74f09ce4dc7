package storage

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"bisc/modules"
)

// faults joins what is wrong with a resource.
func faults(all ...error) error { return errors.Join(all...) }

func fault(attr, format string, args ...any) error {
	return &modules.AttrError{Attr: attr, Reason: fmt.Sprintf(format, args...)}
}

func unless(bad bool, attr, reason string) error {
	if !bad {
		return nil
	}
	return fault(attr, "%s", reason)
}

// cleanPath wants an absolute path in its shortest form, which is what the mount table has.
func cleanPath(attr, p string) error {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fault(attr, "%q is not an absolute path", p)
	case path.Clean(p) != p:
		return fault(attr, "%q is not in its shortest form: write %q", p, path.Clean(p))
	case strings.ContainsFunc(p, control):
		return fault(attr, "%q has a control character in it", p)
	}
	return nil
}

func devicePath(attr, p string) error {
	if strings.Contains(p, "=") && !strings.HasPrefix(p, "/") {
		return fault(attr, "%q is a tag: write the device's path, for example /dev/disk/by-uuid/...", p)
	}
	return cleanPath(attr, p)
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func oneWord(attr, w string) error {
	if w == "" || strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ',' }) || strings.HasPrefix(w, "-") {
		return fault(attr, "%q is not a word", w)
	}
	return nil
}

// mountOptions wants single options that are bisc's to write as they are.
func mountOptions(attr string, options []string) error {
	var errs []error
	for _, o := range options {
		switch {
		case o == "" || strings.ContainsFunc(o, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ',' }):
			errs = append(errs, fault(attr, "%q is not one option: write each option as an element of its own", o))
		case o == "nofail":
			errs = append(errs, fault(attr, "nofail is written unless boot_critical = true"))
		case strings.HasPrefix(o, requiresOption):
			errs = append(errs, fault(attr, "write the unit into requires = [...]"))
		case o == "noauto", o == "bind", o == "rbind", o == "remount", isPropagation(o):
			errs = append(errs, fault(attr, "%s has no place here: it is not what this kind keeps", o))
		}
	}
	return errors.Join(errs...)
}

// isPropagation tells the options that set how mounts propagate (mount(8)).
func isPropagation(o string) bool {
	return slices.Contains([]string{"shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable"}, o)
}

func unitNames(attr string, units []string) error {
	var errs []error
	for _, u := range units {
		if oneWord(attr, u) != nil || !strings.Contains(u, ".") || strings.ContainsAny(u, "/*?[") || strings.Contains(u, "@.") {
			errs = append(errs, fault(attr, "%q is not the name of a unit: write it in full, for example zfs-mount.service", u))
		}
	}
	return errors.Join(errs...)
}

// zfsName wants a dataset's name as zfs(8) takes it.
func zfsName(attr, name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.HasPrefix(part, "-") || strings.ContainsFunc(part, notZFS) {
			return fault(attr, "%q is not the name of a pool or dataset: letters, digits and _ - . : between slashes", name)
		}
	}
	return nil
}

func notZFS(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.: ", r)) || r == ' '
}
