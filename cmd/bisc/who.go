package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bisc/internal/host"
	"bisc/internal/host/deadman"
	"bisc/internal/host/sshhost"
	"bisc/layers"
)

func (c *command) who() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "who [HOST...]",
		Short:   "say who holds the lock of each host, since when, and what is held",
		Example: "  bisc who biscayne --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.reading(cmd, "who", func(ctx context.Context, s *session) error {
				return s.eachHost(ctx, args, whoHolds)
			})
		},
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}

// held is who changes a host, and what is held on it.
type held struct {
	Lock  *host.Lock    `json:"lock"` // null: not locked
	Holds []layers.Hold `json:"holds"`
	// Unconfirmed is a change behind a dead-man's switch: under way, or left by a run that never came to its end.
	Unconfirmed *deadman.Who `json:"unconfirmed,omitempty"`
	Reverted    bool         `json:"reverted,omitempty"` // the host has taken it back
}

func whoHolds(ctx context.Context, h host.Reader) (answer, error) {
	var lock host.Lock
	var locked bool
	var holds []layers.Hold
	var unconfirmed *deadman.Who
	var reverted bool
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) { unconfirmed, reverted, err = deadman.Read(ctx, h); return err },
		func(ctx context.Context) (err error) { lock, locked, err = sshhost.ReadLock(ctx, h); return err },
		func(ctx context.Context) (err error) { holds, err = layers.ReadHolds(ctx, h); return err })
	if err != nil {
		return answer{}, err
	}
	said := held{Holds: append([]layers.Hold{}, holds...), Unconfirmed: unconfirmed, Reverted: reverted}
	text := h.Name() + "  not locked\n"
	if locked {
		said.Lock = &lock
		text = fmt.Sprintf("%s  locked by %s, run %s, for %s\n", h.Name(), lock.Owner, lock.Run, time.Since(lock.Since).Round(time.Second))
	}
	if unconfirmed != nil {
		state := fmt.Sprintf("is not confirmed: the host takes it back within %s of %s", unconfirmed.Within, unconfirmed.At.Format(time.RFC3339))
		if reverted {
			state = "was not confirmed, and the host has taken it back"
		}
		text += fmt.Sprintf("%s  run %s: its change of %s (%s) %s\n", h.Name(), unconfirmed.Run, unconfirmed.Address, unconfirmed.Reason, state)
	}
	for _, hold := range holds {
		text += fmt.Sprintf("%s  hold on %s: %s\n", h.Name(), hold.Match, hold)
	}
	return answer{text, said}, nil
}
