package lab

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// join moves itself into the control groups given before -- and becomes the program after it, as enter in package
// supervise does.
const join = `while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"`

// Exec runs a program as root in the host, beside sshd: in all of the host's namespaces and in its control group. It
// returns standard output; a failure's error has standard error.
func (h *Host) Exec(ctx context.Context, argv ...string) ([]byte, error) {
	return h.Feed(ctx, nil, argv...)
}

// Feed is Exec of a program that reads in; nil is nothing to read.
func (h *Host) Feed(ctx context.Context, in io.Reader, argv ...string) ([]byte, error) {
	cmd, err := h.Command(ctx, argv...)
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, &out, &errs
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("%s: %s: %w: %s", h.Name, strings.Join(argv, " "), err, bytes.TrimSpace(errs.Bytes()))
	}
	return out.Bytes(), nil
}

// Command is the command that Exec runs, for a caller who wants its standard input or its pieces.
func (h *Host) Command(ctx context.Context, argv ...string) (*exec.Cmd, error) {
	leader := h.Leader()
	groups, err := cgroupsOf(leader)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.Name, err)
	}
	args := append([]string{"-c", join, "join"}, groups...)
	args = append(args, "--", "nsenter", "--target", fmt.Sprint(leader), "--all", "--root", "--wd", "--")
	cmd := exec.CommandContext(ctx, "sh", append(args, argv...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LANG=C.UTF-8"}
	return cmd, nil
}

// Shell runs a script with sh -e; args are its $1 and following.
func (h *Host) Shell(ctx context.Context, script string, args ...string) ([]byte, error) {
	return h.Exec(ctx, append([]string{"sh", "-e", "-c", script, "sh"}, args...)...)
}

// Install writes a program to a path of the host.
func (h *Host) Install(ctx context.Context, program io.Reader, path string) error {
	_, err := h.Feed(ctx, program, "sh", "-e", "-c", `cat >"$1"; chmod 755 "$1"`, "sh", path)
	return err
}

// cgroupsOf returns the folders of a process' control groups, in systemd's trees.
func cgroupsOf(pid int) ([]string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return nil, fmt.Errorf("find the host's control group: %w", err)
	}
	var groups []string
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 {
			continue
		}
		tree := ""
		switch part[1] {
		case "name=systemd":
			tree = "/sys/fs/cgroup/systemd"
		case "":
			tree = "/sys/fs/cgroup/unified"
			if _, err := os.Stat(tree); err != nil {
				tree = "/sys/fs/cgroup"
			}
		default:
			continue
		}
		groups = append(groups, tree+part[2])
	}
	return groups, nil
}
