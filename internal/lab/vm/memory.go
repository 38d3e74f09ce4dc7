package vm

import (
	"errors"
	"strconv"
	"strings"
)

// memAvailable reads MemAvailable of /proc/meminfo, in bytes.
func memAvailable(meminfo string) (int64, error) {
	for line := range strings.Lines(meminfo) {
		rest, ok := strings.CutPrefix(line, "MemAvailable:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		return kib << 10, err
	}
	return 0, errors.New("look for memory: /proc/meminfo has no MemAvailable")
}
