package main

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"bisc/internal/lab/wire"
)

// onEach is a plan for many hosts.
func onEach(names []string) string {
	return fmt.Sprintf("layer \"units\" {\n  on = [\"%s\"]\n  file \"/etc/never-there\" {\n    absent = true\n  }\n}\n", strings.Join(names, `", "`))
}

// A host that refuses, one that is silent before and one that falls silent after the login: exit 5, each with its place
// and reason, and the others are reported all the same.
func TestUnreachableHosts(t *testing.T) {
	t.Parallel()
	h := sharedHost(t)
	closed, silent := proxy(t, h.Dial()), proxy(t, h.Dial())
	closed.Refuse()
	silent.Stall()
	d, keys := newDesk(t), pinsOf(t, h)
	d.write(t, "hosts.hcl", hostBlock("good", h.Port(), "ops", keys, h.KeyFile())+
		hostBlock("closed", closed.Port(), "ops", keys, h.KeyFile())+
		hostBlock("silent", silent.Port(), "ops", keys, h.KeyFile(), `connect_timeout = "2s"`))
	invariant := "  invariant \"tidy\" {\n    because = \"so\"\n    file \"/etc/never-there\" {\n      absent = true\n    }\n  }\n}\n"
	d.write(t, "plan.bisc.hcl", strings.TrimSuffix(onEach([]string{"closed", "good", "silent"}), "}\n")+invariant)
	for _, args := range [][]string{{"plan"}, {"check"}, {"drift"}, {"apply", "--auto-approve"}, {"plan", "--json"}} {
		e := d.bisc(t, args...)
		e.wants(t, 5, "connection refused", closed.Addr(), "no answer in 2s", silent.Addr())
		if args[0] == "plan" && len(args) == 1 {
			e.wants(t, 5, "good: 2 in sync", "3 hosts: 2 in sync; 2 hosts with an error")
		}
	}
	e := d.bisc(t, "who")
	e.wants(t, 5, "good  not locked", "connection refused", "no answer in 2s")
}

func proxy(t *testing.T, target string) *wire.Proxy {
	t.Helper()
	p, err := wire.New(target, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// Fifty hosts behind one jump host cost it one connection, and each is reported.
func TestFiftyBehindOneJump(t *testing.T) {
	t.Parallel()
	jump, far := sharedHost(t), sharedHost(t)
	p := proxy(t, jump.Dial())
	d := newDesk(t)
	var text strings.Builder
	text.WriteString(hostBlock("gate", p.Port(), "nosudo", pinsOf(t, jump), jump.KeyFile(), "jump_only = true"))
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprintf("h%02d", i))
		block := hostBlock(names[i], 22, "ops", pinsOf(t, far), far.KeyFile(), `via = ["gate"]`)
		text.WriteString(strings.Replace(block, "127.0.0.1", far.Addr(), 1))
	}
	d.write(t, "hosts.hcl", text.String())
	d.write(t, "plan.bisc.hcl", onEach(names))
	e := d.bisc(t, "plan")
	e.wants(t, 0, "50 hosts: 50 in sync")
	for _, name := range names {
		e.wants(t, 0, name+": 1 in sync")
	}
	if n := p.Counters().Connections; n != 1 {
		t.Errorf("%d connections to the jump host, want 1", n)
	}

	// A jump host with another key is refused, whatever the environment says, and nothing is asked of who is behind it.
	d.write(t, "hosts.hcl", strings.Replace(text.String(), pinsOf(t, jump), `["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]`, 1))
	e = d.bisc(t, "plan", "--host", "h07")
	e.wants(t, 5, "h07", "jump host: gate ("+p.Addr()+")", "host key is not the pinned one", "nothing was sent to it")
	d.write(t, "hosts.hcl", text.String())

	// A jump host that is gone is told once a host, and is not dialled for each.
	p.Reset()
	p.Cut()
	p.Refuse()
	e = d.bisc(t, "plan")
	e.wants(t, 5, "h00", "h49", "jump host: gate ("+p.Addr()+")", "connection refused", "50 hosts with an error")
}

// At most eight connections are being made at a time. The stand-in for the hosts' sshd never answers. Once eight stand it
// looks whether a ninth comes, and then closes one for each that follows.
func TestDialsAreLimited(t *testing.T) {
	t.Parallel()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const hosts, limit = 30, 8
	var text strings.Builder
	var names []string
	for i := range hosts {
		names = append(names, fmt.Sprintf("h%02d", i))
		text.WriteString(hostBlock(names[i], l.Addr().(*net.TCPAddr).Port, "ops", `["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]`, "none", `connect_timeout = "60s"`))
	}
	d := newDesk(t)
	d.write(t, "hosts.hcl", text.String())
	d.write(t, "plan.bisc.hcl", onEach(names))
	r := d.start(t, "plan")
	accept := func() net.Conn {
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var open []net.Conn
	for range limit {
		open = append(open, accept())
	}
	// That nothing comes has no event: a ninth that was allowed would have been dialled with the eighth.
	if err := l.SetDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); err == nil {
		t.Fatalf("a ninth connection came while %d were being made", limit)
	}
	if err := l.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	for range hosts - limit {
		_ = open[0].Close()
		open = append(open[1:], accept())
	}
	for _, c := range open {
		_ = c.Close()
	}
	r.wait(t).wants(t, 5, "30 hosts with an error")
}
