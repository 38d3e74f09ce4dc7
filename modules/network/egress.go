package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"bisc/internal/host"
	"bisc/modules"
)

// bypass is a validator whose packets no rule, mark, table or SNAT touches: from Agave 4.2 on it sends through XDP, which reads
// the main routing table alone, unless it runs with --no-xdp (agave xdp/src/route.rs, RouteTable::Main).
type bypass struct{ pid, command string }

// askBypass finds the validators that live and whose command line lacks --no-xdp. That none lives is an answer; that it cannot be
// told is an error.
func askBypass(ctx context.Context, h host.Reader) ([]bypass, error) {
	argv := host.Validators.Argv()
	out, err := h.Query(ctx, argv...)
	if err != nil {
		return nil, fmt.Errorf("ask which validators live: %w", err)
	}
	if out.Exit != 0 {
		return nil, fmt.Errorf("ask which validators live: %w", &host.ExitError{Argv: argv[:1], Exit: out.Exit, Stderr: out.Stderr})
	}
	var all []bypass
	for line := range strings.Lines(string(out.Stdout)) {
		pid, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		text, err := h.ReadFile(ctx, "/proc/"+pid+"/cmdline")
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has ended since
		}
		if err != nil {
			return nil, fmt.Errorf("read the command line of the validator %s: %w", pid, err)
		}
		words := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		if !hasWord(words, "--no-xdp") && words[0] != "" { // one that is ending has none
			all = append(all, bypass{pid, words[0]})
		}
	}
	return all, nil
}

func hasWord(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
}

// sinceXDP tells whether a version of Agave sends through XDP by default. None given: it may.
func sinceXDP(version string) bool {
	var major, minor int
	if n, _ := fmt.Sscanf(strings.TrimPrefix(version, "v"), "%d.%d", &major, &minor); n < 2 {
		return true
	}
	return major > 4 || major == 4 && minor >= 2
}

// bypassed adds the finding to a rule that steers a validator's packets.
func bypassed(c *modules.Change, agave string, all []bypass) {
	if !sinceXDP(agave) {
		return
	}
	for _, b := range all {
		c.Refuse("steered", "process "+b.pid+" ("+b.command+") runs without --no-xdp", "--no-xdp",
			"from Agave 4.2 on the validator sends through XDP, below ip rule, marks and SNAT, by the main table alone: its packets leave by the public uplink and nothing says so. Start it with --no-xdp, or write agave = \"4.1\" where it is older")
	}
}
