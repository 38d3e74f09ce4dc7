// Package source reads HCL text as a person may have left it: too large, nested without end, not UTF-8. What it lets
// through, the parser and the evaluator of hcl can take without running out of stack.
package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxSize is the largest text that is parsed, in bytes.
const MaxSize = 1 << 20

// File is a text and the name under which it is reported.
type File struct {
	Name string
	Text []byte
}

// ErrTooLarge is a file above MaxSize.
var ErrTooLarge = errors.New("larger than 1 MiB")

// Read reads files, and of folders every file directly in them whose name ends in suffix and does not start with a dot,
// by name. A folder without any is an error, as is a file that is larger than MaxSize. It reads what it can: the error
// joins those of the files that could not be read.
func Read(suffix string, paths ...string) ([]File, error) {
	var files []File
	var errs []error
	for _, p := range paths {
		names, err := expand(p, suffix)
		errs = append(errs, err)
		for _, name := range names {
			text, err := readOne(name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			files = append(files, File{Name: name, Text: text})
		}
	}
	return files, errors.Join(errs...)
}

func expand(p, suffix string) ([]string, error) {
	info, err := os.Stat(p)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p, plain(err))
	}
	if !info.IsDir() {
		return []string{p}, nil
	}
	entries, err := os.ReadDir(p)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p, plain(err))
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			names = append(names, filepath.Join(p, e.Name()))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("reading %s: the folder has no *%s file", p, suffix)
	}
	slices.Sort(names)
	return names, nil
}

func readOne(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, plain(err))
	}
	// A pipe or a device would block, or never end.
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, plain(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, plain(err))
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("reading %s: %w (%d bytes): split it, or keep large content in files of its own and read it with file()",
			name, ErrTooLarge, max(info.Size(), int64(len(text))))
	}
	return text, nil
}

// plain takes the path out of an error whose message already has it.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
