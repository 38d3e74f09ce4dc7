package discover_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"bisc/internal/lab"
)

// programs is the folder with bisc and bisc-lab, built once for all tests that need a host.
var programs string

var built = sync.OnceValue(build)

func TestMain(m *testing.M) {
	status := m.Run()
	if programs != "" {
		os.RemoveAll(programs)
	}
	os.Exit(status)
}

func build() (err error) {
	if programs, err = os.MkdirTemp("", "bisc-discover-"); err != nil {
		return err
	}
	for name, pkg := range map[string]string{"bisc": "bisc/cmd/bisc", "bisc-lab": "bisc/internal/lab/cmd/bisc-lab"} {
		cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(programs, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // hosts run bisc-lab too
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// bench is a lab host, and an operator who types bisc.
type bench struct {
	*testing.T
	host *lab.Host
	dir  string // of the operator: inventory, ssh_config, journal, plans
}

// newBench starts a host, with a pool of stand-in ZFS or without.
func newBench(t *testing.T, pool, docker bool) *bench {
	t.Helper()
	t.Parallel()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	opts := lab.HostOptions{Name: "biscayne", Docker: docker}
	if pool {
		opts.Pools = []lab.Pool{{Name: "biscayne", Size: 16 << 30}}
	}
	l := lab.ForTest(t, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{opts}})
	b := &bench{T: t, host: l.Host("biscayne"), dir: t.TempDir()}
	if docker {
		b.sh("systemctl start docker") // the first start of all writes a key
	}
	const there = `"/run/bisc-demo/ssh_config"`
	text, err := os.ReadFile("../inventory/lab.hcl")
	if err != nil || bytes.Count(text, []byte(there)) != 1 {
		t.Fatalf("inventory/lab.hcl must name %s once: %v", there, err)
	}
	b.write("lab.hcl", strings.Replace(string(text), there, fmt.Sprintf("%q", filepath.Join(b.dir, "ssh_config")), 1))
	b.write("ssh_config", fmt.Sprintf("Host biscayne\n HostName 127.0.0.1\n Port %d\n User ops\n IdentityFile %s\n IdentitiesOnly yes\n UserKnownHostsFile %s\n",
		b.host.Port(), b.host.KeyFile(), b.host.KnownHosts()))
	return b
}

func (b *bench) write(name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// bisc types a command and wants its exit status; it gives what was printed.
func (b *bench) bisc(status int, args ...string) string {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), filepath.Join(programs, "bisc"), args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "BISC_PLANS=", "BISC_INVENTORY="+filepath.Join(b.dir, "lab.hcl"), "XDG_STATE_HOME="+b.dir, "SSH_AUTH_SOCK=")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != status {
		b.Fatalf("bisc %s: exit %d, want %d\n%s%s\n%s", strings.Join(args, " "), got, status, out, errs.String(), b.found())
	}
	return string(out) + errs.String()
}

// found is the plan that was written, for messages.
func (b *bench) found() (text string) {
	names, _ := filepath.Glob(filepath.Join(b.dir, "found", "*.hcl"))
	for _, n := range names {
		content, _ := os.ReadFile(n)
		text += string(content)
	}
	return text
}

// sh is somebody's own hands on the host.
func (b *bench) sh(script string, args ...string) string {
	b.Helper()
	out, err := b.host.Shell(b.Context(), script, args...)
	if err != nil {
		_, reason, _ := strings.Cut(err.Error(), ": exit status ")
		b.Fatalf("by hand: exit status %s\n%s\n%s", reason, out, script)
	}
	return strings.TrimSpace(string(out))
}

// scripts runs the set-up scripts of testdata/hosts as one.
func (b *bench) scripts(names ...string) {
	b.Helper()
	text := ""
	for _, n := range names {
		content, err := os.ReadFile(filepath.Join("testdata", "hosts", n+".sh"))
		if err != nil {
			b.Fatal(err)
		}
		text += string(content) + "\n"
	}
	b.sh(text)
}

// good fails the test unless the plan written is valid and in the one form.
func (b *bench) good() {
	b.Helper()
	b.bisc(0, "validate", "--plans", "found")
	b.bisc(0, "fmt", "--check", "found")
}

// differing are the resources that the first plan shows, as kind[label].
func (b *bench) differing(plan string) (out []string) {
	b.Helper()
	for _, m := range regexp.MustCompile(`(?m)^  [~*!?-] biscayne:\w+\.(.+?\])   `).FindAllStringSubmatch(plan, -1) {
		out = append(out, m[1])
	}
	return out
}
