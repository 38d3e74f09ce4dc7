package facts

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
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
		swaps = append(swaps, Swap{Path: octal(f[0]), Type: f[1], Size: size * 1024})
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

// parseMounts reads proc_pid_mountinfo(5): id parent major:minor root target options [tags] - fstype source super.
func parseMounts(text string) ([]Mount, error) {
	mounts := []Mount{}
	for l := range strings.Lines(text) {
		before, after, ok := strings.Cut(strings.TrimSuffix(l, "\n"), " - ")
		f, g := strings.Fields(before), strings.SplitN(after, " ", 3) // not Fields: an empty source is an empty word
		if !ok || len(f) < 6 || len(g) < 3 {
			return nil, fmt.Errorf("mountinfo: %q", strings.TrimSpace(l))
		}
		mounts = append(mounts, Mount{
			Device: f[2], Root: octal(f[3]), Target: octal(f[4]), Options: strings.Split(f[5], ","), FSType: g[0], Source: octal(g[1]),
		})
	}
	return mounts, nil
}

// octal undoes the escapes of the kernel's tables: \040 for a space, \011, \012, \134, and in some files \043.
func octal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
