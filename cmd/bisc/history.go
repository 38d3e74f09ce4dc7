package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

func (c *command) history() *cobra.Command {
	var limit int
	var back restoring
	cmd := &cobra.Command{
		Use:   "history [ADDRESS [--restore RUN]]",
		Short: "since when hosts and resources are as they are, from the journal; or what a run replaced, planned back",
		Long: "Without an address: the last rounds of bisc drift --record, and what was not in sync when it was last seen, since when.\n" +
			"With one (* matches any run of characters; a host's name is its own address): all that was seen of it and done to it.\n" +
			"What was between two looks nobody knows: since when means when it was first seen so. Without --restore no host is asked.\n" +
			"With --restore it shows what would put back the files that the run replaced for the address (the host keeps the last ten\n" +
			"of each), asks, does it and proves it, as apply does.",
		Example: "  bisc history\n  bisc history 'biscayne:storage.mount[/srv/solana]'\n  bisc history biscayne\n" +
			"  bisc history 'biscayne:units.file[/etc/chrony/chrony.conf]' --restore k3f9",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if back.run != "" {
				if len(args) == 0 {
					return errors.New("--restore needs the address of what is to be put back")
				}
				return c.restore(cmd, args[0], back)
			}
			path, err := journal.DefaultPath()
			if err != nil {
				return err
			}
			j, err := journal.OpenExisting(cmd.Context(), path)
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("nothing was recorded yet in %s: bisc drift --record and bisc apply record", path)
			}
			if err != nil {
				return err
			}
			defer j.Close()
			if len(args) == 0 {
				return c.historyOfAll(cmd.Context(), j, limit)
			}
			return c.historyOf(cmd.Context(), j, args[0])
		},
	}
	back.flags(c, cmd)
	cmd.Flags().IntVar(&limit, "rounds", 10, "how many rounds are listed")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// standing is journal.Standing as JSON; what has no time is left out.
type standing struct {
	Address     string     `json:"address"`
	Host        string     `json:"host"`
	State       string     `json:"state"`
	Since       time.Time  `json:"since"`
	Run         string     `json:"run,omitempty"`
	InSyncSince *time.Time `json:"in_sync_since,omitempty"`
	FirstSeen   time.Time  `json:"first_seen"`
	Flaps       int        `json:"flaps"`
	Diff        string     `json:"diff,omitempty"`
	Entries     []entry    `json:"entries,omitempty"`
}

// entry is a line of an address's history.
type entry struct {
	At    time.Time `json:"at"`
	Run   string    `json:"run,omitempty"`
	What  string    `json:"what"` // seen or done
	State string    `json:"state"`
	Text  string    `json:"text,omitempty"`
}

func standingOf(s journal.Standing) standing {
	out := standing{Address: s.Address, Host: s.Host, State: s.State, Since: s.Since, Run: s.Run, FirstSeen: s.First, Flaps: s.Flaps, Diff: s.Diff}
	if !s.InSync.IsZero() {
		out.InSyncSince = &s.InSync
	}
	return out
}

// wellOff tells whether a state needs no line of its own.
func wellOff(state string) bool {
	return state == layers.InSync.String() || state == layers.Changed.String() || state == observed
}

func (c *command) historyOfAll(ctx context.Context, j *journal.Journal, limit int) error {
	rounds, err := j.Rounds(ctx, "", max(limit, 1))
	if err != nil {
		return err
	}
	all, err := j.Standings(ctx)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(s journal.Standing) bool { return wellOff(s.State) })
	if c.flags.json {
		doc := struct {
			FormatVersion string          `json:"format_version"`
			Rounds        []journal.Round `json:"rounds"`
			NotInSync     []standing      `json:"not_in_sync"`
		}{view.FormatVersion, append([]journal.Round{}, rounds...), []standing{}}
		for _, s := range all {
			doc.NotInSync = append(doc.NotInSync, standingOf(s))
		}
		return c.writeJSON(doc)
	}
	w := tabwriter.NewWriter(c.out, 0, 8, 2, ' ', 0)
	for _, r := range rounds {
		fmt.Fprintf(w, "%s\t%s\t%s\texit %d\t%s\n", r.Run, when(r.Started), r.Name, r.Exit, roundText(r))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, s := range all {
		fmt.Fprintln(c.out, standingText(s))
	}
	if len(rounds) == 0 && len(all) == 0 {
		fmt.Fprintln(c.out, "no rounds, and nothing that was not in sync when it was last seen")
	}
	return nil
}

func roundText(r journal.Round) string {
	if r.Err != "" {
		return "there was no round: " + view.Clean(r.Err)
	}
	var words []string
	for _, state := range view.DriftStates() {
		if r.Counts[state] > 0 {
			words = append(words, fmt.Sprintf("%d %s", r.Counts[state], strings.ReplaceAll(state, "_", " ")))
		}
	}
	if !r.OK {
		words = append(words, "not every host answered")
	}
	return strings.Join(words, ", ")
}

// standingText is a line: address, state, since when, and how it was before.
func standingText(s journal.Standing) string {
	text := fmt.Sprintf("%s: %s since %s", view.Clean(s.Address), s.State, when(s.Since))
	if s.Run != "" {
		text += " (run " + s.Run + ")"
	}
	if s.InSync.IsZero() && !wellOff(s.State) {
		text += "; never seen in sync"
	} else if !wellOff(s.State) {
		text += "; before that in sync since " + when(s.InSync)
	}
	if s.Flaps > 1 {
		text += fmt.Sprintf("; went out of sync %d times", s.Flaps)
	}
	if s.Diff != "" {
		text += "\n    " + view.Clean(s.Diff)
	}
	return text
}

func (c *command) historyOf(ctx context.Context, j *journal.Journal, pattern string) error {
	all, err := j.Standings(ctx)
	if err != nil {
		return err
	}
	var found []standing
	for _, s := range all {
		if s.Address != pattern && !layers.Match(pattern, s.Address) {
			continue
		}
		entries, err := j.History(ctx, s.Address)
		if err != nil {
			return err
		}
		doc := standingOf(s)
		for _, e := range entries {
			doc.Entries = append(doc.Entries, entryOf(e))
		}
		found = append(found, doc)
		if !c.flags.json {
			c.historyText(s, doc)
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("the journal holds no look at %s: bisc apply and bisc drift record addresses (bisc graph lists them, * matches any run of characters), bisc drift --record hosts too", pattern)
	}
	if c.flags.json {
		return c.writeJSON(struct {
			FormatVersion string     `json:"format_version"`
			Addresses     []standing `json:"addresses"`
		}{view.FormatVersion, found})
	}
	return nil
}

func entryOf(e journal.Entry) entry {
	if e.Act != nil {
		return entry{At: e.At, Run: e.Act.Run, What: "done", State: string(e.Act.State), Text: e.Act.Step}
	}
	return entry{At: e.At, Run: e.Seen.Run, What: "seen", State: e.Seen.State, Text: e.Seen.Diff}
}

// words says what became of a step, or what was seen.
func (e entry) words() string {
	if e.What == "seen" {
		return "seen " + e.State
	}
	return e.State
}

func (c *command) historyText(s journal.Standing, doc standing) {
	fmt.Fprintf(c.out, "%s\n    first seen %s\n", standingText(s), when(s.First))
	for _, e := range doc.Entries {
		line := fmt.Sprintf("  %s  %s  %s", when(e.At), e.Run, e.words())
		if e.Text != "" {
			line += ": " + view.Clean(firstOf(e.Text))
		}
		fmt.Fprintln(c.out, strings.TrimRight(line, " "))
	}
}

func (c *command) writeJSON(doc any) error {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}
