package agave

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// headroom is what a validator has left of its memory before the kernel kills it.
type headroom struct {
	left float64
	of   string // what bounds it
}

// readHeadroom gives the least of all validators' headrooms; ok is false where none lives. An error is one that is not known.
func readHeadroom(ctx context.Context, h host.Reader) (least headroom, ok bool, err error) {
	all, unread, err := readProcesses(ctx, h)
	if err = errors.Join(err, unread); err != nil {
		return least, false, err
	}
	for _, p := range all {
		one, err := headroomOf(ctx, h, p.PID)
		if err != nil {
			return least, false, fmt.Errorf("how much memory %s has left is not known: %w", p, err)
		}
		if !ok || one.left < least.left {
			least, ok = one, true
		}
	}
	return least, ok, nil
}

// headroomOf reads the control groups of a process: what the tightest limit leaves, and what of it the kernel would take back first, the files'
// pages that nobody has used lately (so the kubelet counts too: a ledger fills any limit with such). Without a limit the host's memory is the bound.
func headroomOf(ctx context.Context, h host.Reader, pid int) (headroom, error) {
	groups, err := groupsOf(ctx, h, pid)
	if err != nil {
		return headroom{}, err
	}
	m := readGroups(ctx, h, groups)
	switch {
	case m.err != nil:
		return headroom{}, m.err
	case m.used < 0:
		return headroom{}, errors.New("no control group of version 2 counts its memory")
	case m.limit < 0:
		available, err := counted(ctx, h, "/proc/meminfo", "MemAvailable:")
		return headroom{available * 1024, "the host's"}, err
	}
	idle, err := counted(ctx, h, m.tightest+"/memory.stat", "inactive_file")
	return headroom{m.limit - m.limited + idle, "its limit of " + modules.Bytes(m.limit).String()}, err
}

// counted is a number of a file with a name and a number in each line.
func counted(ctx context.Context, h host.Reader, file, name string) (float64, error) {
	b, err := h.ReadFile(ctx, file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			return strconv.ParseFloat(words[1], 64)
		}
	}
	return 0, fmt.Errorf("%s says no %s", file, name)
}
