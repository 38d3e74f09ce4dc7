package mutation

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Verdict is what came of a test.
type Verdict string

// A mutation is caught when its test is red. All else is a fault: of the test, or of the mutation.
const (
	Red    Verdict = "red"    // the test ran and failed
	Green  Verdict = "green"  // the test ran and passed
	Broken Verdict = "broken" // nothing was run: it does not compile, or there is no such test
)

// Result is what came of one run of go test.
type Result struct {
	Verdict Verdict
	Failed  []string // tests that failed
	Output  string   // the end of what was said
	Took    time.Duration
}

// limit ends a mutation's test: taking out a deadline makes some of them hang, and that is red too.
const limit = 3 * time.Minute

// Baseline runs a mutation's test on the code as it is. It must be green: else red would mean nothing.
func (m Mutation) Baseline(ctx context.Context, root string) (Result, error) {
	return m.test(ctx, root, os.Getenv("GOFLAGS"))
}

// Run runs a mutation's test with the guard taken out. The tree is not touched: go build reads the changed file in the
// place of the other (-overlay), also where the test itself builds programs.
func (m Mutation) Run(ctx context.Context, root string) (Result, error) {
	c, err := m.find(root)
	if err != nil {
		return Result{}, err
	}
	dir, err := os.MkdirTemp("", "bisc-mutation-")
	if err != nil {
		return Result{}, err
	}
	defer os.RemoveAll(dir)
	changed, overlay := filepath.Join(dir, filepath.Base(c.path)), filepath.Join(dir, "overlay.json")
	b, err := json.Marshal(map[string]map[string]string{"Replace": {c.path: changed}})
	if err != nil {
		return Result{}, err
	}
	if err := os.WriteFile(changed, []byte(c.whole), 0o644); err != nil {
		return Result{}, err
	}
	if err := os.WriteFile(overlay, b, 0o644); err != nil {
		return Result{}, err
	}
	return m.test(ctx, root, strings.TrimSpace(os.Getenv("GOFLAGS")+" -overlay="+overlay))
}

func (m Mutation) test(ctx context.Context, root, flags string) (Result, error) {
	began := time.Now()
	args := append([]string{"test", "-json", "-count=1", "-vet=off", "-timeout", limit.String(), m.Package}, m.Args...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS="+flags, "CGO_ENABLED=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that a test can clean up
	cmd.WaitDelay = 20 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	failed := cmd.Run()
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	r := judge(out.Bytes())
	r.Took = time.Since(began)
	r.Output = tail(r.Output + errs.String())
	if failed != nil && r.Verdict == Green {
		return r, fmt.Errorf("mutation %s: go test failed, though no test did: %w\n%s", m.Name, failed, r.Output)
	}
	return r, nil
}

// judge reads what go test -json said. Only a test that failed is red: what does not compile proves nothing.
func judge(said []byte) Result {
	var r Result
	ran := false
	var text strings.Builder
	for s := bufio.NewScanner(bytes.NewReader(said)); s.Scan(); {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(s.Bytes(), &e) != nil {
			continue
		}
		text.WriteString(e.Output)
		switch {
		case e.Test == "":
		case e.Action == "pass":
			ran = true
		case e.Action == "fail":
			r.Failed = append(r.Failed, e.Test)
		}
	}
	r.Output = text.String()
	switch {
	case len(r.Failed) > 0:
		r.Verdict = Red
	case ran:
		r.Verdict = Green
	default:
		r.Verdict = Broken
	}
	return r
}

func tail(text string) string { return text[max(0, len(text)-4000):] }
