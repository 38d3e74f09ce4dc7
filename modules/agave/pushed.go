package agave

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"bisc/hostbin"
	"bisc/internal/host"
)

// pushed says where the host keeps a program of hostbin, and which steps put it there; none where it is there already.
func pushed(ctx context.Context, h host.Reader, name string) (at string, steps []host.Step, err error) {
	out, err := h.Query(ctx, "uname", "-m")
	if err != nil {
		return "", nil, fmt.Errorf("ask for the machine: %w", err)
	}
	b, err := hostbin.For(name, strings.TrimSpace(string(out.Stdout)))
	if err != nil {
		return "", nil, err
	}
	at = hostbin.Path(b)
	there := ""
	switch digest, err := host.FileDigest(ctx, h, at); {
	case err == nil:
		there = digest
	case !errors.Is(err, fs.ErrNotExist):
		return "", nil, err
	}
	if there == b.SHA256 {
		return at, nil, nil
	}
	return at, []host.Step{
		host.Script{Argv: []string{"mkdir", "-p", "-m", "0755", "--", path.Dir(at)}},
		host.Push{Path: at, Digest: b.SHA256, Size: b.Size, Mode: 0o755, Source: func() (io.ReadCloser, error) { return b.Open() }},
	}, nil
}
