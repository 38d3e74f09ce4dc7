package modules

import (
	"fmt"
)

// What a resource may also be able to do; each is found by assertion.
type (
	// Validator finds faults in what the plan says, before any host is asked. The error is *AttrError or joins some.
	Validator interface{ Validate() error }
	// Owner names what the resource alone may write, as "what:name": "file:/etc/x", "fstab:/srv/solana",
	// "modprobe:brd", "sysctl:vm.swappiness", "unit:x.service". Two owners of one thing are an error.
	Owner interface{ Owns() []string }
	// Neighbour is told, once, all resources that the plan wants on its host (itself included), before any Plan.
	Neighbour interface{ Meet(all []Resource) }
	// Agreer finds faults between what the plan says of the resource and of those that it is done with: the host's layers,
	// or the stage of a runbook; itself is among them. It is asked after Meet, before any host is. The error is as that of Validator.
	Agreer interface{ Agree(with []Resource) error }
	// Holder is a hold that a runbook sets or clears.
	Holder interface{ HoldName() string }
	// Interim is what a runbook puts up with on its way and no host should be left with: it says so in a few words ("the node n is
	// cordoned"), or nothing where it is none. A runbook that ends early names those that it has left.
	Interim interface{ Interim() string }
	// Unpassable is what --override does not pass where it is an invariant's; it says why.
	Unpassable interface{ NoOverride() string }
	// Mounter has a mount point that the plan wants mounted.
	Mounter interface{ MountPoint() string }
)

// AttrError is a fault in the value of an attribute.
type AttrError struct {
	Attr   string // empty: the label
	Reason string // what is wrong and what to write instead
}

// Error reads "attribute: reason".
func (e *AttrError) Error() string {
	if e.Attr == "" {
		return e.Reason
	}
	return fmt.Sprintf("%s: %s", e.Attr, e.Reason)
}
