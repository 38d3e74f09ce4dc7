package deletion

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process is one, by its pid and its start in ticks since boot: a pid is used again.
type Process struct {
	PID   int
	Start uint64
}

// String is PID:START.
func (p Process) String() string { return fmt.Sprintf("%d:%d", p.PID, p.Start) }

// stat reads a process's start, and whether it lives: one that is dead or a zombie has ended.
func stat(pid int) (p Process, alive bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, false
	}
	// A name may hold anything; nothing after it has brackets.
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(f) < 20 {
		return p, false
	}
	start, err := strconv.ParseUint(f[19], 10, 64)
	return Process{pid, start}, err == nil && f[0] != "Z" && f[0] != "X"
}

// Validators are those that live on this host, whatever namespace they are in, known as let-validator-exit.sh knows them: by the
// process's name, of which the kernel keeps 15 characters, or by the program's. Those that ask one to exit are none.
func Validators() ([]Process, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(folders) == 0 {
		return nil, errors.Join(err, errors.New("/proc cannot be read"))
	}
	var out []Process
	for _, folder := range folders {
		comm, _ := os.ReadFile(folder + "/comm")
		program, _ := os.Readlink(folder + "/exe")
		program = strings.TrimSuffix(filepath.Base(program), " (deleted)")
		if !slices.Contains([]string{"agave-validator\n", "solana-validato\n"}, string(comm)) && program != "agave-validator" && program != "solana-validator" {
			continue
		}
		if line, _ := os.ReadFile(folder + "/cmdline"); slices.Contains(strings.Split(string(line), "\x00"), "exit") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(folder)); err == nil {
			if p, alive := stat(pid); alive {
				out = append(out, p)
			}
		}
	}
	return out, nil
}

// home is the pod's UID and the container's name that a process is in, by what the kubelet mounts into every container: a file of the pod's
// folder, pods/UID/containers/NAME/. Both are empty in what is no pod's. told is false where it cannot be told: of a process that is
// ending the mounts cannot be read.
func home(pid int) (uid, container string, told bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil || len(text) == 0 {
		return "", "", false
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 5 {
			return "", "", false
		}
		w := strings.Split(f[3], "/")
		for i := range w {
			if i+4 >= len(w) || w[i] != "pods" || w[i+2] != "containers" || len(w[i+1]) != len("11111111-2222-3333-4444-555555555555") {
				continue
			}
			if uid != "" && (uid != w[i+1] || container != w[i+3]) {
				return "", "", false
			}
			uid, container = w[i+1], w[i+3]
		}
	}
	return uid, container, true
}
