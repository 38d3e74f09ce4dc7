// Package reached is a lab host as bisc reaches a real one: over SSH, as ops with sudo, by its own transport. The kinds' tests on lab
// hosts plan and apply by it, so that what is proved of a kind is proved with the way there.
package reached

import (
	"context"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
	"bisc/internal/lab"
)

// Bench is a lab host and the connections to it. It is layers.Hosts for that one host, whatever the name that is asked for.
type Bench struct {
	Lab *lab.Host
	// Config is how it is reached. A test that lends an agent says so here, before it connects.
	Config sshhost.Config

	pool   *sshhost.Pool
	reader *sshhost.Host
	writer *sshhost.Writer
}

// New makes a bench of a running host. Nothing is dialled until something is asked; what is open then ends with the test.
func New(t testing.TB, h *lab.Host) *Bench {
	t.Helper()
	b := &Bench{Lab: h, Config: sshhost.Config{
		Name: h.Name, Addresses: []string{"127.0.0.1"}, Port: h.Port(), User: "ops",
		HostKeys: h.HostKeys(), Identities: []string{h.KeyFile()}, AgentSocket: "none",
	}}
	t.Cleanup(b.Cut)
	return b
}

// Reader gives one connection for the whole test.
func (b *Bench) Reader(ctx context.Context, _ string) (host.Reader, error) {
	if b.reader == nil {
		h, err := b.wires().Open(ctx, b.Config)
		if err != nil {
			return nil, err
		}
		b.reader = h
	}
	return b.reader, nil
}

// Writer gives the connection that holds the host's lock; it is the same one until Release.
func (b *Bench) Writer(ctx context.Context, _ string) (host.Writer, error) {
	if b.writer == nil {
		w, err := b.wires().OpenWriter(ctx, b.Config, sshhost.LockRequest{Owner: "test", Run: "test"})
		if err != nil {
			return nil, err
		}
		b.writer = w
	}
	return b.writer, nil
}

func (b *Bench) wires() *sshhost.Pool {
	if b.pool == nil {
		b.pool = sshhost.NewPool(sshhost.Options{})
	}
	return b.pool
}

// Release gives the host's lock back, if it is held.
func (b *Bench) Release(t testing.TB) {
	t.Helper()
	w := b.writer
	if b.writer = nil; w == nil {
		return
	}
	if err := w.Close(); err != nil {
		t.Errorf("release the host: %v", err)
	}
}

// Cut ends all connections as a lost network does, without a word to the host; whoever asks next dials anew. A host that was
// rebooted is asked again after it.
func (b *Bench) Cut() {
	if b.pool != nil {
		_ = b.pool.Close()
	}
	if b.writer != nil {
		_ = b.writer.Close()
	}
	b.pool, b.reader, b.writer = nil, nil, nil
}

// Hands is the writer, for a test that acts without a plan.
func (b *Bench) Hands(t testing.TB) host.Writer {
	t.Helper()
	w, err := b.Writer(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Shell runs a script by the lab's side door, as root, and ends the test where a command of it fails. It gives what was said, without
// the space around it. It works in a cleanup too.
func (b *Bench) Shell(t testing.TB, script string, args ...string) string {
	t.Helper()
	out, err := b.Lab.Shell(context.WithoutCancel(t.Context()), "set -e\n"+script, args...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}
