package sshhost

import (
	"strconv"
	"strings"
)

// withMountID completes the stat of a shell with what the mount table says.
//
// bisc_stat writes "dev inode mode(hex) nlink uid gid rdev-major(hex) rdev-minor(hex) size mtime kind", NUL, the link's
// target, NUL, the path without links.
func withMountID(a, table answer) answer {
	if a.err != nil {
		return a
	}
	if table.err != nil {
		return answer{err: table.err}
	}
	parts := strings.SplitN(string(a.out.Stdout), "\x00", 3)
	f := strings.Fields(parts[0])
	if len(parts) != 3 || len(f) < 10 {
		return a
	}
	mode, _ := strconv.ParseUint(f[2], 16, 32)
	major, _ := strconv.ParseUint(f[6], 16, 32)
	minor, _ := strconv.ParseUint(f[7], 16, 32)
	kind := ""
	if len(f) > 10 {
		kind = f[10]
	}
	real := strings.TrimSuffix(parts[2], "\n")
	rdev := (major&0xfff)<<8 | (major&^0xfff)<<32 | minor&0xff | (minor&^0xff)<<12 // as in <sys/sysmacros.h>
	a.file = strings.Join([]string{
		kind, f[0], f[1], strconv.FormatUint(mode, 10), f[3], f[4], f[5], strconv.FormatUint(rdev, 10), f[8], f[9],
		strconv.Itoa(visibleMount(string(table.out.Stdout), real)), parts[1],
	}, "\x00")
	return a
}

// visibleMount walks down a path through the mount table as the kernel does: at each step the mount on top there is the
// one whose parent is the mount that was come through, so that shadowed mounts are never met. 0 means not found.
func visibleMount(mountinfo, path string) int {
	type mount struct{ id, parent int }
	at := map[string][]mount{}
	ids := map[int]bool{}
	for line := range strings.Lines(mountinfo) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		id, _ := strconv.Atoi(f[0])
		parent, _ := strconv.Atoi(f[1])
		point := unescapeMount(f[4])
		at[point] = append(at[point], mount{id, parent})
		ids[id] = true
	}
	here := 0
	enter := func(point string) {
		for again := true; again; {
			again = false
			for _, m := range at[point] {
				if m.parent == here && m.id != here {
					here, again = m.id, true
					break
				}
			}
		}
	}
	for _, m := range at["/"] { // the root's parent is outside the table, or the root itself
		if !ids[m.parent] || m.parent == m.id {
			here = m.id
		}
	}
	enter("/")
	for i := 1; i <= len(path) && path != "/"; i++ {
		if i == len(path) || path[i] == '/' {
			enter(path[:i])
		}
	}
	return here
}

// unescapeMount reads the octal escapes of mountinfo: space, tab, newline, backslash.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
