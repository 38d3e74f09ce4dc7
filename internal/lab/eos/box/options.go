package box

import (
	"time"

	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	"bisc/internal/lab/eos/plane"
)

// Options says what a switch is to be. The zero value is a healthy switch with an empty startup-config.
type Options struct {
	Program string // bisc-lab; "" builds it from this module's source
	// Device is the switch itself; Linux, Plane, Files and Now are the emulator's own to set.
	Device device.Options
	// Users may log in with the switch's one key; the first is whom bash runs as. None: admin.
	Users []string
	// Passwords are eAPI's, by user; a user without one has none there.
	Passwords map[string]string
	Access    front.Access // the zero value is front.DefaultAccess
	Front     front.Faults

	// FlashSize is flash's size in bytes; 0: 256 MiB. Flash is what lies on it from the start, by path below /mnt/flash.
	FlashSize int64
	Flash     map[string][]byte
	NoExec    bool // flash is mounted noexec: [U] on this model

	// Image are programs of the switch's image that its configuration starts and that are no part of the emulation: they are there,
	// run, and do nothing.
	Image []string
	// AgentPause is how long ProcMgr waits before it starts again what has ended; 0: 50 ms.
	AgentPause time.Duration

	MirrorDelay  time.Duration // of a monitor session, until it is active; 0: 2 s
	FirstMirror  int           // N of the first mirrorN
	DefaultNetns string        // what ip netns calls the default namespace; "" is default
	Plane        plane.Faults
}

func (o Options) users() []string {
	if len(o.Users) == 0 {
		return []string{"admin"}
	}
	return o.Users
}

// Up is what Start answers.
type Up struct {
	HostKey string // an authorized_keys line
}
