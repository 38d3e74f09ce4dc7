package modules

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes is a size in bytes. It is written as a number of bytes or with a unit: K, M, G, T, P and KiB, MiB... are powers
// of 1024 (as zfs and brd count); KB, MB, GB, TB are powers of 1000.
type Bytes int64

// UnmarshalText reads a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	i := len(s)
	for i > 0 && (s[i-1] < '0' || s[i-1] > '9') {
		i--
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	unit, ok := sizeUnits[strings.TrimSpace(s[i:])]
	if err != nil || !ok || n < 0 || (unit > 1 && n > (1<<62)/unit) {
		return fmt.Errorf("%q is not a size: write a whole number of bytes or a number with K, M, G, T, P (powers of 1024), for example 600GiB", s)
	}
	*b = Bytes(n * unit)
	return nil
}

var sizeUnits = map[string]int64{
	"": 1, "B": 1,
	"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50,
	"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15,
}

// String gives the largest power of 1024 that divides the size: 600GiB, 1536MiB, 1000 bytes as 1000.
func (b Bytes) String() string {
	names := []string{"PiB", "TiB", "GiB", "MiB", "KiB"}
	for i, n := range names {
		unit := int64(1) << (10 * (len(names) - i))
		if int64(b) != 0 && int64(b)%unit == 0 {
			return strconv.FormatInt(int64(b)/unit, 10) + n
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Mode is permission bits as in chmod(1), written in octal in a string: "0644".
type Mode uint32

// UnmarshalText reads octal digits.
func (m *Mode) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || n > 0o7777 || len(text) < 3 {
		return fmt.Errorf("%q is not a mode: write octal digits in quotes, for example \"0644\"", text)
	}
	*m = Mode(n)
	return nil
}

// String gives four octal digits.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// Text is content. Secret content never reaches a plan, a journal, a log, an argv or a diff.
type Text struct {
	Value  string
	Secret bool
}

// Section is a unit file's section: directive to its values, in order. A directive with several values is written once
// for each.
type Section map[string][]string

// Sections is a unit file by section: Unit, Service, Install...
type Sections map[string]Section

// ID is the number of a user or group; the zero value is none. Names are refused: the same name has another number in a
// container, and it is the number that the kernel compares.
type ID struct {
	Set bool
	N   uint32
}

// UnmarshalText reads a number.
func (id *ID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return fmt.Errorf("%q is not a number: names are refused, since the same name has another number in a container: write the number (id -u NAME, id -g NAME)", text)
	}
	*id = ID{Set: true, N: uint32(n)}
	return nil
}

// String gives the number, or nothing.
func (id ID) String() string {
	if !id.Set {
		return ""
	}
	return strconv.FormatUint(uint64(id.N), 10)
}
