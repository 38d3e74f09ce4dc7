package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bisc/relaybin/builds"
)

// site is a small tree that looks like bisc's, with one program.
func site(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                    "module bisc\n\ngo 1.26.0\n",
		"relaybin/relaybin.go":      "package relaybin\n",
		"relaybin/words/words.go":   "package words\n\nconst Hello = \"hello\\n\"\n",
		"relaybin/cmd/tiny/main.go": "package main\n\nimport (\n\t\"os\"\n\n\t\"bisc/relaybin/words\"\n)\n\nfunc main() { os.Stdout.WriteString(words.Hello + \"  --to HOST:PORT\\n        where to\\n\") }\n",
		"elsewhere/elsewhere.go":    "package elsewhere\n",
	} {
		put(t, filepath.Join(top, name), text)
	}
	return top
}

func put(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// makes builds the tree's program for the platforms and wants so many to be made.
func makes(t *testing.T, top string, want int, platforms ...string) builds.Manifest {
	t.Helper()
	out := filepath.Join(top, "dist")
	made, err := build(t.Context(), "relaybin", top, out, []string{"tiny"}, platforms)
	if err != nil || made != want {
		t.Fatalf("%d made (%v), want %d", made, err, want)
	}
	m, err := builds.ReadManifest(os.DirFS(out), ".")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What is current is left alone, what is not is made, and what nothing names goes.
func TestIncremental(t *testing.T) {
	top := site(t)
	first := makes(t, top, 1, "linux/amd64")
	if got := first.Binaries[0].Settings; len(got) != 1 || got[0] != (builds.Setting{Name: "to", Value: "HOST:PORT", About: "where to"}) {
		t.Errorf("its settings are %v", got)
	}
	again := makes(t, top, 0, "linux/amd64")
	if first.Binaries[0].SHA256 != again.Binaries[0].SHA256 {
		t.Error("the list changed with nothing made")
	}
	put(t, filepath.Join(top, "relaybin/words/words_test.go"), "package words\n")
	put(t, filepath.Join(top, "elsewhere/elsewhere.go"), "package elsewhere // other\n")
	makes(t, top, 0, "linux/amd64")

	put(t, filepath.Join(top, "relaybin/words/words.go"), "package words\n\nconst Hello = \"good day\\n\"\n")
	changed := makes(t, top, 1, "linux/amd64")
	if changed.Binaries[0].SHA256 == first.Binaries[0].SHA256 || changed.Binaries[0].Source == first.Binaries[0].Source {
		t.Error("other source made the same")
	}
	packed := filepath.Join(top, "dist", changed.Binaries[0].File)
	put(t, packed, "torn")
	mended := makes(t, top, 1, "linux/amd64")
	if mended.Binaries[0].Packed != changed.Binaries[0].Packed {
		t.Error("the same source was packed otherwise")
	}
	put(t, filepath.Join(top, "dist", "left-over.gz"), "x")
	makes(t, top, 0, "linux/amd64")
	if _, err := os.Stat(filepath.Join(top, "dist", "left-over.gz")); !os.IsNotExist(err) {
		t.Error("what the list does not name would be embedded")
	}
	put(t, filepath.Join(top, "dist", builds.ManifestName), "{")
	makes(t, top, 1, "linux/amd64")
}

// A program that is not for the platform, not static or not of the relay alone is no build.
func TestRefuses(t *testing.T) {
	top := site(t)
	refuses := func(words string) {
		t.Helper()
		if _, err := build(t.Context(), "relaybin", top, filepath.Join(top, "dist"), []string{"tiny"}, []string{"linux/386"}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want something about %q", err, words)
		}
		if _, err := os.Stat(filepath.Join(top, "dist", builds.ManifestName)); !os.IsNotExist(err) {
			t.Error("there is a list of what was not built")
		}
	}
	main := filepath.Join(top, "relaybin/cmd/tiny/main.go")
	put(t, main, "package main\n\nimport _ \"bisc/elsewhere\"\n\nfunc main() {}\n")
	refuses("it imports bisc/elsewhere")
	put(t, main, "package main\n\nfunc main() { nothing() }\n")
	refuses("undefined: nothing")
	put(t, filepath.Join(top, "go.mod"), "module bisc\n\ngo 1.26.0\n\nreplace a/b => ../b\n")
	refuses("not reproducible")

	if _, err := inspect("/bin/sh", "linux/386"); err == nil || !strings.Contains(err.Error(), "built for linux/amd64") {
		t.Errorf("this machine's shell for 386: %v", err)
	}
	if _, err := inspect("/bin/sh", "linux/amd64"); err == nil || !strings.Contains(err.Error(), "not static") {
		t.Errorf("this machine's shell: %v", err)
	}
}

// Two builds are the same bit by bit, though the second is of a copy of the source in another folder, with no cache, another
// GOPATH, and settings in its environment that the go command listens to. By default one daemon is built for one platform,
// with everything that is in it from the runtime on; BISC_FAULTS=all builds every one for each. It is compared with what
// `make relay` made.
func TestReproducible(t *testing.T) {
	dist := os.DirFS("../dist")
	m, err := builds.ReadManifest(dist, ".")
	if err != nil {
		t.Fatalf("%v (this test compares with the builds: run `make relay` and the test again)", err)
	}
	some := m.Binaries[:1]
	if os.Getenv("BISC_FAULTS") == "all" {
		some = m.Binaries
	}
	away := elsewhere(t)
	for _, b := range some {
		out := t.TempDir()
		cmd := exec.CommandContext(t.Context(), away.builder, "--source", away.source, "--out", out, "--only", b.Name, "--platform", b.Platform)
		cmd.Env, cmd.Dir = away.env, t.TempDir()
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		got, err := builds.ReadManifest(os.DirFS(out), ".")
		if err != nil || len(got.Binaries) != 1 {
			t.Fatalf("%d builds (%v)", len(got.Binaries), err)
		}
		switch other := got.Binaries[0]; {
		case other.Source != b.Source:
			t.Errorf("%s for %s in dist is of other source: run `make relay` and the test again", b.Name, b.Platform)
		case other.SHA256 != b.SHA256:
			t.Errorf("%s for %s: %s here, %s elsewhere", b.Name, b.Platform, b.SHA256, other.SHA256)
		case other.Packed != b.Packed:
			t.Errorf("%s for %s is packed otherwise elsewhere", b.Name, b.Platform)
		}
	}
	cached, err := filepath.Glob(filepath.Join(away.cache, "*", "*-d"))
	if err != nil || len(cached) < 50 {
		t.Errorf("only %d things were compiled: the second build did not begin with nothing (%v)", len(cached), err)
	}
}

// another is a machine that has nothing of this one's but the go command and the modules' sources.
type another struct {
	source, builder, cache string
	env                    []string
}

func elsewhere(t *testing.T) another {
	t.Helper()
	dir := t.TempDir()
	a := another{source: filepath.Join(dir, "a copy", "of bisc"), builder: filepath.Join(dir, "builder"), cache: filepath.Join(dir, "cache")}
	shell(t, `mkdir -p "$1" && tar -C ../.. -c --exclude=relaybin/dist go.mod go.sum relaybin | tar -C "$1" -x && go build -o "$2" .`, a.source, a.builder)
	modules := strings.TrimSpace(shell(t, "go env GOMODCACHE"))
	path := filepath.Join(dir, "gopath")
	t.Cleanup(func() { shell(t, `chmod -R u+w "$1"`, path) }) // the go command takes the right to write from what it unpacks
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GO") {
			a.env = append(a.env, v)
		}
	}
	a.env = append(a.env, "GOPATH="+path, "GOCACHE="+a.cache, "GOPROXY=file://"+filepath.Join(modules, "cache", "download"), "GONOSUMDB=*", "GOSUMDB=off", "GOTOOLCHAIN=local", "GOENV=off",
		"GOAMD64=v3", "GO386=softfloat", "GOFLAGS=-race", "GOOS=plan9", "CGO_ENABLED=1", fmt.Sprintf("HOME=%s", dir), "TZ=Asia/Tokyo")
	return a
}

func shell(t *testing.T, script string, args ...string) string {
	t.Helper()
	out, err := exec.Command("sh", append([]string{"-c", "set -e; " + script, "sh"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}
