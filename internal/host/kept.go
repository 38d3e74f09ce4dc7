package host

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// KeptFolder is where a host keeps what steps replaced: for root alone, the last KeptVersions of each path, in a folder
// each. N is the content that was there, N.json says what it was and who replaced it. A copy without its N.json is of a
// writer that died: it does not count.
const (
	KeptFolder   = "/var/lib/bisc/kept"
	KeptVersions = 10
)

// Kept is a file as it was before a step replaced or removed it.
type Kept struct {
	Path    string    `json:"path"`
	Run     string    `json:"run"`               // of the step
	Address string    `json:"address,omitempty"` // of the step's resource
	Secret  bool      `json:"secret,omitempty"`  // the step's content was secret, or an earlier one's at this path
	At      time.Time `json:"at"`                // by the host's clock
	Absent  bool      `json:"absent,omitempty"`  // there was no such file
	Mode    uint32    `json:"mode"`
	UID     int       `json:"uid"`
	GID     int       `json:"gid"`
	Size    int64     `json:"size"`
	Digest  string    `json:"digest,omitempty"` // SHA-256 of the content, hex
	// Copy is the path of the content on the host; empty where Absent.
	Copy string `json:"-"`
}

// Private tells whether the content must not be shown: it is secret, or not everybody on the host could read it.
func (k Kept) Private() bool { return k.Secret || !k.Absent && k.Mode&0o004 == 0 }

// KeptName is the folder of a path below KeptFolder: a path may be longer than a name.
func KeptName(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:20])
}

// ReadKept gives what the host has kept of all paths, or of one, oldest first. It needs root.
func ReadKept(ctx context.Context, h Reader, name string) ([]Kept, error) {
	folder := "*"
	if name != "" {
		folder = KeptName(name)
	}
	records, err := h.Glob(ctx, path.Join(KeptFolder, folder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for what %s has kept: %w", h.Name(), err)
	}
	read := make([]*Kept, len(records))
	ask := make([]func(context.Context) error, len(records))
	for i, record := range records {
		ask[i] = func(ctx context.Context) (err error) { read[i], err = readKept(ctx, h, record); return err }
	}
	if err := Ask(ctx, ask...); err != nil {
		return nil, err
	}
	var out []Kept
	for _, k := range read {
		if k != nil {
			out = append(out, *k)
		}
	}
	slices.SortStableFunc(out, func(a, b Kept) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.number(), b.number())) })
	return out, nil
}

// readKept gives nil for a record that went while it was looked for: an eleventh version had come.
func readKept(ctx context.Context, h Reader, record string) (*Kept, error) {
	b, err := h.ReadFile(ctx, record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what %s has kept: %w", h.Name(), err)
	}
	k := &Kept{Copy: strings.TrimSuffix(record, ".json")}
	if err := json.Unmarshal(b, k); err != nil {
		return nil, fmt.Errorf("%s on %s is not a record of bisc (remove it): %w", record, h.Name(), err)
	}
	return k, nil
}

func (k Kept) number() int {
	n, _ := strconv.Atoi(path.Base(k.Copy)) // 0 for what is none: it comes first
	return n
}

type addressKey struct{}

// WithAddress says on whose behalf the steps under ctx are done: the resource's address goes into what the host keeps.
func WithAddress(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, addressKey{}, address)
}

// AddressOf is that of WithAddress; empty where none was said.
func AddressOf(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}
