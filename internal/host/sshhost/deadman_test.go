package sshhost

import (
	"context"
	"errors"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// armedFile arms a switch for a new file and writes it.
func armedFile(t *testing.T, w *Writer, name string, within time.Duration) {
	t.Helper()
	if err := w.Arm(t.Context(), host.Undo{Run: "r", Address: "h:x", Reason: "the test", Within: within, Files: []host.UndoFile{{Path: name}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Do(t.Context(), host.Put{Path: name, Content: []byte("new\n"), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
}

// The connection that is to disarm, or to ask, dies: the host is asked over another, and what it decided is the answer. It
// decides once.
func TestFaultF34_DisarmLost(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, name := range []string{"perl", "noperl"} {
		t.Run(name, func(t *testing.T) {
			h := l.Host(name)
			shell := outOfBand(h)
			w := writer(t, pool(t), config(h, "ops"), "run")
			armedFile(t, w, "/srv/kept", 10*time.Minute)
			if _, err := w.Afresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.armed.fresh.c.conn.close()
			if err := w.Confirm(t.Context()); err != nil {
				t.Errorf("confirm over a dead connection: %v", err)
			}
			shell(t, "test -e /srv/kept; test ! -e /var/lib/bisc/armed")

			// The disarming arrived, and its answer did not.
			armedFile(t, w, "/srv/heard", 10*time.Minute)
			shell(t, `ln /var/lib/bisc/armed/word.kept /var/lib/bisc/armed/decided`)
			if err := w.Confirm(t.Context()); err != nil {
				t.Errorf("confirm what was decided: %v", err)
			}
			armedFile(t, w, "/srv/forgotten", 10*time.Minute)
			shell(t, `cd /var/lib/bisc; cp armed/id disarmed; systemctl stop bisc-deadman.timer; rm -r armed`)
			if err := w.Confirm(t.Context()); err != nil {
				t.Errorf("confirm what was disarmed: %v", err)
			}
			shell(t, "test -e /srv/heard; test -e /srv/forgotten")

			// The old connection is dead, and nothing is confirmed: the revert is asked for over a new one.
			armedFile(t, w, "/srv/reverted", 10*time.Minute)
			w.c.conn.close()
			var done *host.RevertedError
			if err := w.Revert(t.Context()); !errors.As(err, &done) || done.Failed != 0 {
				t.Errorf("revert: %v", err)
			}
			shell(t, "test ! -e /srv/reverted; test ! -e /var/lib/bisc/armed")
		})
	}
}

// A step that comes to the host after it has taken the change back is not done: nothing would take that one back.
func TestFaultF34_StepAfterTheRevert(t *testing.T) {
	h := lab.ForTest(t, lab.Names("late")).Host("late")
	shell := outOfBand(h)
	shell(t, "echo old >/srv/edited; echo old >/srv/removed")
	w := writer(t, pool(t), config(h, "ops"), "run")
	armedFile(t, w, "/srv/new", 10*time.Minute)
	shell(t, "systemctl start bisc-deadman.service; test -e /var/lib/bisc/armed/done; test ! -e /srv/new")
	for _, s := range []host.Step{
		host.Script{Argv: []string{"touch", "/srv/new"}}, host.Put{Path: "/srv/new", Content: []byte("x"), Mode: 0o644},
		host.Edit{Path: "/srv/edited", Add: []string{"new"}}, host.Remove{Path: "/srv/removed"}, host.Job{Verb: "stop", Unit: "cron.service"},
	} {
		var refused *host.GuardError
		if err := w.Do(t.Context(), s); !errors.As(err, &refused) || refused.Unknown {
			t.Errorf("%s: %v, want a refusal", s, err)
		}
	}
	shell(t, "test ! -e /srv/new; test \"$(cat /srv/edited /srv/removed | tr '\\n' ' ')\" = 'old old '")
	var done *host.RevertedError
	if err := w.Confirm(t.Context()); !errors.As(err, &done) {
		t.Errorf("confirm: %v", err)
	}
}

// What only the kernel holds goes back by commands, one whose failure is no news among them, and a unit of bisc's that came
// with the change goes with it.
func TestRevertActs(t *testing.T) {
	h := lab.ForTest(t, lab.Names("acts")).Host("acts")
	shell := outOfBand(h)
	w := writer(t, pool(t), config(h, "ops"), "run")
	unit := "/etc/systemd/system/bisc-net-x.service"
	undo := host.Undo{Run: "r", Address: "h:x", Reason: "the test", Within: 10 * time.Minute, Units: []string{"bisc-net-x.service", "none.service"},
		Files: []host.UndoFile{{Path: unit}, {Path: "/etc/systemd/system/multi-user.target.wants/bisc-net-x.service"}},
		Acts: []host.Act{{Argv: []string{"ip", "address", "del", "192.0.2.99/32", "dev", "lo"}, MayFail: true}, {Argv: []string{"ip", "address", "del", "192.0.2.7/32", "dev", "lo"}},
			{Argv: []string{"touch", "/srv/a b$c"}}}}
	for i := range 2 {
		if err := w.Arm(t.Context(), undo); err != nil {
			t.Fatal(err)
		}
		shell(t, `printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=ip address replace 192.0.2.7/32 dev lo\n[Install]\nWantedBy=multi-user.target\n' >`+unit+`
			systemctl daemon-reload; systemctl enable --now bisc-net-x.service; ip -br address show dev lo | grep -q 192.0.2.7`)
		var done *host.RevertedError
		if err := w.Revert(t.Context()); !errors.As(err, &done) || done.Failed != 0 {
			t.Fatalf("revert %d: %v", i, err)
		}
		shell(t, `! ip -br address show dev lo | grep 192.0.2.7; test -e '/srv/a b$c'; test ! -e `+unit+`; test ! -L /etc/systemd/system/multi-user.target.wants/bisc-net-x.service
			test "$(systemctl show -p LoadState,ActiveState --value bisc-net-x.service | tr '\n' ' ')" = "not-found inactive "`)
	}
}

// The change has filled the disk, blocks and inodes: it is taken back all the same, and the host can say so.
func TestFaultF34_FullDisk(t *testing.T) {
	h := lab.ForTest(t, lab.Names("full")).Host("full")
	shell := outOfBand(h)
	shell(t, `mkdir -p /var/lib/bisc; mount -t tmpfs -o size=2m,nr_inodes=200,mode=700 full /var/lib/bisc; head -c 300000 /dev/zero >/var/lib/bisc/x`)
	w := writer(t, pool(t), config(h, "ops"), "run")
	armedFile(t, w, "/var/lib/bisc/x", 10*time.Minute)
	shell(t, `cd /var/lib/bisc; mkdir fill; ! head -c 4000000 /dev/zero >fill/0 2>/dev/null; i=1; while touch fill/$i 2>/dev/null; do i=$((i + 1)); done; ! echo x >fill/0x 2>/dev/null`)
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	var done *host.RevertedError
	if err := w.Revert(ctx); !errors.As(err, &done) || done.Failed != 0 {
		t.Errorf("revert: %v", err)
	}
	shell(t, `test "$(stat -c %s /var/lib/bisc/x)" = 300000; test ! -e /var/lib/bisc/armed; test ! -e /var/lib/bisc/armed.gone`)
}

// The connection dies while the host arms: nothing will be changed, and nothing may be put back over what others do then.
func TestFaultF34_ArmingLost(t *testing.T) {
	h := lab.ForTest(t, lab.Names("arming")).Host("arming")
	shell := outOfBand(h)
	shell(t, `cat >/usr/local/bin/systemd-run <<'X'
#!/bin/sh
touch /srv/arming; until [ -e /srv/go ]; do sleep 0.05; done; exec /usr/bin/systemd-run "$@"
X
chmod +x /usr/local/bin/systemd-run`)
	w := writer(t, pool(t), config(h, "ops"), "run")
	lost := make(chan error, 1)
	undo := host.Undo{Run: "r", Address: "h:x", Reason: "the test", Within: 10 * time.Minute, Files: []host.UndoFile{{Path: "/srv/x"}}}
	go func() { lost <- w.Arm(t.Context(), undo) }()
	shell(t, `until [ -e /srv/arming ]; do sleep 0.05; done`)
	w.channel().conn.close()
	if err := <-lost; !errors.Is(err, host.ErrLost) {
		t.Fatalf("arm: %v", err)
	}
	go func() { lost <- w.Confirm(t.Context()) }()
	shell(t, `until [ "$(journalctl -q -o cat -b -t sshd | grep -c '^Accepted')" -ge 2 ]; do sleep 0.05; done; touch /srv/go`) // it arms only now
	if err := <-lost; err != nil {
		t.Errorf("disarm: %v", err)
	}
	shell(t, `test ! -e /var/lib/bisc/armed; test -z "$(systemctl list-timers --all --no-legend bisc-deadman.timer)"`)
	if err := w.Arm(t.Context(), undo); err != nil {
		t.Errorf("the next one: %v", err)
	}
	if err := w.Confirm(t.Context()); err != nil {
		t.Error(err)
	}
}
