package hosttest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
)

// prepared makes a file, says what a switch would put back, arms it, and changes everything.
func (c conformance) prepared(t *testing.T, within time.Duration) {
	t.Helper()
	must(t, c.Do(c.ctx, host.Put{Path: c.path("was"), Content: []byte("old\n"), Mode: 0o640, UID: 12, GID: 34}))
	c.Shell(t, `cd "$1"; echo gone >removed; ln -s was link; echo kept >/var/lib/bisc/conform-copy`, c.Dir)
	kept := &host.Kept{Path: c.path("before"), Copy: "/var/lib/bisc/conform-copy", Mode: 0o600, UID: 1, GID: 2}
	files := []host.UndoFile{{Path: c.path("was")}, {Path: c.path("removed")}, {Path: c.path("link")}, {Path: c.path("new")}, {Path: c.path("before"), Kept: kept}}
	must(t, c.Arm(c.ctx, host.Undo{Run: "run", Address: "h:units.file[x]", Reason: "the test", Within: within, Files: files}))
	c.Shell(t, `cd "$1"; echo new >was; chmod 600 was; rm removed link; echo new >new; echo now >before`, c.Dir)
}

// isBack sees that nothing of the change is left.
func (c conformance) isBack(t *testing.T) {
	t.Helper()
	got := c.Shell(t, `cd "$1"; stat -c '%n %F %a %u:%g' *; cat was removed before; readlink link; ls /var/lib/bisc /etc/systemd/system | grep -cx -e armed -e arming -e 'bisc-deadman.*' || true`, c.Dir)
	want := "before regular file 600 1:2\nlink symbolic link 777 0:0\nremoved regular file 644 0:0\nwas regular file 640 12:34\nold\ngone\nkept\nwas\n0\n"
	if got != want {
		t.Errorf("after the revert:\n%s\nwant:\n%s", got, want)
	}
}

func (c conformance) revert(t *testing.T) {
	c.prepared(t, 10*time.Minute)
	var done *host.RevertedError
	if err := c.Revert(c.ctx); !errors.As(err, &done) || done.Failed != 0 || !slices.Contains(done.Log, "put back "+c.path("was")) {
		t.Fatalf("revert: %v", err)
	}
	c.isBack(t)
	if got := c.Shell(t, `systemctl list-timers --all --no-legend bisc-deadman.timer`); got != "" {
		t.Errorf("the timer is still there: %s", got)
	}
}

func (c conformance) keep(t *testing.T) {
	c.prepared(t, 10*time.Minute)
	if err := c.Arm(c.ctx, host.Undo{Within: time.Minute}); !errors.Is(err, host.ErrArmed) {
		t.Errorf("a second one: %v", err)
	}
	if got := c.Shell(t, `stat -c '%a %U' /var/lib/bisc/armed /var/lib/bisc/armed/who /var/lib/bisc/armed/*/path | sort -u`); got != "600 root\n700 root\n" {
		t.Errorf("others can read what the switch has: %s", got)
	}
	fresh, err := c.Afresh(c.ctx)
	must(t, err)
	if b, err := fresh.ReadFile(c.ctx, c.path("was")); err != nil || string(b) != "new\n" {
		t.Errorf("over a new connection: %q, %v", b, err)
	}
	must(t, c.Confirm(c.ctx))
	c.is(t, c.path("was"), "new\n")
	got := c.Shell(t, `systemctl list-timers --all --no-legend bisc-deadman.timer; ls /var/lib/bisc /etc/systemd/system | grep -x -e armed -e arming -e 'bisc-deadman.*' || true`)
	if got != "" {
		t.Errorf("what is left of the switch: %s", got)
	}
	must(t, c.Confirm(c.ctx)) // nothing is provisional any more
	must(t, c.Revert(c.ctx))
	c.is(t, c.path("was"), "new\n")
}

// hostReverts lets the host do it by itself, and confirms too late.
func (c conformance) hostReverts(t *testing.T) {
	c.prepared(t, time.Second)
	c.Shell(t, `until [ -e /var/lib/bisc/armed/done ]; do sleep 0.05; done`)
	var done *host.RevertedError
	if err := c.Confirm(c.ctx); !errors.As(err, &done) || done.Failed != 0 || !strings.Contains(err.Error(), "took the change back") {
		t.Fatalf("confirm: %v", err)
	}
	c.isBack(t)
	if got := c.Shell(t, `journalctl -q -o cat -t bisc -b`); !strings.Contains(got, "put back "+c.path("was")) || !strings.Contains(got, "reverted (timer)") {
		t.Errorf("the host's journal does not say it: %s", got)
	}
}
