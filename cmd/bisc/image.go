package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/imagebuild"
	"bisc/cmd/bisc/view"
	"bisc/modules/kube"
)

func (c *command) image() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "container images: build one of named commits, and look into an archive",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.imageBuild(), c.imageShow())
	return cmd
}

func (c *command) imageBuild() *cobra.Command {
	var r imagebuild.Request
	cmd := &cobra.Command{
		Use:   "build REFERENCE",
		Short: "build an image of a named commit and named patches, and save it with a record of what it was made of",
		Long: "The source is fetched at its commit, each patch is applied as git cherry-pick does, and docker build makes the image, on this machine or on the one\n" +
			"of a docker context. What moves is refused: a branch, a tag, the head of a pull request, a base image by its name alone. The image carries its\n" +
			"inputs as labels, by which the kind image knows it again (built = {...}); the archive goes beside a record (JSON) with its id and its digests.\n" +
			"What the commands in the Dockerfile fetch by themselves is theirs to pin. No host of the inventory is dialled.",
		Example: "  bisc image build laconicnetwork/agave:local --source https://github.com/anza-xyz/agave --commit 9f6c3ad2... \\\n" +
			"    --patch-commit 5b1d0c7e... --file Dockerfile --base debian:bookworm-slim=sha256:... --out /srv/builds",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Tag = args[0]
			rec, err := imagebuild.Build(cmd.Context(), r, c.errs)
			if err != nil {
				return err
			}
			if c.flags.json {
				return c.writeJSON(rec)
			}
			fmt.Fprintf(c.out, "%s\n  id       %s\n  archive  %s (%d bytes, sha256 %s)\n  source   %s at %s\n", rec.Tag, rec.ID, filepath.Join(r.Out, rec.Archive), rec.Size, rec.SHA256, rec.Inputs.Source, rec.Inputs.Commit)
			for _, p := range rec.Inputs.Patches {
				fmt.Fprintf(c.out, "  patch    %s\n", p)
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&r.Source, "source", "", "the git repository")
	fl.StringVar(&r.Commit, "commit", "", "its commit, whole")
	fl.StringVar(&r.PatchSource, "patch-source", "", "the repository of the patches; that of the source where it is not given")
	fl.StringArrayVar(&r.Patches, "patch-commit", nil, "a commit to apply, whole; may be given several times, in order")
	fl.StringVar(&r.File, "file", "Dockerfile", "the Dockerfile, on this machine; its context is the patched source")
	fl.StringToStringVar(&r.Args, "build-arg", nil, "NAME=VALUE for the Dockerfile's ARG; written into the record, so no secret")
	fl.StringToStringVar(&r.Bases, "base", nil, "NAME=sha256:ID of a base image that the Dockerfile names without a digest")
	fl.StringVar(&r.Context, "context", "", "docker's context to build with")
	fl.StringVar(&r.Out, "out", ".", "the folder for archive and record")
	fl.BoolVar(&c.flags.json, "json", false, "the record as JSON")
	return cmd
}

func (c *command) imageShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "show ARCHIVE",
		Short:   "tell the id of the image in an archive, and what it was built of",
		Example: "  bisc image show /srv/builds/laconicnetwork_agave_local-0123456789ab.tar",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			a, err := kube.ReadArchived(args[0])
			if err != nil {
				return err
			}
			if c.flags.json {
				return c.writeJSON(struct {
					FormatVersion string            `json:"format_version"`
					ID            string            `json:"id"`
					Size          int64             `json:"size"`
					Labels        map[string]string `json:"labels,omitempty"`
				}{view.FormatVersion, a.ID, a.Size, a.Labels})
			}
			fmt.Fprintf(c.out, "%s  %d bytes\n", a.ID, a.Size)
			for _, k := range slices.Sorted(maps.Keys(a.Labels)) {
				if name, ours := strings.CutPrefix(k, kube.BuildLabel("")); ours {
					fmt.Fprintf(c.out, "  %-8s %s\n", name, view.CleanText(a.Labels[k]))
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&c.flags.json, "json", false, "as JSON")
	return cmd
}
