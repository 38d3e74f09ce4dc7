package discover

import (
	"path"
	"slices"
	"strings"
)

// fileBlocks makes blocks of the other local files: those that bisc wrote are the resources that they stand for, others are
// files as they are. skip is what other kinds keep.
func (l locals) fileBlocks(skip func(localFile) bool) (blocks []*Block, out []Remark) {
	for _, f := range l.files {
		dir := path.Dir(f.path)
		if within(f.path, unitFolder) || within(f.path, "/run") || within(f.path, "/var/spool/cron") || dir == "/etc/cron.d" || skip(f) {
			continue
		}
		if b := f.bisc(l); b != nil {
			blocks = append(blocks, b)
			continue
		}
		switch {
		case strings.HasPrefix(path.Base(f.path), "bisc-") && (dir == "/etc/modprobe.d" || dir == "/etc/modules-load.d"):
			continue // of a kernel_module or the ramdisk
		case path.Ext(f.path) == ".yaml" || dir == "/etc/network/interfaces.d":
			out = append(out, Remark{Outside, "file", f.path, "the network: bisc has no kind that changes it and can take it back"})
			continue
		case f.path == "/etc/sysctl.conf":
			continue // it is a package's in all but name
		}
		if why := f.tellable(); why != "" {
			out = append(out, Remark{Outside, "file", f.path, why})
			continue
		}
		blocks = append(blocks, f.block())
	}
	return blocks, out
}

// block is the file as it is.
func (f localFile) block() *Block {
	b := newBlock("units", "file", f.path).set("content", Text(f.text))
	if f.stat.Mode != 0o644 {
		b.set("mode", modeText(f.stat.Mode))
	}
	setIf(b, "owner", Number(f.stat.UID))
	setIf(b, "group", Number(f.stat.GID))
	f.warn(b)
	if f.ansible() {
		b.note("Ansible says that it wrote this: from now on it is either's, not both's")
	}
	return b
}

// bisc is the resource that wrote the file, where bisc did.
func (f localFile) bisc(l locals) *Block {
	name := strings.TrimSuffix(path.Base(f.path), ".conf")
	switch path.Dir(f.path) {
	case "/etc/sysctl.d":
		_, ours := strings.CutPrefix(name, "90-bisc-")
		if key, value, ok := assignment(f.text); ours && ok {
			return newBlock("units", "sysctl", key).set("value", value)
		}
	case "/etc/modules-load.d":
		module, ours := strings.CutPrefix(name, "bisc-")
		if !ours || module == "brd" {
			return nil
		}
		b := newBlock("units", "kernel_module", module)
		if options := l.options(module); len(options) > 0 {
			b.set("options", options)
		}
		return b
	}
	return nil
}

// assignment reads "key = value", the one line of a file that is no comment.
func assignment(text string) (key, value string, ok bool) {
	n := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, ok = strings.Cut(line, "=")
		n++
	}
	return strings.TrimSpace(key), strings.TrimSpace(value), ok && n == 1
}

// options is what bisc's own file of modprobe.d gives a module.
func (l locals) options(module string) map[string]string {
	i := slices.IndexFunc(l.files, func(f localFile) bool { return f.path == "/etc/modprobe.d/bisc-"+module+".conf" })
	if i < 0 {
		return nil
	}
	out := map[string]string{}
	for line := range strings.Lines(l.files[i].text) {
		w := strings.Fields(line)
		if len(w) > 2 && w[0] == "options" && w[1] == module {
			for _, o := range w[2:] {
				k, v, _ := strings.Cut(o, "=")
				out[k] = v
			}
		}
	}
	return out
}

// cronRemarks are the entries of cron: bisc has no kind for them. Of their commands only the program is told, since the
// rest may hold a secret.
func (l locals) cronRemarks() (out []Remark) {
	for _, f := range l.files {
		user := ""
		switch path.Dir(f.path) {
		case "/etc/cron.d":
		case "/var/spool/cron/crontabs":
			user = path.Base(f.path)
		default:
			continue
		}
		for line := range strings.Lines(f.text) {
			if when, program, ok := cronEntry(line, user != ""); ok {
				out = append(out, Remark{Outside, "cron", f.path, when + " " + program + " ...: bisc has no kind for cron; a timer and a unit can take its place"})
			}
		}
	}
	return out
}

// cronEntry reads a line of a crontab, of a user's own or with a column for the user.
func cronEntry(line string, own bool) (when, program string, ok bool) {
	w := strings.Fields(line)
	if len(w) == 0 || strings.HasPrefix(w[0], "#") || strings.Contains(w[0], "=") {
		return "", "", false
	}
	times := 5
	if strings.HasPrefix(w[0], "@") {
		times = 1
	}
	at := times
	if !own {
		at++
	}
	for at < len(w) && strings.Contains(w[at], "=") { // a variable before the program may hold a secret
		at++
	}
	if len(w) <= at {
		return "", "", false
	}
	return strings.Join(w[:times], " "), w[at], true
}
