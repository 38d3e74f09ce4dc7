// Package biscayne_test proves on real lab hosts, through the real command, that the plan in this folder is right: what it
// makes of a fresh host, what survives a reboot, what stops docker, what lets a validator exit, and what each invariant
// sees.
package biscayne_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"bisc/internal/lab"
)

// programs is the folder with bisc, bisc-lab and agave-validator, built once for all tests.
var programs string

func TestMain(m *testing.M) {
	status := 1
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		status = m.Run()
	}
	os.RemoveAll(programs)
	os.Exit(status)
}

func build() (err error) {
	if programs, err = os.MkdirTemp("", "bisc-biscayne-"); err != nil {
		return err
	}
	// The layer relay installs what is embedded in bisc.
	if out, err := exec.Command("go", "run", "bisc/relaybin/build", "-q", "--source", "../..").CombinedOutput(); err != nil {
		return fmt.Errorf("build the relay daemons: %w\n%s", err, out)
	}
	for name, pkg := range map[string]string{"bisc": "bisc/cmd/bisc", "bisc-lab": "bisc/internal/lab/cmd/bisc-lab", "agave-validator": "./testdata/agave-validator"} {
		cmd := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(programs, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // hosts run bisc-lab and agave-validator too
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// computer is a host of the lab, or the virtual machine.
type computer interface {
	Shell(ctx context.Context, script string, args ...string) ([]byte, error)
	Install(ctx context.Context, program io.Reader, path string) error
	Reboot(ctx context.Context) error
	Snapshot(ctx context.Context) (lab.Snapshot, error)
	Console() string
	Port() int
	KeyFile() string
	KnownHosts() string
}

// bench is a host that stands for biscayne, and an operator who types bisc.
type bench struct {
	*testing.T
	host    computer
	dir     string // of the operator: inventory, ssh_config, journal
	variant string
}

// newBench starts a host. The inventory is the lab's own but for how the host is reached.
func newBench(t *testing.T, variant string) *bench {
	t.Helper()
	t.Parallel()
	opts := lab.HostOptions{Name: "biscayne", Docker: true}
	if variant != "plain" {
		opts.Pools = []lab.Pool{{Name: "biscayne", Size: 16 << 30}}
	}
	l := lab.ForTest(t, lab.Options{Program: filepath.Join(programs, "bisc-lab"), Hosts: []lab.HostOptions{opts}})
	b := &bench{T: t, host: l.Host("biscayne"), dir: t.TempDir(), variant: variant}
	if variant == "plain" {
		b.sh(blockDevice)
	}
	b.sh("systemctl start docker") // the first start of all writes a key: not into a snapshot
	b.desk("lab.hcl")
	return b
}

// desk is what the operator has: one of the inventories, where only how the host is reached is another.
func (b *bench) desk(inventory string) {
	b.Helper()
	text, err := os.ReadFile("../../inventory/" + inventory)
	there := regexp.MustCompile(`"/run/bisc-[a-z]*/ssh_config"`)
	if err != nil || !there.Match(text) {
		b.Fatalf("inventory/%s must name an ssh_config: %v", inventory, err)
	}
	b.write("lab.hcl", there.ReplaceAllString(string(text), fmt.Sprintf("%q", filepath.Join(b.dir, "ssh_config"))))
	b.write("ssh_config", fmt.Sprintf("Host biscayne\n HostName 127.0.0.1\n Port %d\n User ops\n IdentityFile %s\n IdentitiesOnly yes\n UserKnownHostsFile %s\n",
		b.host.Port(), b.host.KeyFile(), b.host.KnownHosts()))
}

// blockDevice gives the host a disk that is no zvol. Its node is made anew at each boot, before the mount that waits for it
// elsewhere by the unit that udev gives a device; bisc-lab keeps the data.
const blockDevice = `
cat >/usr/local/sbin/lab-vdb <<'EOF'
#!/usr/bin/python3
import json, os, socket
s = socket.socket(socket.AF_UNIX)
s.connect("\0bisc-lab")
s.sendall(json.dumps({"op": "loop-open", "name": "vdb", "size": 1 << 30}).encode())
at = json.loads(s.makefile().readline())
os.mknod("/dev/vdb", 0o60660, os.makedev(at["major"], at.get("minor", 0)))
EOF
chmod 755 /usr/local/sbin/lab-vdb
cat >/etc/systemd/system/lab-vdb.service <<'EOF'
[Unit]
DefaultDependencies=no
Before=srv-solana.mount
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-vdb
[Install]
WantedBy=local-fs.target
EOF
systemctl enable --now lab-vdb.service`

func (b *bench) write(name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// bisc types a command and wants its exit status; it gives what was printed.
func (b *bench) bisc(status int, args ...string) string {
	b.Helper()
	out, errs, got := b.types(args...)
	if got != status {
		b.Fatalf("bisc %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, status, out, errs)
	}
	return out
}

func (b *bench) types(args ...string) (stdout, stderr string, status int) {
	b.Helper()
	return b.asks("", args...)
}

// asks types a command, and its answers.
func (b *bench) asks(answers string, args ...string) (stdout, stderr string, status int) {
	b.Helper()
	verb := append([]string{args[0], "--set", "variant=" + b.variant}, args[1:]...)
	cmd := exec.CommandContext(b.Context(), filepath.Join(programs, "bisc"), verb...)
	cmd.Env = append(os.Environ(), "BISC_PLANS=.", "BISC_INVENTORY="+filepath.Join(b.dir, "lab.hcl"), "XDG_STATE_HOME="+b.dir, "SSH_AUTH_SOCK=")
	var errs strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(answers), &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.Fatal(err)
	}
	return string(out), errs.String(), cmd.ProcessState.ExitCode()
}

// apply takes the host to the plan, as far as that destroys nothing.
func (b *bench) apply() { b.Helper(); b.bisc(0, "apply", "--auto-approve", "--until-clean") }

// destroying does one round with the destruction of one address permitted, as shown. Exit status 2 is that more came into
// view.
func (b *bench) destroying(address string) {
	b.Helper()
	m := regexp.MustCompile(`(?m)^digest (\w+)$`).FindStringSubmatch(b.bisc(2, "plan", "--destroy", address))
	if m == nil {
		b.Fatal("the plan has no digest")
	}
	if out, errs, status := b.types("apply", "--destroy", address, "--approve", m[1]); status != 0 && status != 2 {
		b.Fatalf("bisc apply --destroy %s: exit %d\n%s%s", address, status, out, errs)
	}
}

// sh is somebody's own hands on the host.
func (b *bench) sh(script string, args ...string) string {
	b.Helper()
	out, err := b.host.Shell(b.Context(), script, args...)
	if err != nil {
		b.Fatalf("by hand:\n%s\n%v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (b *bench) reboot() {
	b.Helper()
	if err := b.host.Reboot(b.Context()); err != nil {
		b.Fatalf("%v\n%s", err, b.host.Console())
	}
}

// writesNothing fails the test when f has changed a file of the host.
func (b *bench) writesNothing(what string, f func()) {
	b.Helper()
	before, err := b.host.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	f()
	after, err := b.host.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	if wrote := before.Diff(after); len(wrote) > 0 {
		b.Errorf("%s wrote on the host:\n%s", what, strings.Join(wrote, "\n"))
	}
}

// green fails the test unless the host is all that the plan says and nothing is left to do; the plan then prints only its
// summary.
func (b *bench) green(when string) {
	b.Helper()
	b.bisc(0, "check", "--wait", "60s")
	b.bisc(0, "drift")
	for line := range strings.Lines(b.bisc(0, "plan")) {
		if line == "note: relay on biscayne is gated by the invariants of: units\n" { // it says what it assumes
			continue
		}
		if !regexp.MustCompile(`^(  storage|  units|  relay|biscayne): \d+ in sync\n$`).MatchString(line) {
			b.Errorf("%s the plan says more than its summary: %s", when, line)
		}
	}
}

// says fails the test unless a text has all the words, in order, on one line.
func (b *bench) says(text string, words ...string) {
	b.Helper()
	for i, w := range words {
		words[i] = regexp.QuoteMeta(w)
	}
	if !regexp.MustCompile(strings.Join(words, ".*")).MatchString(text) {
		b.Errorf("no line with %q in:\n%s", words, text)
	}
}

// inventory changes the operator's inventory: what stands there once.
func (b *bench) inventory(old, with string) {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "lab.hcl"))
	if err != nil || strings.Count(string(text), old) != 1 {
		b.Fatalf("the inventory must have %q once: %v", old, err)
	}
	b.write("lab.hcl", strings.Replace(string(text), old, with, 1))
}
