package systemd

import (
	"context"
	"errors"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

func at(hour int) time.Time { return time.Date(2026, 3, 9, hour, 0, 0, 0, time.UTC) }

func TestRestartDebt(t *testing.T) {
	started := "ExecMainStartTimestamp=Mon 2026-03-09 10:00:00.5 UTC"
	gate := "[Unit]\nAfter=srv-solana.mount\n"
	for name, tt := range map[string]struct {
		state  State
		change func(f *hosttest.Fake)
		want   string
	}{
		"older files":     {seen(t, started), func(*hosttest.Fake) {}, ""},
		"unit file":       {seen(t, started), func(f *hosttest.Fake) { wrote(f, "/lib/systemd/system/x.service", at(11)) }, "/lib/systemd/system/x.service (2026-03-09 11:00:00 UTC)"},
		"same second":     {seen(t, started), func(f *hosttest.Fake) { wrote(f, "/lib/systemd/system/x.service", at(10)) }, ""},
		"program by time": {seen(t, started, "ExecStart={ path=/usr/bin/x ; argv[]=x }"), func(f *hosttest.Fake) { wrote(f, "/usr/bin/x", at(11)) }, "/usr/bin/x (2026-03-09 11:00:00 UTC)"},
		"program replaced": {seen(t, started), func(f *hosttest.Fake) {
			f.Stats["/proc/77/exe"] = host.Stat{Type: host.Regular, Link: "/usr/bin/x (deleted)"}
		}, "/usr/bin/x (replaced since)"},
		"environment":         {seen(t, started, "EnvironmentFiles=/etc/default/x (ignore_errors=yes)"), func(f *hosttest.Fake) { wrote(f, "/etc/default/x", at(11)) }, "/etc/default/x (2026-03-09 11:00:00 UTC)"},
		"environment is gone": {seen(t, started, "EnvironmentFiles=/etc/default/x (ignore_errors=yes)"), func(f *hosttest.Fake) { f.Missing["/etc/default/x"] = true }, ""},
		"environment by glob": {seen(t, started, "EnvironmentFiles=/etc/default/x.* (ignore_errors=yes)"), func(*hosttest.Fake) {}, ""},
		"drop-in of order":    {seen(t, started, "DropInPaths=/d.conf"), func(f *hosttest.Fake) { wrote(f, "/d.conf", at(11)); f.Files["/d.conf"] = gate }, ""},
		"drop-in of more": {seen(t, started, "DropInPaths=/d.conf"), func(f *hosttest.Fake) {
			wrote(f, "/d.conf", at(11))
			f.Files["/d.conf"] = gate + "[Service]\nEnvironment=A=1\n"
		}, "/d.conf (2026-03-09 11:00:00 UTC)"},
		"not running":      {seen(t, started, "ActiveState=inactive"), func(f *hosttest.Fake) { wrote(f, "/lib/systemd/system/x.service", at(11)) }, ""},
		"no process":       {seen(t, started, "MainPID=0", "ActiveEnterTimestamp=Mon 2026-03-09 10:00:00 UTC"), func(f *hosttest.Fake) { wrote(f, "/lib/systemd/system/x.service", at(11)) }, ""},
		"process has gone": {seen(t, started), func(f *hosttest.Fake) { delete(f.Stats, "/proc/77/exe"); f.Missing["/proc/77/exe"] = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := hosttest.New("h")
			wrote(f, "/lib/systemd/system/x.service", at(9))
			f.Stats["/proc/77/exe"] = host.Stat{Type: host.Regular, Link: "/usr/bin/x"}
			tt.change(f)
			newer, err := restartDebt(context.Background(), f, tt.state)
			if err != nil || join(newer) != tt.want {
				t.Errorf("got %q, %v; want %q", join(newer), err, tt.want)
			}
		})
	}
}

func wrote(f *hosttest.Fake, name string, when time.Time) {
	f.Stats[name] = host.Stat{Type: host.Regular, Mode: 0o644, ModTime: when}
}

// A socket has no process; its addresses are opened at its start.
func TestSocketOwesToo(t *testing.T) {
	s := seen(t, "MainPID=0", "ActiveEnterTimestamp=Mon 2026-03-09 10:00:00 UTC")
	s.Name = "x.socket"
	f := hosttest.New("h")
	wrote(f, "/lib/systemd/system/x.service", at(11))
	newer, err := restartDebt(context.Background(), f, s)
	if err != nil || len(newer) != 1 {
		t.Errorf("got %v, %v", newer, err)
	}
}

// One file that is gone must not hide that another could not be looked at.
func TestDebtUnknown(t *testing.T) {
	f := hosttest.New("h")
	f.Missing["/lib/systemd/system/x.service"] = true
	f.Missing["/d.conf"] = true
	f.Stats["/proc/77/exe"] = host.Stat{Link: "/usr/bin/x"}
	f.Errors["stat /d.conf"] = host.ErrStuck
	_, err := restartDebt(context.Background(), f, seen(t, "DropInPaths=/d.conf", "ExecMainStartTimestamp=Mon 2026-03-09 10:00:00 UTC"))
	if !errors.Is(err, host.ErrStuck) {
		t.Errorf("got %v, want stuck", err)
	}
}
