package storage

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// ZpoolKind is a pool that must be there.
var ZpoolKind = modules.Kind{
	Name: "zpool", Label: "the pool's name", Platform: host.Linux, Layer: "storage",
	Doc:    "A ZFS pool that must be there and well. It is only asserted: bisc makes, imports, mends and destroys no pool.",
	Checks: []string{"now: the pool is imported and ONLINE, and has so much free space"},
	Example: `zpool "biscayne" {
  min_free = "500GiB"
}`,
	New: func(label string) modules.Resource { return &Zpool{Pool: label} },
}

// Zpool is a pool that must be there.
type Zpool struct {
	Pool    string
	MinFree modules.Bytes `hcl:"min_free,optional" doc:"the free space below which it is a difference"`
}

// Owns is nothing: a pool is only asserted.
func (z *Zpool) Owns() []string { return nil }

// Validate checks the name.
func (z *Zpool) Validate() error {
	return faults(zfsName("", z.Pool), unless(strings.Contains(z.Pool, "/"), "", "a pool's name has no slash: a dataset is zfs_dataset"))
}

// zpoolSeen is what was observed.
type zpoolSeen struct {
	missing bool
	health  string
	free    modules.Bytes
}

// Plan asks once.
func (z *Zpool) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	out, err := h.Query(ctx, "zpool", "list", "-Hp", "-o", "health,free", z.Pool)
	if err != nil {
		return c, fmt.Errorf("asking zpool for %s: %w", z.Pool, err)
	}
	if out.Exit != 0 {
		if strings.Contains(string(out.Stderr), "no such pool") {
			return z.decide(zpoolSeen{missing: true}), nil
		}
		return c, fmt.Errorf("asking zpool for %s: exit status %d: %s", z.Pool, out.Exit, firstLine(out.Stderr))
	}
	f := strings.Fields(string(out.Stdout))
	if len(f) != 2 {
		return c, fmt.Errorf("asking zpool for %s: cannot read %q", z.Pool, out.Stdout)
	}
	// A pool that is suspended or faulted may give "-" for its free space.
	free, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil && f[0] == "ONLINE" {
		return c, fmt.Errorf("asking zpool for %s: free space: %w", z.Pool, err)
	}
	return z.decide(zpoolSeen{health: f[0], free: modules.Bytes(free)}), nil
}

func (z *Zpool) decide(s zpoolSeen) (c modules.Change) {
	const why = "pools are only asserted: see zpool status"
	switch {
	case s.missing:
		c.Refuse("health", "(no such pool)", "ONLINE", why)
	case s.health != "ONLINE":
		c.Refuse("health", s.health, "ONLINE", why)
	case s.free < z.MinFree:
		c.Refuse("min_free", s.free.String(), z.MinFree.String(), "bisc frees no space")
	}
	return c
}
