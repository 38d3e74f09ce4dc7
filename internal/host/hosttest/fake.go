// Package hosttest fakes hosts for tests and holds the suite that every transport must pass.
package hosttest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"bisc/internal/host"
)

// Fake is a host made of recorded answers. It refuses any question that it was not told: a test that asks more than it
// says fails. Files, links and stats may be given apart: a file without a stat answers Stat as a 0644 root file.
type Fake struct {
	HostName string
	Files    map[string]string      // content by path; a path not here and not in Missing is a refused question
	Stats    map[string]host.Stat   // by path
	Missing  map[string]bool        // paths that are not there
	Globs    map[string][]string    // by pattern
	Answers  map[string]host.Output // by Question(argv...)
	Errors   map[string]error       // by question ("query ...", "read PATH", "stat PATH", "glob PATTERN", "get URL"): no answer
	// Pages are by URL: "http://127.0.0.1:9465/metrics", "unix:/run/bisc/x.sock/metrics". A Get takes the first of a list,
	// and leaves the last there: counters move.
	Pages map[string][]host.Response
	// Shows are a switch's answers, by command; those of Errors are "show COMMAND". Nil: the host is no switch.
	Shows map[string]string
	// Kubes, Dockers and RPCs are answers (JSON) by the question's String; those of Errors are "kube Q", "docker ..." (the
	// question as it is) and "rpc Q". An RPC takes the first of a list, and leaves the last there: slots move. A Kubes or Dockers
	// answer of "" is ErrNoObject, or fs.ErrNotExist.
	Kubes, Dockers map[string]string
	RPCs           map[string][]string
	// React is called for each step, so that a test can change what the host answers next.
	React func(f *Fake, s host.Step) error
	// Stage makes the host one that stages (as a switch does): React sees steps at Commit only.
	Stage bool

	mu     sync.Mutex
	steps  []host.Step
	staged []host.Step
	log    []string
}

// New gives a fake that knows nothing.
func New(name string) *Fake {
	return &Fake{
		HostName: name, Files: map[string]string{}, Stats: map[string]host.Stat{}, Missing: map[string]bool{},
		Globs: map[string][]string{}, Answers: map[string]host.Output{}, Errors: map[string]error{},
		Pages: map[string][]host.Response{}, Kubes: map[string]string{}, Dockers: map[string]string{}, RPCs: map[string][]string{},
	}
}

// Question is the key of an answer: the argv quoted, with a constant reading as "reading NAME args".
func Question(argv ...string) string {
	if len(argv) > 3 && argv[0] == "sh" && argv[1] == "-c" {
		return "reading " + host.Quote(argv[3:]...)
	}
	return host.Quote(argv...)
}

// Answer records what a program answers.
func (f *Fake) Answer(exit int, stdout string, argv ...string) *Fake {
	f.Answers[Question(argv...)] = host.Output{Stdout: []byte(stdout), Exit: exit}
	return f
}

// Name is the host's name.
func (f *Fake) Name() string { return f.HostName }

// Query answers what was recorded, refuses the rest, and refuses what a real host would refuse as not read-only.
func (f *Fake) Query(ctx context.Context, argv ...string) (host.Output, error) {
	if err := host.ReadOnly(argv); err != nil {
		return host.Output{}, err
	}
	return f.answer(ctx, "query ", argv)
}

// Probe answers as Query, of any program.
func (f *Fake) Probe(ctx context.Context, argv ...string) (host.Output, error) {
	return f.answer(ctx, "probe ", argv)
}

func (f *Fake) answer(ctx context.Context, verb string, argv []string) (host.Output, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := Question(argv...)
	f.log = append(f.log, verb+q)
	if err := f.Errors[verb+q]; err != nil {
		return host.Output{}, err
	}
	out, ok := f.Answers[q]
	if !ok {
		return host.Output{}, f.refuse(verb + q)
	}
	return out, ctx.Err()
}

// ReadFile gives a recorded file.
func (f *Fake) ReadFile(ctx context.Context, name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, "read "+name)
	if err := f.Errors["read "+name]; err != nil {
		return nil, err
	}
	if c, ok := f.Files[name]; ok {
		return []byte(c), ctx.Err()
	}
	if f.Missing[name] {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return nil, f.refuse("read " + name)
}

// Stat gives a recorded stat, or that of a plain file where only the content is recorded.
func (f *Fake) Stat(ctx context.Context, name string) (host.Stat, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, "stat "+name)
	if err := f.Errors["stat "+name]; err != nil {
		return host.Stat{}, err
	}
	if st, ok := f.Stats[name]; ok {
		return st, ctx.Err()
	}
	if c, ok := f.Files[name]; ok {
		return host.Stat{Type: host.Regular, Mode: 0o644, Size: int64(len(c))}, ctx.Err()
	}
	if f.Missing[name] {
		return host.Stat{}, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return host.Stat{}, f.refuse("stat " + name)
}

// Glob gives a recorded list, or else the recorded paths that match.
func (f *Fake) Glob(_ context.Context, pattern string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, "glob "+pattern)
	if err := f.Errors["glob "+pattern]; err != nil {
		return nil, err
	}
	if names, ok := f.Globs[pattern]; ok {
		return names, nil
	}
	return nil, f.refuse("glob " + pattern)
}

// Page records what a page answers, after what was recorded of it before.
func (f *Fake) Page(status int, body string, at host.Endpoint, page string) *Fake {
	url := at.String() + page
	f.Pages[url] = append(f.Pages[url], host.Response{Status: status, Type: "text/plain; version=0.0.4; charset=utf-8", Body: []byte(body)})
	return f
}

// Get gives a recorded page, and refuses what a real host would refuse as not read-only.
func (f *Fake) Get(ctx context.Context, at host.Endpoint, page string) (host.Response, error) {
	if err := host.ReadPage(at, page); err != nil {
		return host.Response{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	url := at.String() + page
	f.log = append(f.log, "get "+url)
	if err := f.Errors["get "+url]; err != nil {
		return host.Response{}, err
	}
	left := f.Pages[url]
	if len(left) == 0 {
		return host.Response{}, f.refuse("get " + url)
	}
	if len(left) > 1 {
		f.Pages[url] = left[1:]
	}
	return left[0], ctx.Err()
}

// Show gives a recorded answer of a switch.
func (f *Fake) Show(ctx context.Context, command string) ([]byte, error) {
	if err := host.ReadShow(command); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, "show "+command)
	if err := f.Errors["show "+command]; err != nil {
		return nil, err
	}
	if f.Shows == nil {
		return nil, host.ErrNoSwitch
	}
	out, ok := f.Shows[command]
	if !ok {
		return nil, f.refuse("show " + command)
	}
	return []byte(out), ctx.Err()
}

// Kube gives a recorded object or list.
func (f *Fake) Kube(ctx context.Context, q host.KubeQuery) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.recorded(ctx, "kube "+q.String(), f.Kubes, q.String(), fmt.Errorf("%s: %w", q, host.ErrNoObject))
}

// Docker gives a recorded answer.
func (f *Fake) Docker(ctx context.Context, q host.DockerQuery) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.recorded(ctx, q.String(), f.Dockers, q.String(), fmt.Errorf("%s: %w", q, fs.ErrNotExist))
}

// recorded is an answer of a map; the lock is held.
func (f *Fake) recorded(ctx context.Context, question string, of map[string]string, key string, none error) ([]byte, error) {
	f.log = append(f.log, question)
	if err := f.Errors[question]; err != nil {
		return nil, err
	}
	switch out, ok := of[key]; {
	case !ok:
		return nil, f.refuse(question)
	case out == "":
		return nil, none
	default:
		return []byte(out), ctx.Err()
	}
}

// RPC gives a recorded result, and refuses what a real host would refuse as not read-only.
func (f *Fake) RPC(ctx context.Context, q host.RPCQuery) ([]byte, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, "rpc "+q.String())
	if err := f.Errors["rpc "+q.String()]; err != nil {
		return nil, err
	}
	left := f.RPCs[q.String()]
	if len(left) == 0 {
		return nil, f.refuse("rpc " + q.String())
	}
	if len(left) > 1 {
		f.RPCs[q.String()] = left[1:]
	}
	return []byte(left[0]), ctx.Err()
}

func (f *Fake) refuse(question string) error {
	return fmt.Errorf("hosttest: the fake host was not told: %s", question)
}

// Do records a step and calls React; Put and Edit change Files by themselves.
func (f *Fake) Do(ctx context.Context, s host.Step) error {
	f.mu.Lock()
	f.log = append(f.log, "do "+s.String())
	if f.Stage {
		f.staged = append(f.staged, s)
		f.mu.Unlock()
		return ctx.Err()
	}
	f.mu.Unlock()
	return f.act(s)
}

func (f *Fake) act(s host.Step) error {
	f.mu.Lock()
	f.steps = append(f.steps, s)
	err := f.write(s)
	f.mu.Unlock()
	if err == nil && f.React != nil {
		err = f.React(f, s)
	}
	return err
}

func (f *Fake) write(s host.Step) error {
	switch s := s.(type) {
	case host.Put:
		delete(f.Missing, s.Path)
		f.Files[s.Path] = string(s.Content)
		f.Stats[s.Path] = host.Stat{Type: host.Regular, Mode: s.Mode, UID: uint32(s.UID), GID: uint32(s.GID), Size: int64(len(s.Content))}
	case host.Edit:
		edited, err := host.EditLines([]byte(f.Files[s.Path]), s.Drop, s.Add)
		if err != nil {
			return err
		}
		f.Files[s.Path] = string(edited)
	case host.Remove:
		delete(f.Files, s.Path)
		delete(f.Stats, s.Path)
		f.Missing[s.Path] = true
	}
	return nil
}

// Stages tells Stage.
func (f *Fake) Stages() bool { return f.Stage }

// Commit puts what is staged in force.
func (f *Fake) Commit(context.Context) error {
	f.note("commit")
	for _, s := range f.staged {
		if err := f.act(s); err != nil {
			return err
		}
	}
	return nil
}

// Arm is noted; Errors["arm"] refuses it.
func (f *Fake) Arm(_ context.Context, u host.Undo) error {
	f.note("arm " + u.String())
	return f.Errors["arm"]
}

// Afresh is the fake itself; Errors["afresh"] is a host that cannot be reached any more.
func (f *Fake) Afresh(ctx context.Context) (host.Reader, error) {
	f.note("afresh")
	if err := f.Errors["afresh"]; err != nil {
		return nil, err
	}
	return f, ctx.Err()
}

// Confirm keeps what is committed, unless Errors["confirm"] says otherwise.
func (f *Fake) Confirm(context.Context) error {
	f.note("confirm")
	f.staged = nil
	return f.Errors["confirm"]
}

// Revert forgets what is staged; a test's React undoes what it did when it sees a nil step.
func (f *Fake) Revert(context.Context) error {
	f.note("revert")
	f.staged = nil
	if f.React != nil {
		return f.React(f, nil)
	}
	return nil
}

// Close is noted.
func (f *Fake) Close() error { f.note("close"); return nil }

func (f *Fake) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, what)
}

// Steps gives the steps done so far.
func (f *Fake) Steps() []host.Step { f.mu.Lock(); defer f.mu.Unlock(); return slices.Clone(f.steps) }

// Log gives everything asked and done, a line each.
func (f *Fake) Log() []string { f.mu.Lock(); defer f.mu.Unlock(); return slices.Clone(f.log) }

// Wrote is the content of a file as it is now.
func (f *Fake) Wrote(name string) string { return f.Files[path.Clean(name)] }

// StepText is the steps as a person reads them, a line each.
func StepText(steps []host.Step) string {
	var b bytes.Buffer
	for _, s := range steps {
		b.WriteString(strings.TrimRight(s.String(), "\n") + "\n")
	}
	return b.String()
}
