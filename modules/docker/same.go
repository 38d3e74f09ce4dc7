package docker

import (
	"context"

	"bisc/internal/host"
)

// SameFolder tells whether a path in a container (by the pid of its first process) is the host's folder outside, by device and inode;
// why says what differs.
func SameFolder(ctx context.Context, h host.Reader, pid int, inside, outside string) (same bool, why string, err error) {
	v, err := look(ctx, h, pid, inside, outside)
	if err != nil || v.same() {
		return err == nil, "", err
	}
	return false, v.why(outside), nil
}
