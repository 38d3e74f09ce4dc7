package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// validatorIn finds a validator that lives and has this folder for its snapshots: it purges archives that it does not know, the
// one that is being fetched among them. The folder is the same file wherever the validator sees it. proc is /proc.
func validatorIn(proc, dir string) (pid string, err error) {
	here, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	procs, err := os.ReadDir(proc)
	if err != nil {
		return "", err
	}
	for _, p := range procs {
		if strings.Trim(p.Name(), "0123456789") != "" {
			continue
		}
		if !isValidator(path.Join(proc, p.Name())) {
			continue
		}
		line, err := os.ReadFile(path.Join(proc, p.Name(), "cmdline"))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has ended
		}
		if err != nil {
			return "", fmt.Errorf("look at the validator %s: %w", p.Name(), err)
		}
		for _, own := range ownFolders(strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")) {
			root := path.Join(proc, p.Name(), "root")
			if !path.IsAbs(own) {
				root = path.Join(proc, p.Name(), "cwd")
			}
			there, err := os.Stat(root + "/" + own)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("look at the folder %s of the validator %s: %w", own, p.Name(), err)
			}
			if err == nil && os.SameFile(here, there) {
				return p.Name(), nil
			}
		}
	}
	return "", nil
}

// isValidator tells whether a process is a validator by its name, which is its first thread's and may be changed, or its program's.
func isValidator(process string) bool {
	comm, _ := os.ReadFile(path.Join(process, "comm")) // it may have ended
	program, _ := os.Readlink(path.Join(process, "exe"))
	switch strings.TrimSpace(string(comm)) {
	case "agave-validator", "solana-validato": // the kernel keeps 15 letters
		return true
	}
	switch path.Base(strings.TrimSuffix(program, " (deleted)")) {
	case "agave-validator", "solana-validator":
		return true
	}
	return false
}

// ownFolders are those of a validator's command line in which it keeps archives: its ledger where no other is named.
func ownFolders(args []string) []string {
	var out []string
	for i, a := range args {
		name, value, has := strings.Cut(a, "=")
		if dir, short := strings.CutPrefix(a, "-l"); short && dir != "" && !has {
			name, value, has = "-l", dir, true // -lDIR
		}
		switch name {
		case "--snapshots", "--snapshot-archive-path", "--full-snapshot-archive-path", "--incremental-snapshot-archive-path", "--ledger", "-l":
		default:
			continue
		}
		if !has && i+1 < len(args) {
			value = args[i+1]
		}
		if value != "" {
			out = append(out, value)
		}
	}
	return out
}

// refuseLive is the error where a validator lives in the folder.
func refuseLive(dir string) error {
	pid, err := validatorIn("/proc", dir)
	if _, gone := os.Stat(dir); errors.Is(gone, fs.ErrNotExist) {
		return fmt.Errorf("there is no folder %s: make it first, on the file system that the validator's snapshots are on (mkdir -m 0755 %s)", dir, dir)
	}
	if err == nil && pid != "" {
		err = fmt.Errorf("the validator that lives as process %s has %s for its snapshots, and purges what it does not know: fetch into a folder of your own on the same file system, with --have %s", pid, dir, dir)
	}
	return err
}
