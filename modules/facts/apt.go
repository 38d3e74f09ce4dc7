package facts

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bisc/internal/host"
)

// readAutomaticReboot asks apt, since the setting is what the last of some twenty files says.
func readAutomaticReboot(ctx context.Context, h host.Reader) (any, error) {
	out, err := h.Query(ctx, "apt-config", "dump")
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 || len(out.Stdout) == 0 {
		return nil, &host.ExitError{Argv: []string{"apt-config", "dump"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	return aptBool(string(out.Stdout), "Unattended-Upgrade::Automatic-Reboot", false)
}

// aptBool reads one option from apt-config dump, a line `Name "value";` an option. Names are the same whatever their
// case. An option that is not set, or empty, has its default; a word that apt does not know is an error here, although apt
// takes the default.
func aptBool(dump, option string, otherwise bool) (bool, error) {
	value := ""
	for l := range strings.Lines(dump) {
		name, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
		if strings.EqualFold(name, option) {
			value = strings.TrimSuffix(strings.TrimPrefix(rest, `"`), `";`)
		}
	}
	word := strings.ToLower(value)
	n, err := strconv.ParseInt(word, 0, 64)
	switch {
	case word == "":
		return otherwise, nil
	case err == nil:
		return n != 0, nil
	case slices.Contains([]string{"yes", "true", "with", "on", "enable"}, word):
		return true, nil
	case slices.Contains([]string{"no", "false", "without", "off", "disable"}, word):
		return false, nil
	}
	return false, fmt.Errorf("%s is %q, which is neither yes nor no", option, value)
}
