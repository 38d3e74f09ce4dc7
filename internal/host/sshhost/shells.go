package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
)

// How the shells are used. sshd allows ten sessions on a connection: up to six for questions, one for steps, one for the
// heartbeat, two for streams.
const (
	shellsFirst = 4
	shellsMost  = 6
	shellSlow   = time.Second // then what waits behind goes elsewhere
)

// shells are the far end where there is no Perl.
type shells struct {
	c *channel

	mu      sync.Mutex
	readers []*shell
	opening int
	waiting []*request // questions for which no shell is fit
	writer  *shell     // holds the lock, does the steps
	steps   []*request
	doing   *request
	beat    *link
	over    chan struct{}
}

// startShells opens them at once.
func startShells(ctx context.Context, c *channel) (*shells, hello, error) {
	s := &shells{c: c, over: make(chan struct{})}
	var hi hello
	var questions []func(context.Context) error
	for range shellsFirst {
		questions = append(questions, func(ctx context.Context) error {
			sh, h, err := c.openShell(ctx)
			if err == nil {
				s.mu.Lock()
				hi = h
				s.readers = append(s.readers, sh)
				s.mu.Unlock()
			}
			return err
		})
	}
	if err := host.Ask(ctx, questions...); err != nil {
		return nil, hello{}, err
	}
	for _, sh := range s.readers {
		sh.mu.Lock()
		sh.spent = s.deal
		sh.mu.Unlock()
	}
	go c.conn.keepAlive()
	go s.watch()
	return s, hi, nil
}

func (s *shells) send(rs []*request) {
	s.mu.Lock()
	var table *request
	for _, r := range rs {
		r.begun = time.Now()
		s.limit(r)
		switch {
		case r.step || r.op == opLock || r.op == opCheck:
			s.steps = append(s.steps, r)
		case r.op == opStat:
			if table == nil {
				table = newRequest(opRun, questionLimit, "cat", "/proc/self/mountinfo")
				s.limit(table)
				s.waiting = append(s.waiting, table)
			}
			s.waiting = append(s.waiting, rawStat(r, table))
		default:
			s.waiting = append(s.waiting, r)
		}
	}
	s.mu.Unlock()
	s.deal()
}

// rawStat asks stat(1), which does not tell the mount's id: that comes from one reading of the mount table a wave.
func rawStat(r, table *request) *request {
	raw := newRequest(opStat, r.limit, r.words...)
	raw.then = func(a answer) {
		go func() { // the table comes in its own time
			<-table.done
			r.finish(withMountID(a, table.ans))
		}()
	}
	return raw
}

// limit gives a request up after its limit; a step a little later, so that timeout(1) on the host comes first.
func (s *shells) limit(r *request) {
	after := r.limit
	if r.step {
		after += grace
	}
	t := time.AfterFunc(after, func() { r.fail(overLimit(r)) })
	r.chain(func(answer) { t.Stop() })
}

// deal hands out what waits.
func (s *shells) deal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = slices.DeleteFunc(s.readers, func(sh *shell) bool { return sh.ended() })
	for len(s.waiting) > 0 {
		sh := s.fittest()
		if sh == nil {
			s.another()
			break
		}
		r := s.waiting[0]
		s.waiting = s.waiting[1:]
		if !r.answered() {
			sh.send(r, command(r))
		}
	}
	s.step()
}

// fittest is the shell with the least to do, or nil.
func (s *shells) fittest() *shell {
	var best *shell
	least := 0
	for _, sh := range s.readers {
		if n, fit := sh.load(shellSlow); fit && (best == nil || n < least) {
			best, least = sh, n
		}
	}
	return best
}

// another opens one more shell: all are busy with something slow. The lock is held.
func (s *shells) another() {
	if s.opening > 0 || len(s.readers) >= shellsMost {
		return
	}
	s.opening++
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), startLimit)
		defer cancel()
		sh, _, err := s.c.openShell(ctx)
		s.mu.Lock()
		s.opening--
		if err == nil {
			sh.mu.Lock()
			sh.spent = s.deal
			sh.mu.Unlock()
			s.readers = append(s.readers, sh)
		}
		s.mu.Unlock()
		s.deal()
	}()
}

// step sends the next step when the one before has its answer: a step that waits in a shell behind one that hangs could
// not be called back. The lock is held.
func (s *shells) step() {
	if s.doing != nil || len(s.steps) == 0 {
		return
	}
	r := s.steps[0]
	s.steps = s.steps[1:]
	if r.answered() {
		go s.deal()
		return
	}
	s.doing = r
	go s.do(r)
}

// do gives a step to the writing shell and waits for its end, whatever its waiters do.
func (s *shells) do(r *request) {
	w, err := s.writing(r)
	if err != nil {
		r.fail(err)
	} else {
		w.send(r, command(r))
	}
	<-r.done
	if r.op == opLock && strings.HasPrefix(r.ans.lock, "ok ") {
		s.heartbeat(w)
	}
	s.mu.Lock()
	if w != nil {
		n, _ := w.load(0)
		w.retired = n > 0 // given up here, still running there: nothing may start beside it
	}
	s.doing = nil
	s.mu.Unlock()
	s.deal()
}

// writing is the shell for steps; the lock's request opens it.
func (s *shells) writing(r *request) (*shell, error) {
	s.mu.Lock()
	w := s.writer
	s.mu.Unlock()
	switch {
	case w != nil && w.retired:
		return w, fmt.Errorf("%w: an earlier step hangs on this host", host.ErrStuck)
	case w != nil:
		return w, nil
	case r.op != opLock:
		return nil, errFenced
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	w, _, err := s.c.openShell(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.writer = w
	s.mu.Unlock()
	return w, nil
}

// beatScript kills the shell that holds the lock when the client is silent. A step that runs keeps the lock until its
// end: its own subshell has the descriptor. read takes no byte too many, and has no timeout of its own.
const beatScript = `while l=$(timeout "$2" sh -c 'read -r l && echo "$l"'); do [ "$l" = bye ] && exit 0; done; kill -KILL "$1"`

func (s *shells) heartbeat(w *shell) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	l, err := s.c.rootStream(ctx, "sh", "-c", beatScript, "bisc", w.pid, strconv.Itoa(int(silence.Seconds())))
	if err != nil {
		s.c.fail(unreachable(s.c.cfg, "start the heartbeat: %w", err))
		return
	}
	s.mu.Lock()
	s.beat = l
	s.mu.Unlock()
	go func() {
		for {
			select {
			case <-s.over:
				return
			case <-l.ended:
				return
			case <-time.After(pingEvery):
				_ = l.write([]byte("beat\n"))
			}
		}
	}()
}

// watch moves what waits behind something slow.
func (s *shells) watch() {
	tick := time.NewTicker(shellSlow / 4)
	defer tick.Stop()
	for {
		select {
		case <-s.c.failed:
			s.end()
			return
		case <-tick.C:
		}
		s.mu.Lock()
		for _, sh := range s.readers {
			s.waiting = append(s.waiting, sh.behind(shellSlow)...)
		}
		s.mu.Unlock()
		s.deal()
	}
}

// end fails what no shell has taken.
func (s *shells) end() {
	s.mu.Lock()
	rest := append(s.waiting, s.steps...)
	s.waiting, s.steps = nil, nil
	close(s.over)
	s.mu.Unlock()
	failAll(rest, s.c.err)
}

// cancel does nothing: a shell cannot be told to stop what it does. Its limit ends it.
func (s *shells) cancel(*request) {}

func (s *shells) stream(ctx context.Context, argv ...string) (io.ReadWriteCloser, error) {
	l, err := s.c.rootStream(ctx, argv...)
	if err != nil {
		return nil, err
	}
	return &shellStream{l, argv[0]}, nil
}

// shellStream is a program on a session of its own.
type shellStream struct {
	l    *link
	name string
}

func (s *shellStream) Write(b []byte) (int, error) { return len(b), s.l.write(b) }
func (s *shellStream) Close() error                { s.l.close(); return nil }

func (s *shellStream) Read(b []byte) (int, error) {
	n, err := s.l.r.Read(b)
	if n == 0 && errors.Is(err, io.EOF) {
		s.l.close()
		<-s.l.ended
		if s.l.status == "exit status 127" {
			return 0, fmt.Errorf("%s: %w", s.name, host.ErrNoProgram)
		}
	}
	return n, err
}

// push has the temporary file made by a step, written, and then put in its place.
func (s *shells) push(ctx context.Context, r *request, write func() error) error {
	temp := tempPath(r)
	err := s.plainStep(ctx, "sh", "-c", `set -C; umask 077; : >"$1"`, "bisc", temp)
	if err != nil {
		r.fail(err)
		return err
	}
	if err := write(); err != nil {
		_ = s.plainStep(context.WithoutCancel(ctx), "rm", "-f", "--", temp)
		r.fail(err)
		return err
	}
	s.send([]*request{r})
	return nil
}

func (s *shells) plainStep(ctx context.Context, argv ...string) error {
	r := newRequest(opRun, questionLimit, argv...)
	r.step = true
	s.send([]*request{r})
	a, err := r.wait(ctx)
	if err != nil {
		return err
	}
	return host.Verdict(argv, a.out)
}

// pourMost is the most that goes through a shell's input, where every byte is text and lies in memory.
const pourMost = 64 << 20

func (s *shells) pour(_ context.Context, r *request, src io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(src, pourMost+1))
	if err == nil && len(b) > pourMost {
		err = errors.New("the host has neither Perl nor an sftp-server: install one of them for files this large")
	}
	if err != nil {
		r.fail(err)
		return err
	}
	r.stdin = b
	s.send([]*request{r})
	return nil
}

// leave ends the shell that holds the lock, and waits for it.
func (s *shells) leave(ctx context.Context) {
	s.mu.Lock()
	w, beat := s.writer, s.beat
	s.mu.Unlock()
	if w == nil {
		return
	}
	if beat != nil {
		_ = beat.write([]byte("bye\n"))
		select {
		case <-beat.ended:
		case <-ctx.Done():
		}
	}
	_ = w.l.write([]byte("exit 0\n"))
	select {
	case <-w.l.ended:
	case <-ctx.Done():
	}
}
