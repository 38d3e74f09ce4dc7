package laconic

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newStack is a stack's repository and a specification, and the folder of a deployment that is not there yet.
func newStack(t *testing.T, spec string) (p *program, specFile, dir string) {
	t.Helper()
	top := t.TempDir()
	put := func(name, text string) string {
		file := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	put("s/stacks/agave/stack.yml", "name: agave\n")
	put("s/compose/docker-compose-agave.yml", "services:\n  agave-validator:\n    image: a:local\n    environment:\n      A: ${A:-1}\n      B: ${B:-2}\n")
	p = &program{out: io.Discard, log: io.Discard, stack: filepath.Join(top, "s/stacks/agave"), features: Features{MountRoot: true, Propagation: true}}
	return p, put("spec.yml", spec), filepath.Join(top, "deployment")
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const specText = `kind-mount-root: /srv/kind
volumes:
  ledger: /srv/kind/solana/ledger
  odd: /srv/kind2/odd
config:
  B: "3"
  C: true
`

// Incident 21: --update writes what changed, the old file beside it, and leaves config.env: a new value in the specification arrives
// nowhere, until the commits that mend that.
func TestUpdate(t *testing.T) {
	p, spec, dir := newStack(t, specText)
	if err := p.create(spec, dir, true); err == nil {
		t.Error("--update of a folder that is not there succeeds")
	}
	if err := p.create(spec, dir, false); err != nil {
		t.Fatal(err)
	}
	if err := p.create(spec, dir, false); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("a second create: %v", err)
	}
	identity := content(t, dir, "deployment.yml")
	if got := content(t, dir, "config.env"); got != "B=3\nC=True\n" {
		t.Errorf("config.env: %q", got)
	}
	if err := os.WriteFile(spec, []byte(strings.Replace(specText, `"3"`, `"4"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.create(spec, dir, true); err != nil {
		t.Fatal(err)
	}
	if content(t, dir, "spec.yml.bak") != specText || !strings.Contains(content(t, dir, "spec.yml"), `"4"`) || content(t, dir, "deployment.yml") != identity {
		t.Error("the specification is not replaced with the old one beside it, or the identity is another")
	}
	if got := content(t, dir, "config.env"); got != "B=3\nC=True\n" {
		t.Errorf("config.env is written by --update: %q", got)
	}
	p.features.SyncConfig = true
	if err := p.create(spec, dir, true); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "config.env"); got != "B=4\nC=True\n" {
		t.Errorf("config.env, by a commit that writes it: %q", got)
	}
	d, err := p.open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B", "value": "4"}, map[string]any{"name": "C", "value": "True"}}
	if got := d.pod.Services["agave-validator"].env(d.env); len(got) != 3 || got[1].(map[string]any)["value"] != "4" || got[2].(map[string]any)["name"] != "C" {
		t.Errorf("env: %v, want %v", got, want)
	}
}

// Incident 19: which form the mounts and the volumes' paths have, follows from the commit; and what is under the root, from its letters.
func TestForms(t *testing.T) {
	p, spec, dir := newStack(t, specText)
	if err := p.create(spec, dir, false); err != nil {
		t.Fatal(err)
	}
	config := content(t, dir, "kind-config.yml")
	if !strings.Contains(config, "hostPath: /srv/kind\n    containerPath: /mnt\n    propagation: HostToContainer\n") || strings.Contains(config, "/mnt/") {
		t.Errorf("the form with a root:\n%s", config)
	}
	d, err := p.open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][2]string{"ledger": {"/srv/kind/solana/ledger", "/mnt/solana/ledger"}, "odd": {"/srv/kind2/odd", "/mnt/2/odd"}} {
		if got := p.nodePath(d.spec, name, want[0]); got != want[1] {
			t.Errorf("%s is at %s, want %s", name, got, want[1])
		}
	}
	p.features = Features{}
	if err := p.create(spec, dir, true); err != nil {
		t.Fatal(err)
	}
	config = content(t, dir, "kind-config.yml")
	if !strings.Contains(config, "containerPath: /mnt/ledger\n") || strings.Contains(config, "containerPath: /mnt\n") || strings.Contains(config, "propagation") {
		t.Errorf("the form with a mount a volume, before propagation:\n%s", config)
	}
	if got := p.nodePath(d.spec, "ledger", "/srv/kind/solana/ledger"); got != "/mnt/ledger" {
		t.Errorf("the ledger is at %s", got)
	}
}

// What is no command, and prepare before its commit, is click's refusal.
func TestUsage(t *testing.T) {
	p, _, _ := newStack(t, specText)
	for _, args := range [][]string{{}, {"deployment", "start"}, {"deployment", "--dir", "d", "prepare"}, {"deploy", "create"}, {"deployment", "--dir", "d", "start", "--force"}} {
		if err := p.run(args); err == nil || !strings.HasPrefix(err.Error(), "Missing") && !strings.HasPrefix(err.Error(), "No such") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
