package eoshost

import (
	"context"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/eosconf"
	"bisc/internal/host"
	"bisc/internal/host/sshhost"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	"bisc/layers"
	"bisc/modules"
)

// emulated is the emulator behind its SSH face, in this process, so that its clock is the test's: a timer of five minutes runs out
// when the state machine waits for it.
type emulated struct {
	t     *testing.T
	dev   *device.Device
	front *front.Front
	pool  *sshhost.Pool
	cfg   Config
	dir   string

	mu     sync.Mutex
	ahead  time.Duration // of the clock
	ticks  chan time.Time
	book   evidence
	stop   chan struct{}
	shells int
	// meddle is called before each line that bisc's consoles send is done; nth is how often it came so far, from 1.
	meddle func(line string, nth int)
	heard  map[string]int
}

// overheard is a shell that tells of its lines.
type overheard struct {
	*device.Shell
	e *emulated
}

func (o *overheard) Run(line string) (string, error) {
	e := o.e
	e.mu.Lock()
	if e.heard == nil {
		e.heard = map[string]int{}
	}
	e.heard[line]++
	nth, meddle := e.heard[line], e.meddle
	e.mu.Unlock()
	if meddle != nil {
		meddle(line, nth)
	}
	return o.Shell.Run(line)
}

const emulatedStartup = `hostname sw1
!
interface Ethernet1/1
   no switchport
   ip address 198.51.100.1/30
!
interface Ethernet4/1
   no switchport
   ip address 203.0.113.1/30
!
ip routing
!
end
`

func (e *emulated) now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Now().Add(e.ahead)
}

// pass lets time go by.
func (e *emulated) pass(d time.Duration) {
	e.mu.Lock()
	e.ahead += max(d, 0)
	e.mu.Unlock()
	e.dev.Tick()
}

func (e *emulated) tempo() tempo {
	return tempo{now: e.now,
		sleep: func(ctx context.Context, d time.Duration) error {
			e.pass(d)
			return context.Cause(ctx)
		},
		every: func(time.Duration) (<-chan time.Time, func()) { return e.ticks, func() {} }}
}

func emulate(t *testing.T, options device.Options) *emulated {
	t.Helper()
	e := &emulated{t: t, dir: t.TempDir(), ticks: make(chan time.Time), stop: make(chan struct{})}
	options.Hostname, options.Serial, options.MAC, options.Now, options.Linux = "sw1", "JPE1", "fc:bd:67:00:00:01", e.now, e
	if options.Startup == "" {
		options.Startup = emulatedStartup
	}
	e.dev = device.New(options)
	for _, err := range e.dev.BootErrors() {
		t.Fatal(err)
	}
	hostKey, _ := signer(t)
	login, private := signer(t)
	block, err := ssh.MarshalPrivateKey(private, "")
	fatal(t, err)
	id := filepath.Join(e.dir, "id")
	fatal(t, os.WriteFile(id, pem.EncodeToMemory(block), 0o600))
	fatal(t, os.Mkdir(filepath.Join(e.dir, "bin"), 0o755))
	syscall.ForkLock.RLock() // what another test forks meanwhile would keep it open for writing, and "text file busy" be the answer
	err = os.WriteFile(filepath.Join(e.dir, "bin/sudo"), []byte("#!/bin/sh\n[ \"$1\" = -n ] && shift\nexec \"$@\"\n"), 0o755)
	syscall.ForkLock.RUnlock()
	fatal(t, err)
	e.front, err = front.New(front.Options{HostKey: hostKey, Home: e.dir,
		Authorized: func(_ string, key ssh.PublicKey) bool {
			return string(key.Marshal()) == string(login.PublicKey().Marshal())
		},
		Open: func(user, tty string) front.Shell { return &overheard{e.dev.Shell(user, tty), e} },
		Bash: func(ctx context.Context, _, command string, in io.Reader, out, errs io.Writer) int {
			return e.Bash(ctx, command, in, out, errs)
		}})
	fatal(t, err)
	fatal(t, e.faults(front.Faults{}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fatal(t, err)
	served := make(chan error, 1)
	go func() { served <- e.front.ServeSSH(l) }()
	e.pool = sshhost.NewPool(sshhost.Options{})
	t.Cleanup(func() {
		_ = e.pool.Close()
		e.front.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	e.cfg = Config{Hostname: "sw1", Serial: "JPE1", Run: "20261122-080000-k3f9", Look: []time.Duration{15 * time.Second, 75 * time.Second},
		SSH: sshhost.Config{Name: "sw1", Addresses: []string{"127.0.0.1"}, Port: l.Addr().(*net.TCPAddr).Port, User: "install", Become: sshhost.Sudo,
			HostKeys: []string{ssh.FingerprintSHA256(hostKey.PublicKey())}, Identities: []string{id}, AgentSocket: "none"}}
	return e
}

// faults are of the wire; the command line's editor echoes whatever the terminal was asked for.
func (e *emulated) faults(f front.Faults) error {
	f.Echo = "always"
	return e.front.SetFaults(f)
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Bash is this machine's, with a stand-in for sudo.
func (e *emulated) Bash(ctx context.Context, command string, in io.Reader, out, errs io.Writer) int {
	c := exec.CommandContext(ctx, "bash", "-c", command)
	c.Env = append(os.Environ(), "PATH="+filepath.Join(e.dir, "bin")+":"+os.Getenv("PATH"))
	c.Stdout, c.Stderr, c.WaitDelay = out, errs, time.Second
	if err := c.Run(); err != nil {
		return 1
	}
	return 0
}

// cli types lines behind bisc's back, on a terminal of its own.
func (e *emulated) cli(user string, lines ...string) {
	e.t.Helper()
	e.mu.Lock()
	e.shells++
	s := e.dev.Shell(user, "vty9"+string(rune('0'+e.shells%10)))
	e.mu.Unlock()
	for _, l := range append([]string{"enable"}, lines...) {
		if out, err := s.Run(l); err != nil {
			e.t.Errorf("%s types %q: %s%v", user, l, out, err)
		}
	}
}

// configured is a line of the switch, three-way.
type configured struct{ under, line string }

func (c configured) Plan(ctx context.Context, h host.Reader) (modules.Change, error) {
	var out modules.Change
	for command, boot := range map[string]bool{"show running-config": false, "show startup-config": true} {
		text, err := h.Show(ctx, command)
		if err != nil {
			return out, err
		}
		now, err := eosconf.Parse(text)
		if err != nil {
			return out, err
		}
		w := eosconf.Want{Lines: []string{c.line}, Mode: eosconf.Merge}
		if c.under != "" {
			w.Under = []string{c.under}
		}
		plan, err := now.Plan(w)
		if err != nil {
			return out, err
		}
		if plan.Empty() {
			continue
		}
		out.Diffs = append(out.Diffs, modules.Diff{Attr: strings.TrimPrefix(command, "show "), Got: "(none)", Want: c.line, Boot: boot})
		if !boot {
			step := host.Configure{Lines: plan.Commands}
			for _, e := range plan.Adds {
				step.Adds = append(step.Adds, host.ConfigLine(e))
			}
			for _, e := range plan.Removes {
				step.Removes = append(step.Removes, host.ConfigLine(e))
			}
			out.Do(step)
		}
	}
	if len(out.Diffs) > 0 {
		out.Do(host.Save())
	}
	return out, nil
}

// route is what most tests add.
var route = configured{line: "ip route 192.0.2.7/32 203.0.113.2"}

// apply plans and applies as bisc does.
func (e *emulated) apply(ctx context.Context, resources ...modules.Resource) layers.Outcome {
	e.t.Helper()
	st := &layers.Stage{Layer: layers.Relay, Name: "relay", Host: "sw1", Assumes: []layers.Layer{}}
	for i, r := range resources {
		st.Items = append(st.Items, layers.Item{Address: "sw1:relay.lines[" + string(rune('a'+i)) + "]", Kind: "lines", Resource: r})
	}
	w, err := OpenWriter(ctx, e.pool, e.cfg)
	if err != nil {
		return layers.Outcome{State: layers.NotReached, Err: err}
	}
	w.tempo = e.tempo()
	hosts := oneSwitch{w}
	rep := layers.ObserveAll(ctx, []*layers.Stage{st}, hosts, layers.Options{})
	if len(rep.Outcomes()) == 0 || rep.Outcomes()[0].State == layers.Unknown {
		_ = w.Close()
		return layers.Outcome{State: layers.NotReached, Err: rep[0].Err} // the plan already knew
	}
	e.book = evidence{}
	rep = layers.ApplyAll(ctx, rep, hosts, layers.Acting{Record: &e.book, Run: e.cfg.Run, Stop: e.stop, Within: 2 * time.Second})
	if err := w.Close(); err != nil {
		e.t.Logf("close: %v", err)
	}
	if len(rep.Outcomes()) == 0 || rep[0].Err != nil {
		return layers.Outcome{State: layers.NotReached, Err: rep[0].Err}
	}
	return rep.Outcomes()[0]
}

type oneSwitch struct{ w *Writer }

func (o oneSwitch) Reader(context.Context, string) (host.Reader, error) { return o.w, nil }
func (o oneSwitch) Writer(context.Context, string) (host.Writer, error) { return o.w, nil }

// evidence is a journal.
type evidence struct {
	mu   sync.Mutex
	what []string
	last map[int64]layers.Result
}

func (b *evidence) Intend(_ context.Context, in layers.Intent) (int64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.what = append(b.what, in.Step)
	return int64(len(b.what)), nil
}

func (b *evidence) Settle(_ context.Context, id int64, r layers.Result) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil {
		b.last = map[int64]layers.Result{}
	}
	b.last[id] = r
	return nil
}

func (b *evidence) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for i, w := range b.what {
		r := b.last[int64(i+1)]
		first, _, _ := strings.Cut(w, "\n")
		out = append(out, first+": "+string(r.State)+" "+r.Err)
	}
	return strings.Join(out, "\n")
}

// has tells whether a configuration has a line.
func has(text, line string) bool { return strings.Contains("\n"+text, "\n"+line+"\n") }

func TestApplyOnTheEmulator(t *testing.T) {
	e := emulate(t, device.Options{})
	o := e.apply(t.Context(), route)
	if o.State != layers.Changed || !has(e.dev.Running(), route.line) || !has(e.dev.Startup(), route.line) {
		t.Errorf("%s: %v %v\n%s\n%s", o.State, o.Err, o.Reason, e.book.String(), strings.Join(e.front.Log().Lines(), "\n"))
	}
	if left := e.left(); left != "" {
		t.Error(left)
	}
	t.Log("\n" + e.book.String())
}

// left is what a run has left on the switch: a lock, a timer, a session of bisc's that is pending.
func (e *emulated) left() string {
	s := e.dev.Shell("admin", "vty80")
	defer s.Close()
	if _, err := s.Run("enable"); err != nil {
		e.t.Error(err)
	}
	lock, err := s.Run(eosconf.AskLock)
	if err != nil {
		e.t.Error(err)
	}
	all, err := s.Run(eosconf.AskSessions)
	if err != nil {
		e.t.Error(err)
	}
	h, err := eosconf.ReadLock([]byte(lock))
	if err != nil {
		e.t.Error(err)
	}
	in, err := eosconf.ReadSessions([]byte(all))
	if err != nil {
		e.t.Error(err)
	}
	var out []string
	if h != nil {
		out = append(out, "the lock is left: "+h.String())
	}
	if in.Timer != "" {
		out = append(out, "a timer is left: "+in.Timer)
	}
	for _, name := range in.Pending() {
		if _, our := eosconf.RunOf(name); our {
			out = append(out, "a session is left: "+name)
		}
	}
	return strings.Join(out, "; ")
}
