package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"bisc/internal/lab/onekube/container"
)

// enter is a container's first process before its program: it is in new namespaces, puts the container's files together,
// and becomes the program. File 3 takes what is wrong, and closes when all is well.
func enter() error {
	tell := os.NewFile(3, "tell")
	unix.CloseOnExec(3)
	err := become(container.Folder(os.Args[1]))
	fmt.Fprint(tell, err)
	return err
}

func become(folder container.Folder) error {
	spec, err := folder.Spec()
	if err != nil {
		return err
	}
	if spec.Hostname != "" {
		if err := unix.Sethostname([]byte(spec.Hostname)); err != nil {
			return fmt.Errorf("set the host's name: %w", err)
		}
	}
	if !spec.HostNetwork {
		if err := loopbackUp(); err != nil {
			return err
		}
	}
	if err := assemble(folder.Root(), spec); err != nil {
		return err
	}
	if err := pivot(folder.Root()); err != nil {
		return err
	}
	return program(spec)
}

// program becomes the container's, by its user.
func program(spec container.Spec) error {
	uid, gid, err := container.Numbers("/", spec.User)
	if err != nil {
		return err
	}
	if spec.Dir != "" {
		if err := os.MkdirAll(spec.Dir, 0o755); err != nil {
			return err
		}
		if err := os.Chdir(spec.Dir); err != nil {
			return err
		}
	}
	os.Clearenv()
	for _, pair := range spec.Env {
		name, value, _ := strings.Cut(pair, "=")
		os.Setenv(name, value)
	}
	path, err := exec.LookPath(spec.Args[0])
	if err != nil {
		return err
	}
	if gid != 0 || uid != 0 {
		if err := errors.Join(unix.Setgroups([]int{gid}), unix.Setresgid(gid, gid, gid), unix.Setresuid(uid, uid, uid)); err != nil {
			return fmt.Errorf("become user %s: %w", spec.User, err)
		}
	}
	return fmt.Errorf("run %s: %w", path, syscall.Exec(path, spec.Args, spec.Env))
}

// devices are what every container has in /dev.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// assemble puts the container's file system together at root. The mount namespace is the container's own, so all of it
// goes with the container.
func assemble(root string, spec container.Spec) error {
	if err := unix.Mount("", "/", "", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("part from the node's mounts: %w", err)
	}
	upper, work := filepath.Join(spec.Layer, "upper"), filepath.Join(spec.Layer, "work")
	for _, dir := range []string{upper, work} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", strings.ReplaceAll(spec.ImageRoot, ":", `\:`), upper, work)
	if err := unix.Mount("overlay", root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount the image: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(root, "tmp"), 0o1777); err != nil {
		return err
	}
	for _, m := range []struct {
		kind, at, options string
		flags             uintptr
	}{
		{"proc", "proc", "", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
		{"tmpfs", "dev", "mode=755,size=64k", unix.MS_NOSUID},
		{"devpts", "dev/pts", "newinstance,ptmxmode=0666,mode=620", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"tmpfs", "dev/shm", "mode=1777,size=64m", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
	} {
		at := filepath.Join(root, m.at)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, at, m.kind, m.flags, m.options); err != nil {
			return fmt.Errorf("mount /%s: %w", m.at, err)
		}
	}
	for _, name := range devices {
		if err := bind(container.Mount{Source: "/dev/" + name, Target: "/dev/" + name}, root); err != nil {
			return err
		}
	}
	for _, m := range spec.Mounts {
		if err := bind(m, root); err != nil {
			return err
		}
	}
	return os.Symlink("pts/ptmx", filepath.Join(root, "dev/ptmx"))
}

// bind mounts a folder or file of the node where the container wants it.
func bind(m container.Mount, root string) error {
	info, err := os.Stat(m.Source)
	if err != nil {
		return fmt.Errorf("mount %s: %w", m.Target, err)
	}
	at := filepath.Join(root, m.Target)
	if info.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE|os.O_RDONLY, 0o644); err == nil {
			f.Close()
		}
	}
	if err != nil {
		return fmt.Errorf("mount %s: %w", m.Target, err)
	}
	if err := unix.Mount(m.Source, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s at %s: %w", m.Source, m.Target, err)
	}
	propagation := uintptr(unix.MS_PRIVATE)
	if m.Slave {
		propagation = unix.MS_SLAVE
	}
	if err := unix.Mount("", at, "", propagation|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("set the propagation of %s: %w", m.Target, err)
	}
	if m.ReadOnly {
		if err := unix.Mount("", at, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return fmt.Errorf("make %s read-only: %w", m.Target, err)
		}
	}
	return nil
}

// pivot makes root the root, with nothing of the node left in view.
func pivot(root string) error {
	if err := os.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	// The old root lies over the new one now.
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the node's root: %w", err)
	}
	return os.Chdir("/")
}

// loopbackUp sets lo up, which is down in a new network namespace.
func loopbackUp() error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq(lo.Name)
	if err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	return nil
}
