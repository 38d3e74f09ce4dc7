package eos

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bisc/relaybin/lab"
)

// child is set for the process that starts a switch and waits to be killed: the namespace that it wires the switch to.
const child = "BISC_EOS_LEFTOVER"

// TestLeftover: whoever starts a switch may end in any way, and of the switch nothing is left: no process, no device in a namespace
// that it was wired to, and after the next start no file.
func TestLeftover(t *testing.T) {
	if netns := os.Getenv(child); netns != "" {
		startAndWait(t, netns)
		return
	}
	n := lab.ForTest(t)
	for _, s := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestLeftover$")
		cmd.Env = append(os.Environ(), child+"="+n.Host.Path())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid, dir := 0, ""
		for lines := bufio.NewScanner(out); dir == "" && lines.Scan(); {
			if _, err := fmt.Sscanf(lines.Text(), "switch %d %s", &pid, &dir); err != nil {
				t.Log(lines.Text())
			}
		}
		if links, err := n.Host.Netlink().LinkByName("sw0"); err != nil || pid == 0 {
			t.Fatalf("the child's switch %d, its cable %v: %v", pid, links, err)
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		gone(t, "the switch's processes", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
		gone(t, "the cable", func() bool { _, err := n.Host.Netlink().LinkByName("sw0"); return err != nil })
		if err := sweep(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after %s: %s is left: %v", s, dir, err)
		}
	}
}

func startAndWait(t *testing.T, netns string) {
	sw, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sw.Wire("Ethernet4/1", netns, "sw0", netip.Prefix{}); err != nil {
		t.Fatal(err)
	}
	if _, err := sw.Control().Bash("(setsid sleep 1000 >/dev/null 2>&1 &)"); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("switch %d %s\n", sw.PID, sw.dir)
	<-t.Context().Done()
}

func gone(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: still there after 30s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A switch's folders are its own: two switches side by side share nothing.
func TestTwoSwitches(t *testing.T) {
	a, b := ForTest(t, Options{}), ForTest(t, Options{})
	if _, err := a.Control().Bash("touch /mnt/flash/a /tmp/a"); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Control().Bash("ls /mnt/flash /tmp"); err != nil || got != "/mnt/flash:\n\n/tmp:\n" {
		t.Errorf("the other switch has %q, %v", got, err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Control().Bash("true"); err == nil || !strings.Contains(err.Error(), "ended") && !strings.Contains(err.Error(), "shut down") {
		t.Errorf("a switch that is closed answers: %v", err)
	}
	if left, _ := filepath.Glob("/mnt/boot.*"); left != nil {
		t.Errorf("on this machine: %v", left)
	}
}
