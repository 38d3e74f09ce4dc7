package relay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/files"
	"bisc/modules/systemd"
	"bisc/relaybin"
	"bisc/relaybin/units"
)

// serving is what was observed of a daemon under systemd.
type serving struct {
	want     relaybin.Binary
	refused  error // why no build suits the host
	program  program
	settings files.Found
	sockets  []unitSeen
	former   []former // that the plan has no more
	service  unitSeen
	digest   string // of the running process; empty where none runs
	health   string // what /healthz says; "ok", or empty where it was not asked
	closure  []string
}

// unitSeen is a unit of the daemon's.
type unitSeen struct {
	name   string
	change modules.Change // file, links, what systemd has loaded
	state  systemd.State
	mtime  time.Time // of its file; zero where there is none
}

// look asks for all at once, and what the process is after its number is known.
func (s *Service) look(ctx context.Context, h host.Reader) (o serving, err error) {
	d, err := s.daemon()
	if err != nil {
		return o, err
	}
	texts, err := d.Files()
	if err != nil {
		return o, err
	}
	seen := make([]unitSeen, len(texts))
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { o.program, err = lookProgram(ctx, h, s.Name); return err },
		func(ctx context.Context) (err error) { o.settings, err = files.Look(ctx, h, s.config()); return err },
	}
	for i, f := range texts {
		questions = append(questions, func(ctx context.Context) (err error) { seen[i], err = lookUnit(ctx, h, f); return err })
	}
	o.former = s.formers()
	for i := range o.former {
		questions = append(questions, func(ctx context.Context) error { return o.former[i].look(ctx, h) })
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return o, err
	}
	last := len(seen) - 1
	o.sockets, o.service = seen[:last], seen[last]
	platform := ""
	if s.binary != nil {
		platform = s.binary.Platform
	}
	o.want, o.refused = relaybin.For(s.Name, o.program.machine, platform)
	if errors.Is(o.refused, relaybin.ErrNotBuilt) {
		return o, o.refused
	}
	return o, s.lookProcess(ctx, h, &o)
}

func lookUnit(ctx context.Context, h host.Reader, f units.File) (unitSeen, error) {
	u := unitSeen{name: f.Name}
	unit := &systemd.Unit{Name: f.Name, Content: f.Text}
	return u, host.Ask(ctx,
		func(ctx context.Context) (err error) { u.change, err = unit.Plan(ctx, h); return err },
		func(ctx context.Context) (err error) { u.state, err = systemd.Show(ctx, h, f.Name); return err },
		func(ctx context.Context) error {
			st, _, err := host.StatIfThere(ctx, h, unit.Path())
			u.mtime = st.ModTime
			return err
		},
	)
}

// lookProcess asks what runs, how it is, and what would stop with the units.
func (s *Service) lookProcess(ctx context.Context, h host.Reader, o *serving) error {
	names := []string{o.service.name}
	for _, u := range o.sockets {
		names = append(names, u.name)
	}
	questions := []func(context.Context) error{func(ctx context.Context) error {
		out, err := h.Query(ctx, host.StopClosure.Argv(names...)...)
		if err == nil && out.Exit != 0 {
			err = &host.ExitError{Argv: []string{"systemctl"}, Exit: out.Exit, Stderr: out.Stderr}
		}
		if err != nil {
			return fmt.Errorf("ask what hangs on %s: %w", strings.Join(names, ", "), err)
		}
		o.closure = strings.Fields(string(out.Stdout))
		return nil
	}}
	if pid := o.service.state.MainPID; pid > 0 && o.service.state.Running() {
		questions = append(questions, func(ctx context.Context) (err error) {
			o.digest, err = host.FileDigest(ctx, h, fmt.Sprintf("/proc/%d/exe", pid))
			return err
		})
		if at := s.pages(); at != "" {
			questions = append(questions, func(ctx context.Context) (err error) { o.health, err = s.healthOf(ctx, h, at); return err })
		}
	}
	return host.Ask(ctx, questions...)
}

// healthOf is what a daemon says of itself: ok, or the first reason that counts. That nobody listens is an answer.
func (s *Service) healthOf(ctx context.Context, h host.Reader, at string) (string, error) {
	got, err := h.Get(host.Anew(ctx), host.Endpoint{Network: "tcp", Address: at}, "/healthz")
	switch {
	case errors.Is(err, host.ErrNotListening):
		return "nobody listens on " + at, nil
	case err != nil:
		return "", fmt.Errorf("ask for the health on %s: %w", at, err)
	case got.Status != 200 && got.Status != 503:
		return "", fmt.Errorf("ask for the health on %s: HTTP status %d", at, got.Status)
	}
	return s.judge(string(got.Body))
}

// judge reads a line a check: "ok NAME" or "fail NAME: REASON".
func (s *Service) judge(page string) (string, error) {
	verdict := healthy
	for line := range strings.Lines(page) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ := strings.Cut(rest, ": ")
		switch {
		case word == "ok":
		case word != "fail":
			return "", fmt.Errorf("its health has a line %.80q", line)
		case verdict == healthy && !slices.Contains(s.Ignore, name):
			verdict = rest
		}
	}
	return verdict, nil
}

const healthy = "ok"
