package chain

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bisc/relaybin/lab"
)

// TestFaultF46_UnwrapReplaced ends shredunwrap under load by each signal and starts it again, its port held meanwhile as
// systemd holds it: told to end it loses nothing, killed it takes along what one call had read; its own books say so.
func TestFaultF46_UnwrapReplaced(t *testing.T) {
	// A killed process has read so much and not sent it, or sent it and not booked it.
	const batch = 32 * 64
	for s, cost := range map[syscall.Signal]uint64{syscall.SIGTERM: 0, syscall.SIGKILL: batch} {
		t.Run(s.String(), func(t *testing.T) {
			c := newChain(t)
			c.hold()
			c.unwrapArgs = []string{"--books", t.TempDir() + "/streams"}
			c.startUnwrap()
			c.startMirror()
			c.through()
			stop := c.background(7500)
			c.arrived(1000)
			c.end(c.unwrap, s)
			if s == syscall.SIGTERM && !strings.Contains(c.unwrap.text(), "forwarded=") {
				t.Errorf("it said %s", c.unwrap.text())
			}
			c.startUnwrap()
			c.arrived(1000)
			sent := stop()
			missing := sent - c.rest().Unique
			if missing > cost {
				t.Errorf("%d of %d shreds were lost, %d at most are in its hands at once", missing, sent, cost)
			}
			if lost := c.ofUnwrap("shredunwrap_stream_lost_total"); lost > cost {
				t.Errorf("its books say that %d were lost on the way; %d are missing", lost, missing)
			}
			if n := c.ofUnwrap("shredunwrap_kernel_drops_total"); n != 0 {
				t.Errorf("the held port dropped %d", n)
			}
		})
	}
}

// TestFaultF46_UnwrapFrozen freezes shredunwrap while more comes than its buffer holds: the kernel's
// counter says that there was loss, the stream's books say how much, to the packet, and it goes on by itself.
func TestFaultF46_UnwrapFrozen(t *testing.T) {
	c := newChain(t)
	c.unwrapArgs = []string{"--buffer", "1048576"}
	c.startUnwrap()
	c.startMirror()
	c.through()
	signal(t, c.unwrap, syscall.SIGSTOP)
	c.send(20_000, 5000)
	if err := c.waitMirror(); err != nil {
		t.Fatal(err)
	}
	c.thaw(c.unwrap)
	c.rest()
	c.send(5000, 2000)
	got := c.rest()
	missing := 7000 - got.Unique
	if missing == 0 {
		t.Fatal("nothing was lost: the test froze nothing")
	}
	// The kernel counts what it drops by what it was handed over: with GRO up to 53 shreds are one.
	if n := c.ofUnwrap("shredunwrap_kernel_drops_total"); n == 0 || n > missing {
		t.Errorf("%d are missing, the kernel's counter says %d", missing, n)
	}
	c.wantLost(missing)
	if left := c.sink.Missing(c.next-2000, c.next, 1); len(left) > 0 {
		t.Errorf("after it went on, %v was lost", left)
	}
}

// TestFaultF46_MirrorFrozen freezes shredmirror while more comes than its ring holds: the same of its counter.
func TestFaultF46_MirrorFrozen(t *testing.T) {
	c := newChain(t)
	c.mirrorArgs = []string{"--ring", "1"}
	c.startUnwrap()
	c.startMirror()
	c.through()
	signal(t, c.mirror, syscall.SIGSTOP)
	c.send(20_000, 5000)
	c.thaw(c.mirror)
	c.send(5000, 2000)
	got := c.rest()
	missing := 7000 - got.Unique
	if missing == 0 {
		t.Fatal("nothing was lost: the test froze nothing")
	}
	if n := c.ofMirror("shredmirror_kernel_drops_total"); n != missing {
		t.Errorf("%d are missing, the kernel's counter says %d", missing, n)
	}
	if n := c.ofUnwrap("shredunwrap_stream_lost_total"); n != 0 {
		t.Errorf("%d were lost on the way, say the books; they were lost before it", n)
	}
}

// TestFaultF46_MirrorReplaced ends shredmirror under load by each signal and starts it again: what came while none ran is
// lost, the new one is a new stream to the host, and no loss on the way is made of it.
func TestFaultF46_MirrorReplaced(t *testing.T) {
	c := newChain(t)
	c.startUnwrap()
	c.startMirror()
	c.through()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		restarts := c.ofUnwrap("shredunwrap_stream_restarts_total")
		stop := c.background(7500)
		c.arrived(1000)
		c.end(c.mirror, s)
		if s == syscall.SIGTERM && !strings.Contains(c.mirror.text(), "dropped by the kernel because the ring was full") {
			t.Errorf("after %s it said %s", s, c.mirror.text())
		}
		c.startMirror()
		c.arrived(1000)
		stop()
		c.rest()
		if n := c.ofUnwrap("shredunwrap_stream_restarts_total") - restarts; n != 1 {
			t.Errorf("after %s: %d restarts were counted", s, n)
		}
		if n := c.ofUnwrap("shredunwrap_stream_lost_total"); n != 0 {
			t.Errorf("after %s: %d lost on the way, say the books", s, n)
		}
		first := c.next
		c.send(5000, 2000)
		c.rest()
		if left := c.sink.Missing(first, c.next, 1); len(left) > 0 {
			t.Errorf("after %s and a new start, %v was lost", s, left)
		}
	}
}

// TestFaultF46_ValidatorAway closes the TVU port under load and opens it again: the kernel says that nobody is there, the
// daemon goes on, counts, and forwards everything again by itself.
func TestFaultF46_ValidatorAway(t *testing.T) {
	c := newChain(t)
	c.startUnwrap()
	c.startMirror()
	c.through()
	c.sink.Close()
	c.send(20_000, 20_000)
	if err := c.waitMirror(); err != nil {
		t.Fatal(err)
	}
	for try := 0; c.ofUnwrap("shredunwrap_drops_total")+c.ofUnwrap("shredunwrap_send_errors_total") == 0; try++ {
		if try == 100 {
			t.Fatalf("nobody was there, and nothing was counted:\n%s", c.unwrap.text())
		}
		c.send(1000, 100)
	}
	c.openSink()
	c.through()
	first := c.next
	c.send(7500, 5000)
	c.rest()
	if left := c.sink.Missing(first, c.next, 3); len(left) > 0 {
		t.Errorf("with the port open again, %v were lost", left)
	}
	if n := c.ofUnwrap("shredunwrap_stream_lost_total"); n != 0 {
		t.Errorf("%d lost on the way, say the books", n)
	}
}

// TestFaultF46_BackboneDown sets the link to the host down under load, and up: what is missing is what the mirror
// counted as not sent and what the host's books say was lost on the way, and it goes on by itself.
func TestFaultF46_BackboneDown(t *testing.T) {
	c := newChain(t)
	c.startUnwrap()
	c.startMirror()
	c.through()
	stop := c.background(7500)
	c.arrived(1000)
	link, err := c.net.Switch.Netlink().LinkByName(lab.Backbone)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.net.Switch.Netlink().LinkSetDown(link); err != nil {
		t.Fatal(err)
	}
	for try := 0; c.ofMirror("shredmirror_drops_total") < 500; try++ {
		if try == 1000 {
			t.Fatalf("the link is down, and nothing is counted:\n%s", c.mirror.text())
		}
	}
	if err := c.net.Switch.Netlink().LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	c.arrived(1000)
	sent := stop()
	got := c.rest()
	missing, kept := sent-got.Unique, c.ofMirror("shredmirror_drops_total")
	if kept > missing {
		t.Fatalf("%d are missing, and the mirror counted %d that it could not send", missing, kept)
	}
	c.wantLost(missing - kept)
}

// TestFaultF46_OneCore keeps both daemons on one core, whatever else runs there: their buffers bridge what the scheduler
// takes away, and nothing is lost at twice the design rate.
func TestFaultF46_OneCore(t *testing.T) {
	c := newChain(t)
	c.startUnwrap()
	c.startMirror()
	var one unix.CPUSet
	one.Set(runtime.NumCPU() - 1)
	for _, p := range []*process{c.mirror, c.unwrap} {
		for _, task := range tasks(t, p.Process.Pid) {
			if err := unix.SchedSetaffinity(task, &one); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.through()
	c.send(15_000, 30_000)
	got := c.rest()
	if got.Unique != 30_000 {
		t.Errorf("%d of 30000 arrived; mirror dropped %d, unwrap %d", got.Unique, c.ofMirror("shredmirror_kernel_drops_total"), c.ofUnwrap("shredunwrap_kernel_drops_total"))
	}
}

func signal(t testing.TB, p *process, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// wantLost wants the books to say so many lost on the way. They wait for late packets before they call one lost.
func (c *chain) wantLost(want uint64) {
	c.Helper()
	got := c.ofUnwrap("shredunwrap_stream_lost_total")
	for try := 0; try < 200 && got < want; try++ {
		time.Sleep(50 * time.Millisecond)
		got = c.ofUnwrap("shredunwrap_stream_lost_total")
	}
	if got != want {
		c.Errorf("%d were lost on the way, the books say %d\n%s", want, got, c.unwrap.text())
	}
}

// waitMirror waits until the mirror has sent what it has read.
func (c *chain) waitMirror() error {
	for try := 0; try < 300; try++ {
		frames := c.ofMirror("shredmirror_frames_total")
		if frames >= c.next && frames == c.ofMirror("shredmirror_sent_total")+c.ofMirror("shredmirror_drops_total") {
			return nil
		}
	}
	return fmt.Errorf("the mirror has read %d frames of %d", c.ofMirror("shredmirror_frames_total"), c.next)
}

// tasks are a process' threads.
func tasks(t *testing.T, pid int) []int {
	t.Helper()
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, n := range names {
		id, err := strconv.Atoi(n.Name())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, id)
	}
	return all
}
