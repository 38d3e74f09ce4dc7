package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/layers"
	"bisc/modules"
	"bisc/modules/files"
)

// restoring is what bisc history ADDRESS --restore RUN takes beside the two.
type restoring struct {
	run    string
	permit permits
	how    approval
}

func (r *restoring) flags(c *command, cmd *cobra.Command) {
	cmd.Flags().StringVar(&r.run, "restore", "", "plan back what this run replaced for the address (its id, or the beginning or end of it), and do it once it is approved")
	cmd.Flags().BoolVar(&r.how.auto, "auto-approve", false, "with --restore: approve it, unless it destroys something")
	cmd.Flags().StringVar(&r.how.digest, "approve", "", "with --restore: approve the round with this digest, and only that one")
	cmd.Flags().StringArrayVar(&r.permit.destroy, "destroy", nil, "with --restore: permit the destruction that this address names: where there was no file, it is removed again; what other addresses changed in the same file since goes")
	c.flags.confirm(cmd)
}

// restore plans back, and does once it is approved, what a run replaced on behalf of an address.
func (c *command) restore(cmd *cobra.Command, address string, r restoring) error {
	if os.Getenv("BISC_REQUIRE_SIGNATURE") != "" {
		return fmt.Errorf("%w: BISC_REQUIRE_SIGNATURE is set, and a restore is no plan file: have the plan want what it is to be again, and sign that", layers.ErrUnsigned)
	}
	return c.writing(cmd, "restore", func(ctx context.Context, s *session) error {
		name, _, ok := strings.Cut(address, ":")
		if !ok {
			return fmt.Errorf("--restore needs a whole address, host:layer.kind[label], not %q", address)
		}
		w, err := s.Writer(ctx, name)
		if err != nil {
			return err
		}
		kept, err := keptOf(ctx, w, address, r.run)
		if err != nil {
			return err
		}
		st := &layers.Stage{Layer: layers.Units, Name: "restore", Host: name, Assumes: []layers.Layer{},
			Items: []layers.Item{{Address: address, Kind: "restore", Where: "run " + kept.files[0].Run, Resource: &kept, Digest: "restore " + kept.files[0].Run}}}
		opts := layers.Options{Destroy: map[string]bool{}, Key: s.key}
		for _, d := range r.permit.destroy {
			opts.Destroy[d] = true
		}
		return s.climbBack(ctx, st, opts, r.how)
	})
}

// climbBack is one round of a restore, and what the plan says to its result.
func (s *session) climbBack(ctx context.Context, st *layers.Stage, opts layers.Options, how approval) error {
	acting := s.acting(opts)
	acting.ApprovedBy = how.by()
	climb := layers.Climb{Stages: []*layers.Stage{st}, Hosts: s, Acting: acting, Rounds: 1,
		Approve: func(round int, rep layers.Report) (bool, error) { return s.approve(ctx, round, rep, how) },
		Did:     func(_ int, rep layers.Report) { s.did(rep) }}
	rep, err := climb.Run(ctx)
	switch {
	case err == layers.ErrNotApproved: // exactly this: with a reason it is wrapped
		return exitOf(view.Of("restore", rep, nil))
	case err != nil:
		return err
	}
	if err := s.show(rep, view.Run{Verb: "restore"}, nil); err != nil {
		return err
	}
	return s.contradicted(ctx, st)
}

// contradicted says whether the plan wants something else than what was put back.
func (s *session) contradicted(ctx context.Context, st *layers.Stage) error {
	address := st.Items[0].Address
	it, err := s.item(address)
	if err != nil {
		fmt.Fprintf(s.c.errs, "bisc: %s is not in the plan (any more): no plan looks at what was put back\n", view.Clean(address))
		return nil
	}
	planned := &layers.Stage{Layer: st.Layer, Name: st.Name, Host: st.Host, Assumes: []layers.Layer{}, Items: []layers.Item{it}}
	rep := layers.ObserveAll(ctx, []*layers.Stage{planned}, s, layers.Options{Key: s.key, NoProbes: true})
	for _, o := range rep.Outcomes() {
		switch {
		case o.State == layers.InSync:
		case o.Err != nil:
			return fmt.Errorf("whether the plan agrees with it: %w", o.Err)
		default:
			fmt.Fprintf(s.c.errs, "bisc: the plan wants something else of %s: the next plan shows it as a difference, and apply would undo this restore; change the plan, or hold it (bisc hold set)\n", view.Clean(address))
		}
	}
	for _, h := range rep {
		if h.Err != nil {
			return h.Err
		}
	}
	return nil
}

// keptFiles is what a run replaced for one address, a version of each path: that from before the run. As a resource it is
// those files as they were.
type keptFiles struct {
	files []host.Kept
	// others are the addresses on whose behalf a path was written since: their changes would go too.
	others map[string][]string
}

// keptOf finds what a run replaced. The error lists the runs that there are.
func keptOf(ctx context.Context, h host.Reader, address, run string) (keptFiles, error) {
	all, err := host.ReadKept(ctx, h, "")
	if err != nil {
		return keptFiles{}, err
	}
	of := keptFiles{others: map[string][]string{}}
	var runs, fit []string
	for _, k := range all { // oldest first
		if k.Address != address {
			replaced := slices.ContainsFunc(of.files, func(o host.Kept) bool { return o.Path == k.Path })
			if by := cmp.Or(k.Address, "run "+k.Run); replaced && !slices.Contains(of.others[k.Path], by) {
				of.others[k.Path] = append(of.others[k.Path], by)
			}
			continue
		}
		if !slices.Contains(runs, k.Run) {
			runs = append(runs, k.Run)
		}
		if run == "" || !strings.HasPrefix(k.Run, run) && !strings.HasSuffix(k.Run, run) {
			continue
		}
		if !slices.Contains(fit, k.Run) {
			fit = append(fit, k.Run)
		}
		if !slices.ContainsFunc(of.files, func(o host.Kept) bool { return o.Path == k.Path }) {
			of.files = append(of.files, k)
		}
	}
	switch {
	case len(runs) == 0:
		return keptFiles{}, fmt.Errorf("%s has kept nothing that was replaced for %s: it keeps the last %d versions of each file", h.Name(), address, host.KeptVersions)
	case len(fit) == 0:
		return keptFiles{}, fmt.Errorf("%s has kept nothing of run %s for %s; it has: %s", h.Name(), run, address, strings.Join(runs, ", "))
	case len(fit) > 1:
		return keptFiles{}, fmt.Errorf("--restore %s fits more than one run: %s", run, strings.Join(fit, ", "))
	}
	return of, nil
}

// Plan compares each file with the version that was kept.
func (ks *keptFiles) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var c modules.Change
	for _, k := range ks.files {
		f, err := asFile(ctx, h, k)
		if err != nil {
			return modules.Change{}, err
		}
		part, err := f.Plan(ctx, h)
		if err != nil {
			return modules.Change{}, err
		}
		for i := range part.Diffs {
			part.Diffs[i].Attr = k.Path + " " + part.Diffs[i].Attr
		}
		if len(part.Steps) > 0 {
			for _, other := range ks.others[k.Path] {
				part.Destroys = append(part.Destroys, "what "+other+" has changed in "+k.Path+" since")
			}
		}
		c.Diffs, c.Steps, c.Destroys = append(c.Diffs, part.Diffs...), append(c.Steps, part.Steps...), append(c.Destroys, part.Destroys...)
	}
	return c, nil
}

// asFile is a kept version as the kind file wants it: with its verifier, and its reload.
func asFile(ctx context.Context, h host.Reader, k host.Kept) (*files.File, error) {
	f := &files.File{Path: k.Path, Mode: modules.Mode(k.Mode), Owner: modules.ID{N: uint32(k.UID)}, Group: modules.ID{N: uint32(k.GID)}, Absent: k.Absent}
	if k.Absent {
		return f, nil
	}
	content, err := h.ReadFile(ctx, k.Copy)
	if err != nil {
		return nil, fmt.Errorf("reading what was kept of %s: %w", k.Path, err)
	}
	if host.ContentDigest(append([]byte{}, content...)) != k.Digest {
		return nil, errors.New("what was kept of " + k.Path + " is not what its record says: " + k.Copy + " was altered")
	}
	f.Content = modules.Text{Value: string(content), Secret: k.Private()}
	return f, nil
}
