package host

import (
	"fmt"
	"strings"
)

// Configure is lines for a switch's configuration session. A switch stages: Do only takes them, Commit opens one session for
// all that were taken, and puts it in force under a timer.
type Configure struct {
	// Lines are typed in this order from the session's top level; "exit" leaves a section.
	Lines []string
	// Adds and Removes are what the running configuration gains and loses by them, as the switch prints it. The device's own
	// diff must say the same, no more and no less, or nothing is committed.
	Adds, Removes []ConfigLine
	// Text is the diff as the operator sees it.
	Text string `json:"-"`
}

// ConfigLine is one line of a switch's configuration: the headers above it, outermost first, and the line, all without their
// indent. A here-document is one line with newlines in it.
type ConfigLine struct {
	Under []string `json:",omitempty"`
	Line  string
}

// String reads "interface Ethernet1/1 / mtu 9000".
func (l ConfigLine) String() string {
	return strings.Join(append(append([]string(nil), l.Under...), l.Line), " / ")
}

// String gives the lines typed.
func (c Configure) String() string {
	return fmt.Sprintf("configure (%d lines):\n  %s", len(c.Lines), strings.Join(c.Lines, "\n  "))
}

// CLI is one command of a switch in privileged mode, outside any configuration session: Save, and what installs an extension (eos.md D.4). It is done when the
// stage is confirmed, so that a commit that is not proved saves nothing.
type CLI struct {
	Command string
}

// Save writes the running configuration to flash, whole, whoever changed it.
func Save() CLI { return CLI{"copy running-config startup-config"} }

// String is the command.
func (c CLI) String() string { return "cli " + c.Command }
