package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// MaxOutput is the most that a program may print, in bytes.
const MaxOutput = 1 << 20

// maxComplaint is how much of what a failed program wrote to its standard error is shown, in bytes: the end of it.
const maxComplaint = 2000

// ErrOutput is what a program printed and cannot be a value.
var ErrOutput = errors.New("unfit output")

// Command runs a program in a folder and gives what it prints, without one line break at the end: programs end their last
// line with it, and nobody means it. argv goes to exec as it is; there is no shell. The same argv in the same folder runs
// once a run, also where it fails. Of a program that fails its standard error is told, of one that does not, nothing.
func (k *Keeper) Command(dir string, argv []string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := dir + "\x00" + strings.Join(argv, "\x00")
	if a, ok := k.said[key]; ok {
		return a.value, a.err
	}
	value, err := k.run(dir, argv)
	if k.ctx.Err() == nil {
		k.said[key] = answer{value, err}
	}
	return value, err
}

func (k *Keeper) run(dir string, argv []string) (string, error) {
	if len(argv) == 0 || argv[0] == "" {
		return "", errors.New("a program's name is wanted: [\"pass\", \"show\", \"entry\"]")
	}
	ctx, cancel := context.WithTimeoutCause(k.ctx, k.Limit, fmt.Errorf("no end within %s", k.Limit))
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out, complaint := &bounded{limit: MaxOutput, full: cancel}, &bounded{limit: 1 << 16, roll: true}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, k.environment(), out, complaint
	// A group of its own, so that what the program started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case out.over:
		return "", fmt.Errorf("%w: %s printed more than %d bytes", ErrOutput, argv[0], MaxOutput)
	case err != nil && ctx.Err() != nil:
		return "", fmt.Errorf("running %s: %w", argv[0], context.Cause(ctx))
	case err != nil:
		return "", failed(argv[0], err, out.String(), complaint.String())
	}
	return value(argv[0], out.String())
}

func value(program, text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return "", fmt.Errorf("%w: %s ended well and printed nothing", ErrOutput, program)
	case !utf8.ValidString(text):
		return "", fmt.Errorf("%w: what %s printed is not UTF-8", ErrOutput, program)
	}
	return text, nil
}

// failed tells why a program gave no value. What it printed is taken out of its complaint: it may be half a secret.
func failed(program string, err error, printed, complaint string) error {
	for _, line := range strings.Split(printed, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			complaint = strings.ReplaceAll(complaint, line, "(withheld)")
		}
	}
	complaint = strings.ToValidUTF8(strings.TrimSpace(complaint), "?")
	if len(complaint) > maxComplaint {
		complaint = "..." + strings.ToValidUTF8(complaint[len(complaint)-maxComplaint:], "")
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("running %s: there is no such program in PATH", program)
	}
	if complaint == "" {
		return fmt.Errorf("running %s: %w, and it said nothing about why", program, err)
	}
	return fmt.Errorf("running %s: %w: %s", program, err, complaint)
}

// environment is bisc's own without what holds secrets of others.
func (k *Keeper) environment() []string {
	var out []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !k.hidden[name] {
			out = append(out, v)
		}
	}
	return out
}

// bounded keeps the first bytes that are written, or with roll the last ones. The buffer is no embedded one: its ReadFrom
// would take everything past Write.
type bounded struct {
	kept  bytes.Buffer
	limit int
	roll  bool
	over  bool
	full  func()
}

func (b *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if b.roll {
		b.kept.Write(p)
		b.kept.Next(max(0, b.kept.Len()-b.limit))
		return n, nil
	}
	if b.kept.Len()+n > b.limit {
		b.over = true
		b.full()
		return 0, ErrOutput
	}
	return b.kept.Write(p)
}

func (b *bounded) String() string { return b.kept.String() }
