package plans

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"bisc/internal/source"
)

// maxInput is the largest file that an expression reads, in bytes: it becomes an attribute, and travels whole.
const maxInput = 16 << 20

// AgeIdentityEnv names the variable that holds the path of the age identity file.
const AgeIdentityEnv = "BISC_AGE_IDENTITY"

// fileFunctions read files beside the plan files of one folder.
func (l *loader) fileFunctions(dir string) map[string]function.Function {
	return map[string]function.Function{
		"file":         l.reading(dir, "file", plainText),
		"age":          l.reading(dir, "age", l.decrypt),
		"templatefile": l.templateFunction(dir),
	}
}

// reading is a function of one path whose result is made of the file's content.
func (l *loader) reading(dir, kind string, do func(name string, content []byte) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
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
		return cty.UnknownVal(cty.String), fmt.Errorf("%s is not UTF-8 text", name)
	}
	return cty.StringVal(string(content)), nil
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
		return nil, fmt.Errorf("%s is outside of %s: a plan reads only files of its own project", name, root)
	}
	r, err := os.OpenRoot(absRoot)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, bare(err))
	}
	defer r.Close()
	info, err := r.Stat(rel)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, bare(err))
	}
	if !info.Mode().IsRegular() { // a pipe or a device would block, or never end
		return nil, fmt.Errorf("reading %s: not a regular file", name)
	}
	f, err := r.Open(rel)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, bare(err))
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, bare(err))
	}
	if len(content) > maxInput {
		return nil, fmt.Errorf("reading %s: larger than %d MiB", name, maxInput>>20)
	}
	return content, nil
}

// bare takes the path out of an error whose message already has it.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// decrypt opens an age file, armored or not, with the identities of BISC_AGE_IDENTITY. What it held is a secret.
func (l *loader) decrypt(name string, content []byte) (cty.Value, error) {
	none := cty.UnknownVal(cty.String)
	path, ok := l.opts.Env(AgeIdentityEnv)
	if !ok || path == "" {
		return none, fmt.Errorf("opening %s needs an identity: set %s to the path of an age identity file", name, AgeIdentityEnv)
	}
	f, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("reading the age identity %s: %w", path, bare(err))
	}
	defer f.Close()
	identities, err := age.ParseIdentities(f)
	if err != nil {
		return none, fmt.Errorf("reading the age identity %s: %w", path, err)
	}
	var in io.Reader = bytes.NewReader(content)
	if bytes.HasPrefix(bytes.TrimSpace(content), []byte(armor.Header)) {
		in = armor.NewReader(in)
	}
	out, err := age.Decrypt(in, identities...)
	if err != nil {
		return none, fmt.Errorf("opening %s: %w", name, err)
	}
	secret, err := io.ReadAll(io.LimitReader(out, maxInput+1))
	if err != nil {
		return none, fmt.Errorf("opening %s: %w", name, err)
	}
	if !utf8.Valid(secret) || len(secret) > maxInput {
		return none, fmt.Errorf("what %s holds is not UTF-8 text of at most %d MiB", name, maxInput>>20)
	}
	return cty.StringVal(string(secret)).Mark(sensitive), nil
}

// envFunction reads an environment variable. Its digest is keyed, for it may be a secret.
func (l *loader) envFunction() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "name", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
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

// templateFunction fills a template file. Its names are those of the second argument and nothing else; of the functions
// it has the pure ones.
func (l *loader) templateFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "path", Type: cty.String},
			{Name: "vars", Type: cty.DynamicPseudoType, AllowMarked: true, AllowUnknown: true, AllowDynamicType: true},
		},
		Type: function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			name, content, err := l.readInput(dir, "templatefile", args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), function.NewArgError(0, err)
			}
			return fillTemplate(name, content, args[1])
		},
	})
}

func fillTemplate(name string, content []byte, vars cty.Value) (cty.Value, error) {
	none := cty.UnknownVal(cty.String)
	vars, marks := vars.Unmark()
	if !vars.IsKnown() {
		return none.WithMarks(marks), nil
	}
	if vars.IsNull() || !vars.Type().IsObjectType() && !vars.Type().IsMapType() {
		return none, function.NewArgErrorf(1, "an object is wanted: { name = value }")
	}
	expr, diags := source.ParseTemplate(source.File{Name: name, Text: content})
	if diags.HasErrors() {
		return none, function.NewArgError(0, flat(diags))
	}
	v, diags := evaluate(expr, &hcl.EvalContext{Variables: vars.AsValueMap(), Functions: pureFunctions()})
	if diags.HasErrors() {
		return none, function.NewArgError(0, flat(diags))
	}
	v, inner := v.Unmark()
	if !v.IsKnown() {
		return none.WithMarks(marks, inner), nil
	}
	text, err := convert.Convert(v, cty.String) // a template of a single ${...} gives its value as it is
	if err != nil || text.IsNull() {
		return none, function.NewArgErrorf(0, "%s gives a %s, not text", name, v.Type().FriendlyName())
	}
	return text.WithMarks(marks, inner), nil
}

// flat is the first error of some, in a line.
func flat(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			return fmt.Errorf("%s:%d: %s: %s", d.Subject.Filename, d.Subject.Start.Line, d.Summary, strings.TrimSuffix(d.Detail, "."))
		}
	}
	return diags
}
