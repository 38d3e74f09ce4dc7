package sshhost

import (
	"context"
	"errors"
	"fmt"
	stdnet "net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/host"
	"bisc/internal/lab"
	net "bisc/internal/lab/wire"
)

// hurried is a pool whose limits a test can outlast.
func hurried(t *testing.T) *Pool {
	p := NewPool(Options{pulse: hasty, startLimit: 30 * time.Second})
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// logins counts what a host's own journal has seen.
func logins(t *testing.T, h *lab.Host) (accepted, sudo int) {
	t.Helper()
	text := outOfBand(h)(t, "journalctl --sync; journalctl -q -o cat --no-pager")
	return strings.Count(text, "Accepted publickey"), strings.Count(text, "COMMAND=")
}

// TestFaultF12_ReadingGoesOn: a connection that dies while questions are under way is made anew, once, and what was not
// answered is asked again.
func TestFaultF12_ReadingGoesOn(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, name := range []string{"perl", "noperl"} {
		t.Run(name, func(t *testing.T) {
			h := l.Host(name)
			px, cfg := through(t, h, "ops")
			var why []string
			cfg.Reconnected = func(_ string, err error) { why = append(why, err.Error()) }
			r, err := ready(t, pool(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			all(t, r, 10)
			accepted, _ := logins(t, h)
			answered := make(chan error, 1)
			go func() { // one that is under way
				out, err := r.Probe(t.Context(), "sh", "-c", "[ -e /srv/asked ] || { touch /srv/asked; sleep 600; }")
				answered <- errors.Join(err, map[bool]error{true: fmt.Errorf("exit %d", out.Exit)}[out.Exit != 0])
			}()
			waitFor(t, h, "/srv/asked")
			px.Cut()
			if err := <-answered; err != nil {
				t.Errorf("the question that was cut off: %v", err)
			}
			all(t, r, 10)
			again, _ := logins(t, h)
			if s := r.Stats(); again-accepted != 1 || s.Logins != 2 || len(why) != 1 {
				t.Errorf("%d more logins on the host, Stats says %d in all, told %q", again-accepted, s.Logins, why)
			}
			px.Cut() // and once only
			_, err = r.Stat(t.Context(), "/")
			says(t, err, host.ErrUnreachable)
			_, err = r.Stat(t.Context(), "/")
			says(t, err, host.ErrUnreachable)
			if third, _ := logins(t, h); third != again {
				t.Errorf("%d logins after the second cut", third-again)
			}
		})
	}
}

// TestFaultF12_ColdCut cuts the connection at many places of a run that only reads, start and sudo included. Whatever was
// cut, the host has one more login at most, and the answers come.
func TestFaultF12_ColdCut(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	run := func(way net.Direction, at int64) (*net.Proxy, error) {
		px, cfg := through(t, l.Host("a"), "ops")
		px.CutAfter(way, at)
		p := NewPool(Options{})
		defer p.Close()
		h, err := p.Open(t.Context(), cfg)
		if err != nil { // the handshake: there is nothing to be asked again
			if !errors.Is(err, host.ErrUnreachable) {
				t.Errorf("cut at %d: %v", at, err)
			}
			return px, nil
		}
		defer h.Close()
		return px, host.Ask(t.Context(),
			func(ctx context.Context) error { _, err := h.Query(ctx, "uname"); return err },
			func(ctx context.Context) error { _, err := h.ReadFile(ctx, "/etc/fstab"); return err })
	}
	cuts := int64(8)
	if os.Getenv("BISC_FAULTS") == "all" {
		cuts = 200
	}
	for _, way := range []net.Direction{net.Up, net.Down} {
		px, err := run(way, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		c := px.Counters()
		whole := map[net.Direction]int64{net.Up: c.Up, net.Down: c.Down}[way]
		for i := range cuts {
			px, err := run(way, whole*i/cuts+1)
			if err != nil {
				t.Errorf("direction %d cut at %d of %d: %v", way, whole*i/cuts+1, whole, err)
			}
			if n := px.Counters().Connections; n > 2 {
				t.Errorf("direction %d cut at %d of %d: %d connections", way, whole*i/cuts+1, whole, n)
			}
		}
	}
}

// TestFaultF12_CutAtTheFirstSession: that a session cannot be opened shows sooner than the end of the connection. It is a loss all the same.
func TestFaultF12_CutAtTheFirstSession(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	px, cfg := through(t, l.Host("a"), "ops")
	p := pool(t)
	conn, err := p.connect(t.Context(), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	conn.session = func() (ssh.Channel, <-chan *ssh.Request, error) {
		px.Cut()
		return nil, nil, errors.New("unexpected packet in response to channel open")
	}
	h := newHost(p, conn)
	defer h.Close()
	if _, err := h.Query(t.Context(), "uname"); err != nil {
		t.Error(err)
	}
	if n := h.Stats().Logins; n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

// TestFaultF12_WriterGoesOn: a writer whose connection died takes the lock again, with a new token, when the step that ran
// has ended. The step is not sent again by anybody.
func TestFaultF12_WriterGoesOn(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl", "killed"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, name := range []string{"perl", "noperl", "killed"} {
		t.Run(name, func(t *testing.T) {
			h := l.Host(name)
			shell := outOfBand(h)
			px, cfg := through(t, h, "ops")
			w := writer(t, pool(t), cfg, "the run")
			first := w.Token()
			did := make(chan error, 1)
			go func() {
				did <- w.Do(t.Context(), host.Script{Argv: []string{"sh", "-c", "echo once >>/srv/acts; until [ -e /srv/go ]; do sleep 0.05; done; echo end >>/srv/acts"}})
			}()
			waitFor(t, h, "/srv/acts")
			if name == "killed" { // TestFaultF36: the agent alone, as the kernel does when memory is short
				shell(t, `kill -KILL $(pgrep -f '^perl -e')`)
			} else {
				px.Cut()
			}
			if err := <-did; !errors.Is(err, host.ErrLost) {
				t.Fatalf("the step: %v, want ErrLost", err)
			}
			up := w.Up()
			select {
			case <-up:
				t.Error("connected again while the step still runs")
			case <-time.After(2 * time.Second): // that nothing happens has no event
			}
			shell(t, "touch /srv/go")
			<-up
			got, err := w.ReadFile(t.Context(), "/srv/acts")
			if err != nil || string(got) != "once\nend\n" {
				t.Errorf("the step left %q, %v", got, err)
			}
			if w.Token() <= first {
				t.Errorf("token %d after %d", w.Token(), first)
			}
			if err := w.Do(t.Context(), host.Put{Path: "/srv/after", Mode: 0o600, Content: []byte("x")}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFaultF12_AnotherHost: what answers after the loss is another boot, another machine or has another key: nothing more is
// asked or done.
func TestFaultF12_AnotherHost(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a", "b"))
	a, b := l.Host("a"), l.Host("b")
	both := append(a.HostKeys(), b.HostKeys()...)
	t.Run("another boot", func(t *testing.T) {
		px, cfg := through(t, a, "ops")
		w := writer(t, pool(t), cfg, "the run")
		r, err := ready(t, pool(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		px.Cut()
		for _, h := range []host.Reader{w, r} {
			_, err := h.Stat(t.Context(), "/")
			says(t, err, host.ErrAnother, "boot id")
		}
		if err := w.Do(t.Context(), host.Script{Argv: []string{"touch", "/srv/after"}}); err == nil {
			t.Error("a step was done on another boot")
		}
	})
	t.Run("another host", func(t *testing.T) {
		var mu sync.Mutex
		target := a
		cfg := config(a, "ops")
		cfg.HostKeys = both
		px, err := net.New(a.Dial(), 0)
		if err != nil {
			t.Fatal(err)
		}
		defer px.Close()
		cfg.Dial = func(ctx context.Context, network, _ string) (c stdnet.Conn, err error) {
			mu.Lock()
			defer mu.Unlock()
			if target == a {
				return new(stdnet.Dialer).DialContext(ctx, network, px.Addr())
			}
			return new(stdnet.Dialer).DialContext(ctx, network, b.Dial())
		}
		r, err := ready(t, pool(t), cfg)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		target = b
		mu.Unlock()
		px.Cut()
		_, err = r.Stat(t.Context(), "/")
		says(t, err, host.ErrAnother, "host key was")
	})
}

// TestFaultF12_JumpKey: a jump host that comes back with another key is not gone through, though that key is known too.
func TestFaultF12_JumpKey(t *testing.T) {
	l := lab.ForTest(t, lab.Names("jump", "other", "far"))
	far := config(l.Host("far"), "ops")
	far.Addresses, far.Port = []string{l.Host("far").Addr()}, 22
	px, jump := through(t, l.Host("jump"), "nosudo")
	jump.HostKeys = append(l.Host("jump").HostKeys(), l.Host("other").HostKeys()...)
	direct := px.Addr()
	jump.Dial = func(ctx context.Context, network, _ string) (stdnet.Conn, error) {
		return new(stdnet.Dialer).DialContext(ctx, network, direct)
	}
	far.Jump = &jump
	h, err := ready(t, pool(t), far)
	if err != nil {
		t.Fatal(err)
	}
	direct = l.Host("other").Dial()
	px.Cut()
	_, err = h.Stat(t.Context(), "/")
	says(t, err, host.ErrUnreachable, "jump host's key was", "nothing goes through it")
	_, sudo := logins(t, l.Host("far"))
	if sudo != 1 {
		t.Errorf("%d sudo on the host behind", sudo)
	}
}

// TestFaultF12_ManyBehindOneJump: all hosts behind a jump host lose it at once; it is dialled once for all.
func TestFaultF12_ManyBehindOneJump(t *testing.T) {
	l := lab.ForTest(t, lab.Names("jump", "far"))
	px, jump := through(t, l.Host("jump"), "nosudo")
	p := pool(t)
	var hosts []*Host
	for range 12 {
		cfg := config(l.Host("far"), "ops")
		cfg.Addresses, cfg.Port, cfg.Jump = []string{l.Host("far").Addr()}, 22, &jump
		h, err := ready(t, p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
	}
	for round := range 2 {
		px.Cut()
		var all sync.WaitGroup
		for _, h := range hosts {
			all.Go(func() {
				_, err := h.Query(t.Context(), "uname")
				if (err == nil) != (round == 0) {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		all.Wait()
		if n := px.Counters().Connections; n != 2 {
			t.Errorf("round %d: %d connections to the jump host, want 2", round, n)
		}
	}
	cfg := config(l.Host("far"), "ops") // a host that has not been lost itself
	cfg.Addresses, cfg.Port, cfg.Jump = []string{l.Host("far").Addr()}, 22, &jump
	_, err := p.Open(t.Context(), cfg)
	says(t, err, host.ErrUnreachable, "lost for the second time")
	if n := px.Counters().Connections; n != 2 {
		t.Errorf("%d connections to the jump host in the end, want 2", n)
	}
}

// TestFaultF2_HalfOpen: packets vanish, and nothing tells so. Whatever was going on ends by a limit, and says which.
func TestFaultF2_HalfOpen(t *testing.T) {
	l := lab.ForTest(t, lab.Names("jump", "a"))
	a := l.Host("a")
	// The handshake, byte by byte in rough: banner, key exchange, login; then sudo and the agent's start.
	var all sync.WaitGroup
	defer all.Wait()
	for _, viaJump := range []bool{false, true} {
		// reach gives the proxy that is to break, in front of the host or of its jump host.
		reach := func(t *testing.T) (*net.Proxy, Config) {
			px, cfg := through(t, a, "ops")
			if viaJump {
				var jump Config
				px, jump = through(t, l.Host("jump"), "nosudo")
				cfg.Addresses, cfg.Port, cfg.Jump = []string{a.Addr()}, 22, &jump
				jump.ConnectTimeout = 5 * time.Second
			}
			cfg.ConnectTimeout = 5 * time.Second
			return px, cfg
		}
		phase := func(name string, test func(t *testing.T, px *net.Proxy, cfg Config)) {
			all.Go(func() {
				t.Run(fmt.Sprintf("%s, jump %v", name, viaJump), func(t *testing.T) {
					px, cfg := reach(t)
					test(t, px, cfg)
				})
			})
		}
		phase("connecting", func(t *testing.T, px *net.Proxy, cfg Config) {
			if err := px.Vanish(); err != nil {
				t.Fatal(err)
			}
			_, err := hurried(t).Open(t.Context(), cfg)
			says(t, err, host.ErrUnreachable, "no answer in 5s")
		})
		for _, at := range []int64{1, 500, 1800, 2600} {
			phase(fmt.Sprint("handshake, at byte ", at), func(t *testing.T, px *net.Proxy, cfg Config) {
				px.SwallowAfter(net.Down, at)
				h, err := ready(t, hurried(t), cfg)
				if err == nil {
					_, err = h.Stat(t.Context(), "/")
				}
				says(t, err, host.ErrUnreachable)
			})
		}
		phase("a question", func(t *testing.T, px *net.Proxy, cfg Config) {
			h, err := ready(t, hurried(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			px.HalfOpen()
			_, err = h.Stat(t.Context(), "/")
			says(t, err, host.ErrUnreachable, "connecting again", "no answer in 5s")
		})
		phase("a question, and the network comes back", func(t *testing.T, px *net.Proxy, cfg Config) {
			h, err := ready(t, hurried(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			px.Lose()
			works(t, h)
			if n := h.Stats().Logins; n != 2 {
				t.Errorf("%d logins", n)
			}
		})
		phase("a step", func(t *testing.T, px *net.Proxy, cfg Config) {
			w, err := hurried(t).OpenWriter(t.Context(), cfg, LockRequest{Owner: "me", Run: t.Name()})
			for errors.As(err, new(*host.LockedError)) {
				time.Sleep(100 * time.Millisecond)
				w, err = hurried(t).OpenWriter(t.Context(), cfg, LockRequest{Owner: "me", Run: t.Name()})
			}
			if err != nil {
				t.Fatal(err)
			}
			px.HalfOpen()
			err = w.Do(t.Context(), host.Script{Argv: []string{"true"}})
			says(t, err, host.ErrLost, host.ErrUnreachable.Error())
			_ = w.Close()
		})
		phase("closing", func(t *testing.T, px *net.Proxy, cfg Config) {
			h, err := ready(t, hurried(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			px.HalfOpen()
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFaultF3_StoppedServer: sshd stands still, the kernel goes on taking connections and bytes for it.
func TestFaultF3_StoppedServer(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	a := l.Host("a")
	shell := outOfBand(a)
	signal := func(t *testing.T, sig syscall.Signal) { shell(t, fmt.Sprintf("pkill -%d -x sshd", sig)) }
	cfg := config(a, "ops")
	cfg.ConnectTimeout = 5 * time.Second
	t.Run("before open", func(t *testing.T) {
		signal(t, syscall.SIGSTOP)
		_, err := hurried(t).Open(t.Context(), cfg)
		signal(t, syscall.SIGCONT)
		says(t, err, host.ErrUnreachable, "no answer in 5s")
	})
	t.Run("after open", func(t *testing.T) {
		p := hurried(t)
		conn, err := p.connect(t.Context(), &cfg)
		if err != nil {
			t.Fatal(err)
		}
		signal(t, syscall.SIGSTOP)
		h := newHost(p, conn)
		defer h.Close()
		_, err = h.Stat(t.Context(), "/")
		signal(t, syscall.SIGCONT)
		says(t, err, host.ErrUnreachable)
	})
	for _, resumed := range []bool{false, true} {
		t.Run(fmt.Sprintf("during exec, resumed %v", resumed), func(t *testing.T) {
			h, err := ready(t, hurried(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			signal(t, syscall.SIGSTOP)
			asked := make(chan error, 1)
			go func() {
				_, err := h.Stat(t.Context(), "/")
				asked <- err
			}()
			if resumed { // once the first connection is given up
				<-h.channel().failed
				signal(t, syscall.SIGCONT)
			}
			err = <-asked
			signal(t, syscall.SIGCONT)
			if resumed && err != nil || !resumed && !errors.Is(err, host.ErrUnreachable) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestFaultF12_CutWhileLocking cuts the connection around the moment when the lock is taken. A run that got its host has the lock on
// the connection that it has: its first step is not fenced off.
func TestFaultF12_CutWhileLocking(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	run := func(at int64) (px *net.Proxy, opened int64, err error) {
		px, cfg := through(t, l.Host("a"), "ops")
		px.CutAfter(net.Down, at)
		p := NewPool(Options{})
		defer p.Close()
		w, err := p.OpenWriter(t.Context(), cfg, LockRequest{Owner: "test", Run: fmt.Sprint("cut-", at)})
		if err != nil {
			return px, px.Counters().Down, err
		}
		defer w.Close()
		opened = px.Counters().Down
		return px, opened, w.Do(t.Context(), host.Script{Argv: []string{"true"}})
	}
	_, whole, err := run(1 << 40)
	if err != nil {
		t.Fatal(err)
	}
	first, step := whole-300, int64(12) // the handshake is before
	if os.Getenv("BISC_FAULTS") == "all" {
		first, step = 1, 7
	}
	for at := first; at <= whole; at += step {
		if _, _, err := run(at); err != nil && !errors.Is(err, host.ErrUnreachable) && !errors.Is(err, host.ErrLost) {
			t.Errorf("cut after %d of %d bytes: %v", at, whole, err)
		}
	}
}
