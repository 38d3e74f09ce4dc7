package relaybin

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bisc/relaybin/builds"
)

// built gives the embedded builds; this test needs them.
func built(t *testing.T) []Binary {
	t.Helper()
	all, err := Binaries()
	if err != nil {
		t.Fatalf("%v (this test needs the builds: run `%s` and the test again)", err, Command)
	}
	return all
}

// What is embedded is what its list says, for every daemon and platform, and of the source that stands beside it.
func TestEmbedded(t *testing.T) {
	all := built(t)
	mains, err := fs.Glob(tree, "cmd/*/main.go")
	if err != nil || len(mains) != len(Names()) || len(all) != len(mains)*len(builds.Platforms()) {
		t.Errorf("%d builds of %d programs for %d platforms, want %d programs (%v)", len(all), len(mains), len(builds.Platforms()), len(Names()), err)
	}
	for _, name := range Names() {
		if !slices.ContainsFunc(all, func(b Binary) bool { return b.Name == name && len(b.Settings) > 0 }) {
			t.Errorf("no build of %s says what its settings are", name)
		}
	}
	for _, b := range all {
		r, err := b.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		if hex.EncodeToString(sum[:]) != b.SHA256 || int64(len(text)) != b.Size {
			t.Errorf("%s for %s is not what the list says", b.Name, b.Platform)
		}
		if target, err := b.Header(); err != nil || target != b.Target {
			t.Errorf("%s for %s is a %s program, listed as %s (%v)", b.Name, b.Platform, target, b.Target, err)
		}
		if platform, err := builds.PlatformOf(b.Target.Machine); err != nil || platform != b.Platform {
			t.Errorf("%s for %s is for %s", b.Name, b.Platform, platform)
		}
		if why, err := b.Stale(); err != nil || why != "" {
			t.Errorf("%s for %s: %s (%v): run `%s`", b.Name, b.Platform, why, err, Command)
		}
	}
}

// The source in bisc is small beside the builds.
func TestTheSourceIsSmall(t *testing.T) {
	var size int64
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, "dist/") {
			return err
		}
		info, err := d.Info()
		size += info.Size()
		return err
	})
	if err != nil || size > 4<<20 {
		t.Errorf("package relaybin embeds %d bytes of source: keep fixtures out of the folder (%v)", size, err)
	}
}

// every source file of the tree, as an embed would have it, with builds of it.
func sample(t *testing.T) (fstest.MapFS, Binary) {
	t.Helper()
	m := fstest.MapFS{"ring/a.go": {Data: []byte("package ring")}, "cmd/x/main.go": {Data: []byte("package main")}}
	dirs := []string{"ring", "cmd/x"}
	source, err := builds.SourceDigest(m, dirs)
	if err != nil {
		t.Fatal(err)
	}
	return m, Binary{Binary: builds.Binary{Name: "x", Platform: "linux/amd64", Go: "go1.26.8", Source: source, Dirs: dirs, Modules: map[string]string{"a/b": "v1.0.0", "c/d": "v2.0.0"}}, Set: set(m)}
}

func TestStale(t *testing.T) {
	modules := map[string]string{"a/b": "v1.0.0", "e/f": "v3.0.0"} // c/d is the daemon's alone
	for name, tt := range map[string]struct {
		change    func(m fstest.MapFS)
		toolchain string
		modules   map[string]string
		want      string
	}{
		"current":           {want: ""},
		"a test changed":    {change: func(m fstest.MapFS) { m["ring/a_test.go"] = &fstest.MapFile{} }, want: ""},
		"the source":        {change: func(m fstest.MapFS) { m["ring/a.go"].Data = []byte("package ring ") }, want: "other source"},
		"a new file":        {change: func(m fstest.MapFS) { m["cmd/x/flags.go"] = &fstest.MapFile{} }, want: "other source"},
		"a folder is gone":  {change: func(m fstest.MapFS) { delete(m, "ring/a.go") }, want: "relaybin/ring, which is no longer there"},
		"another toolchain": {toolchain: "go1.27.0", want: "made with go1.26.8, this bisc with go1.27.0"},
		"another module":    {modules: map[string]string{"a/b": "v1.0.1"}, want: "made with a/b v1.0.0, this bisc with v1.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			m, b := sample(t)
			if tt.change != nil {
				tt.change(m)
			}
			if tt.toolchain == "" {
				tt.toolchain = "go1.26.8"
			}
			if tt.modules == nil {
				tt.modules = modules
			}
			got, err := b.StaleFor(tt.toolchain, tt.modules)
			if err != nil || !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// A clone without builds compiles, and says what to run.
func TestNotBuilt(t *testing.T) {
	for name, folder := range map[string]fstest.MapFS{
		"a clone": {"dist/README": {}}, "no folder": {}, "an empty list": {"dist/manifest.json": {Data: []byte("{}")}},
	} {
		if _, err := set(folder).All(); !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "`make build`") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := set(fstest.MapFS{"dist/manifest.json": {Data: []byte("{")}}).All(); err == nil || errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), Command) {
		t.Errorf("a torn list: %v", err)
	}
}

// What would be pushed is chosen by the machine, and its own header is looked at: a list that lies helps nobody.
func TestChoose(t *testing.T) {
	all := built(t)
	name := all[0].Name
	for _, tt := range []struct{ name, machine, platform, want, err string }{
		{name, "x86_64", "", "linux/amd64", ""}, {name, "i686", "", "linux/386", ""}, {name, "aarch64", "", "linux/arm64", ""},
		{name, "x86_64", "linux/386", "linux/386", ""},
		{name, "i686", "linux/amd64", "", `64-bit x86_64 program does not run on a machine that is "i686"`},
		{name, "x86_64", "linux/arm64", "", `64-bit aarch64 program does not run on a machine that is "x86_64"`},
		{name, "riscv64", "", "", "no builds for a machine"},
		{name, "x86_64", "linux/mips", "", "there is no " + name + " for linux/mips"},
		{"shredless", "x86_64", "", "", "there is no shredless for linux/amd64"},
	} {
		b, err := builds.Choose(all, tt.name, tt.machine, tt.platform)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		if err != nil || b.Platform != tt.want {
			t.Errorf("%+v: %s, %v", tt, b.Platform, err)
		}
	}
	lying := slices.Clone(all[:1])
	for i := range lying {
		other, err := builds.Choose(all, name, "aarch64", "")
		if err != nil {
			t.Fatal(err)
		}
		lying[i].File = other.File
	}
	if _, err := builds.Choose(lying, name, "x86_64", lying[0].Platform); err == nil || !strings.Contains(err.Error(), "does not run") {
		t.Errorf("a program for another machine under this platform's name: %v", err)
	}
}
