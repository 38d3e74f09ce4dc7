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

// ErrTooLarge is a file above its limit.
var ErrTooLarge = errors.New("too large")

// twins are the endings of the JSON files that stand beside files of an ending: a plain .json may be anybody's data.
func twins(suffix string) []string {
	if suffix == ".hcl" {
		return []string{".hcl", ".hcl.json", ".bisc.json"}
	}
	return []string{suffix, strings.TrimSuffix(suffix, ".hcl") + ".json"}
}

// Read reads files, and of folders every file directly in them whose name ends in suffix or its JSON twin's (.bisc.hcl and
// .bisc.json; .hcl and .hcl.json) and does not start with a dot, by name. A folder without any is an error, as is a file that is larger than MaxSize. It reads what it can: the error
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
		return nil, fmt.Errorf("reading %s: %w", p, Bare(err))
	}
	if !info.IsDir() {
		return []string{p}, nil
	}
	entries, err := os.ReadDir(p)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", p, Bare(err))
	}
	var names []string
	for _, e := range entries {
		if slices.ContainsFunc(twins(suffix), func(end string) bool { return strings.HasSuffix(e.Name(), end) }) && !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
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
	text, err := ReadRegular(disk{}, name, name, MaxSize)
	if errors.Is(err, ErrTooLarge) {
		return nil, fmt.Errorf("%w: split it, or keep large content in files of its own and read it with file()", err)
	}
	return text, err
}

// Folder opens files by name: an os.Root does, and nothing leads out of that.
type Folder interface {
	Stat(name string) (fs.FileInfo, error)
	Open(name string) (*os.File, error)
}

// disk is every file of the machine.
type disk struct{}

func (disk) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
func (disk) Open(name string) (*os.File, error)    { return os.Open(name) }

// ReadFile reads a regular file of at most limit bytes.
func ReadFile(name string, limit int64) ([]byte, error) {
	return ReadRegular(disk{}, name, name, limit)
}

// ReadRegular reads the regular file at name of a folder, which messages call shown, and refuses one of more than limit
// bytes. A pipe or a device is refused before it is opened: it would block, or never end.
func ReadRegular(in Folder, name, shown string, limit int64) ([]byte, error) {
	info, err := in.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", shown, Bare(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %s: not a regular file", shown)
	}
	f, err := in.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", shown, Bare(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", shown, Bare(err))
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("reading %s: %w (%d bytes)", shown, tooLarge(limit), max(info.Size(), int64(len(text))))
	}
	return text, nil
}

// tooLarge is a file above a limit; it is ErrTooLarge.
type tooLarge int64

func (l tooLarge) Error() string        { return fmt.Sprintf("larger than %d MiB", int64(l)>>20) }
func (l tooLarge) Is(target error) bool { return target == ErrTooLarge }

// Bare takes the path out of an error whose message already has it.
func Bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
