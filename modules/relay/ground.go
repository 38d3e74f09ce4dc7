package relay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// ground is the file system that a program stands on, or will stand on.
type ground struct {
	at     string // its mount point
	fstype string
	noexec bool
}

// keepsModes tells whether the file system has permission bits and owners of each file. Older switches have vfat on their
// flash, where everything is -rwx and root's.
func (g ground) keepsModes() bool { return g.fstype != "vfat" && g.fstype != "msdos" }

// groundOf finds the mount that is visible at a folder, or at what stands nearest above it.
func groundOf(ctx context.Context, h host.Reader, folder string) (ground, error) {
	table, err := h.ReadFile(ctx, "/proc/self/mountinfo")
	if err != nil {
		return ground{}, fmt.Errorf("read the mounts: %w", err)
	}
	for ; ; folder = path.Dir(folder) {
		st, err := h.Stat(ctx, folder)
		if errors.Is(err, fs.ErrNotExist) && folder != "/" {
			continue
		}
		if err != nil {
			return ground{}, fmt.Errorf("stat %s: %w", folder, err)
		}
		return mountOf(string(table), st.MountID)
	}
}

// mountOf reads one line of /proc/self/mountinfo: id parent major:minor root target options [optional...] - type source super.
func mountOf(table string, id int) (ground, error) {
	for line := range strings.Lines(table) {
		head, tail, ok := strings.Cut(line, " - ")
		f, rest := strings.Fields(head), strings.Fields(tail)
		if !ok || len(f) < 6 || len(rest) < 1 || f[0] != strconv.Itoa(id) {
			continue
		}
		return ground{at: f[4], fstype: rest[0], noexec: slices.Contains(strings.Split(f[5], ","), "noexec")}, nil
	}
	return ground{}, fmt.Errorf("the mounts have no mount of id %d", id)
}
