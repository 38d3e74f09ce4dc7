package linux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Options says what a System is to be.
type Options struct {
	User string // whom bash runs as; "" is admin
	// Version is EOS's, which /etc/Eos-release tells; "" is 4.34.0F.
	Version string
	// Image are programs that the switch's image has, by absolute path, beside what the machine has: the agents of others that
	// the configuration starts. They run, and do nothing.
	Image []string
	// Pause is how long ProcMgr waits before it starts again what has ended; 0: 50 ms. [V] it starts again at once; how soon that
	// is, and whether it ever gives up, is [U].
	Pause time.Duration
	// Log is given what ProcMgr writes to the switch's log; nil is nowhere.
	Log func(facility, text string)
}

// System is the Linux of one switch.
type System struct {
	opts    Options
	procmgr *ProcMgr

	mu    sync.RWMutex // held for reading while a program is started: none starts in a root that goes away
	root  *root
	boots int
}

// Start boots it for the first time. Isolate has been called.
func Start(opts Options) (*System, error) {
	if opts.User == "" {
		opts.User = "admin"
	}
	if opts.Version == "" {
		opts.Version = "4.34.0F"
	}
	if opts.Pause == 0 {
		opts.Pause = 50 * time.Millisecond
	}
	if opts.Log == nil {
		opts.Log = func(string, string) {}
	}
	if err := installTools(); err != nil {
		return nil, err
	}
	s := &System{opts: opts}
	s.procmgr = newProcMgr(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.boot()
}

// boot makes the next root; the system is locked.
func (s *System) boot() (err error) {
	s.boots++
	s.root, err = newRoot(s.boots, s.opts)
	return err
}

// Reload ends every process, drops the root with all that was written to it, and makes another one. Flash stays. Agents start again
// when they are Set again, as the configuration that the switch boots from has them.
func (s *System) Reload() error {
	s.procmgr.stopAll()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.down(), s.boot())
}

// Stop takes it down for good.
func (s *System) Stop() error {
	s.procmgr.stopAll()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down()
}

// down ends all processes and drops the root; the system is locked.
func (s *System) down() error { return errors.Join(killAll(), s.root.remove()) }

// ProcMgr keeps the switch's agents.
func (s *System) ProcMgr() *ProcMgr { return s.procmgr }

// Path is where the emulator's own process finds a file of the switch.
func (s *System) Path(name string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.root.at(filepath.Clean("/" + name))
}

// Root is the switch's root folder, as the emulator's own process finds it; another one after each reload.
func (s *System) Root() string { return s.Path("/") }

// Boots counts the boots.
func (s *System) Boots() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.boots
}

// Bash runs a command line in the switch's bash, as the first login user, and returns its exit status: 128 and the signal's number
// where one ended it. When the context ends, so does the command, with all that it started. (device.Linux)
func (s *System) Bash(ctx context.Context, command string, stdin io.Reader, stdout, stderr io.Writer) int {
	return s.BashAs(ctx, s.opts.User, command, stdin, stdout, stderr)
}

// BashAs is Bash as root, or as a login user: all of these are one to the kernel.
func (s *System) BashAs(ctx context.Context, user, command string, stdin io.Reader, stdout, stderr io.Writer) int {
	home, credential := "/home/"+s.opts.User, &syscall.Credential{Uid: loginID, Gid: adminGroup}
	if user == "root" {
		home, credential = "/root", &syscall.Credential{}
	}
	cmd := exec.CommandContext(ctx, "/bin/bash", "-c", command)
	cmd.Dir = home
	cmd.Env = append(searchPath(), "HOME="+home, "USER="+user, "LOGNAME="+user, "SHELL=/bin/bash")
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: credential}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second // who fled from the process group may keep the output open
	started, err := feed(cmd, stdin)
	if err == nil {
		err = s.start(cmd)
		started()
	}
	if err != nil {
		fmt.Fprintln(stderr, "bash:", err)
		return 126
	}
	return status(cmd.Wait())
}

// feed gives a command its input, and to be called once it has started. The end of the command does not wait for the end of the
// input: a client keeps its side open.
func feed(cmd *exec.Cmd, stdin io.Reader) (started func(), err error) {
	if file, ok := stdin.(*os.File); ok || stdin == nil {
		if ok {
			cmd.Stdin = file
		}
		return func() {}, nil
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdin = from
	return func() {
		from.Close()
		go func() {
			_, _ = io.Copy(to, stdin) // the command need not read to the end
			to.Close()
		}()
	}, nil
}

// SFTP serves a session of the sftp subsystem, as the login user, in the switch's root.
func (s *System) SFTP(ctx context.Context, user string, channel io.ReadWriteCloser) error {
	if status := s.BashAs(ctx, user, "exec "+sftpServer, channel, channel, io.Discard); status != 0 {
		return fmt.Errorf("the switch's sftp server ended with status %d", status)
	}
	return nil
}

// start starts a program in the present root. The caller waits for it.
func (s *System) start(cmd *exec.Cmd) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	cmd.SysProcAttr.Chroot = s.root.dir
	return cmd.Start()
}

// status is what a shell would call it.
func status(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0
	case !errors.As(err, &exit):
		return 126
	}
	if ws := exit.Sys().(syscall.WaitStatus); ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return exit.ExitCode()
}

// Script runs a program of the switch as root, as an event handler does, and gives what it says.
func (s *System) Script(ctx context.Context, command string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "/bin/bash", "-c", command)
	cmd.Dir, cmd.Env = "/", append(searchPath(), "HOME=/root", "USER=root")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := os.CreateTemp("", "script-") // a file: what goes on in the background may hold it as long as it likes
	if err != nil {
		return nil, err
	}
	defer func() { out.Close(); os.Remove(out.Name()) }()
	cmd.Stdout, cmd.Stderr = out, out
	if err := s.start(cmd); err != nil {
		return nil, err
	}
	err = cmd.Wait()
	said, readErr := os.ReadFile(out.Name())
	return said, errors.Join(err, readErr)
}
