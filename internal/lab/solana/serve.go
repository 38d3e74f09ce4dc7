package solana

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"time"
)

// counted remembers what an answer was.
type counted struct {
	http.ResponseWriter
	status int
	sent   int64
}

func (w *counted) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *counted) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// serve answers for the node whose address was dialled.
func (c *Cluster) serve(w http.ResponseWriter, r *http.Request) {
	local, err := netip.ParseAddrPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
	i := c.nodeAt(local.Addr())
	if err != nil || i == -2 {
		panic(http.ErrAbortHandler)
	}
	out := &counted{ResponseWriter: w, status: http.StatusOK}
	said := Request{Node: i, Method: r.Method, Path: r.URL.Path}
	defer func() {
		said.Status, said.Sent = out.status, out.sent
		c.note(said)
	}()
	if r.Method == http.MethodPost {
		said.Path = c.rpc(out, r, i)
		return
	}
	if i == -1 {
		http.NotFound(out, r)
		return
	}
	n, tip := c.look(i)
	if !n.ahead(out, r) {
		c.page(out, r, i, n, tip)
	}
}

func (c *Cluster) page(w http.ResponseWriter, r *http.Request, i int, n Node, tip uint64) {
	full, incremental := n.names(tip)
	if n.Without {
		full, incremental = "", ""
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), n.Prefix+"/")
	switch r.URL.Path {
	case "/health":
		fmt.Fprint(w, "ok")
	case "/snapshot.tar.bz2":
		c.redirect(w, r, i, n, full)
	case "/incremental-snapshot.tar.bz2":
		c.redirect(w, r, i, n, incremental)
	default:
		gone := n.Fault == FaultVanish && n.probed || n.Fault == FaultElsewhere
		if name == "" || gone || name != full && name != incremental {
			http.NotFound(w, r)
			return
		}
		size := n.Size
		if name == incremental {
			size = n.IncrementalSize
		}
		c.transfer(w, r, i, n, c.body(name == full, size, n.Variant))
	}
}

// redirect is agave's answer to the two fixed names, whatever the method (solana.md G.1).
func (c *Cluster) redirect(w http.ResponseWriter, r *http.Request, i int, n Node, name string) {
	gone := n.Fault == FaultVanish && n.probed
	c.Set(i, func(n *Node) { n.probed = true })
	if name == "" || gone {
		http.NotFound(w, r)
		return
	}
	if n.Fault == FaultLocation {
		name = "snapshot-latest.html"
	}
	w.Header().Set("Location", n.location(c.Addr(i).String(), name))
	w.WriteHeader(http.StatusSeeOther)
}

// slice is how much is sent at a time.
const slice = 16 << 10

func (c *Cluster) transfer(w http.ResponseWriter, r *http.Request, i int, n Node, body []byte) {
	from, length := 0, len(body)
	w.Header().Set("Content-Type", "application/octet-stream")
	switch {
	case n.Fault == FaultCorrupt:
		body = append([]byte(nil), body...)
		body[len(body)/2] ^= 0x55
	case n.Fault == FaultLong:
		body = body[:len(body)/2]
		length = len(body)
	}
	if n.Range && n.ranged(r, &from, len(body)) {
		length = len(body) - from
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
	}
	if n.Range {
		w.Header().Set("Accept-Ranges", "bytes")
	}
	w.Header().Set("Content-Length", fmt.Sprint(length))
	if r.Method == http.MethodHead {
		return
	}
	if w.Header().Get("Content-Range") != "" {
		w.WriteHeader(http.StatusPartialContent)
	}
	end := len(body)
	if n.Fault == FaultShort || n.Fault == FaultBreaks && !n.broke {
		c.Set(i, func(n *Node) { n.broke = true })
		end = from + (end-from)/2
	}
	n.send(w, r, body[from:end])
	if end < len(body) {
		flush(w) // what was sent arrives before the end does
		panic(http.ErrAbortHandler)
	}
}

// ranged reads a Range of the form that resumes: bytes=N-, or bytes=0-0 as a probe.
func (n Node) ranged(r *http.Request, from *int, size int) bool {
	var at int
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &at); err != nil || at >= size {
		return false
	}
	*from = at
	return true
}

// send writes at the node's speed, until the client has gone.
func (n Node) send(w http.ResponseWriter, r *http.Request, body []byte) {
	start, sent := time.Now(), 0
	for len(body) > 0 && r.Context().Err() == nil {
		part := body[:min(slice, len(body))]
		if _, err := w.Write(part); err != nil {
			return
		}
		body, sent = body[len(part):], sent+len(part)
		if n.Speed == 0 {
			continue
		}
		flush(w)
		due := start.Add(time.Duration(float64(sent) / float64(n.Speed) * float64(time.Second)))
		select {
		case <-r.Context().Done():
		case <-time.After(time.Until(due)):
		}
	}
}

func flush(w http.ResponseWriter) {
	if f, ok := w.(*counted).ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}
