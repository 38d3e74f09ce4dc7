package eos

import (
	"context"
	"fmt"

	"bisc/internal/eosconf"
	"bisc/internal/host"
)

// State is a switch's configuration, now and after its next boot.
type State struct {
	Running, Startup *eosconf.Config
}

// Read asks for both halves; each is asked and parsed once for all resources of the host.
func Read(ctx context.Context, r host.Reader) (State, error) {
	var s State
	err := host.Ask(ctx,
		func(ctx context.Context) (err error) {
			s.Running, err = configuration(ctx, r, "show running-config")
			return err
		},
		func(ctx context.Context) (err error) {
			s.Startup, err = configuration(ctx, r, "show startup-config")
			return err
		},
	)
	if err != nil {
		return s, err
	}
	saved, err := host.Derive(ctx, r, "eos saved", func() (bool, error) {
		adds, removes := eosconf.Diff(s.Running, s.Startup)
		return len(adds)+len(removes) == 0, nil
	})
	if saved { // the usual state, in which nothing need be compared twice
		s.Startup = s.Running
	}
	return s, err
}

// configuration refuses an answer that does not end with "end": a line that was cut off is not a line that is not there.
func configuration(ctx context.Context, r host.Reader, command string) (*eosconf.Config, error) {
	return host.Derive(ctx, r, command, func() (*eosconf.Config, error) {
		text, err := r.Show(ctx, command)
		if err != nil {
			return nil, err
		}
		c, err := eosconf.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("the switch's answer to %q: %w", command, err)
		}
		if !c.Whole() {
			return nil, fmt.Errorf("the switch's answer to %q does not end with the word \"end\": it was cut off after %d bytes, and what is missing is not known to be absent", command, len(text))
		}
		return c, nil
	})
}
