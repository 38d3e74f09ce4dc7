package facts

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// ZFS is the loaded module's version. Its userland may be newer, from an upgrade that no reboot has followed.
type ZFS struct {
	Version string `fact:"version"` // as in 2.2.9
	Number  int    `fact:"number"`  // to compare: 20209
}

func readZFS(ctx context.Context, h host.Reader) (any, error) {
	argv := []string{"zfs", "version"}
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		return nil, &host.ExitError{Argv: argv, Exit: out.Exit, Stderr: out.Stderr}
	}
	return parseZFS(string(out.Stdout))
}

// parseZFS reads the line zfs-kmod-2.1.11-1+deb12u1 of zfs version.
func parseZFS(text string) (ZFS, error) {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "zfs-kmod-")
		if !ok {
			continue
		}
		version, _, _ := strings.Cut(rest, "-")
		parts := strings.Split(version, ".")
		if len(parts) != 3 {
			return ZFS{}, fmt.Errorf("the module's version is %q, which is not three numbers", rest)
		}
		number := 0
		for _, part := range parts {
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n > 99 {
				return ZFS{}, fmt.Errorf("the module's version is %q, which is not three numbers", rest)
			}
			number = number*100 + n
		}
		return ZFS{Version: version, Number: number}, nil
	}
	return ZFS{}, fmt.Errorf("zfs version has no line of the module: %q", text)
}
