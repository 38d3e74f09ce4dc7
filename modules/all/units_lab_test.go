package all

import (
	"errors"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/modules"
	"bisc/modules/files"
	"bisc/modules/system"
	"bisc/modules/systemd"
)

func TestUnitsOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "units"})

	t.Run("unit", func(t *testing.T) {
		unit := &systemd.Unit{Name: "bisc-exit.service", Sections: modules.Sections{
			"Unit":    {"Description": {"a test"}},
			"Service": {"Type": {"oneshot"}, "RemainAfterExit": {"yes"}, "ExecStart": {"/bin/true"}},
			"Install": {"WantedBy": {"multi-user.target"}, "Alias": {"bisc-other.service"}},
		}}
		file := unit.Path()
		b.holds(t, []modules.Resource{unit},
			damage{"a directive", "sed -i s,/bin/true,/bin/false, " + file, []string{"boot content"}},
			damage{"the mode", "chmod 600 " + file, []string{"boot mode"}},
			damage{"the owner", "chown 1000 " + file, []string{"boot owner"}},
			damage{"the group", "chgrp 1000 " + file, []string{"boot group"}},
			damage{"the file", "rm " + file, []string{"boot content"}},
			damage{"not loaded", "sleep 0.1; systemctl cat bisc-exit.service >/dev/null; systemctl start bisc-exit.service; touch " + file, []string{"now loaded"}},
			damage{"disabled", "systemctl disable bisc-exit.service", []string{"boot enabled"}},
			damage{"wanted by another", "mkdir -p /etc/systemd/system/rescue.target.wants; ln -s " + file + " /etc/systemd/system/rescue.target.wants/", []string{"boot enabled"}},
			damage{"the alias", "rm /etc/systemd/system/bisc-other.service", []string{"boot enabled"}},
		)
		b.shell(t, "systemctl start bisc-exit.service")
		absent := stage(t, b.Lab.Name, &systemd.Unit{Name: unit.Name, Absent: true})
		b.apply(t, absent)
		b.empty(t, absent, "after its removal")
		b.shell(t, "! test -e "+file+" && ! systemctl is-active bisc-exit.service && ! ls /etc/systemd/system/*.wants/bisc-exit.service")
	})

	t.Run("drop_in", func(t *testing.T) {
		piece := &systemd.DropIn{Unit: "bisc-cron.service", Name: "10-gate", Sections: modules.Sections{"Unit": {"After": {"srv-x.mount"}, "AssertPathExists": {"/"}}}}
		file := piece.Path()
		b.shell(t, "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/bisc-cron.service; systemctl daemon-reload; systemctl start bisc-cron.service")
		b.holds(t, []modules.Resource{piece},
			damage{"a directive", "sed -i s,srv-x,srv-y, " + file, []string{"boot content"}},
			damage{"the mode", "chmod 600 " + file, []string{"boot mode"}},
			damage{"the folder", "rm -r /etc/systemd/system/bisc-cron.service.d", []string{"boot content"}},
			damage{"not read", "sleep 0.1; touch " + file, []string{"now effective"}},
		)
		// An order is no restart debt, for the process is older than the piece.
		b.empty(t, stage(t, b.Lab.Name, &systemd.Service{Name: "bisc-cron.service"}), "for the service that has it")
		absent := stage(t, b.Lab.Name, &systemd.DropIn{Unit: piece.Unit, Name: piece.Name, Absent: true})
		b.apply(t, absent)
		b.empty(t, absent, "after its removal")
		b.shell(t, "! test -e /etc/systemd/system/bisc-cron.service.d; rm /etc/systemd/system/bisc-cron.service; systemctl stop bisc-cron.service; systemctl daemon-reload")
	})

	t.Run("timer", func(t *testing.T) {
		timer := &systemd.Timer{Name: "bisc-drift.timer", OnCalendar: []string{"daily"}, RandomizedDelay: time.Minute, Persistent: true}
		b.shell(t, "printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/bisc-drift.service; systemctl daemon-reload")
		b.holds(t, []modules.Resource{timer},
			damage{"its time", "sed -i s,daily,weekly, /etc/systemd/system/bisc-drift.timer", []string{"boot content"}},
			damage{"stopped", "systemctl stop bisc-drift.timer", []string{"now active"}},
			damage{"disabled", "systemctl disable bisc-drift.timer", []string{"boot enabled"}},
			damage{"all of it", "systemctl disable --now bisc-drift.timer; rm /etc/systemd/system/bisc-drift.timer; systemctl daemon-reload", []string{"boot content", "boot enabled", "now active"}},
		)
		absent := stage(t, b.Lab.Name, &systemd.Timer{Name: timer.Name, Absent: true})
		b.apply(t, absent)
		b.empty(t, absent, "after its removal")
	})

	t.Run("service", func(t *testing.T) {
		b.shell(t, `printf '[Service]\nEnvironmentFile=/etc/default/bisc-sleep\nExecStart=/usr/local/bin/bisc-sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/bisc-sleep.service
			cp /bin/sleep /usr/local/bin/bisc-sleep; echo A=1 >/etc/default/bisc-sleep; sleep 0.1; systemctl daemon-reload`)
		// The transport tells a file's time in whole seconds: a change within the second of the start goes unseen.
		service := &systemd.Service{Name: "bisc-sleep.service", Restart: true, Settle: 5 * time.Second}
		b.holds(t, []modules.Resource{service},
			damage{"stopped", "systemctl stop bisc-sleep.service", []string{"now active"}},
			damage{"killed", "systemctl kill --signal=KILL bisc-sleep.service; while systemctl is-active -q bisc-sleep.service; do sleep 0.05; done", []string{"now active"}},
			damage{"disabled", "systemctl disable bisc-sleep.service", []string{"boot enabled"}},
			damage{"masked", "systemctl stop bisc-sleep.service; mv /etc/systemd/system/bisc-sleep.service /usr/lib/systemd/system/; systemctl mask bisc-sleep.service", []string{"boot enabled", "now active"}},
			damage{"its unit file", "sleep 1.1; sed -i '1i # a comment' /usr/lib/systemd/system/bisc-sleep.service", []string{"now loaded", "now restart"}},
			damage{"its environment", "sleep 1.1; echo A=2 >/etc/default/bisc-sleep", []string{"now restart"}},
			damage{"its program", "cp -p /usr/local/bin/bisc-sleep /tmp/s; mv /tmp/s /usr/local/bin/bisc-sleep", []string{"now restart"}},
		)
		patient := stage(t, b.Lab.Name, &systemd.Service{Name: service.Name})
		b.shell(t, "sleep 1.1; touch /etc/default/bisc-sleep")
		if got := b.plan(t, patient); len(got) != 1 || got[0] != "?now restart" {
			t.Errorf("a debt that may not be paid shows as %q", got)
		}
		off := false
		stop := stage(t, b.Lab.Name, &systemd.Service{Name: service.Name, Active: &off, Masked: true})
		b.apply(t, stop)
		b.empty(t, stop, "stopped and masked")
	})
}

func TestFilesOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "files"})
	number := modules.ID{Set: true, N: 1000}

	t.Run("file", func(t *testing.T) {
		file := &files.File{Path: "/etc/bisc.conf", Content: modules.Text{Value: "one\ntwo\n"}, Mode: 0o640, Owner: number, Group: number}
		b.holds(t, []modules.Resource{file},
			damage{"a line", "echo three >>/etc/bisc.conf", []string{"now content"}},
			damage{"emptied", "echo -n >/etc/bisc.conf", []string{"now content"}},
			damage{"the mode", "chmod 4640 /etc/bisc.conf", []string{"now mode"}},
			damage{"the owner", "chown 0 /etc/bisc.conf", []string{"now owner"}},
			damage{"the group", "chgrp 0 /etc/bisc.conf", []string{"now group"}},
			damage{"gone", "rm /etc/bisc.conf", []string{"now content"}},
		)
		absent := stage(t, b.Lab.Name, &files.File{Path: file.Path, Absent: true})
		b.apply(t, absent)
		b.empty(t, absent, "after its removal")
	})

	t.Run("what cannot be written is told", func(t *testing.T) {
		b.shell(t, "ln -s /etc/passwd /etc/bisc.link; mkdir /etc/bisc.folder; mkfifo /etc/bisc.fifo")
		for _, name := range []string{"/etc/bisc.link", "/etc/bisc.folder", "/etc/bisc.fifo", "/etc/bisc.none/x"} {
			st := stage(t, b.Lab.Name, &files.File{Path: name, Mode: 0o644, Content: modules.Text{Value: "x\n"}})
			if got := b.plan(t, st); len(got) != 1 || got[0] != "?now content" {
				t.Errorf("%s: the plan says %q", name, got)
			}
		}
	})

	t.Run("verified first", func(t *testing.T) {
		for _, tt := range []struct{ path, good, bad string }{
			{"/etc/sudoers.d/bisc", "bisc ALL=(ALL) NOPASSWD: ALL\n", "bisc ALL=(ALL NOPASSWD: ALL\n"},
			{"/etc/ssh/sshd_config.d/bisc.conf", "X11Forwarding no\n", "X11Forwading no\n"},
			{"/etc/fstab", "tmpfs /srv tmpfs nofail 0 0\n", "tmpfs srv\n"},
		} {
			good := stage(t, b.Lab.Name, &files.File{Path: tt.path, Mode: 0o440, Content: modules.Text{Value: tt.good}})
			b.apply(t, good)
			b.empty(t, good, tt.path)
			w, err := b.Writer(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			bad, err := (&files.File{Path: tt.path, Mode: 0o440, Content: modules.Text{Value: tt.bad}}).Plan(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			var exit *host.ExitError
			if err := w.Do(t.Context(), bad.Steps[0]); !errors.As(err, &exit) {
				t.Errorf("%s: a broken file passes: %v", tt.path, err)
			}
			b.Release(t)
			b.empty(t, good, tt.path+" after a broken one was refused")
		}
	})

	t.Run("command", func(t *testing.T) {
		command := &files.Command{Name: "x", Unless: []string{"test", "-e", "/etc/bisc.made"}, Argv: []string{"touch", "/etc/bisc.made"}, Limit: time.Minute}
		b.holds(t, []modules.Resource{command}, damage{"undone", "rm /etc/bisc.made", []string{"now unless"}})
	})
}

func TestSystemOnAHost(t *testing.T) {
	t.Parallel()
	b := newBench(t, lab.HostOptions{Name: "system"})

	t.Run("sysctl", func(t *testing.T) {
		// A network's own keys can be written in a host that shares the machine's kernel; others are read-only there.
		sysctl := &system.Sysctl{Key: "net.ipv4.ip_local_port_range", Value: "20000 60000"}
		b.holds(t, []modules.Resource{sysctl},
			damage{"now", "echo '20000 50000' >/proc/sys/net/ipv4/ip_local_port_range", []string{"now value"}},
			damage{"after boot", "sed -i s/60000/50000/ " + sysctl.Path(), []string{"boot value"}},
			damage{"the file", "rm " + sysctl.Path(), []string{"boot value"}},
			damage{"the mode", "chmod 600 " + sysctl.Path(), []string{"boot mode"}},
		)
		b.shell(t, "echo 'net.ipv4.ip_local_port_range = 1 2' >>/etc/sysctl.conf")
		if got := b.plan(t, stage(t, b.Lab.Name, sysctl)); len(got) != 1 || got[0] != "?boot value" {
			t.Errorf("a line in /etc/sysctl.conf that wins shows as %q", got)
		}
	})

	t.Run("kernel_module", func(t *testing.T) {
		module := &system.KernelModule{Name: "brd", Options: map[string]string{"rd_nr": "1", "rd_size": "65536"}}
		b.holds(t, []modules.Resource{module},
			damage{"not at boot", "rm /etc/modules-load.d/bisc-brd.conf", []string{"boot load"}},
			damage{"another option at boot", "sed -i s/65536/1024/ /etc/modprobe.d/bisc-brd.conf", []string{"boot options"}},
			damage{"no options at boot", "rm /etc/modprobe.d/bisc-brd.conf", []string{"boot options"}},
			damage{"unloaded", "modprobe -r brd", []string{"now loaded"}},
		)
		b.shell(t, "echo blacklist brd >/etc/modprobe.d/zz.conf")
		if got := b.plan(t, stage(t, b.Lab.Name, module)); len(got) != 1 || got[0] != "?boot load" {
			t.Errorf("a blacklist shows as %q", got)
		}
		b.shell(t, "rm /etc/modprobe.d/zz.conf")
		absent := stage(t, b.Lab.Name, &system.KernelModule{Name: "brd", Absent: true})
		b.apply(t, absent)
		b.empty(t, absent, "after its removal")
	})

	t.Run("user", func(t *testing.T) {
		user := &system.User{Name: "solana", UID: 20029, GID: -1, Home: "/home/solana", Shell: "/bin/bash", Groups: []string{"adm", "users"}}
		b.holds(t, []modules.Resource{user},
			damage{"the shell", "usermod --shell /bin/sh solana", []string{"now shell"}},
			damage{"the home", "usermod --home /srv solana", []string{"now home"}},
			damage{"a group", "gpasswd -d solana adm", []string{"now groups"}},
			damage{"the account", "userdel solana", []string{"now account"}},
		)
		for _, other := range []*system.User{{Name: "solana", UID: 20030, GID: 20029}, {Name: "solana", UID: 20029, GID: 1}} {
			if got := b.plan(t, stage(t, b.Lab.Name, other)); len(got) != 1 || got[0][0] != '?' {
				t.Errorf("another number shows as %q", got)
			}
		}
		if got := b.plan(t, stage(t, b.Lab.Name, &system.User{Name: "agave", UID: 20029, GID: -1})); len(got) != 1 || got[0] != "?now account" {
			t.Errorf("a number that another has shows as %q", got)
		}
	})

	t.Run("package", func(t *testing.T) {
		held := true
		b.holds(t, []modules.Resource{&system.Package{Name: "jq", Version: "1.*", Held: &held}},
			damage{"not held", "apt-mark unhold jq", []string{"now held"}})
		for _, p := range []*system.Package{{Name: "jq", Version: "2.*"}, {Name: "bisc-none"}, {Name: "jq", Absent: true}} {
			if got := b.plan(t, stage(t, b.Lab.Name, p)); len(got) != 1 || got[0][0] != '?' {
				t.Errorf("%+v: the plan says %q", p, got)
			}
		}
	})
}
