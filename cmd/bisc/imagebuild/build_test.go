package imagebuild

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/lab"
	"bisc/modules/kube"
)

// repository is a git repository with two commits, of which the second is a patch, and a branch that moves.
type repository struct{ path, first, patch, clash string }

func gitIn(t *testing.T, dir string, words ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=lab", "-c", "user.email=lab@example.test", "-c", "commit.gpgsign=false"}, words...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", words, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	at := filepath.Join(dir, name)
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return at
}

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{path: t.TempDir()}
	gitIn(t, r.path, "init", "-q", "--initial-branch=main")
	commit := func(name, text string) string {
		write(t, r.path, name, text)
		gitIn(t, r.path, "add", ".")
		gitIn(t, r.path, "commit", "-q", "-m", name)
		return gitIn(t, r.path, "rev-parse", "HEAD")
	}
	r.first = commit("version", "3.1.9\n")
	gitIn(t, r.path, "checkout", "-q", "-b", "pull")
	r.patch = commit("tvu", "a patch\n")
	r.clash = commit("version", "4.0\n")
	gitIn(t, r.path, "checkout", "-q", "main")
	commit("version", "3.2\n") // main has moved on
	return r
}

func TestCheckout(t *testing.T) {
	repo := newRepository(t)
	for name, tt := range map[string]struct {
		patches []string
		commit  string
		want    string // files and content
		fails   string
	}{
		"the commit, not what main is now": {nil, repo.first, "version=3.1.9 ", ""},
		"with a patch":                     {[]string{repo.patch}, repo.first, "tvu=a patch version=3.1.9 ", ""},
		"with two, in order":               {[]string{repo.patch, repo.clash}, repo.first, "tvu=a patch version=4.0 ", ""},
		"a patch that does not fit":        {[]string{repo.clash}, gitIn(t, repo.path, "rev-parse", "main"), "", "does not fit"},
		"no such commit":                   {nil, strings.Repeat("0", 40), "", "000"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			tree, err := Request{Source: "file://" + repo.path, Commit: tt.commit, Patches: tt.patches}.checkout(t.Context(), dir)
			if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Fatalf("error %v, want %q", err, tt.fails)
			}
			if err != nil {
				return
			}
			files, err := os.ReadDir(dir)
			got := ""
			for _, f := range files {
				text, readErr := os.ReadFile(filepath.Join(dir, f.Name()))
				err = errors.Join(err, readErr)
				got += f.Name() + "=" + strings.TrimSpace(string(text)) + " "
			}
			if err != nil || got != tt.want || len(tree) != 40 {
				t.Errorf("%q, tree %s, %v; want %q", got, tree, err, tt.want)
			}
		})
	}
}

func TestBases(t *testing.T) {
	const digest = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for name, tt := range map[string]struct {
		text  string
		known map[string]string
		want  string
		fails string
	}{
		"scratch":            {text: "FROM scratch\nCOPY version /\n"},
		"by its digest":      {text: "FROM rust:1.85" + digest + " AS made\nFROM scratch\nCOPY --from=made /a /b\nCOPY --from=0 /c /d\n", want: "rust:1.85" + digest},
		"by its name":        {text: "FROM debian:bookworm-slim\n", fails: "debian:bookworm-slim moves"},
		"by its name, known": {text: "FROM --platform=linux/amd64 debian:bookworm-slim\n", known: map[string]string{"debian:bookworm-slim": "x"}, want: "debian:bookworm-slim"},
		"by an argument":     {text: "ARG V=1.85\n# a comment\nFROM rust:${V} \\\n  as made\n", fails: "rust:1.85 moves"},
		"copied from":        {text: "FROM scratch\nCOPY --from=busybox:1 /bin/sh /sh\n", fails: "busybox:1 moves"},
		"fetched":            {text: "FROM scratch\nADD https://example.test/x /x\n", fails: "what it fetches is not pinned"},
		"fetched, pinned":    {text: "FROM scratch\nADD --checksum=sha256:00 https://example.test/x /x\n"},
		"a moving syntax":    {text: "# syntax=docker/dockerfile:1\nFROM scratch\n", fails: "syntax=docker/dockerfile:1"},
	} {
		got, err := bases(tt.text, map[string]string{}, tt.known)
		if (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) || err == nil && strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, %v; want %q, %q", name, got, err, tt.want, tt.fails)
		}
	}
}

// A ref that moves is refused, before anything is fetched: the image that ran had been made of the head of a pull request, and nobody
// could make it again (biscayne.md 4.2).
func TestMovingRefsAreRefused(t *testing.T) {
	good := Request{Tag: "lab/agave:local", Source: "https://example.test/agave", Commit: strings.Repeat("a", 40), Out: t.TempDir()}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Request){
		"--commit":              func(r *Request) { r.Commit = "v3.1.9" },
		"--commit ":             func(r *Request) { r.Commit = strings.Repeat("a", 12) },
		"--patch-commit":        func(r *Request) { r.Patches = []string{"pull/6778/head"} },
		"no reference":          func(r *Request) { r.Tag = "Lab agave" },
		"--source is missing":   func(r *Request) { r.Source = "" },
		"is no repository":      func(r *Request) { r.Source = "--upload-pack=x" },
		"holds a password":      func(r *Request) { r.PatchSource = "https://me:secret@example.test/x" },
		"--base debian=":        func(r *Request) { r.Bases = map[string]string{"debian": "latest"} },
		"--out \"/no/such\" is": func(r *Request) { r.Out = "/no/such" },
	} {
		r := good
		change(&r)
		if _, err := Build(t.Context(), r, io.Discard); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A real dockerd builds of a commit and a patch; the record, the archive and docker agree on the id; the same inputs are told by the
// same digest, others by another, and a base that is another image than was named is refused.
func TestBuild(t *testing.T) {
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}}).Host("a")
	programs := t.TempDir()
	client, err := os.ReadFile(h.Root() + "/usr/bin/docker")
	if err := errors.Join(err, os.WriteFile(filepath.Join(programs, "docker"), client, 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	t.Setenv("DOCKER_HOST", "unix://"+h.Root()+"/run/docker.sock")
	base, err := h.Shell(t.Context(), `systemctl start docker; echo base >/tmp/base; tar -C /tmp -c base | docker import - lab/base:1`)
	if err != nil {
		t.Fatal(err)
	}
	repo, out := newRepository(t), t.TempDir()
	r := Request{
		Tag: "lab/agave:local", Source: "file://" + repo.path, Commit: repo.first, Patches: []string{repo.patch}, Out: out,
		File: write(t, t.TempDir(), "Dockerfile", "FROM lab/base:1\nARG NAME\nLABEL name=$NAME\nCOPY version tvu /\n"),
		Args: map[string]string{"NAME": "relay"}, Bases: map[string]string{"lab/base:1": strings.TrimSpace(string(base))},
	}
	var progress bytes.Buffer
	rec, err := Build(t.Context(), r, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	id, err := h.Shell(t.Context(), `docker image inspect -f '{{.Id}} {{.Config.Labels.name}} {{index .Config.Labels "bisc.commit"}} {{index .Config.Labels "bisc.patch"}}' lab/agave:local`)
	if want := rec.ID + " relay " + repo.first + " " + repo.patch; err != nil || strings.TrimSpace(string(id)) != want {
		t.Errorf("docker says %q, %v, want %q", id, err, want)
	}
	held, err := kube.ReadArchived(filepath.Join(out, rec.Archive))
	if err != nil || held.ID != rec.ID || held.Size != rec.Size || held.Labels["bisc.inputs"] != rec.InputsDigest {
		t.Errorf("the archive holds %+v, %v; the record says %+v", held, err, rec)
	}
	var read Record
	text, err := os.ReadFile(filepath.Join(out, strings.TrimSuffix(rec.Archive, ".tar")+".json"))
	if err := errors.Join(err, json.Unmarshal(text, &read)); err != nil || read.ID != rec.ID || read.Inputs.Tree == "" || read.Inputs.Bases["lab/base:1"] != r.Bases["lab/base:1"] {
		t.Errorf("the record: %s, %v", text, err)
	}
	again, err := Build(t.Context(), r, io.Discard)
	if err != nil || again.InputsDigest != rec.InputsDigest || again.ID != rec.ID {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	other := r
	other.Patches = nil
	if bare, err := Build(t.Context(), other, io.Discard); err == nil || !strings.Contains(err.Error(), "docker build") {
		t.Errorf("without the patch its file is there: %+v, %v", bare, err)
	}
	if files, err := filepath.Glob(filepath.Join(out, "*")); err != nil || len(files) != 2 {
		t.Errorf("the folder holds %q", files)
	}
	if _, err := h.Shell(t.Context(), `echo other >/tmp/base; tar -C /tmp -c base | docker import - lab/base:1`); err != nil {
		t.Fatal(err)
	}
	if _, err := Build(t.Context(), r, io.Discard); err == nil || !strings.Contains(err.Error(), "the base lab/base:1 is sha256:") {
		t.Errorf("from another base: %v", err)
	}
}
