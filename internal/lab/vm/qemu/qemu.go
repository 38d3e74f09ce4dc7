// Package qemu runs one virtual machine: a QEMU process that ends with its parent, and its monitor. The processor is
// emulated (TCG): a stock kernel gains nothing from /dev/kvm where that is itself virtual, and CI machines have none.
package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bisc/internal/lab/vm/image"
)

// Memory is what a machine has, in MiB.
const Memory = 2048

// Config says what a machine is made of.
type Config struct {
	Image    image.Image
	Dir      string // for its sockets and its console
	Root     string // qcow2 file of the root disk
	Data     string // qcow2 file of the data disk, /dev/disk/by-id/virtio-data0
	Incoming string // a saved state to start from; "" boots
	Port     int    // on 127.0.0.1, to the machine's sshd; 0: any
}

// Process is a running QEMU.
type Process struct {
	Port int // on 127.0.0.1

	config  Config
	monitor *monitor
	said    *bytes.Buffer // by QEMU itself; read after ended
	ended   chan struct{}
	err     error // of QEMU; read after ended
	cmd     *exec.Cmd
}

// kernelLine is the kernel's command line. The clock source and the timer are told, since probing an emulated one takes a
// second; a kernel that panics starts again, as a server's does.
const kernelLine = "root=/dev/vda rw console=ttyS0 quiet loglevel=4 net.ifnames=0 mitigations=off random.trust_cpu=on tsc=unstable no_timer_check panic=5"

// Args are QEMU's arguments. They are part of what a saved state depends on.
func Args(c Config) []string {
	disk := func(id, file, more string) []string {
		// cache=unsafe: the guest's flushes reach the machine's own memory and no further. A guest's power cut loses what
		// the guest had not flushed, all the same.
		return []string{"-drive", "if=none,id=" + id + ",format=qcow2,cache=unsafe,discard=unmap,file=" + strings.ReplaceAll(file, ",", ",,"),
			"-device", "virtio-blk-pci,drive=" + id + more}
	}
	args := []string{"-name", "bisc-lab", "-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "Nehalem", "-smp", "2", "-m", strconv.Itoa(Memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-rtc", "base=utc,clock=host",
		"-kernel", c.Image.Kernel, "-initrd", c.Image.Initrd, "-append", kernelLine,
		"-serial", "file:" + filepath.Join(c.Dir, "console"), "-qmp", "unix:" + socketOf(c.Dir) + ",server=on,wait=off",
		"-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0",
		"-netdev", fmt.Sprintf("user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:%d-:22", c.Port), "-device", "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56"}
	args = append(args, disk("root", c.Root, "")...)
	args = append(args, disk("data", c.Data, ",serial=data0")...)
	if c.Incoming != "" {
		args = append(args, "-incoming", "exec:exec zstd -dcq <'"+c.Incoming+"'")
	}
	return args
}

func socketOf(dir string) string { return filepath.Join(dir, "monitor") }

// Start starts QEMU and returns when it answers on its monitor. A machine from a saved state runs then, too.
func Start(ctx context.Context, c Config) (*Process, error) {
	p := &Process{config: c, ended: make(chan struct{}), said: &bytes.Buffer{}}
	started := make(chan error)
	go p.own(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start QEMU: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("QEMU is not up after 2 minutes"))
	defer cancel()
	var err error
	if p.monitor, err = dial(ctx, socketOf(c.Dir), p.ended); err != nil {
		return nil, p.fail(err)
	}
	if c.Incoming != "" {
		if err := p.resume(ctx); err != nil {
			return nil, p.fail(err)
		}
	}
	if p.Port, err = p.forwarded(ctx); err != nil {
		return nil, p.fail(err)
	}
	return p, nil
}

// own is the thread that QEMU is the child of: QEMU is killed when that ends, and that lives until QEMU has ended. So no
// end of this process leaves a machine behind.
func (p *Process) own(started chan<- error) {
	runtime.LockOSThread()
	p.cmd = exec.Command("qemu-system-x86_64", Args(p.config)...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

// fail ends QEMU and adds what it has said.
func (p *Process) fail(err error) error {
	p.Kill()
	return fmt.Errorf("start QEMU: %w\n%s", err, p.said.String())
}

// resume waits until the saved state is read, and lets the machine go on.
func (p *Process) resume(ctx context.Context) error {
	for {
		var s struct{ Status string }
		if err := p.monitor.run(ctx, "query-status", nil, &s); err != nil {
			return err
		}
		if s.Status != "inmigrate" {
			return p.monitor.run(ctx, "cont", nil, nil)
		}
		time.Sleep(20 * time.Millisecond) // QEMU has no event for it but one that must be asked for before the state is read
	}
}

var forwarding = regexp.MustCompile(`HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)`)

// forwarded asks for the port, which the kernel has chosen where none was given.
func (p *Process) forwarded(ctx context.Context) (int, error) {
	var text string
	if err := p.monitor.run(ctx, "human-monitor-command", map[string]any{"command-line": "info usernet"}, &text); err != nil {
		return 0, err
	}
	m := forwarding.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no forwarded port in %q", text)
	}
	return strconv.Atoi(m[1])
}

// Save stops the machine and writes its memory and devices to a file, packed. The disks stay as they are at that moment.
func (p *Process) Save(ctx context.Context, file string) error {
	if err := p.monitor.run(ctx, "stop", nil, nil); err != nil {
		return err
	}
	if err := p.monitor.run(ctx, "migrate-set-parameters", map[string]any{"max-bandwidth": 4 << 30}, nil); err != nil {
		return err
	}
	if err := p.monitor.run(ctx, "migrate", map[string]any{"uri": "exec:exec zstd -1 -q >'" + file + "'"}, nil); err != nil {
		return err
	}
	for {
		var s struct {
			Status string
			Desc   string `json:"error-desc"`
		}
		if err := p.monitor.run(ctx, "query-migrate", nil, &s); err != nil {
			return err
		}
		switch s.Status {
		case "completed":
			return nil
		case "failed", "cancelled":
			return fmt.Errorf("save the machine: %s: %s", s.Status, s.Desc)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Reset is the reset button: the guest's memory is lost, with all that it had not flushed.
func (p *Process) Reset(ctx context.Context) error {
	return p.monitor.run(ctx, "system_reset", nil, nil)
}

// Resets has one entry for each reset, by whatever hand.
func (p *Process) Resets() <-chan struct{} { return p.monitor.resets }

// Ended is closed when QEMU has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Said is why QEMU ended, when it did so by itself.
func (p *Process) Said() string {
	<-p.ended
	return fmt.Sprintf("%v: %s", p.err, strings.TrimSpace(p.said.String()))
}

// Quit cuts the guest's power: the guest is told nothing. QEMU itself ends in order, or the disks' files would lose what
// the guest had flushed.
func (p *Process) Quit(ctx context.Context) error {
	if err := p.monitor.run(ctx, "quit", nil, nil); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("QEMU does not end: %w", context.Cause(ctx))
	}
}

// Kill ends QEMU at once and returns when it is gone. Its disks' files are of no use after that.
func (p *Process) Kill() {
	p.cmd.Process.Kill() // an error is that it has ended
	<-p.ended
	if p.monitor != nil {
		p.monitor.conn.Close()
	}
}

// Version is that of the machine's QEMU.
func Version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "qemu-system-x86_64", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("qemu-system-x86_64 --version: %w", err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line, nil
}

// Overlay makes a disk that is a copy of another, which must not be written to as long as it lives.
func Overlay(ctx context.Context, file, base, format string) error {
	return img(ctx, "create", "-q", "-f", "qcow2", "-b", base, "-F", format, file)
}

// Blank makes an empty disk.
func Blank(ctx context.Context, file, size string) error {
	return img(ctx, "create", "-q", "-f", "qcow2", file, size)
}

func img(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, "qemu-img", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("qemu-img %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
