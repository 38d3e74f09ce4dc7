package sshhost

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	net "bisc/internal/lab/wire"
)

// asked is what one resource asks in its two waves, about as much as a mount or a unit does.
func asked(ctx context.Context, h host.Reader, i int) error {
	unit := fmt.Sprintf("bisc-%d.service", i)
	ok := func(_ any, err error) error { return err }
	absent := func(_ any, err error) error {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	err := host.Ask(ctx,
		func(ctx context.Context) error {
			return ok(h.Query(ctx, "systemctl", "show", "-p", "Id,LoadState,ActiveState,UnitFileState,FragmentPath,DropInPaths,NeedDaemonReload", "--", unit))
		},
		func(ctx context.Context) error { return ok(h.ReadFile(ctx, "/proc/self/mountinfo")) },
		func(ctx context.Context) error { return absent(h.ReadFile(ctx, "/etc/systemd/system/"+unit)) },
		func(ctx context.Context) error { return absent(h.Stat(ctx, fmt.Sprintf("/srv/%d", i))) },
	)
	if err != nil {
		return err
	}
	return host.Ask(ctx,
		func(ctx context.Context) error { return ok(h.Stat(ctx, []string{"/etc/passwd", "/etc/group"}[i%2])) },
		func(ctx context.Context) error {
			return ok(h.Glob(ctx, fmt.Sprintf("/etc/systemd/system/%s.d/*.conf", unit)))
		},
	)
}

func all(t *testing.T, h host.Reader, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var questions []func(context.Context) error
	for i := range n {
		questions = append(questions, func(ctx context.Context) error { return asked(ctx, h, i) })
	}
	if err := host.Ask(ctx, questions...); err != nil {
		t.Fatal(err)
	}
}

// TestTurns holds the transport to what it is for: the same few turns whatever is asked.
func TestTurns(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	for _, n := range []int{10, 50, 100, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			px, err := net.New(l.Host("a").Dial(), 10*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = px.Close() })
			cfg := config(l.Host("a"), "ops")
			cfg.Port = px.Port()
			p := NewPool(Options{})
			start := time.Now()
			h, err := p.Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			all(t, h, n)
			cold := h.Stats()
			coldTook := time.Since(start)
			before := px.Counters()
			var warm int64
			var warmTook time.Duration
			for again := 0; again == 0 || again < 5 && warm > 3; again++ { // a busy machine may send what was asked together apart
				start, was := time.Now(), px.Counters().Turns
				all(t, h, n)
				warm, warmTook = px.Counters().Turns-was, time.Since(start)
			}
			_ = h.Close()
			_ = p.Close()
			t.Logf("n=%d: cold %d turns, %s, %d bytes sent, %d got; warm %d turns, %s; %+v", n, before.Turns, coldTook, before.Up, before.Down, warm, warmTook, cold)
			if before.Turns > 12 || warm > 3 {
				t.Errorf("%d turns cold, %d warm; want at most 12 and 3", before.Turns, warm)
			}
			if n == 50 && before.Up > 64<<10 {
				t.Errorf("%d bytes sent for 50 resources; want at most 64 KiB", before.Up)
			}
			if cold.Turns < int(before.Turns) {
				t.Errorf("Stats counts %d turns, the proxy %d", cold.Turns, before.Turns)
			}
		})
	}
}
