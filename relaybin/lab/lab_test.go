package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// quiet is how long nothing must come before a test takes it that nothing more will: it ends a wait, and decides nothing
// about what is right.
const quiet = 3 * time.Second

// TestSendArrives: what is sent straight to the host arrives, whole, each once, in order.
func TestSendArrives(t *testing.T) {
	n := ForTest(t)
	sink, err := n.Host.NewSink(DirectTVU, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	const count = 20_001 // no multiple of a set's or a batch's length
	sent, err := n.Send(t.Context(), Stream{Rate: 50_000, Count: count, Paths: []Path{{Device: DirectIn}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := sink.Wait(t.Context(), "all shreds", quiet, Unique(count))
	if err != nil {
		t.Fatal(err)
	}
	if sent.Sequences != count || sent.Paths[0].Frames != count {
		t.Errorf("sent %+v, want %d", sent, count)
	}
	got = sink.Close()
	if got.Packets != count || got.Duplicate+got.Bad+got.Reordered+got.Dropped != 0 || got.Delay.Count() != count {
		t.Errorf("received %d, duplicate %d, bad %d, reordered %d, dropped %d, delays %d", got.Packets, got.Duplicate, got.Bad, got.Reordered, got.Dropped, got.Delay.Count())
	}
	if median, max := got.Delay.Quantile(0.5), got.Delay.Max(); median <= 0 || median > max || max > time.Minute {
		t.Errorf("median delay %s, longest %s", median, max)
	}
}

// TestDamage: two paths, of which one loses, doubles and delays as told, and says how often it did.
func TestDamage(t *testing.T) {
	n := ForTest(t)
	sink, err := n.Host.NewSink(netip.AddrPortFrom(netip.IPv4Unspecified(), DirectTVU.Port()), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	damaged := Path{Device: DirectIn, Lost: 0.1, Twice: 0.05, Late: 0.02, Seed: 3}
	send := func() (Sent, Received) {
		sent, err := n.Send(t.Context(), Stream{Rate: 50_000, Count: 10_000, Paths: []Path{damaged}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := sink.Quiet(t.Context(), quiet/3)
		if err != nil {
			t.Fatal(err)
		}
		sink.Forget()
		return sent, got
	}
	sent, got := send()
	p := sent.Paths[0]
	if p.Lost < 800 || p.Twice < 300 || p.Late < 100 || p.Frames != 10_000-p.Lost+p.Twice {
		t.Errorf("sent %+v", p)
	}
	if got.Packets != p.Frames || got.Unique != 10_000-p.Lost || got.Duplicate != p.Twice || got.Reordered != p.Late || got.Bad != 0 {
		t.Errorf("sent %+v, received %d, unique %d, duplicate %d, reordered %d, bad %d", p, got.Packets, got.Unique, got.Duplicate, got.Reordered, got.Bad)
	}
	if again, _ := send(); again.Paths[0] != p {
		t.Errorf("the same seed gave %+v, then %+v", p, again.Paths[0])
	}
	whole := Path{Device: DirectIn}
	if _, err := n.Send(t.Context(), Stream{Rate: 50_000, Count: 10_000, First: 10_000, Paths: []Path{damaged, whole}}); err != nil {
		t.Fatal(err)
	}
	got, err = sink.Wait(t.Context(), "the whole path's shreds", quiet, Unique(10_000))
	if err != nil {
		t.Fatal(err)
	}
	if got.Paths[0]+got.Paths[1] != 10_000 || got.Paths[0] == 0 || got.Paths[1] == 0 || len(sink.Missing(10_000, 20_000, 1)) != 0 {
		t.Errorf("first by path: %v, missing %v", got.Paths, sink.Missing(10_000, 20_000, 1))
	}
}

// TestSinkTellsBad: the sink takes nothing for a shred that differs in one bit, or is no shred.
func TestSinkTellsBad(t *testing.T) {
	n := ForTest(t)
	sink, err := n.Host.NewSink(netip.MustParseAddrPort("127.0.0.1:0"), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	s := newSet(Chain{}, func(i int) []byte { return make([]byte, sizeAt(i)) })
	s.fill(0)
	whole := s.shreds[1]
	Stamp{Sequence: 1}.write(whole, castagnoli())
	bent := bytes.Clone(whole)
	bent[600] ^= 1
	var conn net.Conn
	if err := n.Host.Do(func() (err error) { conn, err = net.Dial("udp", sink.Addr.String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, packet := range [][]byte{whole, bent, whole[:1227], {}, whole} {
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	got, err := sink.Wait(t.Context(), "5 packets", quiet, func(r Received) bool { return r.Packets == 5 })
	if err != nil {
		t.Fatal(err)
	}
	if got.Unique != 1 || got.Bad != 3 || got.Duplicate != 1 {
		t.Errorf("unique %d, bad %d, duplicate %d", got.Unique, got.Bad, got.Duplicate)
	}
	if len(got.Payloads) != 3 || !bytes.Equal(got.Payloads[1], bent) {
		t.Errorf("kept %d payloads", len(got.Payloads))
	}
}

// TestWaitNamesWhatItWaitedFor: a wait that ends in vain says so.
func TestWaitNamesWhatItWaitedFor(t *testing.T) {
	n := ForTest(t)
	sink, err := n.Host.NewSink(netip.MustParseAddrPort("127.0.0.1:0"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if _, err := sink.Wait(t.Context(), "a shred", time.Millisecond, Unique(1)); err == nil || !strings.Contains(err.Error(), "a shred") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := sink.Wait(ctx, "a shred", time.Hour, Unique(1)); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}

// TestNamespacesAreApart: a program sees the devices of its namespace, ends with it, and what it used can be read.
func TestNamespacesAreApart(t *testing.T) {
	n := ForTest(t)
	for space, want := range map[*Space]string{n.Turbine: Inlet, n.Switch: Mirror, n.Host: HostEnd} {
		var out bytes.Buffer
		cmd := exec.Command("ip", "-br", "link")
		cmd.Stdout = &out
		if err := space.Start(cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) || strings.Contains(out.String(), "eth0@") {
			t.Errorf("%s has\n%s\nwant %s, and not the machine's", space.Name, &out, want)
		}
	}
	burn := exec.Command("sh", "-c", "while :; do :; done")
	if err := n.Host.Start(burn); err != nil {
		t.Fatal(err)
	}
	for {
		u, err := UsageOf(burn.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if u.CPU > 50*time.Millisecond && u.Resident > 0 && u.Peak >= u.Resident {
			break
		}
		if t.Context().Err() != nil {
			t.Fatalf("it runs and uses nothing: %+v", u)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := burn.Wait(); err == nil || burn.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("the program ended with %v", burn.ProcessState)
	}
}

// TestReplay: a capture's frames arrive as they are.
func TestReplay(t *testing.T) {
	n := ForTest(t)
	sink, err := n.Host.NewSink(DirectTVU, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	to, err := n.macBehind(DirectIn)
	if err != nil {
		t.Fatal(err)
	}
	file := []byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00")
	for i := range 3 {
		b := frame(to, netip.AddrPortFrom(PeerAddr, 1), DirectTVU, 3+i)
		copy(b[frameHeaders:], "abcde")
		file = append(file, 9, 0, 0, 0, byte(i), 0, 0, 0, byte(len(b)), 0, 0, 0, byte(len(b)), 0, 0, 0)
		file = append(file, b...)
	}
	name := filepath.Join(t.TempDir(), "three.pcap")
	if err := os.WriteFile(name, file, 0o644); err != nil {
		t.Fatal(err)
	}
	frames, err := ReadPcap(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(frames) != 3 || frames[2].At != 2*time.Microsecond || frames[2].Length != len(frames[2].Data) {
		t.Fatalf("read %+v", frames)
	}
	if err := n.Replay(t.Context(), DirectIn, frames, -1); err != nil {
		t.Fatal(err)
	}
	got, err := sink.Wait(t.Context(), "3 packets", quiet, func(r Received) bool { return r.Packets == 3 })
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%s", got.Payloads) != "[abc abcd abcde]" {
		t.Errorf("received %s", got.Payloads)
	}
	for _, cut := range []int{0, 23, 30, len(file) - 1} {
		if err := os.WriteFile(name, file[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPcap(name); err == nil {
			t.Errorf("a file cut to %d bytes was read", cut)
		}
	}
}

const childVar = "BISC_RELAY_LAB_CHILD"

// TestKilledIsSwept kills a process that has a net: its programs die with it, and the next start removes the rest.
func TestKilledIsSwept(t *testing.T) {
	if os.Getenv(childVar) != "" {
		n := ForTest(t)
		sleep := exec.Command("sleep", "600")
		if err := n.Switch.Start(sleep); err != nil {
			t.Fatal(err)
		}
		fmt.Println("net", n.name, sleep.Process.Pid)
		select {}
	}
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGINT} {
		child := exec.Command("/proc/self/exe", "-test.run=^TestKilledIsSwept$")
		child.Env = append(os.Environ(), childVar+"=1")
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		var name string
		var pid int
		for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
			if _, err := fmt.Sscanf(lines.Text(), "net %s %d", &name, &pid); err != nil {
				t.Log(lines.Text())
			}
		}
		if left, _ := filepath.Glob(pathOf(name + "*")); len(left) != 3 {
			t.Fatalf("the child's namespaces are %v, want 3", left)
		}
		if err := Sweep(); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(pathOf(name + "*")); len(left) != 3 {
			t.Fatalf("a sweep took a living process' namespaces; left are %v", left)
		}
		_ = child.Process.Signal(s)
		_ = child.Wait()
		if s == syscall.SIGKILL {
			if err := Sweep(); err != nil {
				t.Fatal(err)
			}
		}
		if left, _ := filepath.Glob(pathOf(name + "*")); len(left) != 0 {
			t.Errorf("after %s: left behind %v", s, left)
		}
		for syscall.Kill(pid, 0) == nil && t.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond) // the kernel ends it a little later
		}
	}
}
