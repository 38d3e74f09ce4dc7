package layers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
)

// sudoers is a bench with one resource that can cut the operator off.
func sudoers(items ...Item) *bench {
	files := map[string]string{"/etc/sudoers.d/ops": "no"}
	items = append([]Item{item("a", &flag{path: "/etc/sudoers.d/ops", want: "yes", settle: time.Second})}, items...)
	return newBench(files, stage(Storage, items...))
}

func (b *bench) undoActs() string {
	var out []string
	for _, l := range b.Log() {
		switch word, _, _ := strings.Cut(l, " "); word {
		case "arm", "do", "afresh", "confirm", "revert":
			out = append(out, word)
		}
	}
	return strings.Join(out, " ")
}

func TestArmedBeforeTheChange(t *testing.T) {
	b := sudoers()
	rep := b.climb(t, Acting{}, always)
	if got := b.undoActs(); got != "arm do afresh confirm" || states(rep) != "in sync" {
		t.Errorf("%s: %s", got, states(rep))
	}
	b = sudoers(item("b", &flag{path: "/x", want: "yes"}))
	b.Files["/x"] = "no"
	b.Errors["arm"] = errors.New("no systemd-run")
	rep = b.climb(t, Acting{}, always)
	if got := b.undoActs(); got != "arm" || states(rep) != "blocked, not reached" || b.Wrote("/etc/sudoers.d/ops") != "no" {
		t.Errorf("where it cannot be armed: %s: %s, %v", got, states(rep), rep.Outcomes()[0].Err)
	}
}

// reverting puts the files back as the host does, and says so.
func (b *bench) reverting() {
	before := b.Wrote("/etc/sudoers.d/ops")
	set := b.React
	b.React = func(f *hosttest.Fake, s host.Step) error {
		if s != nil {
			return set(f, s)
		}
		f.Files["/etc/sudoers.d/ops"] = before
		return &host.RevertedError{Host: "h", Log: []string{"put back /etc/sudoers.d/ops"}}
	}
}

func TestFaultF34_ProvedOnlyAnew(t *testing.T) {
	b := sudoers()
	b.reverting()
	b.Errors["afresh"] = host.ErrUnreachable
	rep := b.climb(t, Acting{Within: 20 * time.Second}, always)
	out := rep.Outcomes()[0]
	if got := b.undoActs(); !strings.HasPrefix(got, "arm do afresh afresh") || !strings.HasSuffix(got, "afresh revert") || b.Wrote("/etc/sudoers.d/ops") != "no" {
		t.Errorf("%s, file %q", got, b.Wrote("/etc/sudoers.d/ops"))
	}
	var reverted *host.RevertedError
	if out.State != Failed || !errors.As(out.Err, &reverted) || !errors.Is(out.Err, errOverdue) || !errors.Is(out.Err, host.ErrUnreachable) {
		t.Errorf("%s: %v", out.State, out.Err)
	}
}

// twoSteps is a resource whose first step cuts the connection until the host has taken it back.
type twoSteps struct{ flag }

func (r *twoSteps) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	c, err := r.flag.Plan(ctx, h)
	if !c.InSync() {
		c.Do(host.Put{Path: r.path + "-second", Content: []byte("x")})
	}
	return c, err
}

func TestFaultF34_NoStepAfterTheRevert(t *testing.T) {
	b := sudoers()
	b.stages = []*Stage{stage(Storage, item("a", &twoSteps{flag{path: "/etc/sudoers.d/ops", want: "yes"}}))}
	b.reverting()
	revert := b.React
	b.React = func(f *hosttest.Fake, s host.Step) error {
		if put, ok := s.(host.Put); ok && put.Path == "/etc/sudoers.d/ops" {
			time.Sleep(21 * time.Second)
			return nil // taken back meanwhile
		}
		return revert(f, s)
	}
	rep := b.climb(t, Acting{Within: 20 * time.Second}, always)
	out := rep.Outcomes()[0]
	if got := b.undoActs(); got != "arm do revert" || out.State != Failed || !errors.Is(out.Err, errOverdue) {
		t.Errorf("%s: %s: %v", got, out.State, out.Err)
	}
}

// The change itself cuts the connection, which comes back when the host has reverted: the step is not sent a second time, for
// then it would stay, with nothing armed.
func TestFaultF34_NotAgainAfterTheRevert(t *testing.T) {
	b := sudoers()
	b.reverting()
	act, cut := b.React, false
	b.React = func(f *hosttest.Fake, s host.Step) error {
		if err := act(f, s); s == nil || cut {
			return err
		}
		cut = true
		return host.ErrLost
	}
	rep := b.climb(t, Acting{Within: 20 * time.Second}, always)
	var reverted *host.RevertedError
	if out := rep.Outcomes()[0]; out.State != Failed || !errors.As(out.Err, &reverted) {
		t.Errorf("%s: %v", out.State, out.Err)
	}
	if got := b.undoActs(); got != "arm do revert" || b.Wrote("/etc/sudoers.d/ops") != "no" {
		t.Errorf("%s, file %q", got, b.Wrote("/etc/sudoers.d/ops"))
	}
}

// elsewhere is a fake whose new connections lead to another machine.
type elsewhere struct{ *hosttest.Fake }

func (e elsewhere) Afresh(context.Context) (host.Reader, error) {
	other := hosttest.New("h")
	other.Files["/etc/machine-id"] = "m2\n"
	other.Files["/proc/sys/kernel/random/boot_id"] = "b1\n"
	other.Files["/etc/sudoers.d/ops"] = "yes"
	return other, nil
}

func TestFaultF34_AnotherHostProvesNothing(t *testing.T) {
	b := sudoers()
	b.reverting()
	var done HostReport
	synctest.Test(t, func(t *testing.T) {
		rep := Observe(t.Context(), b.Fake, b.stages, Options{})
		done = Apply(t.Context(), elsewhere{b.Fake}, rep, Acting{Record: NoRecord{}, Within: 10 * time.Second})
	})
	if o := done.Outcomes[0]; o.State != Failed || !errors.Is(o.Err, ErrStale) || b.Wrote("/etc/sudoers.d/ops") != "no" {
		t.Errorf("%s: %v, file %q", o.State, o.Err, b.Wrote("/etc/sudoers.d/ops"))
	}
}

// A proof that comes too late is none: the host has decided.
func TestFaultF34_ConfirmedTooLate(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want State
	}{
		{&host.RevertedError{Host: "h", Log: []string{"put back /etc/sudoers.d/ops"}}, Failed},
		{host.ErrLost, Unknown},
	} {
		b := sudoers(item("b", &flag{path: "/x", want: "yes"}))
		b.Files["/x"] = "no"
		b.Errors["confirm"] = tt.err
		rep := b.climb(t, Acting{}, always)
		outs := rep.Outcomes()
		if outs[0].State != tt.want || !errors.Is(outs[0].Err, tt.err) || outs[1].State != NotReached {
			t.Errorf("%v: %s: %v", tt.err, states(rep), outs[0].Err)
		}
	}
}

// Several go one at a time, each with a switch of its own, and never in one batch with other puts.
func TestCuttingItemsGoOneAtATime(t *testing.T) {
	b := sudoers(item("b", &flag{path: "/etc/hosts.allow", want: "yes"}), item("c", &flag{path: "/x", want: "yes"}))
	b.Files["/etc/hosts.allow"], b.Files["/x"] = "no", "no"
	rep := b.climb(t, Acting{}, always)
	if got := b.undoActs(); got != "arm do afresh confirm arm do afresh confirm do" || states(rep) != "in sync, in sync, in sync" {
		t.Errorf("%s: %s", got, states(rep))
	}
}

// What a unit reads anew is put back as it read it last, not as it is.
func TestUnitsGoBackToTheFilesTheyRead(t *testing.T) {
	f := hosttest.New("h")
	kept := func(n, name string, at string) {
		record := host.KeptFolder + "/x/" + n + ".json"
		f.Files[record] = `{"path":"` + name + `","run":"r","at":"` + at + `","mode":420}`
		f.Globs[host.KeptFolder+"/*/*.json"] = append(f.Globs[host.KeptFolder+"/*/*.json"], record)
	}
	kept("1", "/etc/iptables/rules.v4", "2026-01-01T01:00:00Z") // in the second of the start: it was put, and then read
	kept("2", "/etc/iptables/rules.v4", "2026-01-01T02:00:00Z")
	kept("3", "/etc/iptables/rules.v4", "2026-01-01T03:00:00Z")
	kept("4", "/etc/fstab", "2026-01-01T03:00:00Z")
	f.Answer(0, "ActiveState=active\nStateChangeTimestamp=Thu 2026-01-01 01:00:00.052708 UTC\n", "systemctl", "show", "--timestamp=us+utc", "-p", "ActiveState,StateChangeTimestamp", "--", "netfilter-persistent.service")
	_, undo := modules.CutsOff([]host.Step{host.Job{Verb: "restart", Unit: "netfilter-persistent.service"}})
	if err := asRead(t.Context(), f, &undo); err != nil {
		t.Fatal(err)
	}
	if len(undo.Files) != 1 || undo.Files[0].Path != "/etc/iptables/rules.v4" || undo.Files[0].Kept == nil || !strings.HasSuffix(undo.Files[0].Kept.Copy, "/x/2") {
		t.Errorf("%+v", undo.Files)
	}
	if !undo.Firewall {
		t.Error("the packet filter is not captured")
	}
}

// Where the answer to the arming is lost nothing is done, and the host is not left with a switch that may be armed.
func TestFaultF34_ArmingUnknown(t *testing.T) {
	b := sudoers()
	b.Errors["arm"] = host.ErrLost
	rep := b.climb(t, Acting{}, always)
	if got := b.undoActs(); got != "arm confirm" || states(rep) != "blocked" || b.Wrote("/etc/sudoers.d/ops") != "no" {
		t.Errorf("%s: %s, %v", got, states(rep), rep.Outcomes()[0].Err)
	}
}
