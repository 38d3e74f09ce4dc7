// Package live proves on real hosts what the other tests prove on recorded ones: real plans, the real engine, the real
// transport, and hosts of the lab whose facts are changed by hand behind bisc's back.
//
// Begin with breaks_test.go and testdata/breaks/file.txtar.
package live

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/vm"
	"bisc/internal/source"
	"bisc/inventory"
	"bisc/layers"
	"bisc/modules/all"
	"bisc/plans"
)

// computer is a host of the lab, or the virtual machine.
type computer interface {
	Shell(ctx context.Context, script string, args ...string) ([]byte, error)
	Reboot(ctx context.Context) error
	Snapshot(ctx context.Context) (lab.Snapshot, error)
	Dial() string
	KeyFile() string
	HostKeys() []string
}

// operator sits at the controller and works on one host of the lab, as the command does.
type operator struct {
	host computer
	at   string // where the host's sshd is reached, host:port
	user string
}

func newOperator(h computer) *operator { return &operator{host: h, at: h.Dial(), user: "ops"} }

// program builds bisc-lab once for several labs.
func program(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bisc-lab")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", path, "bisc/internal/lab/cmd/bisc-lab")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build bisc-lab: %v\n%s", err, out)
	}
	return path
}

// oneHost starts a lab of one host with a pool.
func oneHost(t *testing.T, program string, more ...func(*lab.HostOptions)) *operator {
	t.Helper()
	opts := lab.HostOptions{Name: "a", Pools: []lab.Pool{{Name: "tank", Size: 1 << 40}}}
	for _, set := range more {
		set(&opts)
	}
	return newOperator(lab.ForTest(t, lab.Options{Program: program, Hosts: []lab.HostOptions{opts}}).Host("a"))
}

// sh runs a script in the host as root, beside bisc, and fails the test if it fails.
func (o *operator) sh(t *testing.T, script string) string {
	t.Helper()
	out, err := o.host.Shell(t.Context(), script)
	if err != nil {
		t.Fatalf("by hand:\n%s\n%v", script, err)
	}
	return strings.TrimSpace(string(out))
}

// load turns the blocks of a layer into stages.
func (o *operator) load(t *testing.T, blocks string) []*layers.Stage {
	t.Helper()
	return o.loadPlan(t, "layer \"storage\" {\n  on = \"a\"\n"+blocks+"\n}\n")
}

func (o *operator) loadPlan(t *testing.T, text string) []*layers.Stage {
	t.Helper()
	p, diags := plans.Load(plans.Options{
		Files:     []source.File{{Name: "live.bisc.hcl", Text: []byte(text)}},
		Inventory: o.inventory(t), Registry: all.Registry(), Root: t.TempDir(),
		Env: func(string) (string, bool) { return "", false },
	})
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	var stages []*layers.Stage
	for i := range p.Stages {
		stages = append(stages, &p.Stages[i])
	}
	return stages
}

func (o *operator) inventory(t *testing.T) *inventory.Inventory {
	t.Helper()
	address, port, err := net.SplitHostPort(o.at)
	if err != nil {
		t.Fatal(err)
	}
	connect, answer := o.patience()
	text := fmt.Sprintf(`host "a" {
  platform   = "linux"
  address    = %q
  port       = %s
  user       = %q
  ssh_config = false
  host_key   = [%s]
  identity   = [%q]

  connect_timeout = %q
  answer_timeout  = %q
}
`, address, port, o.user, o.pins(t), o.host.KeyFile(), connect, answer)
	inv, diags := inventory.Load(source.File{Name: "lab.hcl", Text: []byte(text)})
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	return inv
}

// patience is how long a login and an answer may take: an emulated processor on a busy machine has taken more than the usual.
func (o *operator) patience() (connect, answer string) {
	if _, emulated := o.host.(*vm.Machine); emulated {
		return "60s", "3m"
	}
	return "10s", host.DefaultAnswer.String()
}

// plan observes, and fails the test if anything could not be observed or if anything on the host was written meanwhile.
func (o *operator) plan(t *testing.T, stages []*layers.Stage, opts layers.Options) layers.Report {
	t.Helper()
	before := o.snapshot(t)
	s := o.session(t)
	rep := layers.ObserveAll(t.Context(), stages, s, opts)
	s.close(t)
	if wrote := before.Diff(o.snapshot(t)); len(wrote) > 0 {
		t.Errorf("the plan wrote on the host:\n%s", strings.Join(wrote, "\n"))
	}
	for _, h := range rep {
		if h.Err != nil {
			t.Fatalf("plan: %v", h.Err)
		}
	}
	for _, out := range rep.Outcomes() {
		if out.Err != nil {
			t.Errorf("%s: unknown: %v", out.Item.Address, out.Err)
		}
	}
	return rep
}

func (o *operator) snapshot(t *testing.T) lab.Snapshot {
	t.Helper()
	s, err := o.host.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// apply does the round that was shown, then climbs with every further round approved, and gives the last one.
func (o *operator) apply(t *testing.T, stages []*layers.Stage, shown layers.Report, opts layers.Options) []layers.Outcome {
	t.Helper()
	s := o.session(t)
	defer s.close(t)
	hosts, acting := opening{s}, layers.Acting{Options: opts, Record: layers.NoRecord{}}
	rep := layers.ApplyAll(t.Context(), shown, hosts, acting)
	var err error
	if rep.GoesOn() {
		rep, err = layers.Climb{
			Stages: stages, Hosts: hosts, Acting: acting,
			Approve: func(int, layers.Report) (bool, error) { return true, nil },
		}.Run(t.Context())
	}
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	for _, h := range rep {
		if h.Err != nil {
			t.Fatalf("apply: %v", h.Err)
		}
	}
	return rep.Outcomes()
}

// bad lists outcomes of an apply that are neither done nor in sync nor left alone with a reason.
func bad(outs []layers.Outcome) []string {
	var lines []string
	for _, o := range outs {
		switch {
		case o.State == layers.InSync, o.State == layers.Changed, o.State == layers.Drifted && !o.Change.Mendable():
		default:
			lines = append(lines, fmt.Sprintf("%s is %s: %s %v", o.Item.Address, o.State, o.Reason, o.Err))
		}
	}
	return lines
}

// pins are the fingerprints of the host's keys, as the inventory takes them.
func (o *operator) pins(t *testing.T) string {
	t.Helper()
	var out []string
	for _, line := range o.host.HostKeys() {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%q", ssh.FingerprintSHA256(key)))
	}
	return strings.Join(out, ", ")
}
