package plans

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"bisc/internal/source"
)

// maxInput is the largest file that an expression reads, in bytes: it becomes an attribute, and travels whole.
const maxInput = 16 << 20

// errSecretName is a secret as the name of what is to be read: names stand in the plan's inputs.
var errSecretName = errors.New("the name of what is read cannot be a sensitive value")

// fileFunctions read files beside the plan files of one folder.
func (l *loader) fileFunctions(dir string) map[string]function.Function {
	return map[string]function.Function{
		"file":         l.reading(dir, "file", plainText),
		"age":          l.reading(dir, "age", l.decrypt),
		"cmd":          l.commandFunction(dir),
		"templatefile": l.templateFunction(dir),
	}
}

// reading is a function of one path whose result is made of the file's content.
func (l *loader) reading(dir, kind string, do func(name string, content []byte) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].IsMarked() {
				return cty.UnknownVal(cty.String), errSecretName
			}
			name, content, err := l.readInput(dir, kind, args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgError(0, err)
			}
			v, err := do(name, content)
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgError(0, err)
			}
			return v, nil
		},
	})
}

// record notes an input. Conditions are evaluated again when a host is observed, several at once.
func (l *loader) record(in Input) {
	l.reads.Lock()
	defer l.reads.Unlock()
	l.inputs[in.Kind+"\x00"+in.Name] = in
}

func plainText(name string, content []byte) (cty.Value, error) {
	if !utf8.Valid(content) {
		return cty.UnknownVal(cty.String), fmt.Errorf("the file %s is not UTF-8 text", name)
	}
	v := cty.StringVal(string(content))
	if v.AsString() != string(content) {
		return cty.UnknownVal(cty.String), fmt.Errorf("the file %s has letters whose accents are characters of their own (not Unicode's form NFC). "+
			"The language would join them, and the host would get other bytes: write the file in NFC", name)
	}
	return v, nil
}

// readInput reads a file below the root and records its digest. The root is opened as one: neither .. nor a symbolic
// link leads out of it.
func (l *loader) readInput(dir, kind, name string) (shown string, content []byte, err error) {
	if name == "" || strings.ContainsRune(name, 0) {
		return "", nil, errors.New("this is not a path")
	}
	full := name
	if !filepath.IsAbs(full) {
		full = filepath.Join(dir, name)
	}
	content, err = readBelow(l.root(dir), full)
	if err != nil {
		return full, nil, err
	}
	sum := sha256.Sum256(content)
	if kind == "templatefile" {
		kind = "file"
	}
	l.record(Input{Kind: kind, Name: full, Digest: "sha256:" + hex.EncodeToString(sum[:])})
	return full, content, nil
}

// root is the folder that files of a plan's folder may not leave.
func (l *loader) root(dir string) string {
	if l.opts.Root != "" {
		return l.opts.Root
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	for up := abs; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, ".git")); err == nil {
			return up
		}
		if up == filepath.Dir(up) {
			return abs
		}
	}
}

func readBelow(root, name string) ([]byte, error) {
	absRoot, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	rel, err := filepath.Rel(absRoot, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return nil, fmt.Errorf("the file %s is outside of %s: a plan reads only files of its own project", name, root)
	}
	r, err := os.OpenRoot(absRoot)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, source.Bare(err))
	}
	defer r.Close()
	return source.ReadRegular(r, rel, name, maxInput)
}

// envFunction reads an environment variable. Its digest is keyed, for it may be a secret.
func (l *loader) envFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String, AllowMarked: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[0].IsMarked() {
				return cty.UnknownVal(cty.String), errSecretName
			}
			name := args[0].AsString()
			value, ok := l.opts.Env(name)
			if !ok {
				l.record(Input{Kind: "env", Name: name, Digest: "unset"})
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "the environment has no %s; write try(env(%q), ...) where it may be unset", name, name)
			}
			if !utf8.ValidString(value) {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "the environment's %s is not UTF-8", name)
			}
			l.record(Input{Kind: "env", Name: name, Digest: l.secretDigest(value)})
			return cty.StringVal(value), nil
		},
	})
}
