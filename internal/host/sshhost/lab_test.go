package sshhost

import (
	"context"
	"errors"
	"io/fs"
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

func TestFirstLight(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	p := NewPool(Options{})
	defer p.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	h, err := p.Open(ctx, config(l.Host("a"), "ops"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := h.Query(ctx, "id", "-u")
	t.Logf("%q %q %v", out.Stdout, out.Stderr, err)
	st, err := h.Stat(ctx, "/etc/passwd")
	t.Logf("%+v %v", st, err)
	b, err := h.ReadFile(ctx, "/etc/hostname")
	t.Logf("%q %v", b, err)
	_, err = h.ReadFile(ctx, "/etc/nope")
	t.Log(err, errors.Is(err, fs.ErrNotExist))
	g, err := h.Glob(ctx, "/etc/*pass*")
	t.Log(g, err)
	t.Logf("%+v", h.Stats())
	h.Close()
	w, err := p.OpenWriter(ctx, config(l.Host("a"), "ops"), LockRequest{Owner: "me@here", Run: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.OpenWriter(ctx, config(l.Host("a"), "root"), LockRequest{Owner: "you@there", Run: "r2"})
	t.Log(err)
	lk, held, err := ReadLock(ctx, w)
	t.Log(lk, held, err)
	t.Log(w.Do(ctx, host.Script{Argv: []string{"touch", "/root/x"}}))
	t.Log(w.Do(ctx, host.Script{Argv: []string{"sh", "-c", "echo bad >&2; exit 3"}}))
	t.Log(w.Do(ctx, host.Put{Path: "/etc/bisc.test", Content: []byte("hello\n"), Mode: 0o640, Was: host.Absent}))
	t.Log(w.Do(ctx, host.Put{Path: "/etc/bisc.test", Content: []byte("hello\n"), Mode: 0o640, Was: host.Absent}))
	t.Log(w.Do(ctx, host.Edit{Path: "/etc/bisc.test", Drop: []string{"hello"}, Add: []string{"hello", "world"}, Verify: []string{"grep", "world", "{path}"}}))
	t.Log(w.Do(ctx, host.Job{Verb: "restart", Unit: "cron.service"}))
	t.Log(w.Do(ctx, host.Job{Verb: "start", Unit: "nope.service"}))
	t.Logf("%+v", w.Stats())
	t.Log(w.Close())
}
