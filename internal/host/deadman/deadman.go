// Package deadman has the scripts of the dead-man's switch: what a host does by itself when nobody comes back to say that a
// change may stay. They are constant texts; values arrive as positional parameters or as files.
package deadman

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

//go:embed arm.sh
var armText string

//go:embed revert.sh
var revertText string

//go:embed disarm.sh
var disarmText string

// What Ask can want of a switch.
type Want string

// Keep disarms, unless the host has reverted; Revert has it revert at once; Look asks; Clear forgets one that has reverted.
const (
	Keep   Want = "keep"
	Revert Want = "revert"
	Look   Want = "look"
	Clear  Want = "clear"
)

// Who is the change behind a switch, as the host keeps it.
type Who struct {
	Run     string    `json:"run"`
	Address string    `json:"address"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"` // by the controller's clock
	Within  string    `json:"within"`
}

// Arm is the argv that arms a switch; state is the folder of the host's state.
func Arm(state, id string, u host.Undo) []string {
	who, err := json.Marshal(Who{u.Run, u.Address, u.Reason, time.Now().UTC().Truncate(time.Second), u.Within.String()})
	if err != nil {
		panic("deadman: strings do not marshal: " + err.Error()) // json.Marshal takes every string
	}
	argv := []string{"sh", "-c", armText, "bisc", state, strconv.Itoa(max(1, int(u.Within/time.Second))), id, string(who), plain(revertText)}
	for _, f := range u.Files {
		switch k := f.Kept; {
		case k == nil:
			argv = append(argv, "file", f.Path)
		case k.Absent:
			argv = append(argv, "none", f.Path)
		default:
			argv = append(argv, "kept", f.Path, k.Copy, fmt.Sprintf("%o", k.Mode), fmt.Sprintf("%d:%d", k.UID, k.GID))
		}
	}
	for _, key := range u.Sysctls {
		argv = append(argv, "sysctl", key)
	}
	if u.Firewall {
		argv = append(argv, "firewall")
	}
	for _, unit := range u.Units {
		argv = append(argv, "unit", unit)
	}
	for _, a := range u.Acts {
		word := "act"
		if a.MayFail {
			word = "try"
		}
		argv = append(append(argv, word, strconv.Itoa(len(a.Argv))), a.Argv...)
	}
	if u.Routes {
		argv = append(argv, "routes")
	}
	return argv
}

// plain is a script without the lines that are comments.
func plain(text string) string {
	return regexp.MustCompile(`(?m)^[ \t]*#.*\n`).ReplaceAllString(text, "")
}

// Ask is the argv that asks what became of the switch with this id, or of any where it is empty.
func Ask(state, id string, want Want) []string {
	return []string{"sh", "-c", disarmText, "bisc", state, id, string(want)}
}

// State is what became of a switch.
type State string

// None: the host knows of no such switch.
const (
	None      State = "none"
	Armed     State = "armed"
	Kept      State = "kept"
	Reverting State = "reverting"
	Reverted  State = "reverted"
)

// Status is a host's answer to Ask.
type Status struct {
	State  State
	Who    Who
	Log    []string
	Failed int
}

// Parse reads the answer of Ask.
func Parse(stdout []byte) (Status, error) {
	lines := strings.Split(strings.TrimRight(string(stdout), "\n"), "\n")
	var s Status
	word, number, _ := strings.Cut(lines[0], " ")
	s.State = State(word)
	switch s.State {
	case None, Armed, Kept, Reverting:
	case Reverted:
		n, err := strconv.Atoi(number)
		if err != nil {
			return s, fmt.Errorf("what the host says of its dead-man's switch is not understood: %q", stdout)
		}
		s.Failed = n
	default:
		return s, fmt.Errorf("what the host says of its dead-man's switch is not understood: %q", stdout)
	}
	if len(lines) > 1 {
		if err := json.Unmarshal([]byte(lines[1]), &s.Who); err != nil {
			return s, fmt.Errorf("what the host says of its dead-man's switch is not understood: %q", stdout)
		}
		s.Log = lines[2:]
	}
	return s, nil
}

// folder is where a host has the switch that is armed, or has reverted and was not told of yet.
const folder = "/var/lib/bisc/armed"

// Read gives the change behind a host's switch, and whether the host has reverted it; nil where there is none. It needs
// root.
func Read(ctx context.Context, h host.Reader) (who *Who, reverted bool, err error) {
	var text []byte
	var stat error
	err = host.Ask(ctx,
		func(ctx context.Context) (err error) { text, err = h.ReadFile(ctx, folder+"/who"); return err },
		func(ctx context.Context) error { _, stat = h.Stat(ctx, folder+"/done"); return nil })
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("reading the dead-man's switch of %s: %w", h.Name(), err)
	case stat != nil && !errors.Is(stat, fs.ErrNotExist):
		return nil, false, fmt.Errorf("reading the dead-man's switch of %s: %w", h.Name(), stat)
	}
	who = &Who{}
	if err := json.Unmarshal(text, who); err != nil {
		return nil, false, fmt.Errorf("%s/who on %s is not of bisc: %w", folder, h.Name(), err)
	}
	return who, stat == nil, nil
}
