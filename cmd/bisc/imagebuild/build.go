package imagebuild

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bisc/modules/kube"
)

// Record is what is written beside an archive: what the image is, and what it was made of.
type Record struct {
	FormatVersion string    `json:"format_version"`
	Tag           string    `json:"tag"`
	ID            string    `json:"id"`      // sha256:HEX of the image's configuration: what image { id = ... } wants
	Archive       string    `json:"archive"` // its name, beside the record
	SHA256        string    `json:"sha256"`  // of the archive
	Size          int64     `json:"size"`
	Built         time.Time `json:"built"`
	InputsDigest  string    `json:"inputs_digest"`
	Inputs        Inputs    `json:"inputs"`
}

// Build builds the image, saves it, and writes the record. What git and docker say of their work goes to progress.
func Build(ctx context.Context, r Request, progress io.Writer) (Record, error) {
	if err := r.Check(); err != nil {
		return Record{}, err
	}
	dockerfile, err := os.ReadFile(r.File)
	if err != nil {
		return Record{}, fmt.Errorf("the Dockerfile (--file): %w", err)
	}
	b := build{ctx, r, progress}
	in := Inputs{Source: r.Source, Commit: r.Commit, Patches: r.Patches, Args: r.Args, Dockerfile: hexSum(dockerfile)}
	if len(r.Patches) > 0 {
		in.PatchSource = r.PatchSource
	}
	args := maps.Clone(r.Args)
	if args == nil {
		args = map[string]string{}
	}
	named, err := bases(string(dockerfile), args, r.Bases)
	if err != nil {
		return Record{}, fmt.Errorf("%s is not the same each time:\n%w", r.File, err)
	}
	if in.Bases, err = b.bases(named); err != nil {
		return Record{}, err
	}
	work, err := os.MkdirTemp("", "bisc-image-")
	if err != nil {
		return Record{}, err
	}
	defer os.RemoveAll(work)
	fmt.Fprintf(progress, "source %s at %s\n", r.Source, r.Commit)
	source := filepath.Join(work, "source")
	if err := os.Mkdir(source, 0o755); err != nil {
		return Record{}, err
	}
	if in.Tree, err = r.checkout(ctx, source); err != nil {
		return Record{}, err
	}
	// The text that was looked at is built, whatever becomes of the file meanwhile.
	if err := os.WriteFile(filepath.Join(work, "Dockerfile"), dockerfile, 0o644); err != nil {
		return Record{}, err
	}
	if err := b.image(work, in); err != nil {
		return Record{}, err
	}
	return b.save(in)
}

type build struct {
	ctx context.Context
	Request
	progress io.Writer
}

func (b build) docker(out io.Writer, words ...string) error {
	if b.Context != "" {
		words = append([]string{"--context", b.Context}, words...)
	}
	cmd := exec.CommandContext(b.ctx, "docker", words...)
	var complaint strings.Builder
	cmd.Stdout, cmd.Stderr = out, io.MultiWriter(b.progress, &complaint)
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case b.ctx.Err() != nil:
		return context.Cause(b.ctx)
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("there is no docker command on this machine, which builds the image (with --context, on another): %w", err)
	}
	lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
	return fmt.Errorf("docker %s: %w: %s", words[0], err, lines[len(lines)-1])
}

// bases compares the images that the Dockerfile names without a digest with the ids that they must have.
func (b build) bases(named []string) (map[string]string, error) {
	out := map[string]string{}
	for _, name := range named {
		want, ok := b.Bases[name]
		if !ok {
			_, out[name], _ = strings.Cut(name, "@")
			continue
		}
		var said strings.Builder
		if err := b.docker(&said, "image", "inspect", "--format={{.Id}}", "--", name); err != nil {
			return nil, fmt.Errorf("the base %s: %w", name, err)
		}
		if got := strings.TrimSpace(said.String()); got != want {
			return nil, fmt.Errorf("the base %s is %s here, not %s", name, got, want)
		}
		out[name] = want
	}
	return out, nil
}

// image runs docker build. The labels tell what it was made of, wherever the image goes.
func (b build) image(work string, in Inputs) error {
	words := []string{"build", "--pull=false", "-t", b.Tag, "-f", filepath.Join(work, "Dockerfile"), "--label", "bisc.inputs=" + in.Digest()}
	labels := map[string]string{"source": in.Source, "commit": in.Commit, "patch": strings.Join(in.Patches, " ")}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if labels[k] != "" {
			words = append(words, "--label", kube.BuildLabel(k)+"="+labels[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(b.Args)) {
		words = append(words, "--build-arg", k+"="+b.Args[k])
	}
	return b.docker(b.progress, append(words, filepath.Join(work, "source"))...)
}

// save writes archive and record, each whole or not at all.
func (b build) save(in Inputs) (Record, error) {
	name := strings.NewReplacer("/", "_", ":", "_").Replace(b.Tag) + "-" + in.Digest()[:12]
	archive := filepath.Join(b.Out, name+".tar")
	part := archive + ".part"
	defer os.Remove(part)
	fmt.Fprintf(b.progress, "save %s\n", archive)
	if err := b.docker(b.progress, "save", "-o", part, "--", b.Tag); err != nil {
		return Record{}, err
	}
	held, err := kube.ReadArchived(part)
	if err != nil {
		return Record{}, err
	}
	if held.Labels["bisc.inputs"] != in.Digest() {
		return Record{}, fmt.Errorf("%s is another image by now than was built: somebody moved the tag; build again", b.Tag)
	}
	sum, err := sumOf(part)
	if err != nil {
		return Record{}, err
	}
	rec := Record{
		FormatVersion: "1.0", Tag: b.Tag, ID: held.ID, Archive: filepath.Base(archive), SHA256: sum, Size: held.Size,
		Built: time.Now().UTC().Truncate(time.Second), InputsDigest: in.Digest(), Inputs: in,
	}
	text, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return Record{}, err
	}
	return rec, errors.Join(os.Rename(part, archive), os.WriteFile(filepath.Join(b.Out, name+".json"), append(text, '\n'), 0o644))
}

// sumOf is the SHA-256 (hex) of a file, once it is on disk.
func sumOf(name string) (string, error) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, f.Sync())
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
