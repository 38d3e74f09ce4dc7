package storage

import (
	"fmt"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// Mounted is a line of /proc/self/mountinfo (proc(5)): a mount that exists, visible or not.
type Mounted struct {
	ID, Parent int
	Dev        host.DeviceID
	Root       string   // the folder of the file system that is mounted
	Target     string   // the mount point
	Options    []string // of this mount: rw, noatime...
	Shared     int      // the peer group it propagates to, 0 for none
	Master     int      // the peer group it receives from, 0 for none
	Type       string
	Source     string
	Super      []string // options of the file system
}

// Table is the mounts of a namespace. Their order means nothing: mount --move can list the visible one of two first.
type Table []Mounted

// ParseMounts reads /proc/self/mountinfo.
func ParseMounts(content []byte) (Table, error) {
	var t Table
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		m, err := parseMounted(line)
		if err != nil {
			return nil, fmt.Errorf("mount table: %w: %q", err, line)
		}
		t = append(t, m)
	}
	if len(t) == 0 {
		return nil, fmt.Errorf("mount table: it is empty")
	}
	return t, nil
}

// parseMounted reads "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue". A source may be
// empty, so the part after the dash is split at single blanks.
func parseMounted(line string) (m Mounted, err error) {
	head, tail, ok := strings.Cut(line, " - ")
	f, g := strings.Split(head, " "), strings.Split(tail, " ")
	if !ok || len(f) < 6 || len(g) < 3 {
		return m, fmt.Errorf("too few fields")
	}
	if m.ID, err = strconv.Atoi(f[0]); err != nil {
		return m, fmt.Errorf("mount id: %w", err)
	}
	if m.Parent, err = strconv.Atoi(f[1]); err != nil {
		return m, fmt.Errorf("parent id: %w", err)
	}
	if m.Dev, err = parseDevice(f[2]); err != nil {
		return m, err
	}
	m.Root, m.Target, m.Options = Unescape(f[3]), Unescape(f[4]), strings.Split(f[5], ",")
	for _, opt := range f[6:] {
		name, group, _ := strings.Cut(opt, ":")
		n, _ := strconv.Atoi(group) // propagate_from and unbindable are of no concern
		switch name {
		case "shared":
			m.Shared = n
		case "master":
			m.Master = n
		}
	}
	m.Type, m.Source, m.Super = Unescape(g[0]), Unescape(g[1]), strings.Split(g[2], ",")
	return m, nil
}

func parseDevice(s string) (d host.DeviceID, err error) {
	major, minor, ok := strings.Cut(s, ":")
	a, errA := strconv.ParseUint(major, 10, 32)
	b, errB := strconv.ParseUint(minor, 10, 32)
	if !ok || errA != nil || errB != nil {
		return d, fmt.Errorf("%q is not a device number", s)
	}
	return host.DeviceID{Major: uint32(a), Minor: uint32(b)}, nil
}

// Unescape turns \040 and its like, as the kernel and fstab(5) write them, back into bytes.
func Unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escape writes a word as mountinfo and fstab(5) do: blank, tab, newline and backslash in octal. A leading # would make an
// fstab line a comment.
func escape(s string) string {
	s = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(s)
	if strings.HasPrefix(s, "#") {
		s = `\043` + s[1:]
	}
	return s
}

// String reads like mount(8): "xfs /dev/zd0 (230:0)".
func (m Mounted) String() string {
	s := fmt.Sprintf("%s %s (%s)", m.Type, m.Source, m.Dev)
	if m.Root != "/" {
		s = fmt.Sprintf("%s %s[%s] (%s)", m.Type, m.Source, m.Root, m.Dev)
	}
	return s
}
