package sshhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bisc/internal/host"
)

type op byte

const (
	opRun   op = iota // a program
	opPut             // parameters of a put (see putArgs)
	opStat            // path
	opRead            // path
	opGlob            // pattern
	opGet             // network, address and page, with a blank between
	opLock            // the lock's JSON
	opCheck           // is the lock still ours?
)

// request is one question or step. It knows nothing of how it is carried, so that it can be sent again by other means
// where the first could not start (no Perl, sudo wants a password).
type request struct {
	op    op
	words []string // argv, or the parameters, or the path
	stdin []byte
	step  bool
	anew  bool   // not to share an answer with who asks the same
	once  bool   // not to be asked again on another connection
	note  string // the host's record of the step
	limit time.Duration

	begun time.Time // when a shell's limit began

	mu   sync.Mutex
	ans  answer
	done chan struct{}
	id   atomic.Uint32 // on the wire, once sent
	// grow, if set, gets stdout as it comes instead of ans.
	grow func([]byte)

	// then, if set, is called with the answer, by whoever brings it.
	then    func(answer)
	waiters int    // guarded by the waves
	release func() // has the next wave not wait for it; guarded by the waves, and nil until it was sent
	alone   bool   // not to be merged: that was tried
}

// answer is what came back. One of out, file and lock is meant, by the request's op.
type answer struct {
	out  host.Output
	file string // fields of a stat joined by NUL, names of a glob joined by NUL
	lock string // "ok TOKEN", "held JSON", "fail WHY", "fenced JSON"
	err  error  // no answer, and why
}

func newRequest(o op, limit time.Duration, words ...string) *request {
	return &request{op: o, words: words, limit: limit, done: make(chan struct{})}
}

// key is the same for questions that have the same answer; steps have none.
func (r *request) key() string {
	if r.step || r.op > opGet || r.op == opPut || r.anew || len(r.stdin) > 0 || r.grow != nil {
		return ""
	}
	return strconv.Itoa(int(r.op)) + "\x00" + strings.Join(r.words, "\x00")
}

// question tells whether others wait behind it for the next wave.
func (r *request) question() bool { return !r.step && r.grow == nil }

// finish gives the answer; only the first counts.
func (r *request) finish(a answer) {
	r.mu.Lock()
	if r.answered() {
		r.mu.Unlock()
		return
	}
	r.ans = a
	then := r.then
	close(r.done)
	r.mu.Unlock()
	if then != nil {
		then(a)
	}
}

// chain has f called with the answer too, after those before it.
func (r *request) chain(f func(answer)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.then
	r.then = func(a answer) {
		if before != nil {
			before(a)
		}
		f(a)
	}
}

func (r *request) fail(err error) { r.finish(answer{err: err}) }

func (r *request) answered() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

func (r *request) addStdout(b []byte) {
	if r.grow != nil {
		r.grow(b)
		return
	}
	r.mu.Lock()
	r.ans.out.Stdout = append(r.ans.out.Stdout, b...)
	r.mu.Unlock()
}

func (r *request) addStderr(b []byte) {
	r.mu.Lock()
	r.ans.out.Stderr = append(r.ans.out.Stderr, b...)
	r.mu.Unlock()
}

// gathered is the answer so far, with an exit status.
func (r *request) gathered(exit int) answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.ans
	a.out.Exit = exit
	return a
}

// wait gives the answer, or the context's error.
func (r *request) wait(ctx context.Context) (*answer, error) {
	select {
	case <-r.done:
		return &r.ans, r.ans.err
	case <-ctx.Done():
		return &answer{}, context.Cause(ctx)
	}
}

// what names a request in messages.
func (r *request) what() string {
	switch r.op {
	case opStat:
		return "stat " + r.words[0]
	case opRead:
		return "read " + r.words[0]
	case opGlob:
		return "list " + r.words[0]
	case opGet:
		return "get " + r.words[0]
	case opPut:
		return "put " + r.words[0]
	case opLock, opCheck:
		return "the host's lock"
	}
	return r.words[0]
}

var errFenced = fmt.Errorf("%w: nothing was done", host.ErrFenced)

// notDone turns the far end's reason for not starting something into an error.
func notDone(reason string) error {
	word, rest, _ := strings.Cut(reason, " ")
	switch word {
	case "fenced":
		return errFenced
	case "record":
		return fmt.Errorf("%w: %s", host.ErrUnrecorded, rest)
	case "refused":
		return fmt.Errorf("%w: the reader on the host answers: %s (where bisc is newer than the reader: bisc schedule key prints today's)", host.ErrNotReadOnly, rest)
	case "busy":
		return fmt.Errorf("%w: too many earlier questions hang in the kernel of this host", host.ErrStuck)
	}
	return fmt.Errorf("the host could not start it: %s %s", word, rest)
}

// exitStatus turns a wait status into what a shell would show.
func exitStatus(wait uint32) int {
	if sig := wait & 0x7f; sig != 0 {
		return 128 + int(sig)
	}
	return int(wait >> 8 & 0xff)
}

// errno is a system call's failure on the host. The number is Linux's, whatever the controller runs.
type errno struct {
	number int
	text   string
}

func (e errno) Error() string { return e.text }

// Is maps the numbers that callers branch on. ENOTDIR says for certain that there is nothing at a path.
func (e errno) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return e.number == 2 || e.number == 20
	case fs.ErrPermission:
		return e.number == 1 || e.number == 13
	case host.ErrNotListening:
		return e.number == 111 // ECONNREFUSED
	}
	return false
}

// fileError reads the "!" answer of a file operation.
func fileError(verb, name, text string) error {
	if text == "stuck" {
		return fmt.Errorf("%s %s: %w", verb, name, host.ErrStuck)
	}
	number, why, _ := strings.Cut(strings.TrimSpace(text), " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return &fs.PathError{Op: verb, Path: name, Err: errors.New(text)}
	}
	if word, _, _ := strings.Cut(why, " "); n == 0 && (word == "busy" || word == "fork" || word == "refused") {
		return &fs.PathError{Op: verb, Path: name, Err: notDone(why)}
	}
	return &fs.PathError{Op: verb, Path: name, Err: errno{n, why}}
}

// execMark is what the far end's child writes on stderr, with the channel's nonce, when exec failed.
func execFailure(a answer, nonce string) error {
	if a.out.Exit != 127 {
		return nil
	}
	mark := []byte("\x1ebisc-exec " + nonce + " ")
	_, after, ok := bytes.Cut(a.out.Stderr, mark)
	if !ok {
		return nil
	}
	number, why, _ := strings.Cut(string(after), " ")
	if number == "2" {
		return host.ErrNoProgram
	}
	return fmt.Errorf("exec: %s", why)
}
