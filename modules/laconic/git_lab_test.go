package laconic

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/reached"
	"bisc/layers"
	"bisc/modules/kindtest"
)

// lendGit gives the host this machine's git: one program, which serves others as git-upload-pack.
func lendGit(t *testing.T, b *reached.Bench) {
	t.Helper()
	f, err := os.Open("/usr/bin/git")
	if err != nil {
		t.Fatalf("the machine's git is lent to the host (install git): %v", err)
	}
	defer f.Close()
	if err := b.Lab.Install(t.Context(), f, "/usr/local/bin/git"); err != nil {
		t.Fatal(err)
	}
	b.Shell(t, `ln -sf git /usr/local/bin/git-upload-pack; mkdir -p /usr/share/git-core/templates`)
}

// upstream makes a bare repository of three commits; the second is on no branch but an old one.
const upstream = `export HOME=/root GIT_CONFIG_GLOBAL=/dev/null; mkdir /srv/up; cd /srv/up; git init -q -b main; git config user.email a@example.org; git config user.name a
	echo one >file; echo x >gone; git add -A; git commit -qm one; git tag first
	echo two >file; git commit -qam two; git rm -q gone; echo three >file; git commit -qam three
	git clone -q --bare /srv/up /srv/up.git; chown -R ops: /srv/up.git; git rev-list --reverse HEAD`

// keyAgent is a real ssh-agent with the lab's key.
func keyAgent(t *testing.T, key string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := said.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	add := exec.Command("ssh-add", "-q", key)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v: %s", err, out)
	}
	return socket
}

func TestGitCheckoutOnAHost(t *testing.T) {
	b := reached.New(t, lab.ForTest(t, lab.Names("git")).Host("git"))
	lendGit(t, b)
	commits := strings.Fields(b.Shell(t, upstream))
	at := func(i int, remote string) *GitCheckout {
		g := GitCheckoutKind.New("/srv/tools/stack").(*GitCheckout)
		g.Remote, g.Commit, g.User = remote, commits[i], "ops"
		return g
	}
	const local = "file:///srv/up.git"
	inSync := func(when string, g *GitCheckout) {
		t.Helper()
		if o := b.Apply(t, g); o.State != layers.Changed && o.State != layers.InSync {
			t.Fatalf("%s: %v %v %s", when, o.State, o.Err, kindtest.Print(o.Change))
		}
		if c := b.Plan(t, g); !c.InSync() {
			t.Fatalf("%s: a second plan is not empty:\n%s", when, kindtest.Print(c))
		}
		if got := b.Shell(t, "git config --global --add safe.directory '*'; git -C /srv/tools/stack rev-parse HEAD"); got != g.Commit {
			t.Fatalf("%s: HEAD is %s", when, got)
		}
	}

	t.Run("from nothing", func(t *testing.T) {
		inSync("the second commit, which no branch begins with", at(1, local))
		b.Shell(t, `test "$(stat -c %U /srv/tools/stack/file /srv/tools/stack/.git/config | sort -u)" = ops; test "$(cat /srv/tools/stack/file)" = two`)
	})
	t.Run("forward and back", func(t *testing.T) {
		inSync("forward", at(2, local))
		inSync("back", at(0, local))
		b.Shell(t, `git -C /srv/tools/stack rev-parse refs/bisc/was/`+commits[2])
	})
	t.Run("local changes", func(t *testing.T) {
		b.Shell(t, `cd /srv/tools/stack; echo mine >>file; printf 'n\0w' >new; chown ops new`)
		g := at(2, local)
		c := b.Plan(t, g)
		if len(c.Steps) > 0 || !strings.Contains(kindtest.Print(c), "+mine") || !strings.Contains(kindtest.Print(c), "GIT binary patch") {
			t.Fatalf("local changes: %s", kindtest.Print(c))
		}
		_, digest, _ := strings.Cut(c.Diffs[0].Why, `discard = "`)
		g.Discard = digest[:12]
		c = b.Plan(t, g)
		b.Shell(t, `cd /srv/tools/stack; cp -p file /tmp/file; echo "and more" >>file`)
		w, err := b.Writer(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		var refused *host.GuardError
		for _, s := range c.Steps {
			if err = w.Do(t.Context(), s); err != nil {
				break
			}
		}
		if !asGuard(err, &refused) || refused.Guard != "local changes as saved" {
			t.Errorf("they have changed since they were saved: %v", err)
		}
		b.Release(t)
		b.Shell(t, `grep -q "and more" /srv/tools/stack/file; cat /tmp/file >/srv/tools/stack/file`)
		inSync("passed by name", g)
		b.Shell(t, `cd /srv/tools/stack; test ! -e new; f=$(ls /var/lib/bisc/patches/*); test "$(stat -c '%a %U' $f)" = "600 root"
			test "$(sha256sum $f | cut -c 1-12)" = "$1"; git checkout -q `+commits[0]+`; git apply $f; test "$(sed -n 2p file)" = mine; test "$(od -An -c new | tr -d ' ')" = 'n\0w'`, g.Discard)
	})
}

func asGuard(err error, to **host.GuardError) bool {
	g, ok := err.(*host.GuardError)
	*to = g
	return ok
}

// The remote is reached by SSH with the operator's agent, which the host has for that step alone; as another user than the one that
// bisc logs in as it is told what to do.
func TestGitCheckoutWithAForwardedAgent(t *testing.T) {
	b := reached.New(t, lab.ForTest(t, lab.Names("gitssh")).Host("gitssh"))
	lendGit(t, b)
	commits := strings.Fields(b.Shell(t, upstream))
	b.Shell(t, `ssh-keyscan localhost 2>/dev/null >/etc/ssh/ssh_known_hosts; test -s /etc/ssh/ssh_known_hosts; ! ls /home/ops/.ssh/id_*`)
	g := GitCheckoutKind.New("/home/ops/stack").(*GitCheckout)
	g.Remote, g.Commit, g.User = "ops@localhost:/srv/up.git", commits[1], "ops"
	if o := b.Apply(t, g); o.Err == nil || !strings.Contains(o.Err.Error(), "there is no agent") {
		t.Errorf("without an agent: %v %v", o.State, o.Err)
	}
	b.Config.AgentSocket = keyAgent(t, b.Lab.KeyFile())
	if o := b.Apply(t, g); o.Err != nil || o.State != layers.Changed && o.State != layers.InSync {
		t.Fatalf("with an agent: %v %v", o.State, o.Err)
	}
	b.Shell(t, `! ls -d /tmp/ssh-* 2>/dev/null`)
	other := *g
	other.Path, other.User = "/srv/other", "solana"
	if o := b.Apply(t, &other); o.Err == nil || !strings.Contains(o.Err.Error(), "solana cannot open the agent") {
		t.Errorf("as another user: %v %v", o.State, o.Err)
	}
	b.Shell(t, `test ! -e /srv/other`)
	off := false
	other = *g
	other.Path, other.ForwardAgent = "/srv/third", &off
	if o := b.Apply(t, &other); o.Err == nil || !strings.Contains(o.Err.Error(), "ermission denied") {
		t.Errorf("not lent: %v %v", o.State, o.Err)
	}
}
