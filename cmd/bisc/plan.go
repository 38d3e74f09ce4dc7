package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/journal"
	"bisc/layers"
)

func (c *command) plan() *cobra.Command {
	var out string
	var life time.Duration
	var wire bool
	var permit permits
	var by signing
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "show what differs now and after boot, and what apply would do; writes nothing on any host",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.reading(cmd, "plan", func(ctx context.Context, s *session) error {
				opts, err := c.options(s, permit)
				if err != nil {
					return err
				}
				rep := s.observe(ctx, opts)
				if out != "" {
					if err := s.save(ctx, rep, out, permit.destroy, life, by); err != nil {
						return err
					}
				}
				return s.show(rep, view.Run{Verb: "plan", Wire: wire}, nil)
			})
		},
	}
	c.flags.scope(cmd)
	permit.flags(cmd)
	by.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "also write the round to this file, for bisc apply FILE")
	cmd.Flags().DurationVar(&life, "expires", time.Hour, "with --out: how long the file is good for")
	cmd.Flags().BoolVar(&wire, "wire", false, "print exactly what would be sent")
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON (bisc schema)")
	return cmd
}

// permits is what an operator names on the command line to let through.
type permits struct {
	destroy, override []string
	because           string
}

func (p *permits) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&p.destroy, "destroy", nil, "permit the destruction that this address names (repeatable)")
	cmd.Flags().StringArrayVar(&p.override, "override", nil, "pass this invariant although it fails; needs --because (repeatable)")
	cmd.Flags().StringVar(&p.because, "because", "", "why the invariants are overridden; it is journalled")
}

// options makes the engine's options from flags. Every address named must be in the plan.
func (c *command) options(s *session, p permits) (layers.Options, error) {
	sel, err := c.flags.selects(s.stages)
	if err != nil {
		return layers.Options{}, err
	}
	if out, all := c.flags.cut(s.stages); out == all && all > 0 {
		return layers.Options{}, errors.New("--layer, --host, --target and --exclude together leave nothing of the plan")
	}
	opts := layers.Options{Select: sel, Destroy: map[string]bool{}, Override: map[string]string{}, NoProbes: c.flags.noProbes, Key: s.key}
	for _, d := range p.destroy {
		it, err := s.item(d)
		if err != nil {
			return opts, fmt.Errorf("--destroy: %w", err)
		}
		opts.Destroy[it.Address] = true
	}
	if len(p.override) > 0 && p.because == "" {
		return opts, fmt.Errorf("--override needs --because TEXT: it is journalled with the run")
	}
	for _, o := range p.override {
		it, err := s.item(o)
		if err != nil {
			return opts, fmt.Errorf("--override: %w", err)
		}
		if !it.Invariant {
			return opts, fmt.Errorf("--override: %s is no invariant", o)
		}
		if why := layers.NoOverride(it); why != "" {
			return opts, fmt.Errorf("--override: %s is never passed: %s", o, why)
		}
		opts.Override[it.Address] = p.because
	}
	return opts, nil
}

// save writes the plan file, readable by its owner only.
func (s *session) save(ctx context.Context, rep layers.Report, name string, destroy []string, life time.Duration, by signing) error {
	stepKey, key := "", s.key
	if by.sign && !rep.HoldsSecrets() {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails (Go 1.24)
		stepKey = hex.EncodeToString(key)
	}
	saved := layers.Save(rep, key, journal.NewRunID(), s.plan.Digest, destroy, life)
	saved.StepKey = stepKey
	b, err := saved.Encode(s.key)
	if err != nil {
		return err
	}
	if err := s.writeSignature(ctx, name, b, by); err != nil {
		return err
	}
	if err := writeWhole(name, b, 0o600); err != nil {
		return fmt.Errorf("writing the plan file: %w", err)
	}
	fmt.Fprintf(s.c.errs, "bisc: wrote %s, good for %s: apply it with: bisc apply %s\n", name, life, name)
	return nil
}
