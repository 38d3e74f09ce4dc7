package host

import (
	"os/exec"
	"strings"
	"testing"
)

// inRepository runs a script in a new repository and gives its folder.
func inRepository(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("sh", "-ec", `cd "$1"; export HOME="$1/.." GIT_CONFIG_GLOBAL=/dev/null; git init -q; git config user.email a@example.org; git config user.name a
		printf 'one\ntwo\n' >file; printf 'x\0y' >binary; echo ignored >.gitignore; git add -A; git commit -qm one; `+script, "sh", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s (git is needed)", err, out)
	}
	return dir
}

// What the reading gives as a patch, git apply makes again, and nothing of it was left out: text, bytes, a mode, a new file with a hard
// name, a file that is gone, a staged one.
func TestGitStateGivesAPatchThatApplies(t *testing.T) {
	dir := inRepository(t, `echo three >>file; printf 'y\0x' >binary; chmod +x file; printf 'new\0' >'a "b" c'; mkdir d; echo deep >d/new; : >empty; echo no >ignored; rm .gitignore; git add d; git mv binary moved`)
	out, exit := read(t, GitState, "root", dir, "")
	if exit != 0 {
		t.Fatalf("exit %d: %s", exit, out)
	}
	head, patch, ok := strings.Cut(out, "\npatch\n")
	if !ok || !strings.Contains(head, "user root\nhead ") || strings.Contains(head, "\nhas") {
		t.Fatalf("it says\n%s", out)
	}
	cmd := exec.Command("sh", "-ec", `git -C "$1" stash -q -u --all 2>/dev/null || { git -C "$1" reset -q --hard; git -C "$1" clean -qfdx; }
		git -C "$1" apply --index -; git -C "$1" status --porcelain; cat "$1/a \"b\" c" "$1/d/new" "$1/file"; test -x "$1/file"; cmp "$1/moved" - <<'X'
`+"\nX\n", "sh", dir)
	cmd.Args[2] = `git -C "$1" reset -q --hard; git -C "$1" clean -qfdx; git -C "$1" apply -; git -C "$1" add -A; git -C "$1" status --porcelain --no-renames; cat "$1/d/new" "$1/file"; test -x "$1/file"; test -e "$1/empty"; od -An -c "$1/moved" "$1/a \"b\" c"`
	cmd.Stdin = strings.NewReader(patch)
	got, err := cmd.CombinedOutput()
	want := "D  .gitignore\nA  \"a \\\"b\\\" c\"\nD  binary\nA  d/new\nA  empty\nM  file\nA  ignored\nA  moved\ndeep\none\ntwo\nthree\n"
	if !strings.HasPrefix(string(got), want) || !strings.Contains(string(got), "y  \\0   x   n   e   w  \\0") || err != nil {
		t.Errorf("%v:\n%s\nwant\n%s", err, got, want)
	}
}

func TestGitStateOfWhatIsNone(t *testing.T) {
	dir := inRepository(t, `mkdir sub bare; echo x >sub/x; echo three >>file`)
	for path, want := range map[string]string{dir + "/none": "none\n", dir + "/bare": "empty\n", dir + "/sub": "other\n"} {
		if out, exit := read(t, GitState, "root", path, ""); out != want || exit != 0 {
			t.Errorf("%s: %q, exit %d, want %q", path, out, exit, want)
		}
	}
	if out, exit := read(t, GitState, "nobody-at-all", dir, ""); exit != 4 {
		t.Errorf("no such user: %q, exit %d", out, exit)
	}
	commit := strings.Fields(mustRead(t, "root", dir))[3]
	if out := mustRead(t, "root", dir, commit); !strings.Contains(out, "\nhas "+commit+"\n") {
		t.Errorf("the commit is there, and it says\n%s", out)
	}
	if out := mustRead(t, "root", dir, strings.Repeat("a", 40)); strings.Contains(out, "\nhas") {
		t.Errorf("no such commit is there, and it says\n%s", out)
	}
	if out := mustRead(t, "", dir); !strings.HasPrefix(out, "user root\n") {
		t.Errorf("whose the folder is runs it, and it says\n%s", out)
	}
}

func mustRead(t *testing.T, user, dir string, commit ...string) string {
	t.Helper()
	out, exit := read(t, GitState, user, dir, strings.Join(commit, ""))
	if exit != 0 {
		t.Fatalf("exit %d: %s", exit, out)
	}
	return out
}

// A repository's configuration names programs. Reading runs none of them that git has a way around, and writes nothing.
func TestGitStateWritesNothingAndRunsNothing(t *testing.T) {
	dir := inRepository(t, `git config core.fsmonitor "touch $PWD/../ran; false"; git config core.pager "touch $PWD/../ran"; git config diff.external "touch $PWD/../ran; :"
		mkdir -p .git/hooks; printf '#!/bin/sh\ntouch %s/../ran\n' "$PWD" >.git/hooks/post-index-change; chmod +x .git/hooks/*; echo three >>file; touch -d yesterday binary
		find . -type f -exec sha256sum {} + | sort >../before`)
	mustRead(t, "root", dir)
	cmd := exec.Command("sh", "-ec", `cd "$1"; test ! -e ../ran; find . -type f -exec sha256sum {} + | sort | diff ../before -`, "sh", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// Untracked files of gigabytes are no patch.
func TestGitStateTooLarge(t *testing.T) {
	dir := inRepository(t, `truncate -s 9000000 huge; echo three >>file`)
	out := mustRead(t, "root", dir)
	if !strings.Contains(out, "\nlarge 9000000\n") || strings.Contains(out, "patch") {
		t.Errorf("it says\n%.300s", out)
	}
}

func TestGitChangesGuard(t *testing.T) {
	dir := inRepository(t, `echo three >>file`)
	_, patch, _ := strings.Cut(mustRead(t, "root", dir), "\npatch\n")
	guarded := func(digest string) error {
		_, err := run(t, Script{Argv: []string{"true"}, Guards: []Guard{GitChanges("root", dir, digest)}})
		return err
	}
	if err := guarded(ContentDigest([]byte(patch))); err != nil {
		t.Error(err)
	}
	if guarded(ContentDigest([]byte{})) == nil {
		t.Error("a tree with changes passes as one without")
	}
}
