package hosttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
)

func (c conformance) script(t *testing.T) {
	name := c.path("canary")
	argv := append([]string{"sh", "-c", `out=$1; shift; { cat; printf '%s\0' "$@"; } >"$out"`, "x", name}, hostile...)
	must(t, c.Do(c.ctx, host.Script{Argv: argv, Stdin: []byte("in\x00put\n")}))
	if got := c.Shell(t, `cat "$1"`, name); got != "in\x00put\n"+strings.Join(hostile, "\x00")+"\x00" {
		t.Errorf("the canary saw %.300q", got)
	}
	large := bytes.Repeat([]byte("z\x00"), 2_000_000)
	must(t, c.Do(c.ctx, host.Script{Argv: []string{"sh", "-c", `cat >"$1"`, "x", name}, Stdin: large}))
	if got := c.Shell(t, `sha256sum <"$1"`, name); !strings.HasPrefix(got, digestOf(large)) {
		t.Error("4 MB of input came out differently")
	}
	must(t, c.Do(c.ctx, host.Script{Argv: []string{"true"}, Stdin: large})) // a program need not read
	err := c.Do(c.ctx, host.Script{Argv: []string{"sh", "-c", "echo first >&2; echo why >&2; exit 3"}})
	var exit *host.ExitError
	if !errors.As(err, &exit) || exit.Exit != 3 || string(exit.Stderr) != "first\nwhy\n" || exit.Argv[0] != "sh" {
		t.Errorf("exit 3: %v", err)
	}
	if err := c.Do(c.ctx, host.Script{Argv: []string{"bisc-no-such-program"}}); !errors.Is(err, host.ErrNoProgram) {
		t.Errorf("no such program: %v", err)
	}
}

func (c conformance) guards(t *testing.T) {
	name := c.path("guarded")
	act := func(text string, args ...string) error {
		return c.Do(c.ctx, host.Script{Argv: []string{"touch", name}, Guards: []host.Guard{{Name: "test", Text: text, Args: args}}})
	}
	var refused *host.GuardError
	if err := act(`echo "because $1"; exit 10`, "a b"); !errors.As(err, &refused) || refused.Unknown || refused.Reason != "because a b" {
		t.Errorf("exit 10: %v", err)
	}
	if err := act(`exit 1`); !errors.As(err, &refused) || !refused.Unknown {
		t.Errorf("exit 1: %v", err)
	}
	put := host.Put{Path: name, Content: []byte("x"), Mode: 0o600, Guards: []host.Guard{{Name: "test", Text: "echo no; exit 10"}}}
	if err := c.Do(c.ctx, put); !errors.As(err, &refused) || refused.Reason != "no" {
		t.Errorf("put: %v", err)
	}
	if _, err := c.Stat(c.ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused act was done: %v", err)
	}
	must(t, act(`[ "$1" = yes ]`, "yes"))
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("y"), Mode: 0o600, Guards: []host.Guard{{Name: "test", Text: "exit 0"}}}))
	c.is(t, name, "y")
	c.noTemp(t)
}

func (c conformance) scriptLimit(t *testing.T) {
	err := c.Do(c.ctx, host.Script{Argv: []string{"sh", "-c", "sleep 600 & sleep 600"}, Limit: time.Second})
	var exit *host.ExitError
	if !errors.As(err, &exit) || !exit.Stuck {
		t.Errorf("%v, want a stuck ExitError", err)
	}
	must(t, c.Do(c.ctx, host.Script{Argv: []string{"true"}}))
	// A killed process is gone once its parent, or the first process, has taken note: on a busy machine a moment later.
	if left := c.Shell(t, `for i in $(seq 100); do left=$(pgrep -x -r D,R,S sleep) || exit 0; sleep 0.2; done; echo "$left"`); left != "" {
		t.Errorf("the group lives on: %s", left)
	}
}

func (c conformance) noTemp(t *testing.T) {
	t.Helper()
	if left := c.Shell(t, `find "$1" -name '.bisc-tmp-*'`, c.Dir); left != "" {
		t.Errorf("temporary files are left: %s", left)
	}
}

func (c conformance) putSafely(t *testing.T) {
	name := c.path("put")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("old"), Mode: 0o600, UID: 5, GID: 6, Was: host.Absent}))
	c.Shell(t, `: >"$1/.bisc-tmp-0-dead-put"`, c.Dir)
	big := bytes.Repeat([]byte("0123456789abcde\n"), 100_000)
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: big, Mode: 0o4755, UID: 7, GID: 8, Was: digestOf([]byte("old")), Verify: []string{"cmp", "{path}", "{path}"}}))
	c.is(t, name, string(big))
	if got := c.Shell(t, `stat -c '%a %u %g' "$1"`, name); got != "4755 7 8\n" {
		t.Errorf("mode and owner: %s", got)
	}
	c.noTemp(t)
	// A link at the path is replaced; what it points to is not touched.
	c.Shell(t, `cd "$1"; echo target >target; ln -s target lnk`, c.Dir)
	must(t, c.Do(c.ctx, host.Put{Path: c.path("lnk"), Content: []byte("new"), Mode: 0o644}))
	if got := c.Shell(t, `cd "$1"; cat target; readlink lnk || true; cat lnk`, c.Dir); got != "target\nnew" {
		t.Errorf("through the link: %q", got)
	}
	odd := c.path("-odd '$(id)' \"\n")
	must(t, c.Do(c.ctx, host.Put{Path: odd, Content: nil, Mode: 0o644}))
	c.is(t, odd, "")
}

func (c conformance) putRefuses(t *testing.T) {
	name := c.path("refused")
	must(t, c.Do(c.ctx, host.Put{Path: name, Content: []byte("old"), Mode: 0o600}))
	put := host.Put{Path: name, Content: []byte("new"), Mode: 0o600}
	for _, was := range []string{host.Absent, digestOf([]byte("other"))} {
		put.Was = was
		if err := c.Do(c.ctx, put); !errors.Is(err, host.ErrChanged) {
			t.Errorf("was %s: %v", was, err)
		}
	}
	put.Was = digestOf([]byte("new"))
	put.Path = c.path("not there")
	if err := c.Do(c.ctx, put); !errors.Is(err, host.ErrChanged) {
		t.Errorf("it is gone: %v", err)
	}
	put.Path, put.Was, put.Verify = name, "", []string{"sh", "-c", `grep -q good "$1" || { echo bad; exit 9; }`, "x", "{path}"}
	var exit *host.ExitError
	if err := c.Do(c.ctx, put); !errors.As(err, &exit) || exit.Exit != 9 || !strings.Contains(string(exit.Stderr), "bad") {
		t.Errorf("verify: %v", err)
	}
	put.Verify, put.Path = nil, c.path("no folder/x")
	if err := c.Do(c.ctx, put); err == nil || !strings.Contains(err.Error(), "No such file or directory") {
		t.Errorf("no folder: %v", err)
	}
	c.Shell(t, `cd "$1"; mkdir full; mount -t tmpfs -o size=64k full full`, c.Dir)
	defer c.Shell(t, `umount "$1/full"`, c.Dir)
	put.Path, put.Content = c.path("full/x"), make([]byte, 200_000)
	if err := c.Do(c.ctx, put); err == nil || !strings.Contains(err.Error(), "No space left on device") || !strings.Contains(err.Error(), c.path("full")+")") {
		t.Errorf("full: %v", err)
	}
	c.is(t, name, "old")
	c.noTemp(t)
}

func (c conformance) manyPuts(t *testing.T) {
	var questions []func(context.Context) error
	for i := range 100 {
		p := host.Put{Path: c.path(fmt.Sprintf("many%d", i)), Content: fmt.Appendf(nil, "%d\n", i), Mode: 0o644}
		questions = append(questions, func(ctx context.Context) error { return c.Do(ctx, p) })
	}
	must(t, host.Ask(c.ctx, questions...))
	if got := c.Shell(t, `cd "$1"; cat many* | sort -n | uniq | wc -l`, c.Dir); strings.TrimSpace(got) != "100" {
		t.Errorf("%s files of 100", got)
	}
	c.noTemp(t)
}

func (c conformance) editKeeps(t *testing.T) {
	name := c.path("fstab")
	c.Shell(t, `printf 'a\nb\n' >"$1"; chmod 2640 "$1"; chown 9:10 "$1"; chmod 2640 "$1"`, name)
	var questions []func(context.Context) error
	for i := range 5 {
		questions = append(questions, func(ctx context.Context) error {
			return c.Do(ctx, host.Edit{Path: name, Add: []string{fmt.Sprint(i)}})
		})
	}
	must(t, host.Ask(c.ctx, questions...)) // each sees what the one before wrote
	if got := c.Shell(t, `stat -c '%a %u %g' "$1"; sort "$1"`, name); got != "2640 9 10\n0\n1\n2\n3\n4\na\nb\n" {
		t.Errorf("%q", got)
	}
	if err := c.Do(c.ctx, host.Edit{Path: name, Add: []string{"x"}, Verify: []string{"false"}}); err == nil {
		t.Error("a failed verify was passed over")
	}
	c.Shell(t, `ln -s fstab "$1/linked"`, c.Dir)
	if err := c.Do(c.ctx, host.Edit{Path: c.path("linked"), Add: []string{"x"}}); err == nil {
		t.Error("a link was edited")
	}
	must(t, c.Do(c.ctx, host.Edit{Path: c.path("new"), Add: []string{"x"}}))
	c.is(t, c.path("new"), "x\n")
}

func (c conformance) push(t *testing.T) {
	content := bytes.Repeat([]byte("fedcba9876543210"), 300_000)
	p := host.Push{
		Path: c.path("pushed"), Digest: digestOf(content), Size: int64(len(content)), Mode: 0o600, UID: 1, GID: 2,
		Source: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
	must(t, c.Do(c.ctx, p))
	if got := c.Shell(t, `stat -c '%a %u %g' "$1"; sha256sum <"$1"`, p.Path); got != "600 1 2\n"+p.Digest+"  -\n" {
		t.Errorf("%q", got)
	}
	p.Digest = digestOf([]byte("other"))
	if err := c.Do(c.ctx, p); err == nil {
		t.Error("a wrong digest was taken")
	}
	p.Digest, p.Size = digestOf(content), p.Size+1
	if err := c.Do(c.ctx, p); err == nil {
		t.Error("a source that is too short was taken")
	}
	p.Path = c.path("nowhere/pushed")
	if err := c.Do(c.ctx, p); err == nil {
		t.Error("a push into no folder went well")
	}
	if got := c.Shell(t, `sha256sum <"$1"`, c.path("pushed")); got != digestOf(content)+"  -\n" {
		t.Errorf("the old file was hurt: %s", got)
	}
	c.noTemp(t)
}

func (c conformance) job(t *testing.T) {
	c.Shell(t, `cd /run/systemd/system
		printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' >bisc-good.service
		printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo the reason; exit 5"\n' >bisc-bad.service
		systemctl daemon-reload`)
	must(t, c.Do(c.ctx, host.Job{Verb: "start", Unit: "bisc-good.service"}))
	if got := c.Shell(t, "systemctl is-active bisc-good.service"); got != "active\n" {
		t.Errorf("after start: %s", got)
	}
	must(t, c.Do(c.ctx, host.Job{Verb: "stop", Unit: "bisc-good.service"}))
	if got := c.Shell(t, "systemctl is-active bisc-good.service || true"); got != "inactive\n" {
		t.Errorf("after stop: %s", got)
	}
	var exit *host.ExitError
	err := c.Do(c.ctx, host.Job{Verb: "start", Unit: "bisc-bad.service"})
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "failed") || !strings.Contains(string(exit.Stderr), "the reason") {
		t.Errorf("a failing unit: %v", err)
	}
	if err := c.Do(c.ctx, host.Job{Verb: "start", Unit: "bisc-none.service"}); !errors.As(err, &exit) {
		t.Errorf("no such unit: %v", err)
	}
	if err := c.Do(c.ctx, host.Job{Verb: "explode", Unit: "x"}); err == nil {
		t.Error("a verb that is none was taken")
	}
}
