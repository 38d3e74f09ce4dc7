package relay

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/lab"
	"bisc/relaybin/netns"
	"bisc/relaybin/recv"
	"bisc/relaybin/stream"
	"bisc/relaybin/units"
)

var (
	listenAt = netip.MustParseAddrPort("127.0.0.1:9101") // of the host's own namespace
	tvu      = netip.MustParseAddrPort("127.0.0.1:9000")
)

// build makes shredunwrap as a host gets it. tag makes a binary of another digest.
func build(t *testing.T, tag string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "shredunwrap")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="+tag, "-o", out, "bisc/relaybin/cmd/shredunwrap")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	program, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// host is a lab host with shredunwrap installed as bisc installs it.
type host struct {
	*lab.Host
	t     *testing.T
	space *netns.Space
}

func newHost(t *testing.T, program []byte) *host {
	l := lab.ForTest(t, lab.Names("relay"))
	h := &host{Host: l.Host("relay"), t: t}
	var err error
	if h.space, err = netns.Open(fmt.Sprintf("/proc/%d/ns/net", h.Leader())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.space.Close() })
	d := units.Daemon{Name: "shredunwrap", Sockets: []units.Socket{{Name: "sequenced", Listen: listenAt}}}
	files, err := d.Files()
	if err != nil {
		t.Fatal(err)
	}
	h.shell("mkdir -p " + units.Binaries + " " + units.Settings)
	h.write(units.Settings+"/shredunwrap.conf", "allow 127.0.0.0/8\nto "+tvu.String()+"\nfilter on\n")
	h.replace(program)
	var names []string
	for _, f := range files {
		h.write("/etc/systemd/system/"+f.Name, f.Text)
		names = append(names, f.Name)
	}
	// Only the limit is shortened: a test waits for it. A busy machine may hold a process back for a second or two.
	h.shell("mkdir -p /etc/systemd/system/" + d.Service() + ".d")
	h.write("/etc/systemd/system/"+d.Service()+".d/test.conf", "[Service]\nWatchdogSec=4s\n")
	h.shell("systemctl daemon-reload; systemctl start " + strings.Join(names, " "))
	return h
}

func (h *host) shell(script string) string {
	h.t.Helper()
	out, err := h.Shell(h.t.Context(), script)
	if err != nil {
		log, _ := h.Exec(h.t.Context(), "journalctl", "-u", "bisc-*", "--no-pager", "-n", "40")
		h.t.Fatalf("%v\n%s", err, log)
	}
	return strings.TrimSpace(string(out))
}

func (h *host) write(path, text string) {
	h.t.Helper()
	cmd, err := h.Command(h.t.Context(), "sh", "-e", "-c", `cat >"$1"`, "sh", path)
	if err == nil {
		cmd.Stdin = strings.NewReader(text)
		err = cmd.Run()
	}
	if err != nil {
		h.t.Fatalf("write %s: %v", path, err)
	}
}

// replace puts a program in the daemon's place by a rename: the one that runs keeps its file.
func (h *host) replace(program []byte) {
	h.t.Helper()
	at := units.Binaries + "/shredunwrap"
	if err := h.Install(h.t.Context(), bytes.NewReader(program), at+".new"); err != nil {
		h.t.Fatal(err)
	}
	h.shell("mv " + at + ".new " + at)
}

// show is a property of the service.
func (h *host) show(property string) string {
	return h.shell("systemctl show --value -p " + property + " bisc-shredunwrap.service")
}

// await waits until the script prints want.
func (h *host) await(what, script, want string) {
	h.t.Helper()
	limit := time.Now().Add(time.Minute)
	for {
		got := h.shell(script)
		if got == want {
			return
		}
		if time.Now().After(limit) {
			h.t.Fatalf("no %s within a minute: %q, want %q\n%s", what, got, want, h.shell("journalctl -u 'bisc-*' --no-pager -n 40"))
		}
		time.Sleep(50 * time.Millisecond) // between two questions, not for luck: the limit is above
	}
}

// metric is the value of a series in /metrics, such as it stands there.
func (h *host) metric(series string) string {
	h.t.Helper()
	for line := range strings.Lines(h.shell("curl -sf http://127.0.0.1:9466/metrics")) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == series {
			return value
		}
	}
	return "(none)"
}

// traffic sends shreds steadily into the host's port, numbered from 0.
type traffic struct {
	t    *testing.T
	stop chan struct{}
	done sync.WaitGroup
	sent uint64
}

func (h *host) traffic() *traffic {
	fd := -1
	if err := h.space.Do(func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: listenAt.Addr().As4(), Port: int(listenAt.Port())})
	}); err != nil {
		h.t.Fatal(err)
	}
	f := &traffic{t: h.t, stop: make(chan struct{})}
	f.done.Go(func() { f.run(fd) })
	h.t.Cleanup(func() { f.end() })
	return f
}

func (f *traffic) run(fd int) {
	defer unix.Close(fd)
	b := make([]byte, stream.Size+1228)
	shred := b[stream.Size:]
	shred[64] = 0x66
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		for range 8 { // 8,000 a second
			stream.Header{Stream: 7, Sequence: f.sent, Time: time.Now().UnixNano()}.Encode(b)
			binary.LittleEndian.PutUint64(shred[200:], f.sent)
			if _, err := unix.Write(fd, b); err != nil {
				f.t.Errorf("packet %d did not reach the host: %v", f.sent, err)
				return
			}
			f.sent++
		}
		select {
		case <-f.stop:
			return
		case <-tick.C:
		}
	}
}

// end stops the traffic and returns how many were sent.
func (f *traffic) end() uint64 {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	f.done.Wait()
	return f.sent
}

// validator counts what arrives at the TVU port, by number.
type validator struct {
	socket *recv.Socket
	mu     sync.Mutex
	seen   map[uint64]int
	last   time.Time
	stop   chan struct{}
	done   sync.WaitGroup
}

func (h *host) validator() *validator {
	v := &validator{seen: map[uint64]int{}, stop: make(chan struct{}), last: time.Now()}
	if err := h.space.Do(func() (err error) { v.socket, err = recv.Listen(tvu, recv.Options{Buffer: 256 << 20}); return err }); err != nil {
		h.t.Fatal(err)
	}
	v.done.Go(v.run)
	h.t.Cleanup(func() { close(v.stop); v.done.Wait(); v.socket.Close() })
	return v
}

func (v *validator) run() {
	b := v.socket.NewBatch()
	fds := []unix.PollFd{{Fd: int32(v.socket.FDs()[0]), Events: unix.POLLIN}}
	for {
		select {
		case <-v.stop:
			return
		default:
		}
		unix.Poll(fds, 50)
		if _, err := v.socket.Read(b); err != nil {
			return
		}
		v.mu.Lock()
		for _, m := range b.Messages {
			v.seen[binary.LittleEndian.Uint64(m.Data[200:])]++
			v.last = time.Now()
		}
		v.mu.Unlock()
	}
}

func (v *validator) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.seen)
}

// beyond waits until more than n have arrived.
func (v *validator) beyond(t *testing.T, n int) {
	t.Helper()
	for limit := time.Now().Add(time.Minute); v.count() <= n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("%d arrived within a minute, want more than %d", v.count(), n)
		}
	}
}

// missing waits until all have arrived, or nothing has for five seconds, and returns the numbers that are not there.
func (v *validator) missing(sent uint64) (gone []uint64) {
	for {
		v.mu.Lock()
		complete, quiet := uint64(len(v.seen)) == sent, time.Since(v.last) > 5*time.Second
		v.mu.Unlock()
		if complete || quiet {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for n := range sent {
		if v.seen[n] == 0 {
			gone = append(gone, n)
		}
	}
	return gone
}
