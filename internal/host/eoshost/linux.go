package eoshost

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
)

// The texts that are run as root on the switch's Linux. Their network is that of the default VRF, whichever the login came in by:
// the daemons and the kernel's routes are there.
var (
	//go:embed linux/run.sh
	runText string
	//go:embed linux/read.sh
	readText string
	//go:embed linux/stat.sh
	statText string
	//go:embed linux/glob.sh
	globText string
	//go:embed linux/get.sh
	getText string
)

// Query runs a program of the read-only list.
func (h *Host) Query(ctx context.Context, argv ...string) (host.Output, error) {
	if err := host.ReadOnly(argv); err != nil {
		return host.Output{}, err
	}
	return h.program(ctx, false, argv)
}

// Probe runs any program.
func (h *Host) Probe(ctx context.Context, argv ...string) (host.Output, error) {
	return h.program(ctx, true, argv)
}

func (h *Host) program(ctx context.Context, mayHang bool, argv []string) (host.Output, error) {
	if len(argv) == 0 || argv[0] == "" {
		return host.Output{}, errors.New("an empty command")
	}
	return h.linux(ctx, bashLimit, mayHang, argv[0], runText, argv...)
}

// ReadFile returns a whole regular file.
func (h *Host) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if err := absolute("read", name); err != nil {
		return nil, err
	}
	out, err := h.linux(ctx, bashLimit, false, "read "+name, readText, name)
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		return nil, sshhost.BareError("read", name, out.Stderr)
	}
	return append([]byte{}, out.Stdout...), nil
}

// Stat describes what stands at a path.
func (h *Host) Stat(ctx context.Context, name string) (host.Stat, error) {
	if err := absolute("stat", name); err != nil {
		return host.Stat{}, err
	}
	out, err := h.linux(ctx, bashLimit, false, "stat "+name, statText, name)
	if err != nil {
		return host.Stat{}, err
	}
	if out.Exit != 0 {
		return host.Stat{}, sshhost.BareError("stat", name, out.Stderr)
	}
	at := bytes.LastIndexByte(out.Stdout, 0) // no mount table holds a NUL
	if at < 0 {
		return host.Stat{}, fmt.Errorf("stat %s: not understood: %.100q", name, out.Stdout)
	}
	return sshhost.BareStat(name, out.Stdout[:at], out.Stdout[at+1:])
}

// Glob lists paths, sorted.
func (h *Host) Glob(ctx context.Context, pattern string) ([]string, error) {
	if err := absolute("list", pattern); err != nil {
		return nil, err
	}
	// A bracket is a bracket to all shells; what a backslash in an expanded pattern means depends on the shell.
	plain := strings.NewReplacer(`\\`, `\\`, `\*`, `[*]`, `\?`, `[?]`, `\[`, `[[]`).Replace(pattern)
	out, err := h.linux(ctx, bashLimit, false, "list "+pattern, globText, plain)
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		return nil, sshhost.BareError("list", pattern, out.Stderr)
	}
	var names []string
	for _, name := range strings.Split(string(out.Stdout), "\x00") {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Get asks for a page on the switch: of its own daemons, which are in the default VRF's network.
func (h *Host) Get(ctx context.Context, at host.Endpoint, page string) (host.Response, error) {
	if err := host.ReadPage(at, page); err != nil {
		return host.Response{}, err
	}
	out, err := h.linux(ctx, pageLimit, false, "get "+at.String()+page, getText, at.Network, at.Address, page)
	if err != nil {
		return host.Response{}, err
	}
	if out.Exit != 0 {
		err := sshhost.BareError("get", at.String()+page, out.Stderr)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, host.ErrNotListening) { // a socket that is not there has no listener either
			return host.Response{}, fmt.Errorf("get %s%s: %w", at, page, host.ErrNotListening)
		}
		return host.Response{}, err
	}
	answer, err := sshhost.BarePage(out.Stdout)
	if err != nil {
		return host.Response{}, fmt.Errorf("get %s%s: %w", at, page, err)
	}
	return answer, nil
}

func absolute(verb, name string) error {
	if !path.IsAbs(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%s %q: want an absolute path without NUL", verb, name)
	}
	return nil
}
