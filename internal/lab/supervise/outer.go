package supervise

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/rootfs"
	"bisc/internal/lab/spec"
)

// InnerVerb is the program's hidden subcommand that Run starts in namespaces of its own.
const InnerVerb = "inner"

// endLimit is how long the inner process has to end by itself.
const endLimit = 10 * time.Second

// Run runs a lab until stdin ends, SIGINT or SIGTERM comes, or the inner process fails, and then gives back what it
// took. Events go to stdout, one JSON object a line.
func Run(lab spec.Lab, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := lab.Validate(); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return rootfs.ErrNotRoot
	}
	// The inner process dies with the thread that started it (Pdeathsig is the thread's, not the process').
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := Sweep(); err != nil {
		fmt.Fprintln(stderr, "bisc-lab: sweep after a lab that was killed:", err) // in nobody's way but its own
	}
	record, err := newRecord()
	if err != nil {
		return err
	}
	err = runInner(lab, record, stdin, stdout, stderr)
	return errors.Join(err, record.release())
}

func runInner(lab spec.Lab, record record, stdin io.Reader, stdout, stderr io.Writer) error {
	asked, err := json.Marshal(lab)
	if err != nil {
		return fmt.Errorf("encode the lab: %w", err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	inner := exec.Command("/proc/self/exe", InnerVerb, record.id(), string(asked))
	inner.Stdin, inner.Stdout, inner.Stderr = stdin, stdout, stderr
	inner.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true, // a terminal's Ctrl-C is for the outer process
	}
	if err := inner.Start(); err != nil {
		return fmt.Errorf("start the lab's namespaces: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- inner.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("the lab ended: %w", err)
		}
		return nil
	case <-signals:
		inner.Process.Signal(syscall.SIGTERM) // it thaws, and goes; the kernel ends the whole PID namespace before Wait returns
		select {
		case <-ended:
		case <-time.After(endLimit):
			inner.Process.Kill()
			<-ended
		}
		return nil
	}
}
