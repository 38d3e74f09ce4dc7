package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// content is what is on a block device.
type content struct {
	exit       int // of blkid: 0 one signature, 2 none, 8 several that contradict each other
	raw        string
	tags       map[string]string // TYPE, UUID, LABEL, PTTYPE...
	size       int64
	data       []string // which of the first MiB, the last and the middle hold more than zeros
	partitions []string
}

// askContent looks at a device: the signature that blkid finds, past its cache, and the bytes. Both are asked at once.
func askContent(ctx context.Context, h host.Reader, device string) (c content, err error) {
	err = host.Ask(ctx,
		func(ctx context.Context) error { return c.signature(ctx, h, device) },
		func(ctx context.Context) error { return c.bytes(ctx, h, device) })
	return c, err
}

func (c *content) signature(ctx context.Context, h host.Reader, device string) error {
	out, err := h.Query(ctx, "blkid", "-p", "-o", "export", "--", device)
	if err != nil {
		return fmt.Errorf("looking for a signature on %s: %w", device, err)
	}
	// blkid exits with 2 when it finds nothing and when it cannot open the device. The bytes are read too, and there the
	// second is an error.
	if !slices.Contains([]int{0, 2, 8}, out.Exit) {
		return fmt.Errorf("looking for a signature on %s: exit status %d: %s", device, out.Exit, firstLine(out.Stderr))
	}
	c.exit, c.tags = out.Exit, map[string]string{}
	var kept []string
	for line := range strings.Lines(string(out.Stdout)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "DEVNAME=") {
			continue
		}
		kept = append(kept, line)
		k, v, _ := strings.Cut(line, "=")
		c.tags[k] = v
	}
	c.raw = strings.Join(kept, "\n")
	return nil
}

func (c *content) bytes(ctx context.Context, h host.Reader, device string) error {
	out, err := h.Query(ctx, host.Blankness.Argv(device)...)
	if err != nil {
		return fmt.Errorf("reading %s: %w", device, err)
	}
	if out.Exit != 0 {
		return fmt.Errorf("reading %s: exit status %d: %s", device, out.Exit, firstLine(out.Stderr))
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out.Stdout)) {
		k, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		seen[k] = true
		switch {
		case k == "size":
			if c.size, err = strconv.ParseInt(v, 10, 64); err != nil {
				return fmt.Errorf("reading %s: size: %w", device, err)
			}
		case k == "partition":
			c.partitions = append(c.partitions, v)
		case v != "zero":
			c.data = append(c.data, k)
		}
	}
	if !seen["size"] || !seen["first"] || !seen["last"] || len(c.data) == 0 && !seen["middle"] {
		return fmt.Errorf("reading %s: the answer is not whole: %q", device, out.Stdout)
	}
	return nil
}

// holds is the row of the truth table that a device is in.
type holds string

const (
	holdsNothing     holds = "blank"
	holdsSignature   holds = "other signature"
	holdsSeveral     holds = "several signatures"
	holdsPartitions  holds = "partitioned"
	holdsUnknownData holds = "unknown bytes"
	holdsFileSystem  holds = "file system"
	hasNoSize        holds = "no size"
)

// row judges the content. What blkid names as a file system is one; a partition table goes before all else.
func (c content) row() holds {
	switch {
	case c.size == 0:
		return hasNoSize
	case len(c.partitions) > 0 || c.tags["PTTYPE"] != "":
		return holdsPartitions
	case c.exit == 8:
		return holdsSeveral
	case c.tags["TYPE"] != "" && c.tags["USAGE"] == "filesystem":
		return holdsFileSystem
	case c.exit == 0:
		return holdsSignature
	case len(c.data) > 0:
		return holdsUnknownData
	}
	return holdsNothing
}

// String says what is there, for a person who is to decide about its life.
func (c content) String() string {
	var out []string
	for _, k := range []string{"TYPE", "LABEL", "UUID", "PTTYPE"} {
		if c.tags[k] != "" {
			out = append(out, k+"="+c.tags[k])
		}
	}
	switch row := c.row(); row {
	case holdsNothing, hasNoSize, holdsSeveral:
		return string(row)
	case holdsUnknownData:
		if c.data[0] == "middle" {
			return "unknown bytes in its middle"
		}
		return "unknown bytes in its " + strings.Join(c.data, " and ") + " MiB"
	case holdsPartitions:
		return strings.TrimSpace("partitioned " + strings.Join(append(out, c.partitions...), " "))
	}
	return strings.Join(out, " ")
}

// askUses asks who uses a block device, in any mount namespace.
func askUses(ctx context.Context, h host.Reader, device host.DeviceID) ([]string, error) {
	out, err := h.Query(ctx, host.Uses.Argv(device.String())...)
	if err != nil {
		return nil, fmt.Errorf("asking who uses %s: %w", device, err)
	}
	if out.Exit != 0 {
		return nil, fmt.Errorf("asking who uses %s: %s", device, firstLine(out.Stderr))
	}
	var uses []string
	for line := range strings.Lines(string(out.Stdout)) {
		uses = append(uses, strings.TrimSuffix(line, "\n"))
	}
	return uses, nil
}

func itoa(n int) string { return strconv.Itoa(n) }
