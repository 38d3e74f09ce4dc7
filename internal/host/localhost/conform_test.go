package localhost

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/internal/host/sshhost"
	"bisc/internal/lab"
)

// inLab is this transport with a lab host in the place of this machine: what Sessions does with the first process'
// mounts is done here with all of the host's namespaces.
func inLab(t *testing.T, h *lab.Host) *sessions {
	t.Helper()
	cmd, err := h.Command(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &sessions{enter: host.Quote(cmd.Args...) + " "}
}

func shellOf(h *lab.Host) func(t *testing.T, script string, args ...string) string {
	return func(t *testing.T, script string, args ...string) string {
		t.Helper()
		out, err := h.Shell(context.WithoutCancel(t.Context()), script, args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
}

func config(s *sessions) sshhost.Config {
	return sshhost.Config{Name: "here", User: "root", Become: sshhost.BecomeNone, Sessions: s}
}

// TestConform runs the suite of every transport, with Perl and without.
func TestConform(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	shellOf(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, name := range []string{"perl", "noperl"} {
		t.Run(name, func(t *testing.T) {
			h, p := l.Host(name), sshhost.NewPool(sshhost.Options{})
			t.Cleanup(func() { _ = p.Close() })
			hosttest.Conform(t, func(t *testing.T) (host.Writer, hosttest.Scratch) {
				w, err := p.OpenWriter(t.Context(), config(inLab(t, h)), sshhost.LockRequest{Owner: "test", Run: "conform"})
				if err != nil {
					t.Fatal(err)
				}
				if without := w.Stats().PerlMissing; without != (name == "noperl") {
					t.Fatalf("without Perl: %v", without)
				}
				shell := shellOf(h)
				return w, hosttest.Scratch{Dir: strings.TrimSpace(shell(t, "mktemp -d /srv/conform.XXXX")), Shell: shell}
			})
		})
	}
}

// The far end goes when this side does, and gives the lock back; what was asked then is unreachable, not absent.
func TestClosedIsUnreachable(t *testing.T) {
	l := lab.ForTest(t, lab.Names("here"))
	p := sshhost.NewPool(sshhost.Options{})
	s := inLab(t, l.Host("here"))
	w, err := p.OpenWriter(t.Context(), config(s), sshhost.LockRequest{Owner: "test", Run: "one"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := w.Stat(t.Context(), "/"); !errors.Is(err, host.ErrUnreachable) {
		t.Errorf("after the end: %v", err)
	}
	shellOf(l.Host("here"))(t, `exec timeout 30 flock /run/bisc/lock true`) // waits for the lock, not for a time
	again, err := p.OpenWriter(t.Context(), config(inLab(t, l.Host("here"))), sshhost.LockRequest{Owner: "test", Run: "two"})
	if err != nil {
		t.Fatalf("the lock was not given back: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// A file copied to another machine does nothing there.
func TestAnotherMachine(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	file := filepath.Join(t.TempDir(), "machine-id")
	if err := os.WriteFile(file, []byte(id+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := check(id, file); err != nil {
		t.Errorf("the same: %v", err)
	}
	if err := check(strings.Repeat("1", 32), file); !errors.Is(err, ErrOtherMachine) || !strings.Contains(err.Error(), id) {
		t.Errorf("another: %v", err)
	}
	if err := check(id, file+".away"); err == nil || errors.Is(err, ErrOtherMachine) {
		t.Errorf("none: %v", err)
	}
}

// Where bisc has mounts of its own it enters the machine's: behind sudo, since only root may.
func TestEnters(t *testing.T) {
	dir := t.TempDir()
	link := func(name, to string) string {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	own, other := link("own", "mnt:[1]"), link("other", "mnt:[2]")
	if got := enter(own, link("first", "mnt:[1]")); got != "" {
		t.Errorf("same mounts: %q", got)
	}
	if enter(own, other) == "" || enter(own, filepath.Join(dir, "hidden")) == "" {
		t.Error("other mounts, or unknown ones, are not entered")
	}
	for _, c := range []struct {
		sudo           bool
		command, wants string
	}{
		{false, "perl -e 1", nsenter + "perl -e 1"},
		{true, "env LC_ALL=C sudo -n perl -e 1", "env LC_ALL=C sudo -n " + nsenter + "perl -e 1"},
		{true, "env LC_ALL=C sudo -S -p word perl -e 1", "env LC_ALL=C sudo -S -p word " + nsenter + "perl -e 1"},
		{true, "perl -e 1", "perl -e 1"},
	} {
		s := &sessions{enter: nsenter, sudoEnters: c.sudo}
		if got := s.inside(c.command); got != c.wants {
			t.Errorf("%q becomes %q, want %q", c.command, got, c.wants)
		}
	}
}

// What bisc knows is not in the environment of what it starts.
func TestNoEnvironment(t *testing.T) {
	t.Setenv("BISC_CANARY", "canary")
	s := &sessions{}
	h, err := sshhost.NewPool(sshhost.Options{}).Open(t.Context(), sshhost.Config{Name: "here", User: "root", Become: sshhost.BecomeNone, Sessions: s})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	out, err := h.Probe(t.Context(), "env")
	if err != nil || strings.Contains(string(out.Stdout), "canary") || !strings.Contains(string(out.Stdout), "LC_ALL=C") {
		t.Errorf("%s %v", out.Stdout, err)
	}
}
