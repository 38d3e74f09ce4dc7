package kubeapi

import (
	"context"
	"net/http/httptrace"
	"strings"
	"sync"
)

// gate has one question make the connection while the others wait: http.Transport would dial once for each of those that come
// together, and close all but one. Where it cannot be made they share the error, and do not try one after the other.
type gate struct {
	mu     sync.Mutex
	open   bool
	making *attempt
}

// attempt is a connection that is being made.
type attempt struct {
	done chan struct{}
	err  error
}

// through runs ask once there is a connection, or as the one that makes it.
func (g *gate) through(ctx context.Context, ask func(context.Context) error) error {
	g.mu.Lock()
	if !g.open && g.making == nil {
		mine := &attempt{done: make(chan struct{})}
		g.making = mine
		g.mu.Unlock()
		return g.first(ctx, mine, ask)
	}
	wait := g.making
	g.mu.Unlock()
	if wait != nil {
		select {
		case <-wait.done:
			if wait.err != nil {
				return wait.err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := ask(ctx)
	g.lost(err)
	return err
}

// first asks, and opens the gate as soon as there is a connection: the answer is not waited for. Where the asker itself gives up,
// that is no word on the connection, and those who wait try for themselves.
func (g *gate) first(ctx context.Context, mine *attempt, ask func(context.Context) error) error {
	var once sync.Once
	settle := func(open bool, err error) {
		once.Do(func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			mine.err = err
			g.open, g.making = open, nil
			close(mine.done)
		})
	}
	err := ask(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { settle(true, nil) }}))
	if ctx.Err() != nil {
		settle(false, nil)
	}
	settle(err == nil, err)
	g.lost(err)
	return err
}

// lost shuts the gate where a connection broke, so that one of the next makes it anew.
func (g *gate) lost(err error) {
	if broken(err) {
		g.mu.Lock()
		g.open = false
		g.mu.Unlock()
	}
}

// withScheme is a server's URL: one that names no scheme is https where there are certificates.
func withScheme(server string) string {
	if strings.Contains(server, "://") {
		return server
	}
	return "https://" + server
}
