package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Act is a system call that changes a file system, or that makes a change last.
type Act struct {
	Kind ActKind
	Path string
	To   string // of a rename
	Data string // of a write
}

// ActKind is what a system call does, whatever it is called.
type ActKind string

// The kinds of act. Chmod and chown are left out: they come before the fsync of the file that they belong to.
const (
	Create ActKind = "create"
	Mkdir  ActKind = "mkdir"
	Write  ActKind = "write"
	Sync   ActKind = "sync" // of a file, or of a folder
	Rename ActKind = "rename"
	Unlink ActKind = "unlink"
	Cut    ActKind = "truncate" // to nothing
)

// String is short.
func (a Act) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", a.Kind, filepath.Base(a.Path), filepath.Base(a.To)))
}

// Strace is the argv to put before a program's own, so that ReadActs finds what it did; prefix is where the traces go.
func Strace(prefix string) []string {
	return []string{"strace", "-ff", "-ttt", "-y", "-x", "-s", "1048576", "-o", prefix,
		"-e", "trace=mkdir,mkdirat,open,openat,creat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,truncate,ftruncate,link,linkat", "--"}
}

// ReadActs reads the traces of a program and its children: what they did below a folder, in order. A call that it does not
// know how to model is an error: a model that leaves something out proves nothing.
func ReadActs(prefix, folder string) ([]Act, error) {
	names, err := filepath.Glob(prefix + ".*")
	if err != nil {
		return nil, err
	}
	var lines []string // each begins with its time, and all times have one length
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(text)), "\n")...)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(before(a), before(b)) })
	var acts []Act
	for _, line := range lines {
		_, call, _ := strings.Cut(line, " ")
		if !strings.Contains(call, folder) || strings.Contains(call, " = -1 ") || strings.HasPrefix(call, "+++") || strings.HasPrefix(call, "---") {
			continue
		}
		as, err := actsOf(call, folder)
		if err != nil {
			return nil, err
		}
		acts = append(acts, as...)
	}
	return acts, nil
}

func before(line string) string { stamp, _, _ := strings.Cut(line, " "); return stamp }

var (
	callName = regexp.MustCompile(`^([a-z0-9]+)\(`)
	fdPath   = regexp.MustCompile(`^[a-z0-9]+\(\d+<([^>]*)>`)
	quoted   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
)

// actsOf is what one line of a trace did.
func actsOf(call, folder string) ([]Act, error) {
	m := callName.FindStringSubmatch(call)
	if m == nil {
		return nil, fmt.Errorf("trace: %.200q is no call", call)
	}
	var words []string
	for _, q := range quoted.FindAllString(call, -1) {
		word, err := strconv.Unquote(q)
		if err != nil {
			return nil, fmt.Errorf("trace: %.200s: content that is not plain text: %w", call, err)
		}
		words = append(words, word)
	}
	path := ""
	if fd := fdPath.FindStringSubmatch(call); fd != nil {
		path = fd[1]
	} else if len(words) > 0 {
		path = words[0]
	}
	if !strings.HasPrefix(path, folder) {
		return nil, nil
	}
	switch m[1] {
	case "open", "openat", "creat":
		return openActs(call, path), nil
	case "mkdir", "mkdirat":
		return []Act{{Kind: Mkdir, Path: path}}, nil
	case "write":
		return []Act{{Kind: Write, Path: path, Data: words[0]}}, nil
	case "fsync", "fdatasync":
		return []Act{{Kind: Sync, Path: path}}, nil
	case "rename", "renameat", "renameat2":
		return []Act{{Kind: Rename, Path: path, To: words[1]}}, nil
	case "truncate", "ftruncate":
		if !strings.HasSuffix(call, ", 0) = 0") {
			return nil, fmt.Errorf("trace: %.200s: only cutting to nothing is modelled", call)
		}
		return []Act{{Kind: Cut, Path: path}}, nil
	case "unlink", "unlinkat":
		return []Act{{Kind: Unlink, Path: path}}, nil
	}
	return nil, fmt.Errorf("trace: %.200s: not modelled", call)
}

func openActs(call, path string) (acts []Act) {
	if strings.Contains(call, "O_CREAT") {
		acts = append(acts, Act{Kind: Create, Path: path})
	}
	if strings.Contains(call, "O_TRUNC") {
		acts = append(acts, Act{Kind: Cut, Path: path})
	}
	return acts
}
