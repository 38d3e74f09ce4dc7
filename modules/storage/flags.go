package storage

import (
	"slices"
	"strings"
)

// flags are the options that belong to one mount and that mountinfo shows for each (mount(2)). What belongs to the file
// system (logbsize=, discard...) the kernel prints in forms of its own; it is compared in fstab only.
type flags struct {
	ReadOnly, NoSUID, NoDev, NoExec bool
	Access                          string // noatime, relatime, strictatime
	NoDirAccess                     bool
	NoSymFollow                     bool // since Linux 5.10
}

// flagsOf reads a list of options, the later one winning, from the kernel's default.
func flagsOf(options []string) flags {
	f := flags{Access: "relatime"}
	for _, o := range options {
		switch o {
		case "ro", "rw":
			f.ReadOnly = o == "ro"
		case "nosuid", "suid":
			f.NoSUID = o == "nosuid"
		case "nodev", "dev":
			f.NoDev = o == "nodev"
		case "noexec", "exec":
			f.NoExec = o == "noexec"
		case "nodiratime", "diratime":
			f.NoDirAccess = o == "nodiratime"
		case "nosymfollow", "symfollow":
			f.NoSymFollow = o == "nosymfollow"
		case "user", "users": // mount(8): these stand for more, which what follows may take back
			f.NoExec, f.NoSUID, f.NoDev = true, true, true
		case "owner", "group":
			f.NoSUID, f.NoDev = true, true
		case "noatime", "relatime", "strictatime":
			f.Access = o
		case "atime", "norelatime":
			f.Access = "relatime"
		}
	}
	return f
}

// seenFlags reads what mountinfo shows: no word at all for access times is strictatime, and noatime goes before relatime,
// which a kernel may show beside it. Words that newer kernels add (idmapped) say nothing of these.
func seenFlags(options []string) flags {
	f := flagsOf(options)
	switch {
	case slices.Contains(options, "noatime"):
		f.Access = "noatime"
	case !slices.Contains(options, "relatime"):
		f.Access = "strictatime"
	}
	return f
}

// words spells every flag out, so that a remount leaves nothing to a default; an older mount(8) knows no symfollow.
func (f flags) words() []string {
	pick := func(on bool, yes, no string) string {
		if on {
			return yes
		}
		return no
	}
	words := []string{pick(f.ReadOnly, "ro", "rw"), pick(f.NoSUID, "nosuid", "suid"), pick(f.NoDev, "nodev", "dev"),
		pick(f.NoExec, "noexec", "exec"), f.Access, pick(f.NoDirAccess, "nodiratime", "diratime")}
	if f.NoSymFollow {
		words = append(words, "nosymfollow")
	}
	return words
}

// String gives the flags that are not a default.
func (f flags) String() string {
	var out []string
	for _, w := range f.words() {
		switch w {
		case "suid", "dev", "exec", "relatime", "diratime":
		default:
			out = append(out, w)
		}
	}
	return strings.Join(out, ",")
}
