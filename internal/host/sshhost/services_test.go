package sshhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	stdnet "net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netns"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/internal/lab"
)

// listenIn listens on a lab host's own loopback, where nobody else gets to.
func listenIn(t *testing.T, h *lab.Host, network, address string) stdnet.Listener {
	t.Helper()
	if network == "unix" {
		l, err := stdnet.Listen(network, h.Root()+address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	type made struct {
		l   stdnet.Listener
		err error
	}
	got := make(chan made)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with this goroutine
		ns, err := netns.GetFromPid(h.Leader())
		if err == nil {
			err = netns.Set(ns)
			_ = ns.Close()
		}
		if err != nil {
			got <- made{nil, err}
			return
		}
		l, err := stdnet.Listen(network, address)
		got <- made{l, err}
	}()
	m := <-got
	if m.err != nil {
		t.Fatal(m.err)
	}
	t.Cleanup(func() { _ = m.l.Close() })
	return m.l
}

const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"n","uid":"u-1","labels":{"app":"x"}}}`

// apiServer is a kubeconfig on a lab host, and what it leads to.
func apiServer(t *testing.T, h *lab.Host) (*hosttest.KubeServer, host.KubeQuery) {
	t.Helper()
	s := hosttest.ServeKube(t, listenIn(t, h, "tcp", "127.0.0.1:0"))
	file := fmt.Sprintf("/root/%s.kubeconfig", strings.ReplaceAll(t.Name(), "/", "-"))
	outOfBand(h)(t, `printf %s "$2" >"$1"; chmod 600 "$1"`, file, string(s.Kubeconfig))
	s.Set("/api/v1/namespaces/n/pods/p", pod)
	return s, host.KubeQuery{Kubeconfig: file, Resource: "v1/pods", Namespace: "n", Name: "p"}
}

// TestKube asks and writes through a real sshd, as a user who can read the kubeconfig by sudo alone.
func TestKube(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	s, q := apiServer(t, h)
	w := writer(t, pool(t), config(h, "ops"), "kube")
	t.Run("at once, over one connection", func(t *testing.T) {
		for i := range 20 {
			s.Set(fmt.Sprintf("/api/v1/namespaces/n/pods/many-%d", i), pod)
		}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				q := q
				q.Name = fmt.Sprintf("many-%d", i)
				if _, err := w.Kube(t.Context(), q); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := s.Connections.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
	t.Run("object and list", func(t *testing.T) {
		out, err := w.Kube(t.Context(), q)
		var got struct{ Metadata struct{ UID string } }
		if err != nil || json.Unmarshal(out, &got) != nil || got.Metadata.UID != "u-1" {
			t.Errorf("%s %v", out, err)
		}
		some := q
		some.Name, some.Labels = "", "app=y"
		if out, err := w.Kube(t.Context(), some); err != nil || !strings.Contains(string(out), `"items":[]`) {
			t.Errorf("a list of none: %s %v", out, err)
		}
	})
	t.Run("not there", func(t *testing.T) {
		none := q
		none.Name = "none"
		_, err := w.Kube(t.Context(), none)
		says(t, err, host.ErrNoObject, "n v1/pods/none")
		strange := q
		strange.Resource = "example.org/v2/things" // the server knows no path of it: 404 without a Status
		if _, err := w.Kube(t.Context(), strange); err == nil || errors.Is(err, host.ErrNoObject) || !strings.Contains(err.Error(), "no resource") {
			t.Errorf("an unknown resource: %v", err)
		}
		away := q
		away.Kubeconfig = "/root/none"
		if _, err := w.Kube(t.Context(), away); !errors.Is(err, host.ErrNoAPI) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no kubeconfig: %v", err)
		}
	})
	t.Run("writes", func(t *testing.T) {
		version := s.Object("/api/v1/namespaces/n/pods/p")["metadata"].(map[string]any)["resourceVersion"].(string)
		k := host.Kube{Kubeconfig: q.Kubeconfig, Verb: host.KubeMergePatch, Resource: q.Resource, Namespace: "n", Name: "p", UID: "u-1", Version: version,
			Body: []byte(`{"metadata":{"annotations":{"a":"b"}}}`)}
		if err := w.Do(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		says(t, w.Do(t.Context(), k), host.ErrChanged, "its version was "+version) // the same again: it is another version by now
		refuses := k
		refuses.Version, refuses.Guards = "", []host.Guard{{Name: "never", Text: "echo because; exit 10"}}
		refuses.Body = []byte(`{"metadata":{"annotations":{"a":"never"}}}`)
		var guard *host.GuardError
		if err := w.Do(t.Context(), refuses); !errors.As(err, &guard) || guard.Reason != "because" {
			t.Errorf("guarded: %v", err)
		}
		if o := fmt.Sprint(s.Object("/api/v1/namespaces/n/pods/p")); !strings.Contains(o, "a:b") {
			t.Errorf("the object is %s", o)
		}
	})
}

// TestRPC asks JSON-RPC servers on the host.
func TestRPC(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	at := listenIn(t, h, "tcp", "127.0.0.1:0")
	serve(t, at, func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Method string }
		_ = json.NewDecoder(r.Body).Decode(&q)
		if q.Method == "getHealth" {
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"Node is behind by 42 slots","data":{"numSlotsBehind":42}}}`)
			return
		}
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":1234}`)
	})
	r, err := ready(t, pool(t), config(h, "ops"))
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := stdnet.SplitHostPort(at.Addr().String())
	for _, name := range []string{"127.0.0.1", "localhost"} { // a name is resolved by the host
		out, err := r.RPC(t.Context(), host.RPCQuery{URL: "http://" + name + ":" + port, Method: "getSlot"})
		if err != nil || string(out) != "1234" {
			t.Errorf("%s: %s %v", name, out, err)
		}
	}
	var no *host.RPCError
	_, err = r.RPC(t.Context(), host.RPCQuery{URL: "http://" + at.Addr().String(), Method: "getHealth"})
	if !errors.As(err, &no) || no.Code != -32005 || string(no.Data) != `{"numSlotsBehind":42}` {
		t.Errorf("behind: %v", err)
	}
	if err := at.Close(); err != nil {
		t.Error(err)
	}
	_, err = r.RPC(t.Context(), host.RPCQuery{URL: "http://127.0.0.1:1", Method: "getSlot"})
	says(t, err, host.ErrNotListening)
}

func serve(t *testing.T, at stdnet.Listener, f http.HandlerFunc) {
	t.Helper()
	s := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(at) }()
	t.Cleanup(func() { _ = s.Close() })
}
