package plans

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bisc/internal/host"
	"bisc/internal/secret"
	"bisc/internal/source"
	"bisc/layers"
	"bisc/modules"
)

// resource is the resource at an address.
func resource[T modules.Resource](t *testing.T, p *Plan, address string) T {
	t.Helper()
	it, err := p.Find(address)
	if err != nil {
		t.Fatal(err)
	}
	r, ok := it.Resource.(T)
	if !ok {
		t.Fatalf("%s is a %T", address, it.Resource)
	}
	return r
}

func TestDecodesEveryType(t *testing.T) {
	p := load(t, `
layer "units" {
  on = "lab"
  file "/full" {
    content  = "a\n"
    mode     = 600
    owner    = 12
    limit    = "3"
    max      = 9007199254740993
    env      = { A = 1, B = true, C = null }
    sections = { Unit = { After = ["a.service", "b.service"], DefaultDependencies = false }, Service = { TimeoutStopSec = 90 } }
    section  = { Environment = "A=1" }
  }
  file "/default" {}
  mount "/full" {
    source        = "/dev/a"
    fstype        = "xfs"
    options       = toset(["b", "a"])
    size          = 1024
    wait          = "1m30s"
    boot_critical = false
    passno        = 2
    absent        = "true"
  }
  mount "/default" {
    source  = "/dev/b"
    fstype  = "xfs"
    options = null
  }
}
`)
	limit, critical := 3, false
	for address, want := range map[string]modules.Resource{
		"lab:units.file[/full]": &fakeFile{
			Path: "/full", Content: modules.Text{Value: "a\n"}, Mode: 0o600, Owner: "12", Limit: &limit, Max: 9007199254740993,
			Env:      map[string]string{"A": "1", "B": "true"},
			Sections: modules.Sections{"Unit": {"After": {"a.service", "b.service"}, "DefaultDependencies": {"false"}}, "Service": {"TimeoutStopSec": {"90"}}},
			Section:  modules.Section{"Environment": {"A=1"}},
		},
		"lab:units.file[/default]": &fakeFile{Path: "/default", Mode: 0o644},
		"lab:units.mount[/full]": &fakeMount{
			Target: "/full", Source: "/dev/a", FSType: "xfs", Options: []string{"a", "b"}, Size: 1024, Wait: 90 * time.Second, Critical: &critical, Passno: 2, Absent: true,
		},
		"lab:units.mount[/default]": &fakeMount{Target: "/default", Source: "/dev/b", FSType: "xfs", Options: []string{"defaults"}, Size: 1 << 30, Wait: 10 * time.Second},
	} {
		it, err := p.Find(address)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, it.Resource, cmpopts.IgnoreUnexported(fakeMount{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}

func TestRegistryOfTheseTests(t *testing.T) {
	if err := CheckRegistry(testRegistry()); err != nil {
		t.Error(err)
	}
}

type badKind struct {
	fakeACL
	Mode modules.Mode `hcl:"mode,optional" default:"rw"`
}

type metaKind struct {
	fakeACL
	When bool `hcl:"when,optional"`
}

func TestCheckRegistryFindsFaults(t *testing.T) {
	for want, make := range map[string]func(string) modules.Resource{
		"default rw of mode":          func(string) modules.Resource { return &badKind{} },
		"the name of a meta-argument": func(string) modules.Resource { return &metaKind{} },
	} {
		err := CheckRegistry(modules.NewRegistry(modules.Kind{Name: "x", Platform: host.Linux, New: make}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestStagesInOrder(t *testing.T) {
	p := load(t, `
layer "relay" {
  on      = ["lab2", "lab"]
  assumes = ["units"]
  file "/r" {}
}
layer "storage" {
  on = ["lab"]
  file "/z" {}
  invariant "first" {
    because = "b"
    file "/never-written" {}
  }
  file "/a" {}
}
layer "storage" {
  on   = [host.lab, host.lab2]
  when = self.zvol == "tank/solana"
  file "/more" {}
}
layer "kind" {
  on      = "lab"
  assumes = []
}
`)
	type stage struct {
		Host, Name string
		Assumes    []layers.Layer
		Items      []string
	}
	var got []stage
	for _, st := range p.Stages {
		s := stage{Host: st.Host, Name: st.Name, Assumes: st.Assumes}
		for _, it := range st.Items {
			s.Items = append(s.Items, it.Address)
		}
		got = append(got, s)
	}
	want := []stage{
		{"lab", "storage", nil, []string{"lab:storage.file[/z]", "lab:storage.invariant[first]", "lab:storage.file[/a]", "lab:storage.file[/more]"}},
		{"lab", "kind", []layers.Layer{}, nil},
		{"lab", "relay", []layers.Layer{layers.Units}, []string{"lab:relay.file[/r]"}},
		{"lab2", "relay", []layers.Layer{layers.Units}, []string{"lab2:relay.file[/r]"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestForEach(t *testing.T) {
	p := load(t, `
variable "on" {
  type    = set(string)
  default = ["a", "b"]
}
layer "units" {
  on = "lab"
  file {
    for_each = var.on
    when     = each.key != "b"
  }
  file {
    for_each = host.lab.disks
    label    = "/disk/${each.key}"
    content  = each.value
  }
  file {
    label = "/plain/${self.name}"
  }
  invariant {
    for_each = toset(["x", "y"])
    because  = "of ${each.value}"
    file {
      label = "/inv/${each.key}"
    }
  }
}
`)
	want := []string{
		"lab:units.file[/disk/a]", "lab:units.file[/disk/b]", "lab:units.file[/plain/lab]", "lab:units.file[a]",
		"lab:units.invariant[x]", "lab:units.invariant[y]",
	}
	if diff := cmp.Diff(want, p.Addresses()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f := resource[*fakeFile](t, p, "lab:units.file[/disk/b]"); f.Content.Value != "/dev/b" {
		t.Errorf("content %q", f.Content.Value)
	}
	if f := resource[*fakeFile](t, p, "lab:units.invariant[y]"); f.Path != "/inv/y" {
		t.Errorf("the invariant looks at %q", f.Path)
	}
}

func TestNeighbours(t *testing.T) {
	p := load(t, `
layer "storage" {
  on = ["lab", "lab2"]
  mount "/a" {
    source = "/dev/a"
    fstype = "xfs"
  }
  invariant "i" {
    because = "b"
    mount "/i" {
      source = "/dev/i"
      fstype = "xfs"
    }
  }
}
layer "units" {
  on = "lab"
  file "/f" {}
}
runbook "r" {
  layer = "agave"
  stage "one" {
    on = "lab"
    mount "/one" {
      source = "/dev/one"
      fstype = "xfs"
    }
  }
}
`)
	names := func(m *fakeMount) (out []string) {
		for _, r := range m.met {
			switch r := r.(type) {
			case *fakeMount:
				out = append(out, r.Target)
			case *fakeFile:
				out = append(out, r.Path)
			}
		}
		return out
	}
	for address, want := range map[string][]string{
		"lab:storage.mount[/a]":     {"/a", "/f"},
		"lab2:storage.mount[/a]":    {"/a"},
		"lab:storage.invariant[i]":  {"/a", "/f", "/i"},
		"lab:r/one.mount[/one]":     {"/a", "/f", "/one"},
		"lab2:storage.invariant[i]": {"/a", "/i"},
	} {
		if diff := cmp.Diff(want, names(resource[*fakeMount](t, p, address))); diff != "" {
			t.Errorf("%s met (-want +got):\n%s", address, diff)
		}
	}
}

func TestVariablesPrecedence(t *testing.T) {
	text := `
variable "s" {
  type    = string
  default = "default"
}
variable "n" {
  default = 1
}
variable "l" {
  type    = list(string)
  default = []
}
layer "units" {
  on = "lab"
  file "/x" {
    content = "${var.s} ${var.n} ${join(",", var.l)}"
  }
}
`
	one := source.File{Name: "one.vars", Text: []byte("s = \"one\"\nn = 1 + 1\nl = [\"one\"]\n")}
	two := source.File{Name: "two.vars", Text: []byte("s = \"two\"\n")}
	for _, c := range []struct {
		name  string
		vars  map[string]string
		files []source.File
		want  string
	}{
		{"defaults", nil, nil, "default 1 "},
		{"files, the later first", nil, []source.File{one, two}, "two 2 one"},
		{"set before files", map[string]string{"s": `"as it is"`, "n": "a b", "l": `["x", "y"]`}, []source.File{one, two}, `"as it is" a b x,y`},
	} {
		p, diags := Load(Options{Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry(), Vars: c.vars, VarFiles: c.files})
		if diags.HasErrors() {
			t.Fatalf("%s: %v", c.name, diags)
		}
		if got := resource[*fakeFile](t, p, "lab:units.file[/x]").Content.Value; got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

const runText = `
runbook "r" {
  layer   = "agave"
  because = "b"
  stage "a" {
    for_each = { one = "lab", two = "lab2" }
    on       = each.value
    file "/x" {
      content = "${run.id} ${run.started} ${each.key}"
    }
  }
}
`

func TestRunValuesAreUnknownBeforeARun(t *testing.T) {
	p := load(t, runText)
	if !p.Runbooks["r"].NeedsRun {
		t.Error("the runbook does not say that it needs a run")
	}
	it, err := p.Find("lab2:r/a[two].file[/x]")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := it.Resource.Plan(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "only when its runbook runs") {
		t.Errorf("got %v, want to be told that the value is not known", err)
	}
}

func TestRunValues(t *testing.T) {
	p, diags := Load(Options{
		Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(runText)}}, Inventory: testInventory(t), Registry: testRegistry(),
		Run: &Run{ID: "r1", Started: time.Date(2026, 3, 9, 1, 2, 3, 4, time.UTC)},
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := resource[*fakeFile](t, p, "lab:r/a[one].file[/x]").Content.Value; got != "r1 2026-03-09T01:02:03Z one" {
		t.Errorf("got %q", got)
	}
	if p.Runbooks["r"].NeedsRun {
		t.Error("it still needs a run")
	}
}

func TestInputsAreRecorded(t *testing.T) {
	t.Chdir(t.TempDir())
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	write(t, "key.txt", identity.String()+"\n")
	write(t, "secret.age", encrypt(t, identity, "hunter2"))
	write(t, "motd", "hello")
	write(t, "t.tmpl", "%{ for n in names }${upper(n)} %{ endfor }")
	env := map[string]string{AgeIdentityEnv: "key.txt", "TOKEN": "tok"}
	text := `
layer "units" {
  on = "lab"
  file "/secret" {
    content = "key=${age("secret.age")}"
  }
  file "/motd" {
    content = "${file("motd")} ${env("TOKEN")} ${try(env("NOPE"), "none")} ${templatefile("t.tmpl", { names = ["a", "b"] })}"
  }
}
`
	opts := Options{
		Files: []source.File{{Name: "x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry(), DigestKey: []byte("k"),
		Env: func(n string) (string, bool) { v, ok := env[n]; return v, ok }, Secrets: secret.New(t.Context()),
	}
	opts.Secrets.Env = opts.Env
	p, diags := Load(opts)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if got := resource[*fakeFile](t, p, "lab:units.file[/secret]").Content; got != (modules.Text{Value: "key=hunter2", Secret: true}) {
		t.Errorf("got %+v, want a secret", got)
	}
	if got := resource[*fakeFile](t, p, "lab:units.file[/motd]").Content; got != (modules.Text{Value: "hello tok none A B "}) {
		t.Errorf("got %+v", got)
	}
	var names []string
	for _, in := range p.Inputs {
		names = append(names, in.Kind+" "+in.Name)
		if in.Kind == "env" && in.Digest != "unset" && !strings.HasPrefix(in.Digest, "secret:") || in.Kind != "env" && !strings.HasPrefix(in.Digest, "sha256:") {
			t.Errorf("digest %s of %s", in.Digest, in.Name)
		}
	}
	if diff := cmp.Diff([]string{"age secret.age", "env NOPE", "env TOKEN", "file motd", "file t.tmpl"}, names); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	env["TOKEN"] = "other"
	if again, _ := Load(opts); again.Digest == p.Digest {
		t.Error("another value of the environment does not change the plan's digest")
	}
}

func TestFilesStayInTheProject(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "outside", "x")
	write(t, "project/.git/HEAD", "x")
	write(t, "project/shared", "ok")
	write(t, "project/plans/near", "ok")
	if err := os.Symlink("../../outside", "project/plans/link"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"near": "", "../shared": "", "../../outside": "outside of", "link": "escapes", "nope": "no such file"} {
		text := `layer "units" {
  on = "lab"
  file "/x" {
    content = file("` + name + `")
  }
}`
		_, diags := Load(Options{Files: []source.File{{Name: "project/plans/x.bisc.hcl", Text: []byte(text)}}, Inventory: testInventory(t), Registry: testRegistry()})
		if want == "" && diags.HasErrors() || want != "" && (!diags.HasErrors() || !strings.Contains(diags.Error(), want)) {
			t.Errorf("file(%q): got %v, want %q", name, diags, want)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func encrypt(t *testing.T, to *age.X25519Identity, text string) string {
	t.Helper()
	var b strings.Builder
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
