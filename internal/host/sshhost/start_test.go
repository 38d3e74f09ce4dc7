package sshhost

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"bisc/internal/host"
	"bisc/internal/lab"
)

func isErr(err, target error) bool { return errors.Is(err, target) }

// TestStart is about what stands between a login and root.
func TestStart(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	a := l.Host("a")
	shell := outOfBand(a)

	t.Run("sudo asks for a password once", func(t *testing.T) {
		var asked atomic.Int32
		cfg := config(a, "pw")
		cfg.BecomePassword = func(context.Context, string) (string, error) { asked.Add(1); return "lab", nil }
		p := pool(t)
		h, err := ready(t, p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		works(t, h)
		again, err := ready(t, p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		works(t, again)
		if asked.Load() != 1 {
			t.Errorf("asked %d times", asked.Load())
		}
		if seen := shell(t, "grep -l bisc-password- /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | xargs -r grep -al '\\blab\\b' || true"); seen != "" {
			t.Errorf("the password is in %s", seen)
		}
	})
	t.Run("the wrong password", func(t *testing.T) {
		cfg := config(a, "pw")
		cfg.BecomePassword = func(context.Context, string) (string, error) { return "wrong", nil }
		_, err := ready(t, pool(t), cfg)
		says(t, err, host.ErrUnreachable, "a (127.0.0.1:", "sudo refused the password of pw")
	})
	t.Run("nobody to ask", func(t *testing.T) {
		_, err := ready(t, pool(t), config(a, "pw"))
		says(t, err, host.ErrUnreachable, "sudo wants a password", "NOPASSWD")
	})
	t.Run("no sudo for this user", func(t *testing.T) {
		cfg := config(a, "nosudo")
		cfg.BecomePassword = func(context.Context, string) (string, error) { return "lab", nil }
		_, err := ready(t, pool(t), cfg)
		says(t, err, host.ErrUnreachable, "nosudo")
		h, err := pool(t).Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		_, err = h.Stat(t.Context(), "/") // who does not wait for Ready gets it as an answer
		says(t, err, host.ErrUnreachable, "nosudo")
	})
	t.Run("no sudo wanted", func(t *testing.T) {
		cfg := config(a, "nosudo")
		cfg.Become = BecomeNone
		h, err := ready(t, pool(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.ReadFile(t.Context(), "/etc/shadow")
		says(t, err, nil, "/etc/shadow", "Permission denied")
	})
	t.Run("no terminal", func(t *testing.T) {
		shell(t, "echo 'Defaults:ops requiretty' >/etc/sudoers.d/tty")
		defer shell(t, "rm /etc/sudoers.d/tty")
		_, err := ready(t, pool(t), config(a, "ops"))
		says(t, err, host.ErrUnreachable, "requiretty")
	})
	t.Run("no sudo at all", func(t *testing.T) {
		shell(t, "mv /usr/bin/sudo /usr/bin/sudo.away")
		defer shell(t, "mv /usr/bin/sudo.away /usr/bin/sudo")
		_, err := ready(t, pool(t), config(a, "ops"))
		says(t, err, host.ErrUnreachable, "no sudo on the host")
	})
	t.Run("a lecture and another language", func(t *testing.T) {
		shell(t, "printf 'Defaults:ops lecture=always\\nDefaults:ops use_pty\\n' >/etc/sudoers.d/lecture")
		defer shell(t, "rm /etc/sudoers.d/lecture")
		h, err := ready(t, pool(t), config(a, "ops"))
		if err != nil {
			t.Fatal(err)
		}
		works(t, h)
	})
	for _, s := range []string{"/bin/sh", "/bin/bash", "/bin/rbash"} {
		t.Run("login shell "+s, func(t *testing.T) {
			shell(t, `usermod -s "$1" ops`, s)
			defer shell(t, `usermod -s /bin/bash ops`)
			h, err := ready(t, pool(t), config(a, "ops"))
			if err != nil {
				t.Fatal(err)
			}
			works(t, h)
		})
	}
	t.Run("a shell that is none", func(t *testing.T) {
		shell(t, "usermod -s /usr/sbin/nologin ops")
		defer shell(t, "usermod -s /bin/bash ops")
		_, err := ready(t, pool(t), config(a, "ops"))
		says(t, err, host.ErrUnreachable, "did not start", "exit status 1")
	})
	t.Run("a noisy login", func(t *testing.T) {
		shell(t, `cp ~ops/.bashrc /tmp/bashrc 2>/dev/null || :
			printf 'printf "\\036 \\000 noise\\n"; head -c 200000 /dev/zero; echo noise >&2\n' | cat - /tmp/bashrc >~ops/.bashrc 2>/dev/null || printf 'head -c 200000 /dev/zero; echo noise >&2\n' >~ops/.bashrc
			echo 'Banner /etc/passwd' >/etc/ssh/sshd_config.d/banner.conf; systemctl restart ssh`)
		defer shell(t, `cp /tmp/bashrc ~ops/.bashrc 2>/dev/null || rm ~ops/.bashrc; rm /etc/ssh/sshd_config.d/banner.conf; systemctl restart ssh`)
		h, err := ready(t, pool(t), config(a, "ops"))
		if err != nil {
			t.Fatal(err)
		}
		works(t, h)
		shell(t, "mv /usr/bin/perl /usr/bin/perl.away")
		defer shell(t, "mv /usr/bin/perl.away /usr/bin/perl")
		h, err = ready(t, pool(t), config(a, "ops"))
		if err != nil {
			t.Fatal(err)
		}
		works(t, h)
	})
	t.Run("not Linux", func(t *testing.T) {
		shell(t, `mv /usr/bin/perl /usr/bin/perl.away; printf '#!/bin/sh\nif [ "$1" = -s ]; then echo Darwin; else exec /usr/bin/uname.away "$@"; fi\n' >/tmp/uname; chmod 755 /tmp/uname; mv /usr/bin/uname /usr/bin/uname.away; mv /tmp/uname /usr/bin/uname`)
		defer shell(t, `mv /usr/bin/uname.away /usr/bin/uname; mv /usr/bin/perl.away /usr/bin/perl`)
		_, err := ready(t, pool(t), config(a, "ops"))
		says(t, err, host.ErrUnreachable, "not Linux: uname says Darwin")
	})
	t.Run("no Perl, a password, and what the shells lack", func(t *testing.T) {
		shell(t, `mv /usr/bin/perl /usr/bin/perl.away`)
		defer shell(t, `mv /usr/bin/perl.away /usr/bin/perl`)
		cfg := config(a, "pw")
		cfg.BecomePassword = func(context.Context, string) (string, error) { return "lab", nil }
		h, err := ready(t, pool(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		works(t, h)
		shell(t, `mv /usr/bin/base64 /usr/bin/base64.away`)
		defer shell(t, `mv /usr/bin/base64.away /usr/bin/base64`)
		_, err = ready(t, pool(t), config(a, "ops"))
		says(t, err, host.ErrUnreachable, "no Perl", "base64")
	})
	t.Run("one sudo, one authentication", func(t *testing.T) {
		count := func() (sudos, logins int) {
			text := shell(t, "journalctl --sync; journalctl -q -o cat --no-pager | cat")
			return strings.Count(text, "COMMAND="), strings.Count(text, "Accepted publickey")
		}
		sudos, logins := count()
		h, err := ready(t, pool(t), config(a, "ops"))
		if err != nil {
			t.Fatal(err)
		}
		all(t, h, 20)
		_ = h.Close()
		nowSudos, nowLogins := count()
		if nowSudos-sudos != 1 || nowLogins-logins != 1 {
			t.Errorf("%d sudos, %d logins", nowSudos-sudos, nowLogins-logins)
		}
	})
}

// TestReaderWritesNothing looks for anything that reading left behind.
func TestReaderWritesNothing(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, name := range []string{"perl", "noperl"} {
		t.Run(name, func(t *testing.T) {
			shell := outOfBand(l.Host(name))
			shell(t, "touch /tmp/mark; sleep 0.05")
			h, err := ready(t, pool(t), config(l.Host(name), "ops"))
			if err != nil {
				t.Fatal(err)
			}
			all(t, h, 5)
			if _, held, err := ReadLock(t.Context(), h); held || err != nil {
				t.Errorf("a lock: %v, %v", held, err)
			}
			// sudo, sshd and systemd keep records of their own, reader or not.
			wrote := shell(t, `find / -xdev -newer /tmp/mark \( -type f -o -type d \) -not -path '/proc/*' -not -path '/sys/*' -not -path '/tmp' -not -path '/run' -not -path '/var/log/*' 2>/dev/null; find /run -newer /tmp/mark \( -type f -o -type d \) 2>/dev/null | grep -E 'bisc' || true`)
			for line := range strings.Lines(wrote) {
				t.Errorf("written: %s", strings.TrimSpace(line))
			}
		})
	}
}
