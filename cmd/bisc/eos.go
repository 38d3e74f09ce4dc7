package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"bisc/internal/host"
)

func (c *command) eos() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eos",
		Short: "a switch: what it has against what the plan wants, who configures it, what it can do",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.eosDiff(), c.eosSessions(), c.eosProbe())
	return cmd
}

// switches checks that all these hosts are switches, before one is dialled; none named: all of the inventory.
func (l *loaded) switches(names []string) ([]string, error) {
	if len(names) == 0 {
		for _, h := range l.inv.Hosts() {
			if h.Platform == host.EOS && !h.JumpOnly {
				names = append(names, h.Name)
			}
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("the inventory has no switch (platform = \"eos\")")
		}
		return names, nil
	}
	for _, name := range names {
		if h, ok := l.inv.Lookup(name); ok && h.Platform != host.EOS {
			return nil, fmt.Errorf("%s is no switch: the inventory says platform = %q", name, h.Platform)
		}
	}
	return names, nil
}

// completeSwitches offers the switches of the inventory that the line has not yet.
func (c *command) completeSwitches(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	l, err := c.load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names, err := l.switches(nil)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(args, n) }), cobra.ShellCompDirectiveNoFileComp
}

// eachSwitch asks switches, as eachHost asks hosts.
func (s *session) eachSwitch(ctx context.Context, names []string, ask func(context.Context, host.Reader) (answer, error)) error {
	names, err := s.switches(names)
	if err != nil {
		return err
	}
	return s.eachHost(ctx, names, ask)
}

// columns is the width of what a person reads of a switch, whatever the terminal: it is pasted into mails.
const columns = 80

// folded breaks a text between words, into lines with that indent, the second and all further ones two deeper. A word that is
// too long stays whole.
func folded(indent, text string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		switch {
		case strings.TrimSpace(line) == "":
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > columns:
			b.WriteString(line + "\n")
			line = indent + "  " + word
		default:
			line += " " + word
		}
	}
	return b.String() + line + "\n"
}
