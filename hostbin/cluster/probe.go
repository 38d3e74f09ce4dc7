package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"sync"
	"time"

	"bisc/hostbin/snapshots"
)

// Probing is how nodes are asked what they serve.
type Probing struct {
	Parallel int           // nodes at a time
	Timeout  time.Duration // of a node's first answer, connecting included; and of its second
}

// What every agave node answers with a redirection to its newest archive, whatever its format (rpc/src/rpc_service.rs).
const (
	fullPath        = "/snapshot.tar.bz2"
	incrementalPath = "/incremental-snapshot.tar.bz2"
)

// Probe asks all nodes at once, as many at a time as p says, and gives them in the same order.
func (c *Client) Probe(ctx context.Context, nodes []snapshots.Node, p Probing, done func(asked int)) []snapshots.Source {
	out := make([]snapshots.Source, len(nodes))
	next := make(chan int)
	var workers sync.WaitGroup
	var count sync.Mutex
	asked := 0
	for range min(p.Parallel, len(nodes)) {
		workers.Go(func() {
			for i := range next {
				out[i] = c.probeNode(ctx, nodes[i], p.Timeout)
				count.Lock()
				asked++
				done(asked)
				count.Unlock()
			}
		})
	}
	for i := range nodes {
		next <- i
	}
	close(next)
	workers.Wait()
	return out
}

// probeNode asks one node for both. One that does not answer the first question is not asked the second.
func (c *Client) probeNode(ctx context.Context, n snapshots.Node, limit time.Duration) snapshots.Source {
	s := snapshots.Source{Node: n}
	began := time.Now()
	full, err := c.served(ctx, n.RPC, fullPath, limit)
	s.Latency = time.Since(began)
	if err != nil && !errors.Is(err, errNothing) {
		s.Fault = err.Error()
		return s
	}
	if full != nil && !full.Incremental() {
		s.Full = full
	}
	incremental, err := c.served(ctx, n.RPC, incrementalPath, limit)
	if err == nil && incremental.Incremental() {
		s.Incremental = incremental
	}
	return s
}

var errNothing = errors.New("it has none")

// served asks where a node has its newest archive of one sort: HEAD, and GET where a proxy before it knows no HEAD. No
// redirection is followed: its Location is the answer, absolute or relative, with a path in front or without.
func (c *Client) served(ctx context.Context, at, what string, limit time.Duration) (*snapshots.Served, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		req, err := http.NewRequestWithContext(ctx, method, "http://"+at+what, nil)
		if err != nil {
			return nil, fmt.Errorf("the node's RPC %q is no address: %w", at, err)
		}
		resp, err := c.probes.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		_ = resp.Body.Close() // what is in it is not wanted
		switch {
		case resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented:
			continue
		case resp.StatusCode/100 != 3:
			return nil, fmt.Errorf("%w (%s)", errNothing, resp.Status)
		}
		return location(req.URL, resp.Header.Get("Location"))
	}
	return nil, errNothing
}

// location reads where an archive is: its name tells what it is, the rest how to come to it.
func location(asked *url.URL, to string) (*snapshots.Served, error) {
	u, err := asked.Parse(to)
	if err != nil || to == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%w (it redirects to %.80q)", errNothing, to)
	}
	a, ok := snapshots.Parse(path.Base(u.Path))
	if !ok {
		return nil, fmt.Errorf("%w (it redirects to %.80q, which is no archive)", errNothing, to)
	}
	u.Fragment = ""
	return &snapshots.Served{Archive: a, URL: u.String()}, nil
}
