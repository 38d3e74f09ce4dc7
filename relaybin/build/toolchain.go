package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"

	"bisc/relaybin/builds"
)

// flags are the go command's: no path of this machine, no commit, no build id is in the program.
func flags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}
}

// fixed is what the go command would otherwise take from the builder's own environment and settings.
func fixed() []string {
	return []string{
		"CGO_ENABLED=0", "GOAMD64=v1", "GO386=sse2", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off", "GOFLAGS=", "GOWORK=off",
	}
}

// toolchain is the go command, and what it would build with.
type toolchain struct {
	top     string // bisc's source
	tree    string // the folder of it whose programs are built
	version string
	modules map[string]string // as go.mod asks for them
}

func newToolchain(ctx context.Context, top, tree string) (toolchain, error) {
	t := toolchain{top: top, tree: tree, modules: map[string]string{}}
	version, err := t.run(ctx, "linux/amd64", "env", "GOVERSION")
	if err != nil {
		return t, err
	}
	t.version = strings.TrimSpace(string(version))
	name := filepath.Join(top, "go.mod")
	text, err := os.ReadFile(name)
	if err != nil {
		return t, err
	}
	mod, err := modfile.Parse(name, text, nil)
	if err != nil {
		return t, err
	}
	if len(mod.Replace) > 0 {
		return t, fmt.Errorf("%s replaces a module: what is built of a folder of this machine is not reproducible", name)
	}
	for _, r := range mod.Require {
		t.modules[r.Mod.Path] = r.Mod.Version
	}
	return t, nil
}

// run runs the go command for a platform.
func (t toolchain) run(ctx context.Context, platform string, args ...string) ([]byte, error) {
	system, arch, _ := strings.Cut(platform, "/")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = t.top
	cmd.Env = append(append(os.Environ(), fixed()...), "GOOS="+system, "GOARCH="+arch)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, said.Bytes())
	}
	return out, nil
}

// packed is a build that was made now.
type packed struct {
	builds.Binary
	packedSize int
}

// make builds one program, looks at what came out, and packs it.
func (t toolchain) make(ctx context.Context, name, platform, out string) (packed, error) {
	dirs, err := t.dirs(ctx, name, platform)
	if err != nil {
		return packed{}, err
	}
	source, err := builds.SourceDigest(os.DirFS(filepath.Join(t.top, t.tree)), dirs)
	if err != nil {
		return packed{}, err
	}
	temp, err := os.MkdirTemp("", "bisc-relaybin-")
	if err != nil {
		return packed{}, err
	}
	defer os.RemoveAll(temp)
	program := filepath.Join(temp, name)
	args := append(append([]string{"build"}, flags()...), "-o", program, "./"+t.tree+"/cmd/"+name)
	if _, err := t.run(ctx, platform, args...); err != nil {
		return packed{}, err
	}
	b, err := inspect(program, platform)
	if err != nil {
		return packed{}, err
	}
	b.Name, b.Platform, b.Go, b.Source, b.Dirs = name, platform, t.version, source, dirs
	if platform == runtime.GOOS+"/"+runtime.GOARCH {
		if b.Settings, err = settings(ctx, program); err != nil {
			return packed{}, err
		}
	}
	b.File = name + "-" + strings.ReplaceAll(platform, "/", "-") + ".gz"
	return pack(program, out, b)
}

// dirs are the folders below the tree that the program is made of.
func (t toolchain) dirs(ctx context.Context, name, platform string) ([]string, error) {
	list, err := t.run(ctx, platform, "list", "-deps", "-f", "{{if .Module}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", "./"+t.tree+"/cmd/"+name)
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, pkg := range strings.Fields(string(list)) {
		dir, ok := strings.CutPrefix(pkg, "bisc/"+t.tree+"/")
		if !ok {
			return nil, fmt.Errorf("it imports %s: a program for hosts imports nothing of bisc but packages below %s", pkg, t.tree)
		}
		dirs = append(dirs, dir)
	}
	return dirs, nil
}

// settings asks the program itself, where this machine can run it: bisc judges a plan's settings by that.
func settings(ctx context.Context, program string) ([]builds.Setting, error) {
	out, err := exec.CommandContext(ctx, program, "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("its --help: %w", err)
	}
	return builds.ReadHelp(string(out))
}

// inspect reads what the program is. One that is not what was asked for is an error, not a build.
func inspect(program, platform string) (builds.Binary, error) {
	var b builds.Binary
	text, err := os.ReadFile(program)
	if err != nil {
		return b, err
	}
	if b.Target, err = builds.ReadTarget(text); err != nil {
		return b, err
	}
	if wanted, err := builds.PlatformOf(b.Target.Machine); err != nil || wanted != platform {
		return b, fmt.Errorf("the go command built for %s (%s): %v", wanted, b.Target, err)
	}
	if static, err := builds.Static(bytes.NewReader(text)); err != nil || !static {
		return b, fmt.Errorf("the program is not static: it would need the host's libraries (%v)", err)
	}
	info, err := buildinfo.Read(bytes.NewReader(text))
	if err != nil {
		return b, err
	}
	b.Modules = map[string]string{}
	for _, d := range info.Deps {
		b.Modules[d.Path] = d.Version
	}
	b.SHA256, b.Size = digest(text), int64(len(text))
	return b, nil
}

// pack compresses the program: to less than half.
func pack(program, out string, b builds.Binary) (packed, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return packed{}, err
	}
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression) // its header has no name and no time
	if err != nil {
		return packed{}, err
	}
	if _, err := w.Write(text); err != nil {
		return packed{}, err
	}
	if err := w.Close(); err != nil {
		return packed{}, err
	}
	b.Packed = digest(z.Bytes())
	return packed{b, z.Len()}, replace(filepath.Join(out, b.File), z.Bytes())
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
