package device

import (
	"context"
	"io"
	"time"
)

// Options are what a switch is made of.
type Options struct {
	Hostname string // used until the configuration names another; the default is "localhost", as EOS has it
	Serial   string
	MAC      string // the system's MAC address, as "fc:bd:67:00:00:01"
	Model    string // the default is DCS-7280CR3A-32S
	Version  string // the default is 4.34.0F; from 4.32 on the session JSON has its later shape
	Image    string // the path in the "boot system" line; the default is flash:/EOS-<Version>-x86_64.swi
	Startup  string // the text of startup-config at the first boot

	// Ports are the full names of the ports that it has; nil: those of mia-sw01's DCS-7280CR3A-32S.
	Ports []string
	// EnableSecret is what "enable" asks for; "" asks nothing, as on the two switches (eos.md 1).
	EnableSecret string
	// Now is the switch's clock. Timers are looked at whenever anything is asked of the device, and by Tick. The default is time.Now.
	Now func() time.Time

	Linux Linux // behind "bash ..."; nil: % Unavailable
	Plane Plane // daemons, kernel, chip; nil: a Model, which answers as a healthy switch would and starts nothing
	Files Files // flash; nil: in memory
	Flags Flags
}

// Linux is the shell below the command line.
type Linux interface {
	// Bash runs a command as the CLI's "bash" does and gives its exit status.
	Bash(ctx context.Context, command string, stdin io.Reader, stdout, stderr io.Writer) int
}

// Files is the part of flash that the command line writes itself: startup-config, and .checkpoints/NAME
// (text/ntc/arista_eos_dir_recur_all.raw). Names are relative to /mnt/flash. A write that fails must leave the old text.
type Files interface {
	ReadFile(name string) ([]byte, error) // fs.ErrNotExist where there is none
	WriteFile(name string, data []byte) error
	Remove(name string) error
	List(dir string) ([]string, error)
	Space() (total, free int64) // bytes
}

// Flags are the unknowns of eos.md ([U]): a test turns them, and bisc must be right either way.
type Flags struct {
	// SecondCommit lets a session be committed while another one's timer runs. Off: it is refused.
	SecondCommit bool
	// ReplaceACLLine: a rule typed with a number that another rule has takes its place. Off: it is an error.
	ReplaceACLLine bool
	// LockDies: a lock is freed when the context that holds it ends. Off: it stays until somebody forces it.
	LockDies bool
	// LoginPrivileged: a login lands at "#" (exec authorization), off: at ">" (eos.md 1, [I]).
	LoginPrivileged bool
}
