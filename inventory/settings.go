package inventory

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// pick chooses a value and records where it came from.
func (d *Decision) pick(name, where, given string, conf *config, keyword, byDefault string) string {
	if given != "" {
		return d.set(name, given, where)
	}
	if v := conf.first(keyword); v != "" {
		return d.set(name, v, conf.from)
	}
	return d.set(name, byDefault, "default")
}

func (d *Decision) pickList(name, where string, given []string, conf *config, keyword string, byDefault []string) []string {
	switch fromConf := conf.all(keyword); {
	case len(given) > 0:
		d.set(name, strings.Join(given, " "), where)
		return given
	case len(fromConf) > 0:
		d.set(name, strings.Join(fromConf, " "), conf.from)
		return fromConf
	}
	d.set(name, strings.Join(byDefault, " "), "default")
	return byDefault
}

// set records a setting that has a value, in place of an earlier one of that name.
func (d *Decision) set(name, value, from string) string {
	if value == "" {
		return value
	}
	for i := range d.Settings {
		if d.Settings[i].Name == name {
			d.Settings[i] = Setting{name, value, from}
			return value
		}
	}
	d.Settings = append(d.Settings, Setting{name, value, from})
	return value
}

func (d *Decision) setVia(from string) {
	names := make([]string, len(d.Via))
	for i, hop := range d.Via {
		names[i] = hop.Host
	}
	value := strings.Join(names, " -> ")
	if value == "" {
		value = "none"
	}
	d.set("via", value, from)
}

func (d *Decision) paths(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, expand(n, *d))
	}
	return out
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func defaultIdentities() []string {
	return []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
}

func localUser() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

// expand puts the home folder for ~/ and the tokens that ssh -G leaves in file names.
func expand(name string, d Decision) string {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/"
	}
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		name = filepath.Join(home, rest)
	}
	if !strings.Contains(name, "%") {
		return name
	}
	return strings.NewReplacer("%%", "%", "%d", home, "%h", d.Address, "%n", d.Host, "%r", d.User, "%u", localUser(),
		"%p", strconv.Itoa(d.Port)).Replace(name)
}
