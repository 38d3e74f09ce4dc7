package host

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Undo is what a dead-man's switch does on a host unless it is disarmed in time: it puts files back as they were, then
// what reads them. All of it is copied when the switch is armed, before the change.
type Undo struct {
	Run, Address string
	// Reason says what the change could cut off.
	Reason string
	// Within is how long after arming the host waits. Whole seconds.
	Within time.Duration
	Files  []UndoFile
	// Units are brought back to being active and enabled as they were, and read their files again.
	Units []string
	// Firewall and Routes: the rules of the packet filter, and the routes, come back as they were.
	Firewall, Routes bool
	// Acts are commands that take back what the kernel alone holds, done in order when all else is back, but not at boot, where
	// the kernel is new. Who gives them gives all that it takes: Routes is then false, and no table is emptied for it.
	Acts []Act
	// Sysctls are keys whose values come back, as in /proc/sys: net/ipv4/ip_forward.
	Sysctls []string
}

// Act is a command of a dead-man's switch.
type Act struct {
	Argv []string
	// MayFail: that it fails is no news, as when it takes away what the change had not brought yet.
	MayFail bool
}

// UndoFile is a file that a dead-man's switch puts back: as it is when the switch is armed, or as it was before.
type UndoFile struct {
	Path string
	Kept *Kept // nil: as it is
}

// With gives an undo that puts back what the other does too.
func (u Undo) With(other Undo) Undo {
	for _, f := range other.Files {
		if !slices.ContainsFunc(u.Files, func(g UndoFile) bool { return g.Path == f.Path }) {
			u.Files = append(u.Files, f)
		}
	}
	for _, unit := range other.Units {
		if !slices.Contains(u.Units, unit) {
			u.Units = append(u.Units, unit)
		}
	}
	u.Sysctls = append(u.Sysctls, other.Sysctls...)
	u.Firewall = u.Firewall || other.Firewall
	u.Routes = other.Routes || u.Routes && len(other.Acts) == 0
	u.Acts = append(u.Acts, other.Acts...)
	return u
}

// Empty tells whether there is nothing to put back.
func (u Undo) Empty() bool {
	return len(u.Files) == 0 && len(u.Units) == 0 && len(u.Sysctls) == 0 && len(u.Acts) == 0 && !u.Firewall && !u.Routes
}

// String says what would be put back.
func (u Undo) String() string {
	var what []string
	for _, f := range u.Files {
		name := Quote(f.Path)
		if f.Kept != nil {
			name += " of " + f.Kept.At.UTC().Format(time.RFC3339)
		}
		what = append(what, name)
	}
	for _, unit := range u.Units {
		what = append(what, Quote(unit))
	}
	for _, key := range u.Sysctls {
		what = append(what, "sysctl "+Quote(key))
	}
	for _, a := range u.Acts {
		what = append(what, Quote(a.Argv...))
	}
	if u.Firewall {
		what = append(what, "the packet filter")
	}
	if u.Routes {
		what = append(what, "the routes")
	}
	return fmt.Sprintf("dead-man's switch, %s: %s", u.Within, strings.Join(what, ", "))
}

// ErrArmed: a dead-man's switch of another change is armed on the host.
var ErrArmed = errors.New("a dead-man's switch is armed already")

// RevertedError is a change that was in force and that the host took back, proved: by its dead-man's switch, or as By says.
type RevertedError struct {
	Host string
	// By is what took it back; empty: the dead-man's switch.
	By string
	// Log is what the host did, a line each.
	Log []string
	// Failed is how many of those it could not do.
	Failed int
}

// Error says what was taken back.
func (e *RevertedError) Error() string {
	text := fmt.Sprintf("the host took the change back (%s): %s", cmp.Or(e.By, "dead-man's switch"), strings.Join(e.Log, "; "))
	if e.Failed > 0 {
		text += fmt.Sprintf("; %d of these FAILED: look at journalctl -t bisc on %s", e.Failed, e.Host)
	}
	return text
}
