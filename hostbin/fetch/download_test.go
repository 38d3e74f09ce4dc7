package fetch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/hostbin/snapshots"
)

// Incident 34: snapshots were deleted before anything new was at hand. Whatever becomes of a fetch, what was there is there.
func TestIncident34_NothingGoesBeforeTheNew(t *testing.T) {
	for name, change := range map[string]func(*node){
		"nobody delivers": func(s *node) { s.cut = 10 * kb },
		"it is gone":      func(s *node) { s.gone = true },
		"it is damaged": func(s *node) {
			b := s.files[s.full]
			b[len(b)/2] ^= 1
		},
		"it is cut, and says so":     func(s *node) { s.files[s.full] = s.files[s.full][:50*kb] },
		"it says less than there is": func(s *node) { s.claim = 40 * kb },
		"it is another slot's":       func(s *node) { s.files[s.full] = archive(s.net.t, snapshots.Archive{Slot: 7}, 100*kb) },
	} {
		t.Run(name, func(t *testing.T) {
			n, dir := startNetwork(t, 190_000), t.TempDir()
			put(t, dir, full(80_000), kb)
			put(t, dir, inc(80_000, 100_000), kb)
			s := n.add().serves(100*kb, full(189_000), inc(189_000, 189_900))
			s.mu.Lock()
			change(s)
			s.mu.Unlock()
			o := order(t, dir)
			o.Finding.Checks = 0
			r, said, err := n.run(t, o)
			if err == nil {
				t.Fatalf("%+v\n%s", r, said)
			}
			lies(t, dir, full(80_000), inc(80_000, 100_000))
		})
	}
}

// A transfer is gone on with only where the server keeps ranges and has the very same file; the whole is checked then.
func TestResume(t *testing.T) {
	for _, tt := range []struct {
		name             string
		ranges           bool
		etag, was        string
		resumed, damaged bool
	}{
		{"the same file", true, `"a"`, `"a"`, true, false},
		{"another file", true, `"b"`, `"a"`, false, false},
		{"no ranges", false, `"a"`, `"a"`, false, false},
		{"what is there is damaged", true, `"a"`, `"a"`, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, dir := startNetwork(t, 100_500), t.TempDir()
			s := n.add().serves(200*kb, full(100_400))
			s.ranges, s.etag = tt.ranges, tt.etag
			body := s.files[full(100_400)]
			begun := append([]byte{}, body[:150*kb]...)
			if tt.damaged {
				begun[70*kb] ^= 1
			}
			part := filepath.Join(dir, snapshots.Partial(full(100_400)))
			if err := errors.Join(os.WriteFile(part, begun, 0o644), offer{Length: int64(len(body)), ETag: tt.was}.note(part)); err != nil {
				t.Fatal(err)
			}
			o := order(t, dir)
			o.Finding.Checks = 0
			r, said, err := n.run(t, o)
			if err != nil {
				t.Fatalf("%+v, %v\n%s", r, err, said)
			}
			lies(t, dir, full(100_400))
			if got := strings.Contains(said, "going on after 153.6kB"); got != tt.resumed {
				t.Errorf("resumed %t, want %t\n%s", got, tt.resumed, said)
			}
			if tt.resumed && !tt.damaged && s.sent > 60*kb {
				t.Errorf("%d bytes were sent: it began anew", s.sent)
			}
		})
	}
}

// A source that breaks off gives way to the next one, and to a mirror of the same file first.
func TestNextSource(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	bad := n.add().serves(300*kb, full(100_400))
	bad.cut = 200 * kb
	mirror := n.add().serves(300*kb, full(100_400))
	o := order(t, dir)
	o.Finding.Checks = 0
	if _, said, err := n.run(t, o); err != nil || !strings.Contains(said, "broke off") && bad.sent > 0 && mirror.sent == 0 {
		t.Fatalf("%v\n%s", err, said)
	}
	lies(t, dir, full(100_400))
}

// A source that becomes slow gives way where another one would be done sooner from its first byte on; one that stops sending ends.
func TestSlowAndStalled(t *testing.T) {
	for name, rate := range map[string]int64{"slow": 20 * kb, "stalled": 1} {
		t.Run(name, func(t *testing.T) {
			n, dir := startNetwork(t, 100_500), t.TempDir()
			first, second := n.add().serves(2000*kb, full(100_400)), n.add().serves(2000*kb, full(100_300))
			first.rate, second.rate = 50<<20, 20<<20
			o := order(t, dir)
			o.Finding.Long, o.Window, o.Stall = 20*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond
			n.add().onIncremental = func() {} // it has nothing
			measured := 0
			second.onIncremental = func() {
				if measured++; measured == 1 {
					go func() {
						for { // once both were measured the first grows slow
							time.Sleep(time.Millisecond)
							second.mu.Lock()
							done := second.sent > 0
							second.mu.Unlock()
							if done {
								first.mu.Lock()
								first.rate = rate
								first.mu.Unlock()
								return
							}
						}
					}()
				}
			}
			r, said, err := n.run(t, o)
			if err != nil {
				t.Fatalf("%+v, %v\n%s", r, err, said)
			}
			lies(t, dir, r.Pair.Full.Name())
		})
	}
}

// What has no room is not begun, and the space that lacks is said.
func TestNoRoom(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	s := n.add().serves(10*kb, full(100_000), inc(100_000, 100_400))
	o := order(t, dir)
	o.Reserve = 1 << 60
	_, _, err := n.run(t, o)
	if err == nil || !strings.Contains(err.Error(), "lack") || !strings.Contains(err.Error(), "free") {
		t.Fatal(err)
	}
	if s.sent > 40*kb { // the measuring and the first bytes of the questions
		t.Errorf("%d bytes were sent", s.sent)
	}
	lies(t, dir)
}

// Partial files, those of aria2c and empty ones count as nothing: the old tool took any file of the name for a whole one.
func TestPartialIsNotWhole(t *testing.T) {
	n, dir := startNetwork(t, 100_500), t.TempDir()
	n.add().serves(10*kb, full(100_000), inc(100_000, 100_400))
	put(t, dir, full(100_000), 5*kb)
	for name, text := range map[string]string{full(100_000) + ".aria2": "control", inc(100_000, 100_400): ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r, said, err := n.run(t, order(t, dir))
	if err != nil || len(r.Fetched) != 2 {
		t.Fatalf("%+v, %v\n%s", r, err, said)
	}
	lies(t, dir, full(100_000), inc(100_000, 100_400))
}
