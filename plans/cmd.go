package plans

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"bisc/internal/source"
)

// commandFunction runs a program of the operator's machine, in the plan file's folder, and gives what it prints as a
// secret.
func (l *loader) commandFunction(dir string) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "argv", Type: cty.List(cty.String), AllowMarked: true, AllowUnknown: true}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			argv, err := arguments(args[0])
			if err != nil || l.opts.Secrets == nil || !args[0].IsWhollyKnown() {
				return withheldSecret(), err
			}
			l.hideInputs()
			text, err := l.opts.Secrets.Command(dir, argv)
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			v := cty.StringVal(text)
			if v.AsString() != text {
				return cty.UnknownVal(cty.String), fmt.Errorf("what %s printed is not in Unicode's form NFC: the language would change it", argv[0])
			}
			l.record(Input{Kind: "cmd", Name: strings.Join(quoted(argv), " "), Digest: l.secretDigest(text)})
			return v.Mark(sensitive), nil
		},
	})
}

// arguments is a list of arguments. A secret among them would stand in the machine's process table.
func arguments(v cty.Value) ([]string, error) {
	if v.ContainsMarked() {
		return nil, errSecretName
	}
	if !v.IsWhollyKnown() {
		return nil, nil
	}
	var out []string
	for _, e := range v.AsValueSlice() {
		if e.IsNull() || strings.ContainsRune(e.AsString(), 0) {
			return nil, errors.New("an argument is null or has a NUL in it")
		}
		out = append(out, e.AsString())
	}
	if len(out) == 0 || out[0] == "" {
		return nil, errors.New("a program's name is wanted: cmd([\"pass\", \"show\", \"entry\"])")
	}
	return out, nil
}

func quoted(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strconv.Quote(w)
	}
	return out
}

// hideInputs keeps from programs what the plan reads with env() and what holds sudo's passwords, but for what every
// program needs.
func (l *loader) hideInputs() {
	for _, h := range l.plan.Inventory.Hosts() {
		if h.BecomePasswordEnv != "" {
			l.opts.Secrets.Hide(h.BecomePasswordEnv)
		}
	}
	for _, f := range l.plan.Files {
		l.opts.Secrets.Hide(envNames(source.Body(f))...)
	}
}
