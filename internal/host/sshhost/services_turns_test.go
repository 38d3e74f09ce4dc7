package sshhost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	net "bisc/internal/lab/wire"
)

// TestServiceTurns: what a status asks of a validator's host costs the same few turns, whatever the number of its objects. Cold it is
// the login, the kubeconfig, the API server's TLS and the questions; warm they go out together.
func TestServiceTurns(t *testing.T) {
	l := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}})
	h := l.Host("a")
	_, q := apiServer(t, h)
	outOfBand(h)(t, `systemctl start docker
tar -C /usr/lib/bisc-lab -c standin | docker import - lab:1 >/dev/null; docker create --name here lab:1 /standin >/dev/null`)
	at := listenIn(t, h, "tcp", "127.0.0.1:0")
	serve(t, at, func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Method string }
		_ = json.NewDecoder(r.Body).Decode(&q)
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":1}`)
	})
	for _, user := range []string{"root", "ops"} {
		t.Run(user, func(t *testing.T) {
			px, err := net.New(h.Dial(), 30*time.Millisecond) // each way
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = px.Close() })
			cfg := config(h, user)
			cfg.Port = px.Port()
			began := time.Now()
			r, err := pool(t).Open(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			status(t, r, q, "http://"+at.Addr().String())
			cold, took := px.Counters().Turns, time.Since(began)
			var warm int64
			var warmTook time.Duration
			for again := 0; again == 0 || again < 5 && warm > 5; again++ { // a busy machine may send what was asked together apart
				was := px.Counters().Turns
				began = time.Now()
				status(t, r, q, "http://"+at.Addr().String())
				warm, warmTook = px.Counters().Turns-was, time.Since(began)
			}
			t.Logf("%s: cold %d turns, %s; warm %d turns, %s", user, cold, took, warm, warmTook)
			if cold > 16 || warm > 5 {
				t.Errorf("%d turns cold, %d warm; want at most 16 and 5", cold, warm)
			}
		})
	}
}

// status asks 40 questions of all sorts at once.
func status(t *testing.T, r host.Reader, q host.KubeQuery, rpc string) {
	t.Helper()
	var questions []func(context.Context) error
	for i := range 10 {
		q := q
		if i%2 == 0 {
			q.Name, q.Labels = "", fmt.Sprintf("app=%d", i)
		}
		questions = append(questions,
			func(ctx context.Context) error { _, err := r.Kube(ctx, q); return err },
			func(ctx context.Context) error { _, err := r.Query(ctx, "id", "-u", "--", "root"); return err },
			func(ctx context.Context) error {
				_, err := r.ReadFile(ctx, fmt.Sprintf("/proc/%d/stat", 1))
				return err
			})
	}
	for _, method := range []string{"getSlot", "getHealth", "getIdentity", "getVersion"} {
		questions = append(questions, func(ctx context.Context) error {
			_, err := r.RPC(ctx, host.RPCQuery{URL: rpc, Method: method})
			return err
		})
	}
	for _, d := range []host.DockerQuery{{What: host.DockerContainer, Name: "here"}, {What: host.DockerInfo}} {
		questions = append(questions, func(ctx context.Context) error { _, err := r.Docker(ctx, d); return err })
	}
	if err := host.Ask(t.Context(), questions...); err != nil {
		t.Fatal(err)
	}
}
