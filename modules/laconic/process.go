package laconic

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"bisc/internal/host"
)

// process is the validator's process on the host, where one runs.
type process struct {
	pid       string
	env       map[string]string
	arguments []string
}

// readProcess finds the validator and reads what it was started with. Of several it takes the one with the most arguments: a program
// that asks it something (agave-validator exit) is called the same.
func (d *Deployment) readProcess(ctx context.Context, h host.Reader) (p process, err error) {
	if len(d.Config)+len(d.Arguments) == 0 {
		return p, nil
	}
	out, err := h.Query(ctx, host.Validators.Argv()...)
	if err != nil {
		return p, fmt.Errorf("the validator's process: %w", err)
	}
	if out.Exit != 0 {
		return p, fmt.Errorf("the validator's process: %w", &host.ExitError{Argv: []string{"validators"}, Exit: out.Exit, Stderr: out.Stderr})
	}
	for line := range strings.Lines(string(out.Stdout)) {
		pid, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.Contains(pid, "/") { // a thread of the one before
			continue
		}
		arguments, there, err := readIfThere(ctx, h, "/proc/"+pid+"/cmdline")
		if err != nil {
			return p, err
		}
		words := strings.Split(strings.TrimRight(string(arguments), "\x00"), "\x00")
		if !there || len(words) <= len(p.arguments) {
			continue
		}
		env, there, err := readIfThere(ctx, h, "/proc/"+pid+"/environ")
		if err != nil {
			return p, err
		}
		if there {
			p = process{pid: pid, arguments: words, env: parseEnv(bytes.ReplaceAll(env, []byte{0}, []byte("\n")))}
		}
	}
	return p, nil
}
