// Package eos holds the kinds of a switch that runs EOS. A switch has its configuration three times: as the plan wants it, as
// it runs, and as it is saved for the next boot; and what is configured need not be programmed in the hardware. Each kind
// reports all four, and a plan opens no configuration session: it reads, and compares here.
//
// A second manager owns a part of the switch. Nothing here replaces the whole configuration, defaults an interface, or touches
// what is the other's (see OwnershipKind).
package eos
