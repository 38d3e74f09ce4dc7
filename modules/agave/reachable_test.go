package agave

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/internal/lab/solana"
	"bisc/modules"
	"bisc/modules/kindtest"
)

// here runs readings on this machine.
type here struct{ host.Reader }

func (here) Query(ctx context.Context, argv ...string) (host.Output, error) {
	if err := host.ReadOnly(argv); err != nil {
		return host.Output{}, err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return host.Output{Stdout: []byte(out.String()), Stderr: []byte(said.String()), Exit: cmd.ProcessState.ExitCode()}, err
}

// free gives ports that nobody holds, for TCP and UDP.
func free(t *testing.T, n int) []uint16 {
	t.Helper()
	var out []uint16
	for len(out) < n {
		l, err := net.Listen("tcp4", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		port := uint16(l.Addr().(*net.TCPAddr).Port)
		u, err := net.ListenPacket("udp4", "0.0.0.0:"+strconv.Itoa(int(port)))
		if err == nil {
			_ = u.Close()
			out = append(out, port)
		}
		defer l.Close() // together, so that none is given twice
	}
	return out
}

// TestReadReach asks an entrypoint that tries the ports.
func TestReadReach(t *testing.T) {
	c := solana.Start(t, solana.Options{ShredVersion: 4711})
	p := free(t, 3)
	held, err := net.ListenPacket("udp4", "0.0.0.0:"+strconv.Itoa(int(p[2])))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	got, err := ReadReach(t.Context(), here{}, ReachQuery{Entrypoint: c.Entrypoint, TCP: p[:2], UDP: p})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.Reached)
	want := []string{"tcp " + str(p[0]), "tcp " + str(p[1]), "udp " + str(p[0]), "udp " + str(p[1])}
	slices.Sort(want)
	if !got.Seen.IsLoopback() || got.ShredVersion != 4711 || !slices.Equal(got.Reached, want) || !slices.Equal(got.Busy, []string{"udp " + str(p[2])}) || got.Silent != "" {
		t.Errorf("%+v, want %v", got, want)
	}
	again, err := ReadReach(t.Context(), here{}, ReachQuery{Entrypoint: c.Entrypoint, TCP: p[:2]})
	if err != nil || len(again.Reached) != 2 {
		t.Errorf("the ports are free again at once: %+v %v", again, err)
	}
}

func str(p uint16) string { return strconv.Itoa(int(p)) }

// TestReachBadly: what an entrypoint may do instead of answering.
func TestReachBadly(t *testing.T) {
	p := free(t, 1)
	for _, c := range []struct {
		name   string
		answer func(conn net.Conn, asked []byte)
		silent string
		seen   bool
	}{
		{"a web server", func(conn net.Conn, _ []byte) { _, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n") }, "web server", false},
		{"nothing at all", func(net.Conn, []byte) {}, "no answer", false},
		{"half an answer", func(conn net.Conn, _ []byte) { _, _ = conn.Write(make([]byte, 9)) }, "cut short", false},
		{"something else", func(conn net.Conn, _ []byte) { _, _ = io.WriteString(conn, strings.Repeat("x", 27)) }, "not one of ip_echo", false},
		{"it cannot connect to the TCP port, and says nothing", func(conn net.Conn, asked []byte) {
			if asked[4] != 0 || asked[5] != 0 {
				return
			}
			_, _ = conn.Write(append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 203, 0, 113, 7}, make([]byte, 15)...))
		}, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					_ = conn.SetDeadline(time.Now().Add(time.Minute))
					asked := make([]byte, 21)
					if _, err := io.ReadFull(conn, asked); err == nil {
						c.answer(conn, asked)
					}
					_ = conn.Close()
				}
			}()
			var ports []uint16
			if c.seen {
				ports = p
			}
			got, err := ReadReach(t.Context(), here{}, ReachQuery{Entrypoint: l.Addr().String(), TCP: ports})
			if err != nil || !strings.Contains(got.Silent, c.silent) || (got.Silent == "") != c.seen || c.seen && (got.Seen.String() != "203.0.113.7" || got.ShredVersion != 0 || len(got.Reached) != 0) {
				t.Errorf("%+v %v", got, err)
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		got, err := ReadReach(t.Context(), here{}, ReachQuery{Entrypoint: "127.0.0.1:1"})
		if err != nil || !strings.Contains(got.Silent, "refused") {
			t.Errorf("%+v %v", got, err)
		}
	})
}

// TestReachableDecides compares what is seen with what is wanted. Incident 45: a reply by another way shows another address.
func TestReachableDecides(t *testing.T) {
	mine, other := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("198.51.100.9")
	for _, c := range []struct {
		name  string
		got   Reach
		lives bool
		says  string
	}{
		{"as wanted", Reach{Seen: mine, ShredVersion: 50093, Reached: []string{"tcp 8001", "udp 8001"}}, false, "in sync"},
		{"another address", Reach{Seen: other, ShredVersion: 50093, Reached: []string{"tcp 8001", "udp 8001"}}, false, "seen as: 198.51.100.9 -> 203.0.113.7"},
		{"another cluster", Reach{Seen: mine, ShredVersion: 1, Reached: []string{"tcp 8001", "udp 8001"}}, false, "shred_version: 1 -> 50093"},
		{"udp does not come", Reach{Seen: mine, ShredVersion: 50093, Reached: []string{"tcp 8001"}}, false, "udp 8001: not reached -> reached"},
		{"held by the validator", Reach{Seen: mine, ShredVersion: 50093, Busy: []string{"tcp 8001", "udp 8001"}}, true, "in sync"},
		{"held by another", Reach{Seen: mine, ShredVersion: 50093, Reached: []string{"tcp 8001"}, Busy: []string{"udp 8001"}}, false, "udp 8001: held by a program that is no validator"},
		{"silent", Reach{Silent: "connect: timed out"}, false, "error"},
	} {
		r := &Reachable{Address: "203.0.113.7:8001", Entrypoint: "entrypoint.example.org:8001", ShredVersion: 50093}
		q, want, err := r.query()
		if err != nil || want != mine {
			t.Fatal(want, err)
		}
		change, err := r.decide(c.got, q, want, c.lives)
		text := kindtest.Print(change)
		if err != nil {
			text = "error: " + err.Error()
		}
		if !strings.Contains(text, c.says) || len(change.Steps) > 0 {
			t.Errorf("%s: %s, want %s", c.name, text, c.says)
		}
	}
}

// TestReachInTheNode: it is asked in the network of the node's first process; a node that does not run has none.
func TestReachInTheNode(t *testing.T) {
	f := hosttest.New("a")
	f.Dockers["docker container n"] = `{"State":{"Running":true,"Pid":4242}}`
	f.Answers[hosttest.Question(host.IPEcho.Argv("4242", "e.example.org", "8001", "8001", "", "10")...)] = host.Output{Stdout: []byte("entrypoint 192.0.2.1\nseen 203.0.113.7\n")}
	q := ReachQuery{Entrypoint: "e.example.org:8001", TCP: []uint16{8001}, Node: "n"}
	if got, err := ReadReach(t.Context(), f, q); err != nil || got.Seen.String() != "203.0.113.7" {
		t.Errorf("%+v %v", got, err)
	}
	f.Dockers["docker container n"] = `{"State":{"Running":false,"Pid":0}}`
	if got, err := ReadReach(t.Context(), f, q); err == nil {
		t.Errorf("it does not run: %+v", got)
	}
}

// TestReachableValidate: what is no address and no port is refused before any host is asked.
func TestReachableValidate(t *testing.T) {
	good := func() *Reachable {
		return &Reachable{Address: "203.0.113.7:8001", Entrypoint: "entrypoint.example.org:8001"}
	}
	if err := good().Validate(); err != nil {
		t.Error(err)
	}
	for attr, set := range map[string]func(*Reachable){
		"":              func(r *Reachable) { r.Address = "example.org:8001" },
		"entrypoint":    func(r *Reachable) { r.Entrypoint = "-x:1" },
		"tcp":           func(r *Reachable) { r.TCP = []string{"1", "2", "3", "4", "5"} },
		"udp":           func(r *Reachable) { r.UDP = []string{"0"} },
		"shred_version": func(r *Reachable) { r.ShredVersion = 70000 },
	} {
		r := good()
		set(r)
		var fault *modules.AttrError
		if err := r.Validate(); !errors.As(err, &fault) || fault.Attr != attr {
			t.Errorf("%s: %v", attr, err)
		}
	}
}
