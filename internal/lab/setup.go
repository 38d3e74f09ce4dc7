package lab

import (
	"context"
	"fmt"
	"io"

	"bisc/internal/lab/rootfs"
)

// Setup prepares the machine, once: it installs missing packages and builds the hosts' root file system into
// /var/cache/bisc-lab, which takes about a minute. It tells its steps to progress, which may be nil. Later calls return
// at once; concurrent ones wait for each other. It needs root.
func Setup(ctx context.Context, progress io.Writer) error {
	if err := rootfs.Ensure(ctx, progress); err != nil {
		return fmt.Errorf("set the lab up: %w", err)
	}
	return nil
}
