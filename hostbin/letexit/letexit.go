// Package letexit is how a validator is asked to exit on its host, and the words by which the watch that asks it (package deletion) tells
// bisc of its state.
package letexit

import (
	_ "embed"
	"fmt"
	"strings"
)

// Script is the script that asks validators to exit. It is the text that systemd runs before docker stops (plans/biscayne): one
// mechanism.
//
//go:embed let-validator-exit.sh
var Script string

// Armed begins the line that says that the pods were seen and that nobody deletes them yet; Going what is said from then on that
// somebody does. The last line tells the state.
const (
	Armed = "armed"
	Going = "being deleted"
	// NotAsked is in the line that says why.
	NotAsked = "could not be asked to exit"
)

// Pod is a pod as it was seen: by its UID it is told from a successor of the same name.
type Pod struct{ Name, UID string }

// ParsePod reads NAME/UID.
func ParsePod(text string) (Pod, error) {
	name, uid, ok := strings.Cut(text, "/")
	if !ok || name == "" || uid == "" || strings.Contains(uid, "/") {
		return Pod{}, fmt.Errorf("%q: write NAME/UID", text)
	}
	return Pod{name, uid}, nil
}

// String is what ParsePod reads.
func (p Pod) String() string { return p.Name + "/" + p.UID }
