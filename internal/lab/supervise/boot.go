package supervise

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/spec"
)

// rebooted is nspawn's exit status when the host asked for a reboot.
const rebooted = 133

// enter joins the control groups given before -- and becomes the program after it. Joining happens in the process
// itself, as the groups of the v1 tree cannot be given at fork.
const enter = `while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"`

// run boots the host and boots it again whenever it reboots. A host that stops otherwise stays down until start. It
// returns only when the lab itself is broken.
func (g *guest) run() error {
	for {
		status, err := g.boot()
		if err != nil {
			return fmt.Errorf("boot %s: %w", g.Name, err)
		}
		if status == rebooted {
			continue
		}
		g.tell(spec.Event{Event: spec.Down, Name: g.Name, Boot: g.boots, Reason: fmt.Sprintf("exit status %d", status)})
		<-g.power
	}
}

// boot makes a network namespace, as a boot forgets addresses and firewall rules, and runs systemd in it to its end.
func (g *guest) boot() (status int, err error) {
	g.boots++
	host, err := newNetns()
	if err != nil {
		return 0, err
	}
	defer host.file.Close()
	if err := g.netns.plug(host, g.number, g.addr); err != nil {
		return 0, err
	}
	stop, err := g.broker.serve(host)
	if err != nil {
		return 0, err
	}
	defer stop()
	console, err := os.OpenFile(filepath.Join(g.dir, "console"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	defer console.Close()
	cmd := g.command(host)
	cmd.Stdout, cmd.Stderr = console, console
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	g.setRunning(cmd.Process.Pid)
	g.tell(spec.Event{Event: spec.Boot, Name: g.Name, Boot: g.boots})
	ended := make(chan struct{})
	told := make(chan struct{})
	go func() { g.await(ended); close(told) }()
	err = cmd.Wait()
	g.setRunning(0)
	close(ended)
	<-told
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return cmd.ProcessState.ExitCode(), g.broker.reboot()
}

// command is the nspawn that runs one boot.
func (g *guest) command(host netns) *exec.Cmd {
	args := append([]string{"-c", enter, "enter"}, g.groups...)
	args = append(args, "--", "systemd-nspawn", "--quiet", "--settings=no", "--register=no", "--keep-unit",
		"--machine="+g.Name, "--directory="+filepath.Join(g.dir, "root"),
		"--network-namespace-path="+host.path(), "--capability=all",
		"--resolv-conf=off", "--timezone=off", "--link-journal=no", "--console=pipe")
	if g.Docker {
		args = append(args,
			// runc joins a session keyring; docker's device rules are a bpf program.
			"--system-call-filter=@keyring", "--system-call-filter=bpf",
			// Not on the root: an overlay upon an overlay is refused, and docker falls back to copying.
			"--bind="+filepath.Join(g.dir, "disk/docker")+":/var/lib/docker",
			"--bind="+filepath.Join(g.dir, "disk/containerd")+":/var/lib/containerd")
	}
	cmd := exec.Command("sh", append(args, "--boot")...)
	cmd.Env = append(os.Environ(),
		"SYSTEMD_NSPAWN_API_VFS_WRITABLE=network", // /proc/sys/net is the host's own; the rest is the machine's
		"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1",      // docker needs it: the machine's v1 groups are read-only in a host
		"SYSTEMD_NSPAWN_LOCK=0")
	return cmd
}

// await tells when sshd answers.
func (g *guest) await(ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		default:
		}
		if g.answers() {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	leader, err := g.leader()
	if err != nil { // it has ended between the two
		return
	}
	bootID, err := os.ReadFile(fmt.Sprintf("%s/%d/root/proc/sys/kernel/random/boot_id", g.record.proc(), leader))
	if err != nil {
		return
	}
	g.tell(spec.Event{Event: spec.Up, Name: g.Name, Port: g.door.Addr().(*net.TCPAddr).Port,
		Addr: g.addr.String(), Boot: g.boots, BootID: strings.TrimSpace(string(bootID)), Leader: leader, Keys: g.keys,
		Files: fmt.Sprintf("/proc/%d/root%s", g.self, g.dir)})
}

// answers tells whether sshd says its version.
func (g *guest) answers() bool {
	conn, err := g.netns.dial(netip.AddrPortFrom(g.addr, 22), time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	var hello [4]byte
	_, err = io.ReadFull(conn, hello[:])
	return err == nil && string(hello[:]) == "SSH-"
}

// kill cuts the power. nspawn alone is not enough: the host's PID 1 would live on.
func (g *guest) kill() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.nspawn == 0 {
		return
	}
	for _, pid := range children(g.nspawn) {
		unix.Kill(pid, unix.SIGKILL)
	}
	unix.Kill(g.nspawn, unix.SIGKILL)
}

// start boots a host that is down; one that runs stays as it is.
func (g *guest) start() {
	g.mu.Lock()
	running := g.nspawn != 0
	g.mu.Unlock()
	if running {
		return
	}
	select {
	case g.power <- struct{}{}:
	default:
	}
}

func (g *guest) setRunning(nspawn int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.nspawn = nspawn
}
