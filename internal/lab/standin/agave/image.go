// Package agave builds the stand-ins' programs and the image laconicnetwork/agave of them, for hosts of the lab.
package agave

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"bisc/internal/lab/standin/image"
	"bisc/internal/lab/standin/validator"
)

// Tag is the image's name on the real host.
const Tag = "laconicnetwork/agave:local"

// Image is an image and how it is told from others.
type Image struct {
	Tag     string
	ID      string // sha256:... of its config
	Archive []byte // what docker load and ctr images import take
}

// Options say which image. The zero value is 3.1.9 with the relay's patch under Tag.
type Options struct {
	Tag  string
	Made validator.Made
	// Note makes another image of the same program, as a build at another time would.
	Note string
}

// Build builds the image; the same options give the same ID.
func Build(ctx context.Context, o Options) (Image, error) {
	program, err := Program(ctx)
	if err != nil {
		return Image{}, err
	}
	if o.Tag == "" {
		o.Tag = Tag
	}
	if o.Made.Version == "" {
		o.Made = validator.Made{Version: "3.1.9", Commit: "9f6c3ad2", TVU: true}
	}
	made, err := json.Marshal(o.Made)
	if err != nil {
		return Image{}, err
	}
	i := image.Image{Tag: o.Tag, Files: files(program, made), Entrypoint: []string{"entrypoint.sh"}, Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin"}}
	if o.Note != "" {
		i.Labels = map[string]string{"note": o.Note}
	}
	var archive bytes.Buffer
	id, err := i.Write(&archive)
	return Image{Tag: o.Tag, ID: id, Archive: archive.Bytes()}, err
}

// files are the image's. The scripts and tools are a second copy of the program: a process is known for a validator by the name of
// its program, and these are none.
func files(program, made []byte) []image.File {
	dir := func(name string) image.File { return image.File{Name: name, Mode: 0o755, Folder: true} }
	all := []image.File{
		dir("data/"), dir("dev/"), dir("etc/"), dir("proc/"), dir("sys/"), dir("run/"), dir("usr/"), dir("usr/bin/"), dir("usr/lib/"), dir("usr/local/"), dir("usr/local/bin/"),
		{Name: "tmp/", Mode: 0o1777, Folder: true},
		{Name: "etc/passwd", Mode: 0o644, Content: []byte("root:x:0:0:root:/root:/bin/sh\nagave:x:1000:1000::/home/agave:/bin/sh\n")},
		{Name: "etc/group", Mode: 0o644, Content: []byte("root:x:0:\nagave:x:1000:\n")},
		{Name: validator.MadeFile[1:], Mode: 0o644, Content: made},
		{Name: validator.Program[1:], Mode: 0o755, Content: program},
		{Name: "usr/lib/lab-tools", Mode: 0o755, Content: program},
	}
	for _, name := range []string{"entrypoint.sh", "start-rpc.sh", "agave-ledger-tool", "solana-keygen"} {
		all = append(all, image.File{Name: "usr/local/bin/" + name, Mode: 0o777, Link: "/usr/lib/lab-tools"})
	}
	return all
}

// Program builds the stand-in agave-validator, static. Go caches the build.
func Program(ctx context.Context) ([]byte, error) {
	return Compile(ctx, "bisc/internal/lab/standin/validator/cmd/agave-validator")
}

// Compile builds a program of this module without cgo, so that it runs in any root.
func Compile(ctx context.Context, pkg string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bisc-lab-build-")
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", pkg, err)
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "program")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", out, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	return os.ReadFile(out)
}
