// Package hostbin has in it the programs of ours that bisc runs on a host beside the validator: static builds for each
// platform, made by `make relay` (relaybin/build) as the relay's daemons are, and embedded. Nothing is fetched when one is
// put on a host: what bisc has is what a host gets.
package hostbin

import (
	"embed"
	"errors"

	"bisc/relaybin/builds"
)

// tree is this folder: dist/, the builds, and the source that stands beside them (see relaybin).
//
//go:embed *
var tree embed.FS

// Snapshot is the program that finds, fetches and prunes snapshots.
const Snapshot = "bisc-snapshot"

// Exit is the program that stays while a validator is being stopped, and asks it to exit where bisc has died.
const Exit = "bisc-exit"

// ErrNotBuilt: this bisc was compiled in a tree without builds.
var ErrNotBuilt = errors.New("this bisc has no builds of the programs for hosts in it: in bisc's source run `make build`, which makes them (`make relay`) and then bisc")

// Binary is one embedded program for one platform.
type Binary = builds.Built

func set() builds.Set {
	return builds.Set{Tree: "hostbin", Files: tree, Missing: ErrNotBuilt, Command: "make relay"}
}

// Binaries lists what is embedded, by name and platform. ErrNotBuilt where there is nothing.
func Binaries() ([]Binary, error) { return set().All() }

// For gives the program for a machine, as uname -m names it.
func For(name, machine string) (Binary, error) { return set().For(name, machine, "") }

// Path is where a host keeps the program: by its digest, so that a job that runs keeps the program it began with, and a
// program there is never another one than its name says.
func Path(b Binary) string { return "/var/lib/bisc/bin/" + b.Name + "-" + b.SHA256[:16] }
