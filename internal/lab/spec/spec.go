// Package spec holds what package lab and the bisc-lab program tell each other: what is asked for, as JSON in an
// argument, and what happens, as JSON lines on standard output.
package spec

import (
	"errors"
	"fmt"
	"regexp"
)

// Lab is a set of hosts on one switch, run by one bisc-lab process.
type Lab struct {
	Hosts []Host `json:"hosts"`
}

// Host is one test host as asked for.
type Host struct {
	Name   string `json:"name"`
	Docker bool   `json:"docker,omitempty"` // docker and containerd enabled
	Disk   string `json:"disk,omitempty"`   // size of the root disk, as tmpfs's size= takes it; "" is 4g
	Port   int    `json:"port,omitempty"`   // TCP port on 127.0.0.1 that leads to sshd; 0: any free one
	Pools  []Pool `json:"pools,omitempty"`  // ZFS pools that exist before the first boot
}

// Pool is a stand-in ZFS pool. Its size is a number only: a volume takes memory as it is written.
type Pool struct {
	Name string `json:"name"`
	Size int64  `json:"size"` // bytes
}

// name is what is at once a host name, a file name, a cgroup name and a word of a command line.
var name = regexp.MustCompile(`^[a-z][a-z0-9-]{0,30}$`)

// Validate refuses names that cannot be host names or that occur twice.
func (l Lab) Validate() error {
	if len(l.Hosts) == 0 {
		return errors.New("no host asked for")
	}
	seen := map[string]bool{}
	for _, h := range l.Hosts {
		if !name.MatchString(h.Name) {
			return fmt.Errorf("host name %q: want %s", h.Name, name)
		}
		if seen[h.Name] {
			return fmt.Errorf("host name %q is there twice", h.Name)
		}
		seen[h.Name] = true
	}
	return nil
}

// Kinds of Event.
const (
	Boot = "boot" // the host starts, for the first time or again
	Up   = "up"   // sshd answers; comes again after each boot
	Down = "down" // the host has stopped and does not start again by itself
)

// Event is a line that bisc-lab prints.
type Event struct {
	Event  string   `json:"event"`
	Name   string   `json:"name"`
	Port   int      `json:"port,omitempty"` // on 127.0.0.1
	Addr   string   `json:"addr,omitempty"` // in the lab's own network
	Boot   int      `json:"boot,omitempty"` // 1 for the first
	BootID string   `json:"boot_id,omitempty"`
	Leader int      `json:"leader,omitempty"` // pid of the host's PID 1, as the machine counts
	Files  string   `json:"files,omitempty"`  // where the machine sees the host's upper layer, console and disks
	Keys   []string `json:"keys,omitempty"`   // sshd's public keys, in the form of authorized_keys
	Reason string   `json:"reason,omitempty"` // of Down
}

// Commands that bisc-lab takes on standard input, one a line: a verb, a space, a host's name.
const (
	Kill  = "kill"  // as if the power were cut
	Start = "start" // after Down
)
