package sshhost

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/services"
	"bisc/internal/lab"
)

// TestServicesRefuse: what an API server, a JSON-RPC server and sshd may do instead of answering, each told from the others. None
// of it is that there is no such object.
func TestServicesRefuse(t *testing.T) {
	t.Parallel()
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	s, q := apiServer(t, h)
	w := writer(t, pool(t), config(h, "ops"), "refuse")
	before := func(f func(http.ResponseWriter, *http.Request) bool) { s.Before.Store(&f) }
	var refused *host.KubeError
	for name, c := range map[string]struct {
		do func(http.ResponseWriter, *http.Request) bool
		is func(error) bool
	}{
		"503": {func(w http.ResponseWriter, _ *http.Request) bool { http.Error(w, "starting", 503); return true }, func(err error) bool { return errors.Is(err, host.ErrNoAPI) }},
		"403": {func(w http.ResponseWriter, _ *http.Request) bool { http.Error(w, "no", 403); return true }, func(err error) bool {
			return errors.As(err, &refused) && refused.Code == 403 && !errors.Is(err, host.ErrNoAPI)
		}},
		"cut":           {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, func(err error) bool { return errors.Is(err, host.ErrNoAPI) }},
		"another's 404": {func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }, func(err error) bool { return errors.As(err, &refused) && refused.Code == 404 }},
		"a list's 404": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(404)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"namespaces \"n\" not found","details":{"name":"n","kind":"namespaces"}}`)
			return true
		}, func(err error) bool { return errors.As(err, &refused) && refused.Code == 404 }},
	} {
		before(c.do)
		_, err := w.Kube(t.Context(), q)
		if err == nil || !c.is(err) || errors.Is(err, host.ErrNoObject) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Before.Store(nil)

	t.Run("kubeconfigs", func(t *testing.T) {
		for name, c := range map[string]struct{ text, says string }{
			"exec":          {"users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: /bin/evil, interactiveMode: Never}}}]", "running a program (exec: /bin/evil)"},
			"auth-provider": {"users: [{name: u, user: {auth-provider: {name: gcp}}}]", "auth-provider (gcp)"},
			"proxy":         {"users: []\nclusters: [{name: k, cluster: {server: 'https://127.0.0.1:1', proxy-url: 'http://127.0.0.1:3128'}}]", "proxy"},
			"no cluster":    {"clusters: []", "does not have"},
			"no context":    {"contexts: []", "it has no context"},
			"no file":       {"users: [{name: u, user: {tokenFile: /root/none}}]", "/root/none"},
			"secret text":   {"users: [{name: u, user: {token: {very: secret}}}]", "not shown"},
		} {
			text := "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
			for key, value := range map[string]string{"contexts": "[{name: c, context: {cluster: k, user: u}}]", "clusters": "[{name: k, cluster: {server: 'https://127.0.0.1:1'}}]", "users": "[{name: u, user: {}}]"} {
				if !strings.Contains(c.text, key+":") {
					text += key + ": " + value + "\n"
				}
			}
			outOfBand(h)(t, `printf %s "$1" >/root/odd`, text+c.text+"\n")
			odd := q
			odd.Kubeconfig = "/root/odd"
			_, err := w.Kube(t.Context(), odd)
			if !errors.Is(err, host.ErrNoAPI) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "very") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("a cluster made anew", func(t *testing.T) { // its kubeconfig is another at the same path: what the old one says is not taken
		if _, err := w.Kube(t.Context(), q); err != nil {
			t.Fatal(err)
		}
		other, at := apiServer(t, h)
		other.Set("/api/v1/namespaces/n/pods/p", strings.Replace(pod, "u-1", "u-2", 1))
		outOfBand(h)(t, `mv "$1" "$2"`, at.Kubeconfig, q.Kubeconfig)
		if out, err := w.Kube(t.Context(), q); err != nil || !strings.Contains(string(out), "u-2") {
			t.Errorf("%s %v", out, err)
		}
		outOfBand(h)(t, `printf %s "$2" >"$1"`, q.Kubeconfig, string(s.Kubeconfig))
	})
	t.Run("a write that is cut, and one that is not begun", func(t *testing.T) {
		k := host.Kube{Kubeconfig: q.Kubeconfig, Verb: host.KubeDelete, Resource: q.Resource, Namespace: "n", Name: "p", UID: "u-1"}
		before(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodDelete {
				panic(http.ErrAbortHandler)
			}
			return false
		})
		says(t, w.Do(t.Context(), k), host.ErrLost)
		s.Before.Store(nil)
		k.UID = "u-9"
		says(t, w.Do(t.Context(), k), host.ErrChanged, "nothing was done", "u-9")
		zero := int64(0)
		k.UID, k.Grace = "u-1", &zero
		if err := w.Do(t.Context(), k); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("no grace: %v", err)
		}
		if s.Object("/api/v1/namespaces/n/pods/p") == nil {
			t.Error("the pod went")
		}
		for _, sub := range []string{"eviction", "binding"} {
			if err := w.Do(t.Context(), host.Kube{Kubeconfig: q.Kubeconfig, Verb: host.KubeCreate, Resource: q.Resource, Namespace: "n", Name: "p", Sub: sub, Body: []byte(`{}`)}); err == nil {
				t.Errorf("%s was taken", sub)
			}
		}
	})
	t.Run("what changes between the looking and the write", func(t *testing.T) { // the guard's own time is the window
		k := host.Kube{Kubeconfig: q.Kubeconfig, Verb: host.KubeDelete, Resource: q.Resource, Namespace: "n", Name: "p", UID: "u-1"}
		var once sync.Once
		before(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodDelete {
				once.Do(func() { s.Set("/api/v1/namespaces/n/pods/p", strings.Replace(pod, "u-1", "u-3", 1)) })
			}
			return false
		})
		says(t, w.Do(t.Context(), k), host.ErrChanged)
		s.Before.Store(nil)
		if s.Object("/api/v1/namespaces/n/pods/p") == nil {
			t.Error("another pod of the same name was deleted")
		}
	})
	t.Run("recorded on the host", func(t *testing.T) {
		k := host.Kube{Kubeconfig: q.Kubeconfig, Verb: host.KubeMergePatch, Resource: q.Resource, Namespace: "n", Name: "p", Body: []byte(`{"metadata":{"annotations":{"x":"y"}}}`)}
		for i, guards := range [][]host.Guard{nil, {{Name: "never", Text: "exit 10"}}} {
			k.Guards = guards
			err := w.Do(host.WithRecord(t.Context(), host.Record{ID: int64(i + 1), Address: "a:agave.x", Step: k.String()}), k)
			if (err == nil) != (guards == nil) {
				t.Errorf("%v", err)
			}
		}
		if err := w.Do(t.Context(), host.Script{Argv: []string{"true"}}); err != nil { // the ends go with what is written next
			t.Error(err)
		}
		log := outOfBand(h)(t, "cat /var/lib/bisc/runs.log")
		for _, line := range []string{`step refuse/1 {`, "end refuse/1 0\n", "step refuse/2 {", "end refuse/2 75\n"} {
			if !strings.Contains(log, line) {
				t.Errorf("no %q in\n%s", line, log)
			}
		}
	})
	t.Run("all hang", func(t *testing.T) {
		stop := make(chan struct{})
		before(func(http.ResponseWriter, *http.Request) bool { <-stop; return true })
		at := listenIn(t, h, "tcp", "127.0.0.1:0")
		serve(t, at, func(http.ResponseWriter, *http.Request) { <-stop })
		t.Cleanup(func() { close(stop) })
		start := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := w.Kube(t.Context(), q)
			if !errors.Is(err, host.ErrNoAPI) || !errors.Is(err, host.ErrStuck) {
				t.Errorf("kube: %v", err)
			}
		})
		all.Go(func() {
			if _, err := w.RPC(t.Context(), host.RPCQuery{URL: "http://" + at.Addr().String(), Method: "getSlot"}); !errors.Is(err, host.ErrStuck) {
				t.Errorf("rpc: %v", err)
			}
		})
		all.Wait()
		if d := time.Since(start); d < services.Limit {
			t.Errorf("given up after %s, before the limit", d)
		}
	})
}

// TestForwardingOff: sshd's own setting keeps bisc from the host's services, and the error names it.
func TestForwardingOff(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	_, q := apiServer(t, h)
	outOfBand(h)(t, `echo AllowTcpForwarding no >/etc/ssh/sshd_config.d/00-off.conf; systemctl restart ssh.service`)
	r, err := ready(t, pool(t), config(h, "ops"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Kube(t.Context(), q)
	says(t, err, host.ErrForwarding, "AllowTcpForwarding", "ops", "127.0.0.1:")
	if errors.Is(err, host.ErrNoAPI) {
		t.Errorf("sshd's no is not the API's: %v", err)
	}
	_, err = r.RPC(t.Context(), host.RPCQuery{URL: "http://127.0.0.1:1", Method: "getSlot"})
	says(t, err, host.ErrForwarding, "AllowTcpForwarding")
	works(t, r)
	cfg := config(h, "ops")
	cfg.Reader = true
	looks, err := pool(t).Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer looks.Close()
	_, err = looks.Docker(t.Context(), host.DockerQuery{What: host.DockerInfo})
	says(t, err, host.ErrForwarding, "bisc schedule key")
}
