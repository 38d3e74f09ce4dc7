package hosttest

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// KubeServer answers as an API server does, over TLS and HTTP/2 with client certificates: objects by their path, preconditions,
// Status for errors, a page of text for a path that it does not know. It is for a transport's tests, which need one that hangs, cuts
// and refuses on command; what a real API server makes of a write is tried on a real one.
type KubeServer struct {
	// Kubeconfig names it at its listener's address, with everything inline; its context is "lab".
	Kubeconfig []byte
	// CA, Cert and Key are the same, as PEM.
	CA, Cert, Key []byte
	// Before is called with each request, and answers it if it returns true.
	Before atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	// Connections counts those that were taken, and Requests those that came over them.
	Connections, Requests atomic.Int64

	at      net.Listener
	mu      sync.Mutex
	objects map[string]map[string]any // by path
	version int
}

// ServeKube serves on a listener until the test is over.
func ServeKube(t testing.TB, at net.Listener) *KubeServer {
	t.Helper()
	s := &KubeServer{at: at, objects: map[string]map[string]any{}, version: 100}
	server, roots, err := s.certificates()
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: s, ErrorLog: nil, ConnState: func(_ net.Conn, st http.ConnState) {
		if st == http.StateNew {
			s.Connections.Add(1)
		}
	}}
	web.TLSConfig = &tls.Config{Certificates: []tls.Certificate{server}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"h2", "http/1.1"}}
	go func() { _ = web.ServeTLS(at, "", "") }()
	t.Cleanup(func() { _ = web.Close() })
	return s
}

// Set puts an object (JSON) at a path, "/api/v1/namespaces/n/pods/p", with a version of its own.
func (s *KubeServer) Set(path, object string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var o map[string]any
	if err := json.Unmarshal([]byte(object), &o); err != nil {
		panic(err) // a mistake in the test
	}
	s.keep(path, o)
}

// Drop takes what is at a path away, as the API server does when the last finalizer of a deleted object is gone.
func (s *KubeServer) Drop(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, path)
}

// Object gives what is at a path by now, nil for nothing.
func (s *KubeServer) Object(path string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[path]
}

// keep stores an object under the next version; the lock is held.
func (s *KubeServer) keep(path string, o map[string]any) {
	s.version++
	meta, _ := o["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
		o["metadata"] = meta
	}
	meta["resourceVersion"] = fmt.Sprint(s.version)
	s.objects[path] = o
}

// ServeHTTP answers one request.
func (s *KubeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Requests.Add(1)
	if before := s.Before.Load(); before != nil && (*before)(w, r) {
		return
	}
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	folder, name := r.URL.Path, ""
	if parts := strings.Split(r.URL.Path, "/"); isObject(parts) {
		folder, name = strings.Join(parts[:len(parts)-1], "/"), parts[len(parts)-1]
	}
	if !strings.Contains(folder, "/v1/") {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	switch object := s.objects[r.URL.Path]; {
	case r.Method == http.MethodPost:
		s.create(w, folder, body)
	case name == "":
		s.list(w, r, folder)
	case object == nil:
		kind := folder[strings.LastIndexByte(folder, '/')+1:]
		status(w, 404, "NotFound", fmt.Sprintf("%s %q not found", kind, name), map[string]any{"name": name, "kind": kind})
	case r.Method == http.MethodGet:
		reply(w, 200, object)
	case r.Method == http.MethodDelete:
		s.remove(w, r.URL.Path, object, body)
	default:
		s.patch(w, r.URL.Path, object, body)
	}
}

// isObject tells /api/v1/[namespaces/N/]RESOURCE/NAME and /apis/G/V/... from the list of a resource.
func isObject(parts []string) bool {
	n := 3 // "", api, v1
	if len(parts) > 1 && parts[1] == "apis" {
		n = 4
	}
	if len(parts) > n+2 && parts[n] == "namespaces" {
		n += 2
	}
	return len(parts) == n+2
}

func (s *KubeServer) list(w http.ResponseWriter, r *http.Request, folder string) {
	items := []any{}
	key, value, selected := strings.Cut(r.URL.Query().Get("labelSelector"), "=")
	for path, o := range s.objects {
		meta, _ := o["metadata"].(map[string]any)
		labels, _ := meta["labels"].(map[string]any)
		if strings.HasPrefix(path, folder+"/") && (!selected || labels[key] == value) {
			items = append(items, o)
		}
	}
	reply(w, 200, map[string]any{"kind": "List", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": fmt.Sprint(s.version)}, "items": items})
}

func (s *KubeServer) create(w http.ResponseWriter, folder string, body []byte) {
	var o struct{ Metadata struct{ Name string } }
	var whole map[string]any
	if json.Unmarshal(body, &o) != nil || json.Unmarshal(body, &whole) != nil {
		status(w, 400, "BadRequest", "no JSON", nil)
		return
	}
	path := folder + "/" + o.Metadata.Name
	if s.objects[path] != nil {
		status(w, 409, "AlreadyExists", fmt.Sprintf("%q already exists", o.Metadata.Name), nil)
		return
	}
	s.keep(path, whole)
	reply(w, 201, whole)
}

func (s *KubeServer) remove(w http.ResponseWriter, path string, object map[string]any, body []byte) {
	var o struct {
		Preconditions struct{ UID, ResourceVersion string }
	}
	if len(body) > 0 && json.Unmarshal(body, &o) != nil {
		status(w, 400, "BadRequest", "no JSON", nil)
		return
	}
	if differs(object, o.Preconditions.UID, o.Preconditions.ResourceVersion) {
		status(w, 409, "Conflict", "Precondition failed", nil)
		return
	}
	meta, _ := object["metadata"].(map[string]any)
	if held, _ := meta["finalizers"].([]any); len(held) > 0 { // it goes when they do: see Drop
		meta["deletionTimestamp"] = "2026-03-07T10:00:00Z"
		s.keep(path, object)
		reply(w, 200, object)
		return
	}
	delete(s.objects, path)
	status(w, 200, "", "", nil)
}

func (s *KubeServer) patch(w http.ResponseWriter, path string, object map[string]any, body []byte) {
	var o struct {
		Metadata struct{ UID, ResourceVersion string }
	}
	var patch map[string]any
	if json.Unmarshal(body, &o) != nil || json.Unmarshal(body, &patch) != nil {
		status(w, 400, "BadRequest", "no JSON", nil)
		return
	}
	if differs(object, o.Metadata.UID, o.Metadata.ResourceVersion) {
		status(w, 409, "Conflict", "the object has been modified", nil)
		return
	}
	merge(object, patch)
	s.keep(path, object)
	reply(w, 200, object)
}

func differs(object map[string]any, uid, version string) bool {
	meta, _ := object["metadata"].(map[string]any)
	return uid != "" && meta["uid"] != uid || version != "" && meta["resourceVersion"] != version
}

// merge is RFC 7386.
func merge(into, patch map[string]any) {
	for k, v := range patch {
		below, isMap := v.(map[string]any)
		if was, ok := into[k].(map[string]any); ok && isMap {
			merge(was, below)
		} else if v == nil {
			delete(into, k)
		} else {
			into[k] = v
		}
	}
}

func status(w http.ResponseWriter, code int, reason, message string, details map[string]any) {
	how := "Failure"
	if code < 300 {
		how = "Success"
	}
	reply(w, code, map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": how, "code": code, "reason": reason, "message": message, "details": details})
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
