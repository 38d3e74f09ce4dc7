package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

// HoldsFile is where a host keeps its holds. It lies on disk, or on a switch's flash, so that a hold outlives a reboot.
func HoldsFile(h Reader) string { return path.Join(StateFolder(h), "holds.json") }

// Hold keeps apply away from some resources of a host until it is released: a deviation on purpose is not drift.
type Hold struct {
	// Name is that of one that a runbook sets and clears by a resource of the kind hold; empty where an operator set it.
	Name string `json:"name,omitempty"`
	// Match is an address or a pattern (see Match) over addresses without the host: "units.service[docker.service]",
	// "agave.*", "*".
	Match   string    `json:"match"`
	Who     string    `json:"who"`
	Because string    `json:"because"`
	Since   time.Time `json:"since"`
	// Until is when it ends by itself; zero means when released.
	Until time.Time `json:"until,omitzero"`
	Run   string    `json:"run,omitempty"`
}

// Covers tells whether the hold keeps an item of its host, at a moment.
func (h Hold) Covers(address string, now time.Time) bool {
	if !h.Until.IsZero() && now.After(h.Until) {
		return false
	}
	local := address
	if i := strings.IndexByte(address, ':'); i >= 0 {
		local = address[i+1:]
	}
	return Match(h.Match, local) || Match(h.Match, address)
}

// String reads "alice since 3h: testing the ramdisk (until 2026-..)".
func (h Hold) String() string {
	s := fmt.Sprintf("%s since %s: %s", h.Who, h.Since.UTC().Format(time.RFC3339), h.Because)
	if !h.Until.IsZero() {
		s += " (until " + h.Until.UTC().Format(time.RFC3339) + ")"
	}
	return s
}

// ReadHolds gives the holds on a host; none where there is no file.
func ReadHolds(ctx context.Context, h Reader) ([]Hold, error) {
	b, err := h.ReadFile(ctx, HoldsFile(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the holds of %s: %w", h.Name(), err)
	}
	var holds []Hold
	if err := json.Unmarshal(b, &holds); err != nil {
		return nil, fmt.Errorf("%s on %s is not a list of holds (mend or remove it): %w", HoldsFile(h), h.Name(), err)
	}
	return holds, nil
}

// HoldSteps writes the list of holds onto a host; was is the content that was read, to notice another writer.
func HoldSteps(h Reader, holds []Hold, was []byte) ([]Step, error) {
	if holds == nil {
		holds = []Hold{}
	}
	b, err := json.MarshalIndent(holds, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing holds: %w", err)
	}
	put := Put{Path: HoldsFile(h), Content: append(b, '\n'), Mode: 0o644, Was: ContentDigest(was)}
	if StateFolder(h) != LinuxState {
		return []Step{put}, nil // its transport makes the folder
	}
	folder := Script{Argv: []string{"mkdir", "-p", "-m", "0755", path.Dir(put.Path)}}
	return []Step{folder, put}, nil
}

// Match tells whether a pattern covers an address: word for word, or with * for any run of characters. It is not
// path.Match: addresses are full of slashes and brackets.
func Match(pattern, address string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == address
	}
	rest, ok := strings.CutPrefix(address, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	last := parts[len(parts)-1]
	return len(rest) >= len(last) && strings.HasSuffix(rest, last)
}
