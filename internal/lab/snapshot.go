package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Entry is what a snapshot keeps of one file.
type Entry struct {
	Mode     fs.FileMode
	UID, GID uint32
	Size     int64
	MTime    time.Time
	Digest   string // SHA-256 of a regular file, the target of a link, the numbers of a device
}

// A Snapshot is what a host has written since its first boot, by path: its overlay's upper layer (a device 0:0 in it is
// a file removed), /run, /tmp and /dev, and its mounts as /proc/1/mountinfo. Two that are equal prove that nothing was
// written in between, as even a file made and removed again changes its folder's time.
type Snapshot map[string]Entry

// noise are the places that a login, sudo or the passing of time write to by themselves. Everything else counts.
var noise = []string{
	"/run/sshd", "/run/sshd.pid", "/run/user", // sshd, pam_systemd
	"/run/sudo", "/var/lib/sudo", // sudo's timestamps and its lecture, once a user
	"/run/utmp", "/run/motd.dynamic", // pam_lastlog, pam_motd
	"/var/log",                                 // wtmp, btmp, lastlog, and what syslog would write
	"/run/log/journal", "/run/systemd/journal", // a line for each login
	"/run/systemd/sessions", "/run/systemd/users", "/run/systemd/inhibit", "/run/systemd/seats", // logind
	"/run/systemd/units", "/run/systemd/transient", // invocation ids of units that started; session scopes
	"/run/systemd/timers", "/var/lib/systemd/timers", // when a timer last ran
	"/run/dbus", "/run/systemd/propagate", "/run/systemd/incoming", "/run/credentials", "/run/host",
	"/dev/pts", "/dev/ptmx", "/dev/shm", "/dev/mqueue", "/dev/hugepages",
	"/var/lib/docker", "/var/lib/containerd", "/run/docker", "/run/containerd", // they work by themselves
}

// churn are folders whose own time changes with noise in them, so that only what else is in them counts.
var churn = []string{"/run", "/run/systemd", "/var/lib/systemd", "/var/lib", "/dev"}

// Noise tells what counts of a path in a snapshot: nothing of it nor of what is in it, or of a folder all but its times.
func Noise(name string) (none, timeless bool) {
	return slices.Contains(noise, name), slices.Contains(churn, name)
}

// Snapshot reads what the host has written. It waits for the end of a boot, which writes, and then reads from outside: no
// process runs in the host for it.
func (h *Host) Snapshot(ctx context.Context) (Snapshot, error) {
	// A host that never comes to rest, or has no systemctl (tests take it away), is read all the same.
	_, _ = h.Shell(ctx, "timeout 20 systemctl is-system-running --wait >/dev/null 2>&1 || true")
	s := Snapshot{}
	root := h.Root()
	for _, tree := range []struct{ at, from string }{
		{"", filepath.Join(h.last().Files, "disk/upper")}, {"/run", root + "/run"}, {"/tmp", root + "/tmp"}, {"/dev", root + "/dev"},
	} {
		if err := s.walk(ctx, tree.at, tree.from); err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", h.Name, err)
		}
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", h.Leader()))
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", h.Name, err)
	}
	s["/proc/1/mountinfo"] = Entry{Digest: digest([]byte(WithoutLogins(string(mounts))))}
	return s, nil
}

func (s Snapshot) walk(ctx context.Context, at, from string) error {
	top, err := os.Stat(from)
	if err != nil {
		return err
	}
	device := top.Sys().(*syscall.Stat_t).Dev
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		name := at + strings.TrimPrefix(path, from)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case os.IsNotExist(err): // removed while we looked; the next snapshot will tell
			return nil
		case err != nil:
			return err
		case name == "":
			return nil
		case slices.Contains(noise, name):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if d.IsDir() && info.Sys().(*syscall.Stat_t).Dev != device { // another mount
			return fs.SkipDir
		}
		s[name], err = entryOf(path, info)
		if slices.Contains(churn, name) {
			s[name] = Entry{Mode: info.Mode()}
		}
		return err
	})
}

func entryOf(path string, info fs.FileInfo) (Entry, error) {
	stat := info.Sys().(*syscall.Stat_t)
	e := Entry{Mode: info.Mode(), UID: stat.Uid, GID: stat.Gid, MTime: info.ModTime()}
	switch {
	case info.Mode().IsRegular():
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return e, err
		}
		e.Size, e.Digest = info.Size(), digest(text)
	case info.Mode()&fs.ModeSymlink != 0:
		e.Digest, _ = os.Readlink(path)
	case info.Mode()&fs.ModeDevice != 0:
		e.Digest = fmt.Sprintf("%d:%d", stat.Rdev>>8&0xfff, stat.Rdev&0xff)
	}
	return e, nil
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Diff returns what differs between two snapshots, a line a path, in order; nothing when they are equal.
func (s Snapshot) Diff(later Snapshot) []string {
	var lines []string
	for name, was := range s {
		if now, ok := later[name]; !ok {
			lines = append(lines, name+": gone")
		} else if now != was {
			lines = append(lines, fmt.Sprintf("%s: %+v -> %+v", name, was, now))
		}
	}
	for name, now := range later {
		if _, ok := s[name]; !ok {
			lines = append(lines, fmt.Sprintf("%s: new, %+v", name, now))
		}
	}
	slices.Sort(lines)
	return lines
}

// WithoutLogins is a mount table without the folders that logind mounts for who is logged in: they come with a connection
// and go some time after it, whatever is done over it.
func WithoutLogins(mountinfo string) string {
	var out strings.Builder
	for line := range strings.Lines(mountinfo) {
		if words := strings.Fields(line); len(words) < 5 || !strings.HasPrefix(words[4], "/run/user/") {
			out.WriteString(line)
		}
	}
	return out.String()
}
