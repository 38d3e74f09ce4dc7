package main

import (
	"errors"
	"fmt"
	"strings"

	"bisc/internal/host"
	"bisc/layers"
)

// byHand says, of each host that could not be reached or on which a validator is stuck, how an operator gets to its console and its
// power, as the inventory has it. bisc shows these commands, and runs none of them.
func (l *loaded) byHand(rep layers.Report) []string {
	var out []string
	for _, h := range rep {
		if why := helpless(h); why != "" {
			out = append(out, l.waysTo(h.Host, why)...)
		}
	}
	return out
}

// waysTo is the note of one host. Where the inventory knows no way it says that, and where to write one: who needs it next time has it
// before.
func (l *loaded) waysTo(name, why string) []string {
	h, ok := l.inv.Lookup(name)
	if !ok {
		return nil
	}
	if len(h.ByHand()) == 0 {
		return []string{fmt.Sprintf("%s %s, and the inventory names no command for its console or its power: write `console` and `power` in its host block, %s:%d",
			name, why, h.Range.Filename, h.Range.Start.Line)}
	}
	return []string{fmt.Sprintf("%s %s; by hand, where nothing else helps (bisc runs none of these): %s", name, why, strings.Join(h.ByHand(), "; "))}
}

// helpless says why bisc can do nothing about a host; empty where it can.
func helpless(h layers.HostReport) string {
	lost := errors.Is(h.Err, host.ErrUnreachable) || errors.Is(h.Err, host.ErrLost)
	stuck := false
	for _, o := range h.Outcomes {
		lost = lost || errors.Is(o.Err, host.ErrUnreachable) || errors.Is(o.Err, host.ErrLost)
		var refused *host.GuardError
		stuck = stuck || errors.As(o.Err, &refused) && strings.Contains(refused.Reason, ") is stuck")
		for _, d := range o.Change.Diffs {
			stuck = stuck || d.Attr == "validator" && strings.HasPrefix(d.Got, "stuck: ")
		}
	}
	switch {
	case lost:
		return "cannot be reached"
	case stuck:
		return "has a validator that is stuck"
	}
	return ""
}
