package sshhost

import (
	"context"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// config reaches a lab host as a user of it.
func config(h *lab.Host, user string) Config {
	return Config{
		Name: h.Name, Addresses: []string{"127.0.0.1"}, Port: h.Port(), User: user,
		HostKeys: h.HostKeys(), Identities: []string{h.KeyFile()}, AgentSocket: "none",
	}
}

// outOfBand runs scripts on a lab host by other means than the writer under test.
func outOfBand(h *lab.Host) func(t *testing.T, script string, args ...string) string {
	return func(t *testing.T, script string, args ...string) string {
		t.Helper()
		out, err := h.Shell(context.WithoutCancel(t.Context()), script, args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
		return string(out)
	}
}

func pool(t *testing.T) *Pool {
	p := NewPool(Options{})
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// ready opens a host and waits for its channel.
func ready(t *testing.T, p *Pool, cfg Config) (*Host, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	h, err := p.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = h.Close() })
	return h, h.Ready(ctx)
}

func writer(t *testing.T, p *Pool, cfg Config, run string) *Writer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := p.OpenWriter(ctx, cfg, LockRequest{Owner: "tester@here", Run: run})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// works asks a host something as root.
func works(t *testing.T, h host.Reader) {
	t.Helper()
	out, err := h.Query(t.Context(), "id", "-u")
	if err != nil || string(out.Stdout) != "0\n" || len(out.Stderr) != 0 {
		t.Errorf("id -u: %q %q %v", out.Stdout, out.Stderr, err)
	}
}

// says checks an error and what it tells the operator.
func says(t *testing.T, err error, is error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if is != nil && !isErr(err, is) {
		t.Errorf("%v: is not %v", err, is)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
}
