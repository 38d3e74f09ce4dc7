package hosttest

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"bisc/internal/host"
)

// pageServer listens on a port for each of its answers, tells which in the file ports, and writes each request down.
const pageServer = `
import os, socket, sys, threading
folder, own = sys.argv[1], sys.argv[2]
head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
big = lambda n: head + b"Content-Length: %d\r\n\r\n" % n + b"x" * n
answers = {
  "length": head + b"Content-Length: 4\r\n\r\na\x00\x1e\nand more that is not of the page",
  "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
  "closed": head + b"\r\nuntil the end",
  "failing": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nring\n",
  "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n",
  "early": b"HTTP/1.1 103 Early Hints\r\n\r\n" + head + b"Content-Length: 2\r\n\r\nok",
  "large": big(3 << 20),
  "too large": big((4 << 20) + 1),
  "cut": head + b"Content-Length: 100\r\n\r\nnot all",
  "cut chunk": head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
  "no http": b"-ERR unknown command\r\n",
  "nothing": b"",
  "six": head + b"Content-Length: 3\r\n\r\nsix",
  "socket": head + b"Content-Length: 6\r\n\r\nsocket",
  "silent": None,
}
def serve(name, s):
  while True:
    c, _ = s.accept()
    got = b""
    while not got.endswith(b"\r\n\r\n"):
      b = c.recv(4096)
      if not b: break
      got += b
    open(folder + "/asked " + name, "ab").write(got)
    if answers[name] is None:
      keep.append(c)
      continue
    try: c.sendall(answers[name])
    except OSError: pass
    c.close()
keep, ports = [], []
for name in answers:
  if name == "socket":
    s = socket.socket(socket.AF_UNIX); s.bind(own)
    stale = socket.socket(socket.AF_UNIX); stale.bind(own.replace(".sock", "-stale.sock"))
  else:
    six = name == "six"
    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
    s.bind(("::1" if six else "127.0.0.1", 0))
    ports.append("%s=%s%s:%d" % (name, "", "[::1]" if six else "127.0.0.1", s.getsockname()[1]))
  s.listen(16)
  threading.Thread(target=serve, args=(name, s), daemon=True).start()
bound = socket.socket(); bound.bind(("127.0.0.1", 0))   # and nobody listens
ports.append("nobody=127.0.0.1:%d" % bound.getsockname()[1])
open(folder + "/ports.new", "w").write("\n".join(ports))
os.rename(folder + "/ports.new", folder + "/ports")
threading.Event().wait()
`

// servePages starts the server and gives its endpoints by name.
func (c conformance) servePages(t *testing.T) map[string]host.Endpoint {
	own := "/run/bisc/" + strings.ReplaceAll(strings.TrimPrefix(c.Dir, "/"), "/", "-") + ".sock"
	c.Shell(t, `mkdir -p /run/bisc; printf %s "$2" >"$1/server.py"
(umask 077; exec setsid python3 "$1/server.py" "$1" "$3" >"$1/said" 2>&1 </dev/null & echo $! >"$1/pid")
n=0; until [ -e "$1/ports" ]; do n=$((n + 1)); if [ $n -gt 600 ]; then cat "$1/said"; exit 1; fi; sleep 0.1; done`, c.Dir, pageServer, own)
	t.Cleanup(func() { c.Shell(t, `kill "$(cat "$1/pid")"; rm -f "$2" "${2%.sock}-stale.sock"`, c.Dir, own) })
	at := map[string]host.Endpoint{
		"socket": {Network: "unix", Address: own}, "stale": {Network: "unix", Address: strings.Replace(own, ".sock", "-stale.sock", 1)},
		"no socket": {Network: "unix", Address: "/run/bisc/none.sock"},
	}
	for line := range strings.Lines(c.Shell(t, `cat "$1/ports"`, c.Dir)) {
		name, addr, _ := strings.Cut(strings.TrimSpace(line), "=")
		at[name] = host.TCP(netip.MustParseAddrPort(addr))
	}
	return at
}

func (c conformance) pages(t *testing.T) {
	at := c.servePages(t)
	for name, want := range map[string]host.Response{
		"length": {Status: 200, Type: "text/plain", Body: []byte("a\x00\x1e\n")}, "chunked": {Status: 200, Type: "text/plain", Body: []byte("abcde")},
		"closed": {Status: 200, Type: "text/plain", Body: []byte("until the end")}, "failing": {Status: 503, Body: []byte("ring\n")},
		"elsewhere": {Status: 302}, "early": {Status: 200, Type: "text/plain", Body: []byte("ok")}, "six": {Status: 200, Type: "text/plain", Body: []byte("six")},
		"socket": {Status: 200, Type: "text/plain", Body: []byte("socket")}, "large": {Status: 200, Type: "text/plain", Body: []byte(strings.Repeat("x", 3<<20))},
	} {
		got, err := c.Get(c.ctx, at[name], "/metrics")
		if err != nil || got.Status != want.Status || got.Type != want.Type || string(got.Body) != string(want.Body) {
			t.Errorf("%s: %d %q %.60q %v", name, got.Status, got.Type, got.Body, err)
		}
	}
	for _, name := range []string{"nobody", "stale", "no socket"} {
		if got, err := c.Get(c.ctx, at[name], "/metrics"); !errors.Is(err, host.ErrNotListening) {
			t.Errorf("%s: %+v %v, want ErrNotListening", name, got, err)
		}
	}
	for _, name := range []string{"too large", "cut", "cut chunk", "no http", "nothing"} {
		if got, err := c.Get(c.ctx, at[name], "/metrics"); err == nil || errors.Is(err, host.ErrNotListening) || errors.Is(err, host.ErrUnreachable) {
			t.Errorf("%s: %d %.60q %v, want an error that says neither silent nor unreachable", name, got.Status, got.Body, err)
		}
	}
	const asked = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bisc\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"
	for _, name := range []string{"length", "socket"} {
		if got := c.Shell(t, `cat "$1/asked $2"`, c.Dir, name); got != asked {
			t.Errorf("%s was asked %q", name, got)
		}
	}
}

// pagesRefused: what is not on the list is not asked, and what is no address of the host's is not either.
func (c conformance) pagesRefused(t *testing.T) {
	here := host.Endpoint{Network: "tcp", Address: "127.0.0.1:1"}
	for page, at := range map[string]host.Endpoint{
		"/containers/json": here, "/metrics?x=y": here, "/metrics HTTP/1.1\r\nX: y\r\n\r\n": here, "": here,
		"/metrics": {Network: "tcp", Address: "localhost:1"}, "/healthz": {Network: "unix", Address: "/run/docker.sock"},
	} {
		if _, err := c.Get(c.ctx, at, page); !errors.Is(err, host.ErrNotReadOnly) {
			t.Errorf("%s%s: %v, want ErrNotReadOnly", at, page, err)
		}
	}
	_, err := c.Get(c.ctx, host.Endpoint{Network: "tcp", Address: "192.0.2.1:80"}, "/metrics")
	if err == nil || errors.Is(err, host.ErrNotListening) || errors.Is(err, host.ErrStuck) {
		t.Errorf("another machine's address: %v", err)
	}
}

// pageHangs: one that never answers holds nobody up, and can be given up.
func (c conformance) pageHangs(t *testing.T) {
	at := c.servePages(t)
	ctx, cancel := context.WithCancel(c.ctx)
	hung := make(chan error, 1)
	go func() {
		_, err := c.Get(ctx, at["silent"], "/metrics")
		hung <- err
	}()
	for range 5 {
		got, err := c.Get(host.Anew(c.ctx), at["chunked"], "/metrics")
		must(t, err)
		if string(got.Body) != "abcde" {
			t.Errorf("%q", got.Body)
		}
	}
	cancel()
	if err := <-hung; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that hangs: %v", err)
	}
	if n := strings.Count(c.Shell(t, `cat "$1/asked chunked"`, c.Dir), "GET "); n < 5 || n > 5 && !c.Twice {
		t.Errorf("five questions anew are %d on the host", n)
	}
}
