package sshhost

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"bisc/internal/host"
)

//go:embed shell.sh
var shellText string

// shell is one sh at the far end, which reads commands from stdin. It does one at a time, in order; each answer ends in a
// mark with the shell's nonce, on stdout and on stderr.
type shell struct {
	l     *link
	nonce string
	pid   string

	mu    sync.Mutex
	ids   int
	queue []*errand // not answered, oldest first
	since time.Time // when the oldest came to be that
	gone  bool
	lines []byte        // of the queue, not given to the connection yet
	wake  chan struct{} // there are lines
	// retired: a step was given up here and still runs there. Guarded by the shells.
	retired bool
	spent   func() // called when an errand was answered, or the shell is gone
}

// errand is one request under way in a shell. Its request goes when another shell takes it over.
type errand struct {
	id       int
	r        *request
	out, err []byte
	exit     int
	left     int // marks that are to come
}

// openShell starts a shell and gives it its functions.
func (c *channel) openShell(ctx context.Context) (*shell, hello, error) {
	up := "bisc-up-" + newNonce()[:8]
	l, err := c.elevate(ctx, host.Quote("sh", "-c", "echo "+up+"; exec sh"), up+"\n")
	if err != nil {
		return nil, hello{}, err
	}
	s := &shell{l: l, nonce: newNonce(), spent: func() {}, wake: make(chan struct{}, 1)}
	stderr := &splitter{mark: "\x1e" + s.nonce + " ", got: func(id, _ int, text []byte) { s.answer(id, func(e *errand) { e.err = text }) }}
	l.hear(stderr.add)
	go s.read()
	intro := fmt.Sprintf("nonce=%s run=%s state=%s\n", s.nonce, host.Quote(c.pool.runDir), host.Quote(c.pool.stateDir))
	if err := l.write([]byte(intro + stripShell(shellText))); err != nil {
		return nil, hello{}, err
	}
	go s.write()
	h, err := s.hello(ctx, c.cfg.answer())
	return s, h, err
}

// stripShell leaves out comment lines and indentation.
func stripShell(text string) string {
	return regexp.MustCompile(`(?m)^[ \t]*(#.*\n)?`).ReplaceAllString(text, "")
}

// hello is the first command: what was written before its answer is noise.
func (s *shell) hello(ctx context.Context, limit time.Duration) (hello, error) {
	r := newRequest(opRun, limit, "bisc_hello")
	s.send(r, "bisc_hello </dev/null")
	a, err := r.wait(ctx)
	if err != nil {
		return hello{}, err
	}
	f := strings.Split(string(a.out.Stdout), "\x00")
	if len(f) != 6 {
		return hello{}, fmt.Errorf("the shell does not answer as it should: %q", a.out.Stdout)
	}
	if f[3] != "" {
		return hello{}, fmt.Errorf("there is no Perl on the host, and without it these are needed:%s: install perl, or coreutils", f[3])
	}
	s.pid = f[2]
	return parseHello(strings.Join([]string{f[0], f[1], f[4], f[5]}, "\x00")), nil
}

// send queues one command; text is its line without the mark.
func (s *shell) send(r *request, text string) {
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		r.fail(s.lost(r))
		return
	}
	s.ids++
	if len(s.queue) == 0 {
		s.since = time.Now()
	}
	s.queue = append(s.queue, &errand{id: s.ids, r: r, left: 2})
	s.lines = fmt.Appendf(s.lines, "%s; bisc_done $? %d\n", text, s.ids)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write gives the connection what was queued. It waits where the shell is slow to read, which nobody else may: the shell does
// not read while nobody takes its answers from it, and a command on dead storage never lets it read again.
func (s *shell) write() {
	for {
		select {
		case <-s.l.ended:
			return
		case <-s.wake:
		}
		s.mu.Lock()
		lines := s.lines
		s.lines = nil
		s.mu.Unlock()
		if err := s.l.write(lines); err != nil {
			s.l.close()
			return
		}
	}
}

// command is the line for a request.
func command(r *request) string {
	words := host.Quote(r.words...)
	seconds := strconv.Itoa(int((r.limit + time.Second - 1) / time.Second))
	var line string
	switch r.op {
	case opStat:
		line = "bisc_stat " + words
	case opRead:
		line = "bisc_read " + words
	case opGlob:
		// Shells differ in what a backslash in an expanded pattern means; a bracket is a bracket to all.
		line = "bisc_glob " + host.Quote(strings.NewReplacer(`\\`, `\\`, `\*`, `[*]`, `\?`, `[?]`, `\[`, `[[]`).Replace(r.words[0]))
	case opGet:
		line = "bisc_get " + seconds + " " + host.Quote(strings.Fields(r.words[0])...)
	case opLock:
		return "bisc_lock " + words + " </dev/null" // in the main shell: it keeps the descriptor
	case opCheck:
		line = "bisc_check"
		if r.note != "" {
			line = "bisc_begun " + host.Quote(r.note) + "; " + line
		}
	case opPut:
		line = recorded(r, "bisc_step bisc_put "+words)
	default:
		line = "bisc_run " + seconds + " " + words
		if r.step {
			line = recorded(r, "bisc_step "+line)
		}
	}
	if len(r.stdin) > 0 {
		return "printf %s " + base64.StdEncoding.EncodeToString(r.stdin) + " | base64 -d | (" + line + ")"
	}
	return "(" + line + ") </dev/null"
}

// recorded puts the host's record around a step.
func recorded(r *request, line string) string {
	if r.note == "" {
		return line
	}
	ref, _, _ := strings.Cut(r.note, " ")
	return "bisc_begun " + host.Quote(r.note) + "; " + line + "; st=$?; bisc_record end " + host.Quote(ref) + " $st; exit $st"
}

func (s *shell) read() {
	stdout := &splitter{mark: "\x1e" + s.nonce + " ", got: func(id, exit int, text []byte) { s.answer(id, func(e *errand) { e.out = text; e.exit = exit }) }}
	b := make([]byte, 64<<10)
	for {
		n, err := s.l.r.Read(b)
		stdout.add(b[:n])
		if err != nil {
			break
		}
	}
	s.l.close()
	<-s.l.ended
	s.end()
}

// answer takes one of the two halves of an answer.
func (s *shell) answer(id int, half func(*errand)) {
	s.mu.Lock()
	var whole *errand
	for i, e := range s.queue {
		if e.id != id {
			continue
		}
		half(e)
		if e.left--; e.left == 0 {
			whole = e
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			s.since = time.Now()
		}
		break
	}
	s.mu.Unlock()
	if whole == nil {
		return
	}
	if whole.r != nil {
		whole.r.finish(s.judge(whole))
	}
	s.notify()
}

// notify tells the shells that there is room, or none any more.
func (s *shell) notify() {
	s.mu.Lock()
	spent := s.spent
	s.mu.Unlock()
	go spent() // it takes the shells' lock, which whoever writes to this shell may hold
}

// judge turns what a shell wrote into an answer.
func (s *shell) judge(e *errand) answer {
	r := e.r
	a := answer{out: host.Output{Stdout: e.out, Stderr: e.err, Exit: e.exit}}
	if bytes.Contains(e.err, []byte("\x1ebisc-fenced "+s.nonce)) {
		return answer{err: errFenced}
	}
	if _, why, ok := bytes.Cut(e.err, []byte("\x1ebisc-record "+s.nonce+" ")); ok {
		return answer{err: fmt.Errorf("%w: %s", host.ErrUnrecorded, bytes.TrimSpace(why))}
	}
	switch r.op {
	case opStat, opRead, opGlob, opGet:
		if err := execFailure(a, s.nonce); err != nil {
			return answer{err: fmt.Errorf("%s: there is no Perl on the host, and without it bash (or, for a socket, curl) is needed: %w", r.what(), err)}
		}
		if e.exit != 0 {
			return answer{err: fileError(strings.Fields(r.what())[0], r.words[0], shellErrno(e.err))}
		}
		a.file = strings.TrimSuffix(string(e.out), "\x00")
	case opLock, opCheck:
		a.lock = strings.TrimSpace(string(e.out))
	default:
		if err := execFailure(a, s.nonce); err != nil {
			return answer{err: fmt.Errorf("%s: %w", r.words[0], err)}
		}
		if r.step && e.exit == 137 && time.Since(r.begun) >= r.limit {
			return answer{err: &host.ExitError{Argv: []string{r.what()}, Exit: -1, Stderr: e.err, Stuck: true}}
		}
	}
	return a
}

// shellErrno finds the system call's error in a program's complaint: it comes last.
func shellErrno(stderr []byte) string {
	text := strings.TrimSpace(string(stderr))
	text = text[strings.LastIndexByte(text, '\n')+1:]
	for number, why := range map[int]string{1: "Operation not permitted", 2: "No such file or directory", 13: "Permission denied", 20: "Not a directory", 21: "Is a directory", 40: "Too many levels of symbolic links", 111: "Connection refused"} {
		if strings.HasSuffix(text, why) {
			return fmt.Sprintf("%d %s", number, why)
		}
	}
	return "0 " + text
}

func (s *shell) lost(r *request) error {
	err := unreachable(s.l.conn.cfg, "a shell ended: %s", said(s.l))
	if r.step {
		return fmt.Errorf("%w: %w", host.ErrLost, err)
	}
	return err
}

func (s *shell) end() {
	s.mu.Lock()
	s.gone = true
	rest := s.queue
	s.queue = nil
	s.mu.Unlock()
	for _, e := range rest {
		if e.r != nil {
			e.r.fail(s.lost(e.r))
		}
	}
	s.notify()
}

// behind takes over what waits behind a command that does not end: those are questions, so asking them twice is harmless.
func (s *shell) behind(than time.Duration) []*request {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) < 2 || time.Since(s.since) < than {
		return nil
	}
	var rs []*request
	for _, e := range s.queue[1:] {
		if e.r != nil {
			rs = append(rs, e.r)
			e.r = nil
		}
	}
	return rs
}

func (s *shell) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone
}

// load is how much waits in the shell; a slow command makes it unfit for more.
func (s *shell) load(slow time.Duration) (n int, fit bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue), !s.gone && (len(s.queue) == 0 || time.Since(s.since) < slow)
}

// splitter cuts a stream at marks "MARKid exit\n". What follows the last one is not an answer yet.
type splitter struct {
	mark string
	got  func(id, exit int, text []byte)
	buf  []byte
	from int // before here there is no mark
}

func (s *splitter) add(b []byte) {
	s.buf = append(s.buf, b...)
	for {
		i := bytes.Index(s.buf[s.from:], []byte(s.mark))
		if i < 0 {
			s.from = max(0, len(s.buf)-len(s.mark))
			return
		}
		i += s.from
		n := bytes.IndexByte(s.buf[i:], '\n')
		if n < 0 {
			s.from = i
			return
		}
		var id, exit int
		if _, err := fmt.Sscanf(string(s.buf[i+len(s.mark):i+n]), "%d %d", &id, &exit); err == nil {
			s.got(id, exit, bytes.Clone(s.buf[:i]))
		}
		s.buf = append([]byte(nil), s.buf[i+n+1:]...)
		s.from = 0
	}
}
