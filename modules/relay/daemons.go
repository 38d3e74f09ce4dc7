package relay

import (
	"fmt"
	"slices"
	"strings"

	"bisc/modules"
	"bisc/relaybin"
)

// checkName tells whether there is a daemon of this name.
func checkName(name string) error {
	if names := relaybin.Names(); !slices.Contains(names, name) {
		return &modules.AttrError{Reason: fmt.Sprintf("there is no relay daemon %q: there are %s", name, strings.Join(names, ", "))}
	}
	return nil
}

// Where a daemon lies. EOS builds its root file system anew at each boot; only flash stays.
const (
	linuxFolder = "/usr/local/lib/bisc/relay"
	flashFolder = "/mnt/flash/bisc"
)

// metricsOf is where a daemon's own pages are where the plan says nothing else.
func metricsOf(name string) string {
	switch name {
	case "shredmirror":
		return "127.0.0.1:9465"
	case "shredunwrap":
		return "127.0.0.1:9466"
	}
	return "127.0.0.1:9467" // shredmeter
}
