package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/journal"
	"bisc/internal/secret"
	"bisc/layers"
	"bisc/modules"
)

// session is one run of a verb over hosts: the plan, the connections, the journal, what is drawn meanwhile.
type session struct {
	*loaded
	*connections
	book      *journal.Journal
	log       *journal.RunLog
	record    layers.RoundRecorder // log, as the engine knows it
	cut       string               // why this run did not come to its own end
	stagebook interface {          // log, as the runbooks know it
		Stage(ctx context.Context, s journal.Stage) error
	}
	done             map[string]bool // addresses that this run has changed
	runbook, resumes string          // what bisc run runs, and which run it takes up again
	key              []byte          // of digests and plan files
	run              string
	verb             string
	progress         *view.Progress
	closers          []func() error
}

// reading runs a verb that cannot write: its hosts are readers.
func (c *command) reading(cmd *cobra.Command, verb string, do func(context.Context, *session) error) error {
	return c.withSession(cmd, verb, false, do)
}

// writing runs a verb that may write: its hosts are locked, and what it does is journalled.
func (c *command) writing(cmd *cobra.Command, verb string, do func(context.Context, *session) error) error {
	c.flags.acting = true
	return c.withSession(cmd, verb, true, func(ctx context.Context, s *session) error {
		if err := s.begin(ctx); err != nil {
			return err
		}
		s.left = s.leftBehind
		return do(ctx, s)
	})
}

func (c *command) withSession(cmd *cobra.Command, verb string, writes bool, do func(context.Context, *session) error) error {
	secrets := c.keeper(cmd.Context())
	l, err := c.loadFor(verb, secrets)
	if err != nil {
		return err
	}
	return c.within(cmd, l, secrets, verb, writes, do)
}

// within runs a verb over the hosts of what was loaded.
func (c *command) within(cmd *cobra.Command, l *loaded, secrets *secret.Keeper, verb string, writes bool, do func(context.Context, *session) error) error {
	c.keepToOurselves(l)
	beSmall(len(l.hostNames()))
	ctx := cmd.Context()
	if c.flags.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.flags.timeout, overtime(c.flags.timeout))
		defer cancel()
	}
	key, err := secretKey()
	if err != nil {
		return err
	}
	_, isTerminal := terminal(c.errs)
	s := &session{loaded: l, key: key, verb: verb, run: c.run.ID, progress: view.NewProgress(c.errs, isTerminal, c.width(c.errs))}
	s.connections = newConnections(l.inv, writes, lockOwner(), s.run, s.progress, c.errs, c.stop)
	s.connections.reader = readerLogin{c.flags.reader, c.flags.readerUser}
	s.connections.secrets, s.connections.env = secrets, c.lookupEnv
	err = do(modules.WithRun(modules.WithDigestKey(ctx, key), c.runOf()), s)
	s.progress.Close()
	status, _ := outcome(err)
	if s.log != nil {
		err = errors.Join(err, s.end(context.WithoutCancel(ctx), status))
	}
	return errors.Join(err, s.close())
}

// runOf is who does what, as resources that leave a trace on a host write it down.
func (c *command) runOf() modules.Run {
	r := c.run
	if c.inRun != nil {
		r = *c.inRun
	}
	return modules.Run{ID: r.ID, Started: r.Started, Who: lockOwner()}
}

// overtime is the end of --timeout. What was asked for and not heard by then is not known.
type overtime time.Duration

func (o overtime) Error() string { return fmt.Sprintf("--timeout %s is over", time.Duration(o)) }
func (o overtime) Unwrap() error { return context.DeadlineExceeded }

func (s *session) close() error {
	err := s.connections.close()
	for _, c := range slices.Backward(s.closers) {
		err = errors.Join(err, c())
	}
	return err
}

// begin opens the journal and writes down that this run starts.
func (s *session) begin(ctx context.Context) error {
	path, err := journal.DefaultPath()
	if err != nil {
		return err
	}
	if s.book, err = journal.Open(context.WithoutCancel(ctx), path); err != nil { // --timeout is not the journal's fault
		return fmt.Errorf("nothing is done without a journal: %w", onFileSystem(filepath.Dir(path), err))
	}
	s.closers = append(s.closers, s.book.Close)
	machine, _ := os.Hostname()
	s.log, err = s.book.Begin(context.WithoutCancel(ctx), journal.Run{ID: s.run, User: operator(), Machine: machine, Verb: s.verb, Plan: s.plan.Digest,
		Runbook: s.runbook, Resumes: s.resumes, Version: version(), Args: s.plan.MaskSet(os.Args[1:]), Started: s.c.started})
	if err != nil {
		return fmt.Errorf("nothing is done without a journal: %w", onFileSystem(filepath.Dir(path), err))
	}
	s.record, s.stagebook = s.log, s.log
	return nil
}

// end writes down how the run ended: by itself, or cut, so that a plan file of it can be taken up again.
func (s *session) end(ctx context.Context, status int) error {
	if s.cut != "" {
		return s.log.CutOff(ctx, status, s.cut)
	}
	return s.log.End(ctx, status, "")
}

// noteCut finds out whether a round was cut: by the operator, by the run's own limit, or by a host that went away.
func (s *session) noteCut(ctx context.Context, done layers.Report) {
	switch {
	case s.c.interrupted():
		s.cut = layers.ErrStopped.Error()
		return
	case ctx.Err() != nil:
		s.cut = context.Cause(ctx).Error()
		return
	}
	for _, h := range done {
		if errors.Is(h.Err, host.ErrUnreachable) || errors.Is(h.Err, host.ErrLost) {
			s.cut = "the connection to " + h.Host + " was lost"
		}
		for _, o := range h.Outcomes {
			if errors.Is(o.Err, host.ErrUnreachable) || errors.Is(o.Err, host.ErrLost) {
				s.cut = "the connection to " + h.Host + " was lost"
			}
		}
	}
}

// operator is who runs bisc.
func operator() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "uid " + fmt.Sprint(os.Getuid())
}

func lockOwner() string {
	machine, err := os.Hostname()
	if err != nil {
		machine = "unknown machine"
	}
	return operator() + "@" + machine
}

// observe looks at every host of the plan.
func (s *session) observe(ctx context.Context, opts layers.Options) layers.Report {
	return layers.ObserveAll(ctx, s.stages, s, opts)
}

// acting is what the engine needs to act.
func (s *session) acting(opts layers.Options) layers.Acting {
	return layers.Acting{Options: opts, Record: s.record, Stop: s.c.stop, Saw: s.progress.Saw, Within: s.c.flags.within, Run: s.run}
}

// actAlone does a step that belongs to no resource, journalled like any other.
func (s *session) actAlone(ctx context.Context, w host.Writer, address string, step host.Step) error {
	id, err := s.record.Intend(ctx, layers.Intent{Host: w.Name(), Address: w.Name() + ":" + address, Step: step.String(), Digest: host.Digest(s.key, step), At: time.Now()})
	if err != nil {
		return err
	}
	stepErr := w.Do(host.WithRecord(ctx, host.Record{ID: id, Address: w.Name() + ":" + address, Step: step.String(), Digest: host.Digest(s.key, step)}), step)
	return errors.Join(stepErr, s.record.Settle(context.WithoutCancel(ctx), id, layers.ResultOf(stepErr)))
}

// answer is what a host said: for a person, and as data.
type answer struct {
	text string
	data any
}

// eachHost asks hosts (all of the plan where none are named), in parallel, and prints what they say in order.
func (s *session) eachHost(ctx context.Context, names []string, ask func(context.Context, host.Reader) (answer, error)) error {
	if len(names) == 0 {
		for _, st := range s.stages {
			if !slices.Contains(names, st.Host) {
				names = append(names, st.Host)
			}
		}
	}
	answers, errs := make([]answer, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, n := range names {
		all.Go(func() {
			h, err := s.Reader(ctx, n)
			if err == nil {
				answers[i], err = ask(ctx, h)
			}
			errs[i] = err
		})
	}
	all.Wait()
	s.progress.Close()
	if s.c.flags.json {
		return errors.Join(append(errs, s.c.writeJSON(answersJSON(names, answers, errs)))...)
	}
	for _, a := range answers {
		fmt.Fprint(s.c.out, view.CleanText(a.text))
	}
	return errors.Join(errs...)
}

// hostAnswer is a host's answer in a document; one that could not be asked has its error.
type hostAnswer struct {
	Host   string `json:"host"`
	Error  string `json:"error,omitempty"`
	Answer any    `json:"answer,omitempty"`
}

func answersJSON(names []string, answers []answer, errs []error) any {
	doc := struct {
		FormatVersion string       `json:"format_version"`
		Hosts         []hostAnswer `json:"hosts"`
	}{view.FormatVersion, []hostAnswer{}}
	for i, n := range names {
		h := hostAnswer{Host: n, Answer: answers[i].data}
		if errs[i] != nil && answers[i].data == nil { // an answer may have a status too
			h.Error, h.Answer = errs[i].Error(), nil
		}
		doc.Hosts = append(doc.Hosts, h)
	}
	return doc
}
