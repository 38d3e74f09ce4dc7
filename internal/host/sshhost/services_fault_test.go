package sshhost

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
)

// TestFaultF3_StoppedServerCarries: sshd stands still while services are asked over it, before they are dialled and behind a connection that
// stands; nobody waits for longer than the connection's own silence.
func TestFaultF3_StoppedServerCarries(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	_, q := apiServer(t, h)
	at := listenIn(t, h, "tcp", "127.0.0.1:0")
	serve(t, at, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":1}`) })
	signal := func(sig syscall.Signal) { outOfBand(h)(t, fmt.Sprintf("pkill -%d -x sshd", sig)) }
	cfg := config(h, "ops")
	cfg.ConnectTimeout = 5 * time.Second
	for _, warm := range []bool{false, true} {
		t.Run(fmt.Sprintf("dialled before %v", warm), func(t *testing.T) {
			r, err := ready(t, hurried(t), cfg)
			if err != nil {
				t.Fatal(err)
			}
			ask := map[string]func() error{
				"kube": func() error { _, err := r.Kube(t.Context(), q); return err },
				"rpc": func() error {
					_, err := r.RPC(t.Context(), host.RPCQuery{URL: "http://" + at.Addr().String(), Method: "getSlot"})
					return err
				},
				"docker": func() error { _, err := r.Docker(t.Context(), host.DockerQuery{What: host.DockerInfo}); return err },
			}
			if warm {
				for _, name := range []string{"kube", "rpc"} {
					if err := ask[name](); err != nil {
						t.Fatal(err)
					}
				}
			}
			signal(syscall.SIGSTOP)
			var all sync.WaitGroup
			for name, f := range ask {
				all.Go(func() {
					if err := f(); err == nil || errors.Is(err, host.ErrNoObject) || errors.Is(err, host.ErrNotListening) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			all.Wait()
			signal(syscall.SIGCONT)
		})
	}
}

// TestFaultF12_ServicesGoOn: a connection that is cut while questions are under way is made anew once, and they are asked again over it.
func TestFaultF12_ServicesGoOn(t *testing.T) {
	l := lab.ForTest(t, lab.Names("a"))
	h := l.Host("a")
	s, q := apiServer(t, h)
	came, cut := make(chan struct{}), make(chan struct{})
	hold := sync.OnceFunc(func() { close(came); <-cut })
	first := func(http.ResponseWriter, *http.Request) bool { hold(); return false }
	s.Before.Store(&first)
	px, cfg := through(t, h, "ops")
	r, err := ready(t, pool(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		_, err := r.Kube(t.Context(), q)
		got <- err
	}()
	<-came
	px.Cut()
	close(cut)
	if err := <-got; err != nil {
		t.Errorf("after the cut: %v", err)
	}
	if n := r.Stats().Logins; n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

// TestKubeWithoutPerl: where shells stand in for the agent, a write has its guards, its record and its end as anywhere.
func TestKubeWithoutPerl(t *testing.T) {
	t.Parallel()
	l := lab.ForTest(t, lab.Names("noperl"))
	h := l.Host("noperl")
	outOfBand(h)(t, "mv /usr/bin/perl /usr/bin/perl.away")
	s, q := apiServer(t, h)
	w := writer(t, pool(t), config(h, "ops"), "shells")
	k := host.Kube{Kubeconfig: q.Kubeconfig, Verb: host.KubeDelete, Resource: q.Resource, Namespace: "n", Name: "p", UID: "u-1"}
	for i, guards := range [][]host.Guard{{{Name: "never", Text: "exit 10"}}, {{Name: "always", Text: "exit 0"}}} {
		k.Guards = guards
		err := w.Do(host.WithRecord(t.Context(), host.Record{ID: int64(i + 1), Address: "a:agave.x", Step: k.String()}), k)
		var refused *host.GuardError
		if gone := s.Object("/api/v1/namespaces/n/pods/p") == nil; i == 0 && (!errors.As(err, &refused) || gone) || i == 1 && (err != nil || !gone) {
			t.Errorf("%d: %v, gone: %v", i, err, gone)
		}
	}
	if err := w.Do(t.Context(), host.Script{Argv: []string{"true"}}); err != nil {
		t.Error(err)
	}
	log := outOfBand(h)(t, "cat /var/lib/bisc/runs.log")
	for _, line := range []string{"end shells/1 75\n", "end shells/2 0\n"} {
		if !strings.Contains(log, line) {
			t.Errorf("no %q in\n%s", line, log)
		}
	}
}
