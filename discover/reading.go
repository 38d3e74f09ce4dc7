package discover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
)

// readingLimit is how long a wave may take before what has not answered is unknown.
const readingLimit = 60 * time.Second

// reader asks a host in waves, and keeps what it could not learn.
type reader struct {
	host.Reader
	mu      sync.Mutex
	unknown []Remark
}

// question is one thing to learn, of a subject.
type question struct {
	subject, name string
	ask           func(context.Context) error
}

// wave asks everything at once. What has no answer is unknown, and the rest goes on; a host that is gone, or a caller who
// has enough, is an error.
func (r *reader) wave(ctx context.Context, all ...question) error {
	limited, cancel := context.WithTimeoutCause(ctx, readingLimit, fmt.Errorf("no answer in %s", readingLimit))
	defer cancel()
	asks := make([]func(context.Context) error, len(all))
	for i, q := range all {
		asks[i] = func(context.Context) error {
			err := q.ask(limited)
			if err == nil || errors.Is(err, host.ErrUnreachable) || ctx.Err() != nil {
				return err
			}
			r.lost(q.subject, q.name, err)
			return nil
		}
	}
	if len(asks) == 0 {
		return nil
	}
	return host.Ask(ctx, asks...)
}

func (r *reader) lost(subject, name string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unknown = append(r.unknown, Remark{State: Unknown, Subject: subject, Name: name, Why: err.Error()})
}

// ErrStrange is an answer that this package does not understand.
var ErrStrange = errors.New("the answer cannot be read")

// program asks for a program's output. A program that is not on the host answers with nothing: what it would tell of is not
// there either.
func (r *reader) program(into *string, subject string, argv ...string) question {
	return question{subject, argv[0], func(ctx context.Context) error {
		out, err := r.Query(ctx, argv...)
		switch {
		case errors.Is(err, host.ErrNoProgram):
			return nil
		case err != nil:
			return err
		case out.Exit != 0:
			return &host.ExitError{Argv: argv[:1], Exit: out.Exit, Stderr: out.Stderr}
		}
		*into = string(out.Stdout)
		return nil
	}}
}

// optional asks for a file that need not be there.
func (r *reader) optional(into *string, subject, name string) question {
	return question{subject, name, func(ctx context.Context) error {
		text, err := r.ReadFile(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		*into = string(text)
		return err
	}}
}

// paths asks which paths match a pattern.
func (r *reader) paths(into *[]string, subject, pattern string) question {
	return question{subject, pattern, func(ctx context.Context) (err error) { *into, err = r.Glob(ctx, pattern); return err }}
}

// stat asks what stands at a path; nil where nothing does.
func (r *reader) stat(into **host.Stat, subject, name string) question {
	return question{subject, name, func(ctx context.Context) error {
		st, err := r.Stat(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			*into = &st
		}
		return err
	}}
}

// words splits a line at tabs.
func words(line string) []string { return strings.Split(strings.TrimSuffix(line, "\n"), "\t") }

// within tells whether a path is a folder or below it.
func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

func without(list []string, drop ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(w string) bool { return slices.Contains(drop, w) })
}
