package layers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

func savedOf(t *testing.T, b *bench) (Saved, []byte) {
	t.Helper()
	rep := ObserveAll(t.Context(), b.stages, b, Options{})
	s := Save(rep, []byte("key"), "p1", "plan", nil, time.Hour)
	file, err := s.Encode([]byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	return s, file
}

func TestAPlanFileWithAnyByteAlteredIsRefused(t *testing.T) {
	_, file := savedOf(t, newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes"}))))
	if _, err := Decode(file, []byte("key")); err != nil {
		t.Fatalf("unaltered: %v", err)
	}
	for i := range file {
		bent := append([]byte(nil), file...)
		bent[i] ^= 1
		if _, err := Decode(bent, []byte("key")); !errors.Is(err, ErrAltered) {
			t.Fatalf("byte %d altered: %v", i, err)
		}
		if _, err := Decode(file[:i], []byte("key")); !errors.Is(err, ErrAltered) {
			t.Fatalf("cut at byte %d: %v", i, err)
		}
	}
	if _, err := Decode(file, []byte("other")); !errors.Is(err, ErrAltered) {
		t.Errorf("another key: %v", err)
	}
}

func TestAPlanFileExpires(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes"})))
	s := Save(ObserveAll(t.Context(), b.stages, b, Options{}), []byte("key"), "p", "plan", nil, -time.Second)
	file, _ := s.Encode([]byte("key"))
	if _, err := Decode(file, []byte("key")); !errors.Is(err, ErrExpired) {
		t.Error(err)
	}
}

func TestBind(t *testing.T) {
	type change func(b *bench)
	tests := map[string]struct {
		move   change
		states string
		reason string
		err    error
	}{
		"nothing changed": {func(*bench) {}, "drifted, in sync", "", nil},
		"fewer steps now": {func(b *bench) { b.Files["/a"] = "yes" }, "in sync, in sync", "", nil},
		"other fact":      {func(b *bench) { b.Files["/a"] = "precious" }, "stale, in sync", "word was no and is now precious", nil},
		"came into view":  {func(b *bench) { b.Files["/b"] = "no" }, "drifted, not reached", "came into view", nil},
		"other wish":      {func(b *bench) { b.stages[0].Items[0].Digest = "other" }, "stale, in sync", "wants something else", nil},
		"rebooted":        {func(b *bench) { b.Files["/proc/sys/kernel/random/boot_id"] = "b2" }, "", "", ErrStale},
		"another machine": {func(b *bench) { b.Files["/etc/machine-id"] = "m2" }, "", "", ErrStale},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(map[string]string{"/a": "no", "/b": "yes"},
				stage(Storage, item("a", &wordLoser{flag{path: "/a", want: "yes"}}), item("b", &flag{path: "/b", want: "yes"})))
			opts := Options{Destroy: map[string]bool{"h:storage.a": true}}
			s := Save(ObserveAll(t.Context(), b.stages, b, opts), []byte("key"), "p", "plan", nil, time.Hour)
			tc.move(b)
			rep, err := s.Bind(ObserveAll(t.Context(), b.stages, b, opts), []byte("key"))
			if !errors.Is(err, tc.err) {
				t.Fatalf("err %v, want %v", err, tc.err)
			}
			if err == nil && states(rep) != tc.states {
				t.Errorf("states %s, want %s", states(rep), tc.states)
			}
			var reasons string
			for _, o := range rep.Outcomes() {
				reasons += o.Reason
			}
			if !strings.Contains(reasons, tc.reason) {
				t.Errorf("reason %q, want %q", reasons, tc.reason)
			}
		})
	}
}

// ledger records into memory, and may refuse.
type ledger struct {
	lines  []string
	refuse error
}

func (l *ledger) Intend(_ context.Context, in Intent) (int64, error) {
	l.lines = append(l.lines, "intend "+in.Address)
	return int64(len(l.lines)), l.refuse
}

func (l *ledger) Settle(_ context.Context, _ int64, r Result) error {
	l.lines = append(l.lines, string(r.State))
	return nil
}

func TestEachActIsIntendedFirst(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"done":            {nil, "intend h:storage.a, done"},
		"guard refused":   {&host.GuardError{Guard: "g"}, "intend h:storage.a, not done"},
		"failed":          {&host.ExitError{Exit: 1}, "intend h:storage.a, failed"},
		"lost in the act": {fmt.Errorf("%w: %w", host.ErrLost, host.ErrUnreachable), "intend h:storage.a, unknown, intend h:storage.a, unknown"}, // once more, after a look
		"never sent":      {host.ErrUnreachable, "intend h:storage.a, not done, intend h:storage.a, not done"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes", script: true})))
			set := b.React
			l := &ledger{}
			b.React = func(f *hosttest.Fake, s host.Step) error {
				if len(l.lines)%2 != 1 {
					t.Errorf("acted with the journal at %v", l.lines)
				}
				if tc.err != nil {
					return tc.err
				}
				return set(f, s)
			}
			b.climb(t, Acting{Record: l}, always)
			if got := strings.Join(l.lines, ", "); got != tc.want {
				t.Errorf("journal %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWhatCannotBeRecordedIsNotDone(t *testing.T) {
	b := newBench(map[string]string{"/a": "no"}, stage(Storage, item("a", &flag{path: "/a", want: "yes"})))
	rep := b.climb(t, Acting{Record: &ledger{refuse: errors.New("disk full")}}, always)
	if len(b.Steps()) != 0 || states(rep) != "failed" {
		t.Errorf("%s, steps %v", states(rep), b.Steps())
	}
}
