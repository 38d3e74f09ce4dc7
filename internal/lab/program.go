package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// program is a bisc-lab to run: an open file, so that one which was built for this lab alone has no name any more and
// needs no cleaning up.
type program struct{ file *os.File }

func (p *program) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), p.file.Fd()) }
func (p *program) close() error { return p.file.Close() }

// findProgram opens the bisc-lab given, or builds it. The build is cached by go; without cgo, since hosts run the same
// file as their stand-ins.
func findProgram(ctx context.Context, path string) (*program, error) {
	if path == "" {
		dir, err := os.MkdirTemp("", "bisc-lab-build-")
		if err != nil {
			return nil, fmt.Errorf("build bisc-lab: %w", err)
		}
		defer os.RemoveAll(dir)
		path = filepath.Join(dir, "bisc-lab")
		build := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", path, "bisc/internal/lab/cmd/bisc-lab")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build bisc-lab: %w\n%s", err, out)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open bisc-lab: %w", err)
	}
	return &program{f}, nil
}
