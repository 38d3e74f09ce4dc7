package linux

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// tools is this program in the emulator's own view: each boot's root has it at /usr/bin/sudo, and as sftpServer.
const tools = base + "/tools"

// sftpServer is where the root has the server of the sftp subsystem; a session of it runs there, as the login user.
const sftpServer = "/usr/libexec/sftp-server"

// Tool says what this program is to do when it is called by this name, on a switch; nil: nothing.
func Tool(name string) func(args []string) int {
	switch name {
	case "sudo":
		return Sudo
	case "sftp-server":
		return serveSFTP
	}
	return nil
}

// installTools copies this program: set-uid, as sudo is, in a folder that only the emulator's process sees.
func installTools() error {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(tools, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return fmt.Errorf("install the switch's tools: %w", err)
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return fmt.Errorf("install the switch's tools: %w", err)
	}
	if err := to.Close(); err != nil {
		return fmt.Errorf("install the switch's tools: %w", err)
	}
	return os.Chmod(tools, 0o755|os.ModeSetuid)
}

// Sudo is the stand-in's main: it becomes root and the program that it is given. It never asks for a password: [V] practice, for
// administrators of privilege 15. An option that it does not have is refused, as one that the emulator cannot vouch for.
func Sudo(args []string) int {
	for len(args) > 0 && args[0] != "" && args[0][0] == '-' {
		option := args[0]
		args = args[1:]
		if option == "--" {
			break
		}
		if option != "-n" {
			fmt.Fprintf(os.Stderr, "sudo: the emulated switch knows -n and --, not %s\n", option)
			return 1
		}
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: sudo [-n] [--] COMMAND...")
		return 1
	}
	caller := whoCalls()
	if err := unix.Setgroups(nil); err != nil {
		fmt.Fprintln(os.Stderr, "sudo:", err)
		return 1
	}
	for _, become := range []func(int) error{unix.Setgid, unix.Setuid} {
		if err := become(0); err != nil {
			fmt.Fprintln(os.Stderr, "sudo:", err)
			return 1
		}
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		fmt.Fprintf(os.Stderr, "sudo: %s: command not found\n", args[0])
		return 1
	}
	// Who called, as sudo(8) tells it.
	env := append(searchPath(), "SUDO_USER="+caller.name, "SUDO_UID="+caller.uid, "SUDO_GID="+caller.gid, "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash")
	fmt.Fprintf(os.Stderr, "sudo: %s: %v\n", args[0], unix.Exec(path, args, env))
	return 1
}

// who is a user as sudo names one.
type who struct{ name, uid, gid string }

// whoCalls is the user who called sudo, by the name that its environment or the switch's passwd gives it.
func whoCalls() who {
	w := who{uid: strconv.Itoa(unix.Getuid()), gid: strconv.Itoa(unix.Getgid())}
	w.name = os.Getenv("USER")
	if u, err := user.LookupId(w.uid); w.name == "" && err == nil {
		w.name = u.Username
	}
	return w
}

func searchPath() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
}
