package host_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
)

func TestReadPage(t *testing.T) {
	for _, c := range []struct{ network, address, page string }{
		{"tcp", "127.0.0.1:9465", "/metrics"}, {"tcp", "[::1]:9465", "/healthz"}, {"tcp", "192.0.2.7:80", "/metrics"}, {"unix", "/run/bisc/shredmirror.sock", "/metrics"},
	} {
		if err := host.ReadPage(host.Endpoint{Network: c.network, Address: c.address}, c.page); err != nil {
			t.Errorf("%v: %v", c, err)
		}
	}
	for _, c := range []struct{ network, address, page string }{
		{"tcp", "127.0.0.1:9465", "/"}, {"tcp", "127.0.0.1:9465", "/metrics/"}, {"tcp", "127.0.0.1:9465", "/metrics\r\nX: y"}, {"tcp", "127.0.0.1:9465", ""},
		{"tcp", "127.0.0.1:0", "/metrics"}, {"tcp", "0.0.0.0:80", "/metrics"}, {"tcp", "[::]:80", "/metrics"}, {"tcp", "localhost:80", "/metrics"}, {"tcp", "127.0.0.1", "/metrics"},
		{"tcp", "[fe80::1%eth0]:80", "/metrics"}, {"tcp", "224.0.0.1:80", "/metrics"}, {"tcp", "127.0.0.1:080", "/metrics"}, {"tcp", "", "/metrics"}, {"udp", "127.0.0.1:80", "/metrics"},
		{"unix", "/run/docker.sock", "/metrics"}, {"unix", "/run/bisc/../docker.sock", "/metrics"}, {"unix", "/run/bisc/x y.sock", "/metrics"},
		{"unix", "/run/bisc/" + strings.Repeat("x", 100) + ".sock", "/metrics"}, {"unix", "run/bisc/x.sock", "/metrics"}, {"", "", ""},
	} {
		if err := host.ReadPage(host.Endpoint{Network: c.network, Address: c.address}, c.page); !errors.Is(err, host.ErrNotReadOnly) {
			t.Errorf("%v: %v, want ErrNotReadOnly", c, err)
		}
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "10.0.0.1:1": false, "[::ffff:127.0.0.1]:1": false, "[::]:1": false, "x": false} {
		if got := (host.Endpoint{Network: "tcp", Address: address}).Loopback(); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

// Twice the same question is one, unless it is asked anew: then the counter's second value comes, and stays nobody else's.
func TestMemoGet(t *testing.T) {
	at := host.Endpoint{Network: "tcp", Address: "127.0.0.1:9465"}
	fake := hosttest.New("h").Page(200, "1", at, "/metrics").Page(200, "2", at, "/metrics").Page(200, "3", at, "/metrics")
	memo := host.NewMemo(fake)
	for i, c := range []struct {
		ctx  context.Context
		want string
	}{{t.Context(), "1"}, {t.Context(), "1"}, {host.Anew(t.Context()), "2"}, {t.Context(), "1"}, {host.Anew(t.Context()), "3"}} {
		got, err := memo.Get(c.ctx, at, "/metrics")
		if err != nil || string(got.Body) != c.want {
			t.Errorf("%d: %q %v, want %q", i, got.Body, err, c.want)
		}
	}
}
