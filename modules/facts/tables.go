package facts

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules/storage"
)

func readModules(ctx context.Context, h host.Reader) (any, error) {
	text, err := h.ReadFile(ctx, "/proc/modules")
	if err != nil {
		return nil, err
	}
	names := []string{}
	for l := range strings.Lines(string(text)) {
		if f := strings.Fields(l); len(f) > 0 {
			names = append(names, f[0])
		}
	}
	slices.Sort(names)
	return names, nil
}

func readSwaps(ctx context.Context, h host.Reader) (any, error) {
	text, err := h.ReadFile(ctx, "/proc/swaps")
	if err != nil {
		return nil, err
	}
	return parseSwaps(string(text))
}

func parseSwaps(text string) ([]Swap, error) {
	swaps := []Swap{}
	for i, l := range strings.Split(strings.TrimSpace(text), "\n") {
		f := strings.Fields(l)
		if i == 0 || len(f) == 0 {
			continue // the header
		}
		if len(f) < 3 {
			return nil, fmt.Errorf("swaps: %q", l)
		}
		size, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("swaps: %q", l)
		}
		swaps = append(swaps, Swap{Path: storage.Unescape(f[0]), Type: f[1], Size: size * 1024})
	}
	return swaps, nil
}

func readMounts(ctx context.Context, h host.Reader) (any, error) {
	text, err := h.ReadFile(ctx, "/proc/1/mountinfo")
	if err != nil {
		return nil, err
	}
	return parseMounts(string(text))
}

func parseMounts(text string) ([]Mount, error) {
	table, err := storage.ParseMounts([]byte(text))
	if err != nil {
		return nil, err
	}
	mounts := make([]Mount, len(table))
	for i, m := range table {
		mounts[i] = Mount{Device: m.Dev.String(), Root: m.Root, Target: m.Target, Options: m.Options, FSType: m.Type, Source: m.Source}
	}
	return mounts, nil
}
