package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// thousand is a plan of 1,000 resources on a host called a.
func thousand() string {
	var b strings.Builder
	b.WriteString("layer \"units\" {\n  on = \"a\"\n")
	for i := range 1000 {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "  file \"/etc/size/%d\" {\n    content = \"content of %d\\n\"\n    mode    = \"0640\"\n  }\n", i, i)
		case 1:
			fmt.Fprintf(&b, "  unit \"size-%d.service\" {\n    sections = {\n      Unit    = { Description = \"unit %d\" }\n      Service = { ExecStart = \"/bin/true\", Type = \"oneshot\" }\n      Install = { WantedBy = \"multi-user.target\" }\n    }\n  }\n", i, i)
		case 2:
			fmt.Fprintf(&b, "  directory \"/srv/size/%d\" {\n    owner = 1000\n    group = 1000\n    mode  = \"0755\"\n  }\n", i)
		case 3:
			fmt.Fprintf(&b, "  invariant \"number %d\" {\n    because = \"it is counted\"\n    file \"/etc/size/%d\" {\n      content = \"content of %d\\n\"\n      mode    = \"0640\"\n    }\n  }\n", i, i-3, i-3)
		}
	}
	b.WriteString("}\n")
	return b.String()
}

// A plan of 1,000 resources is read, and observed on a host, in less than 60 MB. What is run is the program as it is shipped,
// not the tests' own.
func TestThousandResourcesAreSmall(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	d := deskFor(t, h)
	d.write(t, "plan.bisc.hcl", thousand())
	bisc := filepath.Join(t.TempDir(), "bisc")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bisc, "bisc/cmd/bisc").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, run := range []struct {
		status int
		args   []string
	}{{0, []string{"validate"}}, {2, []string{"plan"}}, {2, []string{"plan", "--json"}}} {
		cmd := exec.CommandContext(t.Context(), bisc, run.args...)
		cmd.Dir, cmd.Env = d.dir, d.env
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != run.status {
			t.Fatalf("bisc %v: %v\n%.2000s", run.args, err, out)
		}
		rss := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		t.Logf("bisc %s: %.1f MB", strings.Join(run.args, " "), float64(rss)/1e6)
		if rss > 60e6 {
			t.Errorf("bisc %s had %.1f MB, want less than 60", strings.Join(run.args, " "), float64(rss)/1e6)
		}
	}
}

// The time of what is typed most, with starting the program: go test ./cmd/bisc -run '^$' -bench .
func BenchmarkTyped(b *testing.B) {
	bisc := filepath.Join(b.TempDir(), "bisc")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", bisc, "bisc/cmd/bisc").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	for _, args := range [][]string{{"validate"}, {"fmt", "--check"}} {
		b.Run(strings.Join(args, " "), func(b *testing.B) {
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), bisc, args...)
				cmd.Dir = "../.."
				cmd.Env = append(cmd.Environ(), "BISC_PLANS=plans/biscayne", "BISC_INVENTORY=inventory/lab.hcl", "XDG_STATE_HOME="+b.TempDir())
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
			}
		})
	}
}
