package device

import "time"

// Faults are switches that a test sets behind the switch's back (eos.md F.1, 9). The zero value is a healthy switch.
type Faults struct {
	// DiskFull: writes to flash fail; what was there stays.
	DiskFull bool
	// CopyFails: "copy running-config startup-config" fails with this text ("" lets it work).
	CopyFails string
	// Deny refuses each command that begins with one of these, as AAA's command authorization does.
	Deny []string
	// Slow lets a command that begins with the key take this long. The front end waits it (Shell.Cost).
	Slow map[string]time.Duration
	// UnknownJSON: "show configuration sessions" has a shape of a release that nobody has seen.
	UnknownJSON bool
	// Unprogrammed: configuration is accepted, and nothing of it reaches the chip or the kernel.
	Unprogrammed bool
	// FireTimer lets a running commit timer end at the next look, whatever the clock says. It clears itself.
	FireTimer bool
	// NoTimer: a commit timer is taken and never runs out (a hung ConfigAgent).
	NoTimer bool
}
