package linux

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The login user of the shell, and the group that flash belongs to. [I] the reference, D.3: owner root or the login user, group
// eosadmin; the numbers are [U].
const (
	loginID    = 1000
	adminGroup = 88
)

// root is one boot's root file system: an overlay over the machine's own, whose upper half is in memory.
// [V] the reference, D.1: the root is an overlay in RAM; /tmp, /var, /etc are lost at a reload, /mnt/flash is not.
type root struct{ dir, layer string }

// newRoot makes the root of the n-th boot.
func newRoot(n int, opts Options) (*root, error) {
	r := &root{filepath.Join(base, fmt.Sprintf("boot.%d", n)), filepath.Join(base, fmt.Sprintf("layer.%d", n))}
	for _, dir := range []string{r.dir, r.layer + "/upper", r.layer + "/work"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("make the root of boot %d: %w", n, err)
		}
	}
	options := fmt.Sprintf("lowerdir=/,upperdir=%s/upper,workdir=%s/work", r.layer, r.layer)
	if err := unix.Mount("none", r.dir, "overlay", unix.MS_RELATIME, options); err != nil {
		return nil, fmt.Errorf("mount the root of boot %d: %w", n, err)
	}
	if err := errors.Join(r.mounts(), r.devices(), r.people(opts.User), r.release(opts.Version), r.programs(opts.Image)); err != nil {
		return nil, errors.Join(err, r.remove())
	}
	return r, nil
}

func (r *root) at(path string) string { return filepath.Join(r.dir, path) }

// mounts covers what is the machine's own: a switch has none of it. Links in it are relative: the emulator's own process follows them
// too, from outside.
func (r *root) mounts() error {
	for _, m := range []struct{ kind, at, options string }{
		{"proc", "/proc", ""}, {"sysfs", "/sys", ""}, {"tmpfs", "/tmp", "mode=1777"}, {"tmpfs", "/run", "mode=755"}, {"tmpfs", "/var", "mode=755"},
		{"tmpfs", "/home", "mode=755"}, {"tmpfs", "/root", "mode=700"}, {"tmpfs", "/mnt", "mode=755"}, {"tmpfs", "/dev", "mode=755"},
		{"devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=620"},
	} {
		if err := mount(m.kind, r.at(m.at), unix.MS_RELATIME, m.options); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/var/log/agents", "/var/tmp", "/var/lib", "/var/cache", "/run/netns", "/home"} {
		if err := os.MkdirAll(r.at(dir), 0o755); err != nil {
			return err
		}
	}
	return errors.Join(os.Symlink("../run", r.at("/var/run")), os.Chmod(r.at("/var/tmp"), 0o1777), bind(Flash, r.at(Flash)))
}

func (r *root) devices() error {
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := bind("/dev/"+name, r.at("/dev/"+name)); err != nil {
			return err
		}
	}
	return errors.Join(os.Symlink("pts/ptmx", r.at("/dev/ptmx")), os.Symlink("/proc/self/fd", r.at("/dev/fd")))
}

// people makes the switch's users, in the place of the machine's. [I] bash runs as the login user and not as root: section 8 of the
// reference asks id.
func (r *root) people(user string) error {
	home := "/home/" + user
	err := errors.Join(
		os.WriteFile(r.at("/etc/passwd"), fmt.Appendf(nil, "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n%s:x:%d:%d::%s:/bin/bash\n", user, loginID, adminGroup, home), 0o644),
		os.WriteFile(r.at("/etc/group"), fmt.Appendf(nil, "root:x:0:\nnogroup:x:65534:\neosadmin:x:%d:%s\n", adminGroup, user), 0o644),
		os.WriteFile(r.at("/etc/hosts"), []byte("127.0.0.1 localhost\n"), 0o644),
		os.MkdirAll(r.at(home), 0o755))
	if err != nil {
		return fmt.Errorf("make user %s: %w", user, err)
	}
	return os.Chown(r.at(home), loginID, adminGroup)
}

// release is how a program tells that it is on EOS. [I] the words.
func (r *root) release(version string) error {
	return os.WriteFile(r.at("/etc/Eos-release"), []byte("Arista Networks EOS "+version+"\n"), 0o644)
}

// programs puts in place what the image has and the machine lacks: sudo, and programs that the configuration starts and that are no
// part of the emulation, such as the second manager's agents. Those run, and do nothing.
func (r *root) programs(image []string) error {
	if err := errors.Join(bind(tools, r.at("/usr/bin/sudo")), bind(tools, r.at(sftpServer))); err != nil {
		return err
	}
	if err := unix.Mount("", r.at(sftpServer), "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NOSUID, ""); err != nil {
		return fmt.Errorf("mount %s: %w", sftpServer, err)
	}
	for _, name := range image {
		if err := os.MkdirAll(filepath.Dir(r.at(name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(r.at(name), []byte("#!/bin/bash\nexec sleep infinity\n"), 0o755); err != nil {
			return fmt.Errorf("the image's program %s: %w", name, err)
		}
	}
	return nil
}

// remove takes the root away. What is mounted in it goes with it.
func (r *root) remove() error {
	if err := unix.Unmount(r.dir, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("unmount %s: %w", r.dir, err)
	}
	return errors.Join(os.Remove(r.dir), os.RemoveAll(r.layer))
}

// dropLimit is how long the kernel may take to end processes that were killed.
const dropLimit = 20 * time.Second

// killAll ends every process of the PID namespace but this one and its init, and waits until none is left.
func killAll() error {
	self := fmt.Sprint(os.Getpid())
	for deadline := time.Now().Add(dropLimit); ; time.Sleep(2 * time.Millisecond) {
		if err := unix.Kill(-1, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("kill the switch's processes: %w", err)
		}
		left, err := processes(self)
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes %s have not ended within %s", strings.Join(left, ", "), dropLimit)
		}
	}
}

// processes lists those of the namespace that live, by pid, without its init and self.
func processes(self string) (pids []string, err error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name()[0] < '0' || e.Name()[0] > '9' || e.Name() == "1" || e.Name() == self {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		if _, after, ok := strings.Cut(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), " "); ok && after[0] != 'Z' && after[0] != 'X' {
			pids = append(pids, e.Name())
		}
	}
	return pids, nil
}
