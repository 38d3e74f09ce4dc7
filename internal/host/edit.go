package host

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// EditLines does what an Edit says to content: the lines to drop must all be there, word for word, else ErrChanged; the
// first of them gives way to add, or add is appended where drop is empty. The result ends in a newline.
func EditLines(content []byte, drop, add []string) ([]byte, error) {
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	if len(bytes.TrimSpace(content)) == 0 {
		lines = nil
	}
	at := len(lines)
	for i, d := range drop {
		found := slices.Index(lines, d)
		if found < 0 {
			return nil, fmt.Errorf("%w: the line is gone: %s", ErrChanged, d)
		}
		lines = slices.Delete(lines, found, found+1)
		if i == 0 {
			at = found
		} else if found < at {
			at--
		}
	}
	if len(drop) == 0 {
		at = len(lines)
	}
	lines = slices.Insert(lines, at, add...)
	if len(lines) == 0 {
		return nil, nil
	}
	return []byte(strings.Join(lines, "\n") + "\n"), nil
}
