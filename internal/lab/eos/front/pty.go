package front

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pty is a pair of a real terminal: a command of bash gets the slave as its input and output, as it gets the login's terminal on a
// switch. So a command that reads eats what was typed ahead, and one that does not leaves it to the CLI.
type pty struct{ master, slave *os.File }

func openPTY() (*pty, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a terminal for bash: %w", err)
	}
	p := &pty{master: master}
	if err := p.openSlave(); err != nil {
		master.Close()
		return nil, fmt.Errorf("open a terminal for bash: %w", err)
	}
	// What is typed is shown by the CLI, once it reads it: a fault of its own has it shown twice.
	if err = p.modes(func(t *unix.Termios) { t.Lflag &^= unix.ECHO }); err != nil {
		p.close()
	}
	return p, err
}

// openSlave asks the master for it: a path below /dev/pts may be another namespace's.
func (p *pty) openSlave() error {
	raw, err := p.master.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if failed = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failed != nil {
			return
		}
		n, _, errno := unix.Syscall(unix.SYS_IOCTL, fd, unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
		if errno != 0 {
			failed = errno
			return
		}
		p.slave = os.NewFile(n, "terminal")
	})
	if err != nil {
		return err
	}
	return failed
}

func (p *pty) modes(change func(*unix.Termios)) error {
	raw, err := p.slave.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		t, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
		if err == nil {
			change(t)
			err = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
		}
		failed = err
	})
	if err != nil {
		return err
	}
	return failed
}

// unread gives back what nobody has read of n bytes that were typed. A terminal takes what is written to it a moment later, so each read
// waits a tenth of a second at most.
func (p *pty) unread(n int) []byte {
	err := p.modes(func(t *unix.Termios) {
		t.Lflag &^= unix.ICANON | unix.ECHO
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 0, 1
	})
	if err != nil {
		return nil
	}
	var left []byte
	for b := make([]byte, 4096); len(left) < n; {
		k, err := p.slave.Read(b)
		if k == 0 || err != nil {
			break
		}
		left = append(left, b[:k]...)
	}
	return left
}

func (p *pty) close() {
	p.slave.Close()
	p.master.Close()
}
