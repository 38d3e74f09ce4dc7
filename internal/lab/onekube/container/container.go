// Package container is what a rig A node's agent and the process that keeps a container tell each other: a folder a
// container under /run, which a restart of the node empties, as it ends every process.
package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Dir is where the containers' folders are, each by its id.
const Dir = "/run/containerd/lab.containers"

// Shim is the program that starts and keeps a container; its argument is the container's folder.
const Shim = "/kind/bin/containerd-shim-lab"

// Spec says what a container is.
type Spec struct {
	ID          string
	Pod         string // its UID
	Name        string // of the container in its pod
	Attempt     int    // which start of it this is; 0 is the first
	Image       string // the id, sha256:...
	ImageRoot   string // the image's files, which the container sees below its own
	Layer       string // folder for what it writes
	Args        []string
	Env         []string
	Dir         string // working folder
	User        string // UID[:GID] or a name of the image's passwd; "" is root
	Hostname    string // "" is the node's
	HostNetwork bool
	Mounts      []Mount
	Log         string // file for what it says, in the CRI's format
}

// Mount is a folder or file of the node that a container sees.
type Mount struct {
	Source, Target string
	ReadOnly       bool
	Slave          bool // what is mounted below Source later is seen as well
}

// Exit is how a container ended.
type Exit struct {
	Code    int // as a shell counts: 128 and the signal
	Started time.Time
	At      time.Time
	Failed  string // why it could not be started at all
}

// Folder is a container's folder.
type Folder string

// In returns the folder of a container.
func In(id string) Folder { return Folder(filepath.Join(Dir, id)) }

// All returns the specs of the node's containers, alive or not.
func All() ([]Spec, error) {
	files, err := filepath.Glob(filepath.Join(Dir, "*", "spec.json"))
	if err != nil {
		return nil, err
	}
	var all []Spec
	for _, file := range files {
		spec, err := Folder(filepath.Dir(file)).Spec()
		if errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, spec)
	}
	return all, nil
}

// Create writes a new container's folder.
func Create(spec Spec) (Folder, error) {
	f := In(spec.ID)
	if err := os.MkdirAll(f.path("root"), 0o711); err != nil {
		return "", fmt.Errorf("make container %s: %w", spec.Name, err)
	}
	return f, f.put("spec.json", spec)
}

// Spec reads what the container was to be.
func (f Folder) Spec() (spec Spec, err error) { return spec, f.get("spec.json", &spec) }

// Root is where the container's file system is put together, in a mount namespace of its own.
func (f Folder) Root() string { return f.path("root") }

// Started writes that the container's first process runs.
func (f Folder) Started(pid int) error { return f.put("pid", pid) }

// Ended writes how the container ended. Its process is reaped by then.
func (f Folder) Ended(e Exit) error { return f.put("exit.json", e) }

// Exit reads how the container ended; ok is false while it has not.
func (f Folder) Exit() (e Exit, ok bool) { return e, f.get("exit.json", &e) == nil }

// Pid is the container's first process as the node counts; 0 before it runs.
func (f Folder) Pid() int {
	pid := 0
	if f.get("pid", &pid) != nil {
		return 0
	}
	return pid
}

// Since is when the container's first process was started.
func (f Folder) Since() time.Time {
	info, err := os.Stat(f.path("pid"))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// Signal sends the container's first process a signal. Not having one is no error: it has ended, or is about to be
// told so.
func (f Folder) Signal(s syscall.Signal) error {
	pid := f.Pid()
	if _, ended := f.Exit(); ended || pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process %d: %w", pid, err)
	}
	return nil
}

// Remove removes the folder and what the container wrote to its own file system.
func (f Folder) Remove() error {
	spec, err := f.Spec()
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(spec.Layer), os.RemoveAll(string(f)))
}

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// put writes a file whole or not at all, as others look for it.
func (f Folder) put(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.path(name+".new"), text, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", f.path(name), err)
	}
	return os.Rename(f.path(name+".new"), f.path(name))
}

func (f Folder) get(name string, v any) error {
	text, err := os.ReadFile(f.path(name))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// Numbers finds a user's and group's numbers; names are looked up in the image's own /etc/passwd.
func Numbers(root, user string) (uid, gid int, err error) {
	name, group, _ := strings.Cut(user, ":")
	if uid, err = strconv.Atoi(name); err != nil && name != "" {
		if uid, gid, err = lookUp(root, name); err != nil {
			return 0, 0, err
		}
	}
	if group != "" {
		if gid, err = strconv.Atoi(group); err != nil {
			return 0, 0, fmt.Errorf("group %q is not a number", group)
		}
	}
	return uid, gid, nil
}

func lookUp(root, name string) (uid, gid int, err error) {
	text, err := os.ReadFile(filepath.Join(root, "etc/passwd"))
	if err != nil {
		return 0, 0, fmt.Errorf("find user %s: %w", name, err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) > 3 && f[0] == name {
			uid, err = strconv.Atoi(f[2])
			gid, err2 := strconv.Atoi(f[3])
			return uid, gid, errors.Join(err, err2)
		}
	}
	return 0, 0, fmt.Errorf("the image has no user %s", name)
}
