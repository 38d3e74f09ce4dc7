package eapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const fixtures = "../../../../../shared/fixtures/eos"

// fixture is a file of ../shared/fixtures/eos.
func fixture(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatalf("%v: the recorded answers lie beside the repository, in ../shared/fixtures/eos", err)
	}
	return string(b)
}

// asked is a request as it came.
type asked struct {
	path, cookie string
	body         string
	ID           string
	Params       struct {
		Version     int
		Format      string
		StopOnError bool
		Cmds        []json.RawMessage
	}
}

// commands are a request's, enable included; one with input reads "enable<password".
func (a asked) commands() []string {
	var out []string
	for _, raw := range a.Params.Cmds {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			var with struct{ Cmd, Input string }
			_ = json.Unmarshal(raw, &with)
			s = with.Cmd + "<" + with.Input
		}
		out = append(out, s)
	}
	return out
}

// server is an HTTP server that answers as a test says, and keeps what it was asked.
type server struct {
	*httptest.Server
	mu   sync.Mutex
	seen []asked
}

func (s *server) asked() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

type answering func(w http.ResponseWriter, r *http.Request, a asked)

func handler(t *testing.T, answer answering) (*server, http.Handler) {
	s := &server{}
	return s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		a := asked{path: r.URL.Path, cookie: r.Header.Get("Cookie"), body: string(b)}
		_ = json.Unmarshal(b, &a)
		s.mu.Lock()
		s.seen = append(s.seen, a)
		s.mu.Unlock()
		answer(w, r, a)
	})
}

func serve(t *testing.T, answer answering) *server {
	t.Helper()
	s, h := handler(t, answer)
	s.Server = httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// client asks a server, whatever address the configuration has.
func client(t *testing.T, s *server, cfg Config) *Client {
	t.Helper()
	if cfg.Mode == "" {
		cfg.Mode = Unix
	}
	c, err := New(cfg, func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", s.Listener.Addr().String())
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// results writes a success; {} is enable's.
func results(w io.Writer, a asked, of ...string) {
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%q,"result":[{},%s]}`, a.ID, strings.Join(of, ","))
}

func failure(w io.Writer, a asked, code int, message string, data ...string) {
	m, _ := json.Marshal(message)
	fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%q,"error":{"code":%d,"message":%s,"data":[%s]}}`, a.ID, code, m, strings.Join(data, ","))
}
