// Package eoshost reaches Arista switches.
//
// The SSH command line is a transport that is complete by itself: a console (a PTY shell of the switch) answers show commands
// and takes configuration, and the switch's Linux is reached through the same login. Nothing is installed on the switch, and
// no other service of it is needed.
//
// What EOS does is marked in comments: [V] seen in a public recording or source, [I] inferred from such, [U] unknown and so
// found out by trying. reference/eos.md lists them.
package eoshost

import (
	"context"
	"time"

	"bisc/internal/host/eoshost/eapi"
	"bisc/internal/host/sshhost"
)

// Config is how to reach one switch. It is plain data; the zero value of a field means the default named with it.
type Config struct {
	// SSH is how to log in. Its Become says whether enable is typed (sshhost.Sudo) or the login is used as it is.
	SSH sshhost.Config
	// Hostname is what the switch must call itself, and Serial what its chassis must be, before anything else is asked of it.
	// Empty: not compared.
	Hostname, Serial string
	// EnablePassword is asked when enable wants a password, at most once a Host. Nil: there is none.
	EnablePassword func(ctx context.Context, name string) (string, error)
	// EAPI says whether and where the switch's HTTP interface is used for show commands. The zero value is not at all.
	EAPI eapi.Config
	// Timer is how long the switch waits for the confirmation of a commit. 0: DefaultTimer. Whole seconds.
	Timer time.Duration
	// Look is how long after the confirmation the switch is looked at again, each. Nil: DefaultLook.
	Look []time.Duration
	// Run and Owner tell others whose session and lock this is.
	Run, Owner string
}

// DefaultTimer is how long a switch waits for a commit's confirmation where nobody says.
const DefaultTimer = 5 * time.Minute

// DefaultLook is when a switch is looked at again after a confirmation: the second manager's period is 60 s (eos.md 0.2).
func DefaultLook() []time.Duration { return []time.Duration{15 * time.Second, 75 * time.Second} }
