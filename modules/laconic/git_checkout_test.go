package laconic

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

const (
	first  = "1111111111111111111111111111111111111111"
	second = "2222222222222222222222222222222222222222"
	sshURL = "git@git.example.org:a/b.git"
)

func wantCommit(edit func(*GitCheckout)) *GitCheckout {
	g := GitCheckoutKind.New("/srv/stack").(*GitCheckout)
	g.Remote, g.Commit, g.User = sshURL, second, "rix"
	if edit != nil {
		edit(g)
	}
	return g
}

// gitHost is a host on which git says this.
func gitHost(text string, exit int) *hosttest.Fake {
	f := hosttest.New("u1")
	f.Answers["reading git-state rix /srv/stack "+second] = host.Output{Stdout: []byte(text), Exit: exit, Stderr: []byte("why\n")}
	return f
}

func TestGitCheckoutPlans(t *testing.T) {
	const clean = "user rix\nhead " + first + "\nbranch main\nremote " + sshURL + "\n"
	const dirty = clean + "changed  M file\nchanged ?? new\npatch\ndiff --git a/file b/file\n+mine\n"
	digest := host.ContentDigest([]byte("diff --git a/file b/file\n+mine\n"))[:12]
	off := false
	for _, tt := range []struct {
		name, said string
		edit       func(*GitCheckout)
		wants      []string
	}{
		{"there already", strings.Replace(clean, first, second, 1), nil, []string{"in sync"}},
		{"to be fetched", clean, nil, []string{"now commit: " + first + " -> " + second, "[fetch commit] rix /srv/stack " + sshURL + " " + second + " agent with the operator's SSH agent", "[check out] rix /srv/stack " + second + " ''  [guards: local changes as saved]", "!destroys", "!set remote"}},
		{"no agent is lent", clean, func(g *GitCheckout) { g.ForwardAgent = &off }, []string{second + " ''\n", "!SSH agent"}},
		{"a remote that needs none", strings.Replace(clean, sshURL, "https://git.example.org/a", 1), func(g *GitCheckout) { g.Remote = "https://git.example.org/a" }, []string{"[fetch commit]", "!SSH agent"}},
		{"the commit is there", clean + "has " + second + "\n", nil, []string{"[check out]", "!fetch"}},
		{"another remote", strings.Replace(strings.Replace(clean, sshURL, "file:///old", 1), first, second, 1) + "has " + second + "\n", nil, []string{"now remote: file:///old -> " + sshURL, "[set remote] rix /srv/stack " + sshURL, "!check out", "!fetch"}},
		{"nothing", "none\n", nil, []string{"repository: (none) -> a repository", "commit: (none) -> " + second, "[fetch commit]", "[set remote]", "[check out]"}},
		{"an empty folder", "empty\n", nil, []string{"[fetch commit]"}},
		{"files of nobody", "other\n", nil, []string{"files, and no repository", "!step"}},
		{"local changes", dirty, nil, []string{"local changes: 2 files:  M file, ?? new -> none", "discard = \"" + digest + "\"", "    | +mine", "why: there are local changes: nothing is touched", "!step", "!destroys"}},
		{"passed by another name", dirty, func(g *GitCheckout) { g.Discard = "000000000000" }, []string{"discard = \"" + digest, "!step", "!destroys"}},
		{"passed by name", dirty, func(g *GitCheckout) { g.Discard = digest }, []string{"put /var/lib/bisc/patches/srv-stack-" + digest + ".patch (31 bytes", "mode 0600", "[check out] rix /srv/stack " + second + " discard  [guards: local changes as saved]",
			"destroys: the local changes of /srv/stack (2 files; saved as /var/lib/bisc/patches/srv-stack-" + digest + ".patch)"}},
		{"too much for a patch", clean + "changed ?? huge\nlarge 9000000000\n", func(g *GitCheckout) { g.Discard = digest }, []string{"untracked files of 9000000000 bytes are too much", "!step"}},
		{"at the commit, and changed", strings.Replace(dirty, first, second, 1), func(g *GitCheckout) { g.Discard = digest }, []string{"[check out]", "!commit:"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := outcome(t, wantCommit(tt.edit), gitHost(tt.said, 0))
			wants(t, got, tt.wants...)
		})
	}
	wants(t, outcome(t, wantCommit(nil), gitHost("", 5)), "error: the repository /srv/stack", "why")
	wants(t, outcome(t, wantCommit(nil), gitHost("", 0)), "error:", "nothing is told")
	wants(t, outcome(t, wantCommit(nil), gitHost(clean+"changed  M file\n", 0)), "error:", "makes no patch")
	wants(t, outcome(t, wantCommit(nil), gitHost("what\n", 0)), "error:", "not understood")
	long := wantCommit(func(g *GitCheckout) { g.Limit = time.Hour })
	if c := long.decide(repository{there: true}); c.Steps[0].(host.Script).Limit != time.Hour {
		t.Error("the fetch has another limit")
	}
	if got := shortened([]byte(strings.Repeat("x\n", 500))); !strings.HasSuffix(got, "… and 101 lines more\n") {
		t.Errorf("a long patch ends in %q", got[len(got)-40:])
	}
	many := repository{changed: strings.Split("abcdefg", "")}
	if got := many.files(); got != "a, b, c, d and 3 more" {
		t.Error(got)
	}
}

func TestGitCheckoutValidate(t *testing.T) {
	for _, tt := range []struct {
		attr string
		edit func(*GitCheckout)
	}{
		{"", func(g *GitCheckout) { g.Path = "/" }},
		{"", func(g *GitCheckout) { g.Path = "srv/x" }},
		{"commit", func(g *GitCheckout) { g.Commit = "main" }},
		{"commit", func(g *GitCheckout) { g.Commit = first[:12] }},
		{"remote", func(g *GitCheckout) { g.Remote = "ext::sh -c x" }},
		{"remote", func(g *GitCheckout) { g.Remote = "-oProxyCommand=x:y" }},
		{"remote", func(g *GitCheckout) { g.Remote = "https://user:token@git.example.org/x" }},
		{"user", func(g *GitCheckout) { g.User = "root" }},
		{"user", func(g *GitCheckout) { g.User = "" }},
		{"discard", func(g *GitCheckout) { g.Discard = "yes" }},
	} {
		g := wantCommit(tt.edit)
		var fault *modules.AttrError
		if err := g.Validate(); !errors.As(err, &fault) || fault.Attr != tt.attr {
			t.Errorf("%+v: %v, want a fault of %q", g, err, tt.attr)
		}
	}
	for _, remote := range []string{sshURL, "ssh://git@git.example.org/a", "https://git.example.org/a@b", "file:///srv/x", "/srv/x"} {
		g := wantCommit(func(g *GitCheckout) { g.Remote = remote })
		if err := g.Validate(); err != nil || g.lendsAgent() != (remote == sshURL || strings.HasPrefix(remote, "ssh:")) {
			t.Errorf("%s: %v, an agent: %v", remote, err, g.lendsAgent())
		}
	}
	if got := fmt.Sprint(wantCommit(nil).Owns()); got != "[git:/srv/stack]" {
		t.Error(got)
	}
}
