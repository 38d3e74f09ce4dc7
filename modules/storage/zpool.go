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
	MinFree modules.Bytes `hcl:"min_free,optional" doc:"the free space below which it is a difference: what may still be written, without what volumes have reserved"`
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

// Plan asks the pool how it is and, where that matters, its root dataset what may still be written.
func (z *Zpool) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	out, err := h.Query(ctx, "zpool", "list", "-Hp", "-o", "health", z.Pool)
	if err != nil {
		return c, fmt.Errorf("asking zpool for %s: %w", z.Pool, err)
	}
	if out.Exit != 0 {
		if strings.Contains(string(out.Stderr), "no such pool") {
			return z.decide(zpoolSeen{missing: true}), nil
		}
		return c, fmt.Errorf("asking zpool for %s: exit status %d: %s", z.Pool, out.Exit, firstLine(out.Stderr))
	}
	s := zpoolSeen{health: strings.TrimSpace(string(out.Stdout))}
	if s.health == "" || len(strings.Fields(s.health)) != 1 {
		return c, fmt.Errorf("asking zpool for %s: cannot read %q", z.Pool, out.Stdout)
	}
	if z.MinFree > 0 && s.health == "ONLINE" { // a pool that is suspended may not answer
		if s.free, err = z.available(ctx, h); err != nil {
			return c, err
		}
	}
	return z.decide(s), nil
}

// available is what may still be written. To the pool itself (zpool's free) all is free that nothing was written to yet,
// the room that a volume has reserved too: seen on the virtual machine, where a pool full of reservations was free.
func (z *Zpool) available(ctx context.Context, h host.Reader) (modules.Bytes, error) {
	out, err := h.Query(ctx, "zfs", "get", "-Hp", "-o", "value", "available", z.Pool)
	if err != nil {
		return 0, fmt.Errorf("asking zfs for %s: %w", z.Pool, err)
	}
	if out.Exit != 0 {
		return 0, fmt.Errorf("asking zfs for %s: exit status %d: %s", z.Pool, out.Exit, firstLine(out.Stderr))
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(out.Stdout)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("asking zfs for %s: free space: %w", z.Pool, err)
	}
	return modules.Bytes(n), nil
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
