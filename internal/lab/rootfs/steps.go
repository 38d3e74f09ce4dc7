package rootfs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Steps tells a person what is being done and since when.
type Steps struct {
	out   io.Writer
	start time.Time
}

// NewSteps tells out; nil is nowhere.
func NewSteps(out io.Writer) *Steps {
	if out == nil {
		out = io.Discard
	}
	return &Steps{out: out, start: time.Now()}
}

// Step tells one line.
func (s *Steps) Step(format string, args ...any) {
	fmt.Fprintf(s.out, "lab %4.0fs  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

// Run runs a program and passes on the lines that name its steps. Its last lines are in the error: that is where apt
// says why.
func (s *Steps) Run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1")
	// The program goes when this process does, by whatever hand. That is the thread's end: keep it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	tail := make(chan []string)
	go func() { tail <- s.follow(read) }()
	err := cmd.Run()
	write.Close()
	last := <-tail
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, strings.Join(last, "\n"))
	}
	return nil
}

// follow passes on mmdebstrap's "I: " lines and returns the last twenty of all.
func (s *Steps) follow(r io.Reader) []string {
	var last []string
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := scan.Text()
		if step, ok := strings.CutPrefix(line, "I: "); ok && !strings.HasPrefix(step, "running --") {
			s.Step("  %s", step)
		}
		last = append(last, line)
		if len(last) > 20 {
			last = last[1:]
		}
	}
	io.Copy(io.Discard, r) // a line longer than the buffer must not block the program
	return last
}
