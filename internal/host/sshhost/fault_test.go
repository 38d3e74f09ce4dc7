package sshhost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	net "bisc/internal/lab/wire"
)

// through gives a proxy to a lab host and the configuration that goes through it.
func through(t *testing.T, h *lab.Host, user string) (*net.Proxy, Config) {
	t.Helper()
	px, err := net.New(h.Dial(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = px.Close() })
	cfg := config(h, user)
	cfg.Port = px.Port()
	return px, cfg
}

// takeOver opens a writer as soon as the lock is free.
func takeOver(t *testing.T, p *Pool, cfg Config, run string) *Writer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		w, err := p.OpenWriter(ctx, cfg, LockRequest{Owner: "heir@here", Run: run})
		var held *host.LockedError
		if errors.As(err, &held) {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = w.Close() })
		return w
	}
}

// TestLock is about two who want the same host.
func TestLock(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	outOfBand(l.Host("noperl"))(t, "mv /usr/bin/perl /usr/bin/perl.away")
	for _, name := range []string{"perl", "noperl"} {
		t.Run(name, func(t *testing.T) {
			h := l.Host(name)
			shell := outOfBand(h)
			p := pool(t)
			first := writer(t, p, config(h, "ops"), "run-1")
			_, err := p.OpenWriter(t.Context(), config(h, "root"), LockRequest{Owner: "second@there", Run: "run-2"})
			var held *host.LockedError
			if !errors.As(err, &held) || held.Host != name || held.Lock.Run != "run-1" || held.Lock.Owner != "tester@here" || held.Lock.Token != first.Token() {
				t.Fatalf("the second comer got %v", err)
			}
			reader, err := ready(t, p, config(h, "ops"))
			if err != nil {
				t.Fatal(err)
			}
			lock, isHeld, err := ReadLock(t.Context(), reader)
			if err != nil || !isHeld || lock != held.Lock {
				t.Errorf("who: %+v %v %v, want %+v", lock, isHeld, err, held.Lock)
			}
			if got := shell(t, "stat -c '%a %U' /run/bisc /run/bisc/lock; cat /var/lib/bisc/token"); got != fmt.Sprintf("700 root\n600 root\n%d\n", first.Token()) {
				t.Errorf("modes and token: %q", got)
			}
			// A daemon that a step leaves behind must not keep the lock.
			if err := first.Do(t.Context(), host.Script{Argv: []string{"sh", "-c", "sleep 600 >/dev/null 2>&1 </dev/null &"}}); err != nil {
				t.Fatal(err)
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			if _, isHeld, err = ReadLock(t.Context(), reader); err != nil || isHeld {
				t.Errorf("after Close: held %v, %v", isHeld, err)
			}
			second, err := p.OpenWriter(t.Context(), config(h, "root"), LockRequest{Owner: "second@there", Run: "run-2"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = second.Close() })
			if second.Token() != first.Token()+1 {
				t.Errorf("token %d after %d", second.Token(), first.Token())
			}
			// Somebody has cleared /run and a third run has taken the lock anew: the second is fenced off.
			shell(t, `rm /run/bisc/lock; echo '{"owner":"third","run":"run-3","since":"2026-01-01T00:00:00Z","token":99}' >/run/bisc/lock`)
			for _, step := range []host.Step{
				host.Script{Argv: []string{"touch", "/srv/fenced"}}, host.Put{Path: "/srv/fenced", Mode: 0o644}, host.Job{Verb: "start", Unit: "x.service"},
				host.Edit{Path: "/srv/fenced", Add: []string{"x"}},
			} {
				if err := second.Do(t.Context(), step); !errors.Is(err, host.ErrFenced) {
					t.Errorf("%s: %v, want ErrFenced", step, err)
				}
			}
			if _, err := reader.Stat(t.Context(), "/srv/fenced"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a fenced step was done: %v", err)
			}
			works(t, second)
		})
	}
}

// TestMain lets the test binary be a controller of its own, to be stopped and killed.
func TestMain(m *testing.M) {
	if os.Getenv("BISC_TEST_CONTROLLER") != "" {
		controller()
		return
	}
	os.Exit(m.Run())
}

// controller takes the lock, and does a step for each line that it reads.
func controller() {
	port, _ := strconv.Atoi(os.Getenv("BISC_TEST_PORT"))
	cfg := Config{
		Name: "a", Addresses: []string{"127.0.0.1"}, Port: port, User: "ops", AgentSocket: "none",
		HostKeys: []string{os.Getenv("BISC_TEST_HOSTKEY")}, Identities: []string{os.Getenv("BISC_TEST_CONTROLLER")},
	}
	w, err := NewPool(Options{}).OpenWriter(context.Background(), cfg, LockRequest{Owner: "controller", Run: "frozen"})
	fmt.Println("open", err)
	if err != nil {
		os.Exit(1)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		err := w.Do(context.Background(), host.Script{Argv: []string{"sh", "-c", in.Text()}})
		fmt.Println("did", errors.Is(err, host.ErrLost), errors.Is(err, host.ErrUnreachable), errors.Is(err, host.ErrFenced), err == nil)
	}
}

type process struct {
	cmd *exec.Cmd
	in  *os.File
	out *bufio.Scanner
}

func startController(t *testing.T, h *lab.Host) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BISC_TEST_CONTROLLER="+h.KeyFile(), "BISC_TEST_PORT="+strconv.Itoa(h.Port()), "BISC_TEST_HOSTKEY="+h.HostKeys()[0])
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = r
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = w.Close()
	})
	p := &process{cmd, w, bufio.NewScanner(out)}
	p.expect(t, "open <nil>")
	return p
}

func (p *process) expect(t *testing.T, want string) {
	t.Helper()
	if !p.out.Scan() || p.out.Text() != want {
		t.Fatalf("the controller said %q, want %q", p.out.Text(), want)
	}
}

func (p *process) say(t *testing.T, line string) {
	t.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		t.Fatal(err)
	}
}

// waitFor waits until a file is there on the host.
func waitFor(t *testing.T, h *lab.Host, name string) {
	t.Helper()
	outOfBand(h)(t, `i=0; until [ -e "$1" ]; do i=$((i+1)); [ $i -lt 1200 ] || exit 1; sleep 0.05; done`, name)
}

// TestFaultF15_ControllerDies is about the lock when its holder is gone, frozen or cut off. The waits are the silence limits; what
// is asserted is the order of things, not times.
func TestFaultF15_ControllerDies(t *testing.T) {
	l := lab.ForTest(t, lab.Names("killed", "frozen", "cut", "query", "noperl"))
	noperl := l.Host("noperl")
	outOfBand(noperl)(t, "mv /usr/bin/perl /usr/bin/perl.away")

	// They mostly wait: t.Parallel would let only as many wait at a time as there are processors.
	var all sync.WaitGroup
	for name, test := range map[string]func(*testing.T){
		"killed in a step":    func(t *testing.T) { testKilled(t, l.Host("killed")) },
		"frozen":              func(t *testing.T) { testFrozen(t, l.Host("frozen")) },
		"frozen, no Perl":     func(t *testing.T) { testFrozen(t, noperl) },
		"half-open":           func(t *testing.T) { testHalfOpen(t, l.Host("cut")) },
		"killed with a query": func(t *testing.T) { testKilledQuery(t, l.Host("query")) },
	} {
		all.Go(func() { t.Run(name, test) })
	}
	all.Wait()
}

// testKilled: the step runs to its end, the lock is kept until then and free after.
func testKilled(t *testing.T, h *lab.Host) {
	shell := outOfBand(h)
	c := startController(t, h)
	c.say(t, "touch /srv/began; until [ -e /srv/go ]; do sleep 0.05; done; touch /srv/ended")
	waitFor(t, h, "/srv/began")
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, err := pool(t).OpenWriter(t.Context(), config(h, "ops"), LockRequest{Owner: "heir", Run: "heir"})
		var held *host.LockedError
		if !errors.As(err, &held) || held.Lock.Run != "frozen" {
			t.Fatalf("while the step runs: %v", err)
		}
	}
	shell(t, "touch /srv/go")
	w := takeOver(t, pool(t), config(h, "ops"), "heir")
	if _, err := w.Stat(t.Context(), "/srv/ended"); err != nil {
		t.Errorf("the lock passed on before the step's end: %v", err)
	}
}

// testKilledQuery: a query does not keep the lock.
func testKilledQuery(t *testing.T, h *lab.Host) {
	px, cfg := through(t, h, "ops")
	w := writer(t, pool(t), cfg, "first")
	asked := make(chan error, 1)
	go func() {
		_, err := w.Probe(t.Context(), "sh", "-c", "touch /srv/asked; exec sleep 600")
		asked <- err
	}()
	waitFor(t, h, "/srv/asked")
	px.Refuse() // it is not asked again over a new connection
	px.Cut()
	if err := <-asked; !errors.Is(err, host.ErrUnreachable) || errors.Is(err, host.ErrLost) {
		t.Errorf("the query: %v", err)
	}
	takeOver(t, pool(t), config(h, "ops"), "second")
	if left := outOfBand(h)(t, "for i in $(seq 600); do pgrep -x sleep >/dev/null || exit 0; sleep 0.05; done; pgrep -x sleep"); left != "" {
		t.Errorf("the query's process is left: %s", left)
	}
}

// testFrozen: a controller that stands still loses the lock; thawed, it changes nothing.
func testFrozen(t *testing.T, h *lab.Host) {
	c := startController(t, h)
	c.say(t, "true")
	c.expect(t, "did false false false true")
	if err := c.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w := takeOver(t, pool(t), config(h, "ops"), "heir")
	if err := c.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	c.say(t, "touch /srv/thawed")
	if !c.out.Scan() || !strings.HasPrefix(c.out.Text(), "did ") || strings.HasSuffix(c.out.Text(), " true") {
		t.Errorf("thawed, the controller said %q", c.out.Text())
	}
	if _, err := w.Stat(t.Context(), "/srv/thawed"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("thawed, the controller wrote: %v", err)
	}
	if err := w.Do(t.Context(), host.Script{Argv: []string{"true"}}); err != nil {
		t.Error(err)
	}
}

// testHalfOpen: packets vanish; both ends give up by themselves.
func testHalfOpen(t *testing.T, h *lab.Host) {
	px, cfg := through(t, h, "ops")
	w := writer(t, pool(t), cfg, "first")
	did := make(chan error, 1)
	go func() {
		did <- w.Do(t.Context(), host.Script{Argv: []string{"sh", "-c", "touch /srv/began; sleep 1; touch /srv/ended"}})
	}()
	waitFor(t, h, "/srv/began")
	px.HalfOpen()
	if err := <-did; !errors.Is(err, host.ErrLost) {
		t.Errorf("the step: %v, want ErrLost", err)
	}
	if _, err := w.Stat(t.Context(), "/"); !errors.Is(err, host.ErrUnreachable) {
		t.Errorf("afterwards: %v", err)
	}
	heir := takeOver(t, pool(t), config(h, "ops"), "heir")
	if _, err := heir.Stat(t.Context(), "/srv/ended"); err != nil {
		t.Errorf("the step did not end: %v", err)
	}
}

// TestFaultF1_CutPut cuts the connection at many places of a run that puts a file: it is old or new, never half, and the next run
// leaves no temporary file.
func TestFaultF1_CutPut(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	shell := outOfBand(h)
	shell(t, "mkdir /srv/cut")
	before := []byte("old\n")
	after := bytes.Repeat([]byte("new content\n"), 20_000)
	run := func(way net.Direction, at int64) (step error, size int64) {
		px, cfg := through(t, h, "ops")
		defer px.Close()
		px.CutAfter(way, at)
		p := NewPool(Options{})
		defer p.Close()
		w, err := p.OpenWriter(t.Context(), cfg, LockRequest{Owner: "cut", Run: "cut"})
		if err != nil {
			return err, 0
		}
		defer w.Close()
		err = w.Do(t.Context(), host.Put{Path: "/srv/cut/file", Content: after, Mode: 0o600})
		c := px.Counters()
		if way == net.Up {
			return err, c.Up
		}
		return err, c.Down
	}
	heir := func() *Writer {
		w := takeOver(t, pool(t), config(h, "ops"), "heir")
		return w
	}
	for _, way := range []net.Direction{net.Up, net.Down} {
		err, whole := run(way, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		done, undone := 0, 0
		const cuts = 12
		for i := range int64(cuts) {
			w := heir()
			if err := w.Do(t.Context(), host.Put{Path: "/srv/cut/file", Content: before, Mode: 0o600}); err != nil {
				t.Fatal(err)
			}
			if left := shell(t, "ls -A /srv/cut"); left != "file\n" {
				t.Errorf("cut %d at %d of %d left %q", way, i, whole, left)
			}
			_ = w.Close()
			err, _ := run(way, whole*i/cuts+i*7)
			w = heir() // the run that was cut has ended
			got, rerr := w.ReadFile(t.Context(), "/srv/cut/file")
			if rerr != nil {
				t.Fatal(rerr)
			}
			_ = w.Close()
			switch {
			case bytes.Equal(got, before):
				undone++
				if err == nil {
					t.Errorf("cut %d at %d of %d: old, and the put says it is done", way, i, whole)
				}
			case bytes.Equal(got, after):
				done++
				if err != nil && !errors.Is(err, host.ErrLost) {
					t.Errorf("cut %d at %d of %d: new, and the put says %v", way, i, whole, err)
				}
			default:
				t.Errorf("cut %d at %d of %d: %d bytes of neither", way, i, whole, len(got))
			}
		}
		t.Logf("direction %d: %d bytes a run; %d cuts left the old file, %d the new", way, whole, undone, done)
		if undone == 0 {
			t.Error("no cut hit the put")
		}
	}
}

// TestFrozenServer: a server that stands still is not waited for longer than the context says (golang #26643).
func TestFrozenServer(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	px, cfg := through(t, l.Host("a"), "ops")
	h, err := pool(t).Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	px.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := h.Stat(ctx, "/"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	cfg.ConnectTimeout = time.Second
	_, err = pool(t).Open(t.Context(), cfg)
	says(t, err, host.ErrUnreachable, "no answer in 1s")
}

// hangingMount mounts a file system whose server never answers, as dead network storage or a lost disk looks.
const hangingMount = `set -e; mkdir -p "$1"; [ -e /dev/fuse ] || mknod /dev/fuse c 10 229
cat >/tmp/hang.pl <<'END'
open(my $f, '+<', '/dev/fuse') or die "open /dev/fuse: $!";
$^F = 255;
my $o = 'fd=' . fileno($f) . ',rootmode=40000,user_id=0,group_id=0,allow_other';
my ($dev, $at, $type) = ("hang", $ARGV[0], "fuse");
syscall(165, $dev, $at, $type, 0, $o) == 0 or die "mount: $!";
close STDIN; close STDOUT; close STDERR;
sleep 1000;
END
perl /tmp/hang.pl "$1" >/tmp/hang.log 2>&1 </dev/null &
i=0; until grep -q " $1 fuse" /proc/mounts; do i=$((i+1)); [ $i -lt 200 ] || { cat /tmp/hang.log; exit 1; }; sleep 0.02; done`

// TestFaultF20_StuckFiles: file operations that hang in the kernel are given up one by one; the others are answered.
func TestFaultF20_StuckFiles(t *testing.T) {
	l := lab.ForTest(t, lab.Names("perl", "noperl"))
	for _, name := range []string{"perl", "noperl"} {
		t.Run(name, func(t *testing.T) {
			shell := outOfBand(l.Host(name))
			shell(t, hangingMount, "/srv/hang")
			defer shell(t, "pkill -KILL -f '[h]ang[.]pl'; umount -l /srv/hang")
			if name == "noperl" {
				shell(t, "mv /usr/bin/perl /usr/bin/perl.away")
			}
			h, err := ready(t, pool(t), config(l.Host(name), "ops"))
			if err != nil {
				t.Fatal(err)
			}
			h.limit = 15 * time.Second // of a healthy question on a busy machine too
			var questions []func(context.Context) error
			for i := range 3 {
				questions = append(questions, func(ctx context.Context) error {
					if _, err := h.Stat(ctx, fmt.Sprintf("/srv/hang/%d", i)); !errors.Is(err, host.ErrStuck) {
						return fmt.Errorf("on the dead mount: %w", err)
					}
					return nil
				})
				for _, name := range []string{"passwd", "group", "fstab", "hostname"} {
					name = fmt.Sprintf("/etc/%s%s", strings.Repeat("/", i), name) // not one question thrice
					questions = append(questions,
						func(ctx context.Context) error { _, err := h.Stat(ctx, name); return err },
						func(ctx context.Context) error { _, err := h.ReadFile(ctx, name); return err })
				}
			}
			if err := host.Ask(t.Context(), questions...); err != nil {
				t.Error(err)
			}
			works(t, h)
		})
	}
}

// TestJump goes through another host: one connection for all that are behind it.
func TestJump(t *testing.T) {
	l := lab.ForTest(t, lab.Names("jump", "b", "c"))
	px, jump := through(t, l.Host("jump"), "nosudo")
	p := pool(t)
	var many []func(context.Context) error
	for range 20 { // at once: they share the connection that the first of them makes
		cfg := config(l.Host("c"), "ops")
		cfg.Addresses, cfg.Port, cfg.Jump = []string{l.Host("c").Addr()}, 22, &jump
		many = append(many, func(ctx context.Context) error {
			h, err := p.Open(ctx, cfg)
			if err == nil {
				t.Cleanup(func() { _ = h.Close() })
			}
			return err
		})
	}
	if err := host.Ask(t.Context(), many...); err != nil {
		t.Error(err)
	}
	var hosts []*Host
	for _, name := range []string{"b", "c", "b"} {
		cfg := config(l.Host(name), "ops")
		cfg.Addresses, cfg.Port, cfg.Jump = []string{l.Host(name).Addr()}, 22, &jump
		h, err := ready(t, p, cfg)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
		b, err := h.ReadFile(t.Context(), "/etc/hostname")
		if err != nil || string(b) != name+"\n" {
			t.Errorf("%s says it is %q, %v", name, b, err)
		}
	}
	if n := px.Counters().Connections; n != 1 {
		t.Errorf("%d connections to the jump host", n)
	}
	out, err := hosts[0].Probe(t.Context(), "head", "-c", "5000000", "/dev/zero")
	if err != nil || len(out.Stdout) != 5_000_000 {
		t.Errorf("%d bytes, %v", len(out.Stdout), err)
	}
	px.Cut()
	for _, h := range hosts { // each was lost with the jump host, which is dialled anew once
		works(t, h)
		if n := h.Stats().Logins; n != 2 {
			t.Errorf("%d logins on %s, want 2", n, h.Name())
		}
	}
	if n := px.Counters().Connections; n != 2 {
		t.Errorf("%d connections to the jump host, want 2", n)
	}
	cfg := config(l.Host("b"), "ops")
	cfg.Addresses, cfg.Port = []string{l.Host("b").Addr()}, 22
	changed := jump
	changed.HostKeys = []string{"SHA256:another"}
	cfg.Jump = &changed
	_, err = pool(t).Open(t.Context(), cfg)
	says(t, err, host.ErrUnreachable, "b: jump host", "not the pinned one")
}
