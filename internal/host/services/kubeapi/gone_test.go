package kubeapi

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/internal/host/services"
)

// served is an API server on loopback, and the way to it.
func served(t *testing.T) (*hosttest.KubeServer, *API) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := hosttest.ServeKube(t, l)
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	a := New(dial, func(context.Context, string) ([]byte, error) { return s.Kubeconfig, nil }, services.Limit)
	t.Cleanup(a.Close)
	return s, a
}

// A deletion that waits ends when the object of its UID is gone, and not before: a claim is held by pvc-protection while a pod uses
// it, and what is made after it would meet it (biscayne.md 1.8).
func TestDeletionWaits(t *testing.T) {
	const path = "/api/v1/namespaces/ns/persistentvolumeclaims/c"
	const held = `{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"c","namespace":"ns","uid":"c-1","finalizers":["kubernetes.io/pvc-protection"]}}`
	step := host.Kube{Kubeconfig: "/k", Verb: host.KubeDelete, Resource: "v1/persistentvolumeclaims", Namespace: "ns", Name: "c", UID: "c-1", Wait: time.Minute}
	for name, tt := range map[string]struct {
		wait time.Duration
		then func(*hosttest.KubeServer) // once it was asked for three times after the deletion
		want string
	}{
		"it goes":            {time.Minute, func(s *hosttest.KubeServer) { s.Drop(path) }, ""},
		"another comes":      {time.Minute, func(s *hosttest.KubeServer) { s.Set(path, strings.ReplaceAll(held, "c-1", "c-2")) }, ""},
		"it stays":           {100 * time.Millisecond, func(*hosttest.KubeServer) {}, "not gone (held by kubernetes.io/pvc-protection"},
		"no finalizer, gone": {time.Minute, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, a := served(t)
			text := held
			if tt.then == nil {
				text = strings.Replace(held, `"kubernetes.io/pvc-protection"`, "", 1)
			}
			s.Set(path, text)
			var asked atomic.Int64
			before := func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet && s.Object(path)["metadata"].(map[string]any)["deletionTimestamp"] != nil {
					if asked.Add(1) == 3 {
						tt.then(s)
					}
				}
				return false
			}
			if tt.then != nil {
				s.Before.Store(&before)
			}
			k := step
			k.Wait = tt.wait
			act, err := a.Prepare(t.Context(), k)
			if err != nil {
				t.Fatal(err)
			}
			err = act.Do(t.Context())
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want %q", err, tt.want)
			}
			if tt.want == "" && tt.then != nil && asked.Load() < 3 {
				t.Errorf("it was said to be gone after %d looks, while it was there", asked.Load())
			}
		})
	}
}
