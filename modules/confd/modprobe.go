package confd

import (
	"strconv"
	"strings"
)

// Spoiler is a line of modprobe.d that keeps a module from being loaded at boot as it is wanted.
type Spoiler struct {
	Path, Line string
	Options    bool   // it sets an option otherwise; else the module is not loaded at all
	Why        string // begins with the path
}

// Spoilers gives such lines in all files but the module's own. The kernel takes the last value of an option, which may come
// from any file; systemd-modules-load honours a blacklist.
func Spoilers(files []File, module string, options map[string]string, own string) (out []Spoiler) {
	for _, f := range files {
		if f.Path == own {
			continue
		}
		for _, line := range joined(f.Lines) {
			if why, opts := spoils(strings.Fields(line), module, options); why != "" {
				out = append(out, Spoiler{Path: f.Path, Line: line, Options: opts, Why: f.Path + " " + why})
			}
		}
	}
	return out
}

// joined puts lines together that a backslash at the end continues (modprobe.d(5)).
func joined(lines []string) (out []string) {
	open := false
	for _, line := range lines {
		head, continued := strings.CutSuffix(line, `\`)
		if open {
			out[len(out)-1] += head
		} else {
			out = append(out, head)
		}
		open = continued
	}
	return out
}

func spoils(words []string, module string, options map[string]string) (why string, opts bool) {
	if len(words) < 2 || KernelName(words[1]) != KernelName(module) {
		return "", false
	}
	switch words[0] {
	case "blacklist":
		return "keeps it from being loaded at boot: remove the line there", false
	case "install":
		return "runs a command in place of loading it: remove the line there", false
	case "options":
		for _, w := range words[2:] {
			name, value, _ := strings.Cut(w, "=")
			if want, ours := options[name]; ours && !SameValue(value, want) {
				return "sets an option otherwise: remove it there", true
			}
		}
	}
	return "", false
}

// KernelName is a module's name in /sys/module: there every dash is an underscore.
func KernelName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// SameValue compares parameters as the kernel reads them: y, Y and 1 are one, and so are 16 and 0x10.
func SameValue(a, b string) bool { return canonical(a) == canonical(b) }

func canonical(v string) string {
	switch v {
	case "y", "Y":
		return "1"
	case "n", "N":
		return "0"
	}
	if n, err := strconv.ParseUint(v, 0, 64); err == nil {
		return strconv.FormatUint(n, 10)
	}
	return v
}
