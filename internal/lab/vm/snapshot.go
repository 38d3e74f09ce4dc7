package vm

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"bisc/internal/lab"
)

// list prints what a file is, and the kernel's own note of its last change, of all that may change: each file system by
// itself, without the programs in /usr and the kernel's modules, which are thousands. Mounts come last.
const list = `
timeout 120 systemctl is-system-running --wait >/dev/null || true
udevadm settle
places=
for dir in /boot /dev /etc /home /media /mnt /opt /root /run /srv /tmp /usr/local /var $(awk '$5 ~ "^/srv" { print $5 }' /proc/self/mountinfo); do places="$places $dir"; done
find $places -xdev \( -path /var/lib/docker -o -path /var/lib/containerd -o -path /var/log \) -prune -o -printf '%p\t%m\t%U\t%G\t%s\t%C@\t%y%l\n' 2>/dev/null || true
echo
cat /proc/1/mountinfo
`

// Snapshot reads what is on the machine, once it has come to rest. Two that are equal prove that nothing was written in
// between, as package lab says of its own.
func (m *Machine) Snapshot(ctx context.Context) (lab.Snapshot, error) {
	out, err := m.Shell(ctx, list)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	files, mounts, _ := strings.Cut(string(out), "\n\n")
	s := lab.Snapshot{"/proc/1/mountinfo": {Digest: lab.WithoutLogins(mounts)}}
	for line := range strings.Lines(files) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 7 {
			return nil, fmt.Errorf("snapshot: a line of %d fields: %q", len(f), line)
		}
		none, timeless := noise(f[0])
		if none {
			continue
		}
		mode, _ := strconv.ParseUint(f[1], 8, 32)
		uid, _ := strconv.ParseUint(f[2], 10, 32)
		gid, _ := strconv.ParseUint(f[3], 10, 32)
		size, _ := strconv.ParseInt(f[4], 10, 64)
		e := lab.Entry{Mode: fs.FileMode(mode), UID: uint32(uid), GID: uint32(gid), Size: size, Digest: f[6] + " changed " + f[5]}
		if timeless {
			e = lab.Entry{Mode: e.Mode}
		}
		s[f[0]] = e
	}
	return s, nil
}

// noise is the lab's, of a path and of the folders above it, and what a kernel and a udev of its own write by themselves.
func noise(name string) (none, timeless bool) {
	for dir := name; dir != "/" && dir != "."; dir = path.Dir(dir) {
		// udev's own notes come when the kernel tells of a device, which for a volume is after zfs has ended.
		if none, _ := lab.Noise(dir); none || dir == "/run/udev" {
			return true, false
		}
	}
	_, timeless = lab.Noise(name)
	return false, timeless
}
