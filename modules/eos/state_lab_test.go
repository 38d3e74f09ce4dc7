package eos

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/modules"
)

// brought is a program that a plan brings to flash, as relay_binary does: any program of this machine will do.
type brought struct{ content []byte }

const agentPath = "/mnt/flash/bisc/agent"

func (b *brought) digest() string {
	sum := sha256.Sum256(b.content)
	return hex.EncodeToString(sum[:])
}

func (b *brought) OnFlash(context.Context, host.Reader) (string, string, error) {
	return agentPath, b.digest(), nil
}

func (b *brought) Plan(ctx context.Context, h host.Reader) (c modules.Change, err error) {
	got, err := host.FileDigest(ctx, h, agentPath)
	if _, there, statErr := host.StatIfThere(ctx, h, agentPath); statErr == nil && !there {
		got, err = "none", nil
	}
	if err == nil && c.Differ("program", host.ShortDigest(got), host.ShortDigest(b.digest())) {
		c.Do(host.Push{Path: agentPath, Digest: b.digest(), Size: int64(len(b.content)), Mode: 0o755,
			Source: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.content)), nil }})
	}
	return c, err
}

// stateOf is a relay's switch: a list and a mirror of it, a route, a daemon with its program.
func stateOf(program []byte, arguments string) []modules.Resource {
	route := StaticRouteKind.New("192.0.2.9/32").(*StaticRoute)
	route.NextHop, route.Exclusive = "203.0.113.1", true
	d := DaemonKind.New("bisc-relay").(*Daemon)
	d.Exec, d.Steady = agentPath+" "+arguments, time.Second
	return []modules.Resource{&brought{program}, shreds("permit udp any any eq 20000"), monitor(), route, d, &Saved{Name: "what runs"}}
}

// What a switch makes of its configuration, on the emulated one: a mirror that is programmed, a route that arrives, a daemon that is of
// its file and of its exec line, and comes again after a reload (incidents 38, 39, 41).
func TestSwitchState(t *testing.T) {
	program, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	r := newRack(t, base)
	same := func(what string, resources []modules.Resource) {
		t.Helper()
		if got := r.plan(t, relayStage(t, resources...)); got != "" {
			t.Fatalf("%s:\n%s", what, got)
		}
	}
	now := stateOf(program, "100000")
	has(t, r.plan(t, relayStage(t, now...)), "push "+agentPath, "monitor session 1 destination Cpu", "ip route 192.0.2.9/32 203.0.113.1", "daemon bisc-relay")
	r.apply(t, relayStage(t, now...))
	same("after the first apply", now)

	t.Run("the mirror's device is found", func(t *testing.T) {
		h, err := r.Reader(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if name, err := MirrorDevice(t.Context(), h, "1"); err != nil || !strings.HasPrefix(name, "mirror") {
			t.Errorf("%q, %v", name, err)
		}
	})
	t.Run("another exec line: the process of the old one ends", func(t *testing.T) {
		now = stateOf(program, "200000")
		has(t, r.plan(t, relayStage(t, now...)), "exec "+agentPath+" 100000 -> ", "kill -TERM")
		r.apply(t, relayStage(t, now...))
		same("after it", now)
	})
	t.Run("a new program: its file and its process, in one round", func(t *testing.T) {
		program = append(program, 'x') // behind the ELF's end: it runs as before
		now = stateOf(program, "200000")
		got := r.plan(t, relayStage(t, now...))
		has(t, got, "push "+agentPath, "kill -TERM", "!configure")
		r.apply(t, relayStage(t, now...))
		same("after it", now)
	})
	t.Run("somebody put another file there by hand", func(t *testing.T) {
		if _, err := r.Control().Bash("cp /bin/sleep " + agentPath + ".new && mv " + agentPath + ".new " + agentPath); err != nil {
			t.Fatal(err)
		}
		has(t, r.plan(t, relayStage(t, now...)), "push "+agentPath, "!kill") // what runs is still the right one
		r.apply(t, relayStage(t, now...))
		same("after it", now)
	})
	t.Run("a daemon that is shut down behind bisc's back", func(t *testing.T) {
		r.behind(t, "configure", "daemon bisc-relay", "shutdown", "end")
		has(t, r.plan(t, relayStage(t, now...)), "daemon bisc-relay / shutdown -> daemon bisc-relay / no shutdown", "!kill")
		r.apply(t, relayStage(t, now...))
		same("after it", now)
	})
	t.Run("what another left unsaved is told and saved", func(t *testing.T) {
		r.behind(t, "configure", "ip route 192.0.2.77/32 203.0.113.1", "end")
		has(t, r.plan(t, relayStage(t, now...)), "boot startup: (none) -> ip route 192.0.2.77/32 203.0.113.1", "copy running-config startup-config", "!now")
		r.apply(t, relayStage(t, now...))
		same("after it", now)
	})
	t.Run("the CPU's queue drops what is mirrored", func(t *testing.T) {
		stop, stopped := make(chan struct{}), make(chan error)
		go func() {
			for {
				select {
				case <-stop:
					stopped <- nil
					return
				default:
					if err := r.Control().Drop(mirrorClass, 100); err != nil {
						stopped <- err
						return
					}
				}
			}
		}()
		got := r.plan(t, relayStage(t, now...))
		close(stop)
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
		has(t, got, "now drops: the CPU's queue drops mirrored packets -> at most 0 a second", "packets a second dropped", "!step")
	})
	if err := r.Control().Reload(); err != nil {
		t.Fatal(err)
	}
	r.reader = nil
	settled(t, r, now)
	if left, err := filepath.Glob(filepath.Join(r.Flash, "bisc", ".*")); err != nil || len(left) > 0 {
		t.Errorf("left on flash: %q, %v", left, err)
	}
}

// settled waits until the daemon has been the same for as long as it must.
func settled(t *testing.T, r *rack, all []modules.Resource) {
	t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		got := r.plan(t, relayStage(t, all...))
		if got == "" {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("after a reload:\n%s", got)
		}
	}
}
