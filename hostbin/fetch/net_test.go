package fetch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bisc/hostbin/cluster"
	"bisc/hostbin/snapshots"
)

// network is a small cluster in this process: an RPC, and nodes that serve snapshots, each with its own faults.
type network struct {
	t     *testing.T
	rpc   *httptest.Server
	mu    sync.Mutex
	slot  uint64
	move  uint64 // slots that the tip moves at each getSlot
	nodes []*node
}

// node serves archives as agave does: a redirection to the newest, and no ranges.
type node struct {
	net      *network
	server   *httptest.Server
	identity string

	mu                sync.Mutex
	full, incremental string // names; "" is 404
	files             map[string][]byte
	rate              int64 // bytes a second; 0 is as fast as it goes
	ranges            bool
	etag              string
	claim             int64 // a Content-Length that is a lie
	cut               int   // breaks each transfer off after so many bytes
	prefix            string
	absolute, noHead  bool
	gone              bool // its files are not there any more
	silent            bool // takes connections and says nothing
	asked             []string
	sent              int64
	onIncremental     func() // called at each question for the incremental
}

func startNetwork(t *testing.T, slot uint64) *network {
	t.Helper()
	n := &network{t: t, slot: slot}
	n.rpc = httptest.NewServer(http.HandlerFunc(n.answer))
	t.Cleanup(n.rpc.Close)
	return n
}

func (n *network) answer(w http.ResponseWriter, r *http.Request) {
	var q struct{ Method string }
	_ = json.NewDecoder(r.Body).Decode(&q)
	n.mu.Lock()
	defer n.mu.Unlock()
	reply := func(v any) { _ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "result": v}) }
	switch q.Method {
	case "getSlot":
		reply(n.slot)
		n.slot += n.move
	case "getClusterNodes":
		var list []map[string]any
		for _, node := range n.nodes {
			list = append(list, map[string]any{"pubkey": node.identity, "rpc": strings.TrimPrefix(node.server.URL, "http://"), "version": "3.1.9", "shredVersion": 50093})
		}
		reply(append(list, map[string]any{"pubkey": "quiet", "rpc": nil}))
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "error": map[string]any{"code": -32601, "message": "Method not found"}})
	}
}

func (n *network) add() *node {
	node := &node{net: n, identity: fmt.Sprintf("node%d", len(n.nodes)), files: map[string][]byte{}}
	node.server = httptest.NewServer(node)
	n.t.Cleanup(func() { node.server.CloseClientConnections(); node.server.Close() })
	n.mu.Lock()
	n.nodes = append(n.nodes, node)
	n.mu.Unlock()
	return node
}

// serves gives the node archives of these slots, of size bytes each, the newest last.
func (s *node) serves(size int, names ...string) *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		a, ok := snapshots.Parse(name)
		if !ok {
			s.net.t.Fatalf("%s is no archive's name", name)
		}
		s.files[name] = archive(s.net.t, a, size)
		if a.Incremental() {
			s.incremental = name
		} else {
			s.full = name
		}
	}
	return s
}

func (s *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	full, incremental, silent, hook := s.full, s.incremental, s.silent, s.onIncremental
	s.mu.Unlock()
	switch {
	case silent:
		<-r.Context().Done()
	case s.noHead && r.Method == http.MethodHead:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.URL.Path == "/snapshot.tar.bz2":
		s.redirect(w, r, full)
	case r.URL.Path == "/incremental-snapshot.tar.bz2":
		if hook != nil {
			hook()
			s.mu.Lock()
			incremental = s.incremental
			s.mu.Unlock()
		}
		s.redirect(w, r, incremental)
	default:
		s.file(w, r)
	}
}

func (s *node) redirect(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" {
		http.NotFound(w, r)
		return
	}
	to := s.prefix + "/" + name
	if s.absolute {
		to = s.server.URL + to
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func (s *node) file(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	body, ok := s.files[filepath.Base(r.URL.Path)]
	rate, cut, claim, gone := s.rate, s.cut, s.claim, s.gone
	s.mu.Unlock()
	if !ok || gone || !strings.HasPrefix(r.URL.Path, s.prefix+"/") {
		http.NotFound(w, r)
		return
	}
	if s.etag != "" {
		w.Header().Set("ETag", s.etag)
	}
	from, to, status := 0, len(body), http.StatusOK
	if span := r.Header.Get("Range"); s.ranges && span != "" {
		if _, err := fmt.Sscanf(span, "bytes=%d-%d", &from, &to); err == nil {
			to++
		} else {
			_, _ = fmt.Sscanf(span, "bytes=%d-", &from)
			to = len(body)
		}
		to, status = min(to, len(body)), http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(body)))
	}
	length := int64(to - from)
	if claim > 0 && status == http.StatusOK {
		length = claim
	}
	w.Header().Set("Content-Length", fmt.Sprint(length))
	w.WriteHeader(status)
	s.send(w, r, body[from:to], rate, cut, length)
}

// send writes in pieces, no faster than the rate.
func (s *node) send(w http.ResponseWriter, r *http.Request, body []byte, rate int64, cut int, length int64) {
	body = body[:min(int64(len(body)), length)]
	broken := cut > 0 && len(body) > cut
	if broken {
		body = body[:cut]
	}
	piece := 16 << 10
	began := time.Now()
	for done := 0; done < len(body); {
		n, err := w.Write(body[done:min(done+piece, len(body))])
		done += n
		s.mu.Lock()
		s.sent += int64(n)
		s.mu.Unlock()
		if err != nil {
			return
		}
		if rate > 0 {
			w.(http.Flusher).Flush()
			select {
			case <-time.After(time.Until(began.Add(time.Duration(float64(done) / float64(rate) * float64(time.Second))))):
			case <-r.Context().Done():
				return
			}
		}
	}
	if broken {
		panic(http.ErrAbortHandler)
	}
}

// order is one for tests: small bounds.
func order(t *testing.T, into string) Order {
	o := Defaults()
	o.Into, o.Poll, o.Reserve, o.Within = into, 5*time.Millisecond, 0, 30*time.Second
	o.Finding = cluster.Finding{
		Wants:  snapshots.Wants{MinSpeed: 1, Formats: []string{"tar.zst", "tar.lz4"}},
		Behind: snapshots.Span{Slots: 2000}, Probing: cluster.Probing{Parallel: 50, Timeout: 5 * time.Second}, Checks: 10, Long: 50 * time.Millisecond,
		Say: func(string, int, int) {},
	}
	return o
}

// run fetches, and gives what it came to with all that it said.
func (n *network) run(t *testing.T, o Order) (*snapshots.Result, string, error) {
	t.Helper()
	c, err := cluster.New(n.rpc.URL, o.From, o.Cap)
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	r, err := Run(t.Context(), c, o, NewProgress("fetch", &said, "", time.Hour))
	return r, said.String(), err
}

func newClient(n *network, o Order) (*cluster.Client, error) {
	return cluster.New(n.rpc.URL, o.From, o.Cap)
}
