package storage

import (
	"fmt"
	"strconv"
)

// ID is the number of a user or group; the zero value is none. Names are refused: the same name has another number in a
// container, and it is the number that the kernel compares (host solana = 20029, the validator's container runs as 1000).
type ID struct {
	Set bool
	N   uint32
}

// UnmarshalText reads a number.
func (id *ID) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return fmt.Errorf("%q is not a number: names are refused, since the same name has another number in a container: write the uid or gid that the validator's image runs as", text)
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
