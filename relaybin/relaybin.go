// Package relaybin has the relay daemons in it: static builds for each platform, made by `make relay` (relaybin/build) and
// embedded, with what they were made of. Nothing is fetched when a daemon is installed: what bisc has is what a host gets.
package relaybin

import (
	"embed"
	"errors"
	"io/fs"

	"bisc/relaybin/builds"
)

// tree is this folder: dist/, the builds, and the source that stands beside them. The source is here so that a bisc can tell
// by itself whether its daemons were made of it; that is a hundredth of what the builds take.
//
//go:embed *
var tree embed.FS

// Command makes the builds.
const Command = "make relay"

// ErrNotBuilt: this bisc was compiled in a tree without builds.
var ErrNotBuilt = errors.New("this bisc has no builds of the relay daemons in it: in bisc's source run `make build`, which makes them (`" + Command + "`) and then bisc")

// Binary is one embedded program for one platform.
type Binary = builds.Built

// Binaries lists what is embedded, by name and platform. ErrNotBuilt where there is nothing.
func Binaries() ([]Binary, error) { return set(tree).All() }

// For gives the program that suits a machine (as uname -m names it) best, or the one for a platform where that is not empty;
// in any case one that the machine can run, by the header of the very file that would be pushed.
func For(name, machine, platform string) (Binary, error) {
	return set(tree).For(name, machine, platform)
}

func set(files fs.FS) builds.Set {
	return builds.Set{Tree: "relaybin", Files: files, Missing: ErrNotBuilt, Command: Command}
}

// Names are the daemons that there are, built or not.
func Names() []string { return []string{"shredmirror", "shredunwrap", "shredmeter"} }
