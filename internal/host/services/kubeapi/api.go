// Package kubeapi asks the API server that a kubeconfig on a host names, and writes to it, dialled from the host.
//
// client-go's dynamic client does it, over one HTTP/2 connection per context of a kubeconfig. Nothing of the operator's machine
// is used: no file, no environment, no proxy, no program that a kubeconfig would run.
package kubeapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"bisc/internal/host"
	"bisc/internal/host/services"
)

// API reaches the API servers of one host. It is safe for concurrent use.
type API struct {
	dial services.Dial
	read func(ctx context.Context, name string) ([]byte, error) // a file of the host
	// How long a question may take.
	limit time.Duration

	mu      sync.Mutex
	clients map[string]*client // by kubeconfig and context
}

// New makes one of what dials on the host, and of what reads its files as root. A question is given up after limit.
func New(dial services.Dial, read func(ctx context.Context, name string) ([]byte, error), limit time.Duration) *API {
	return &API{dial: dial, read: read, limit: limit, clients: map[string]*client{}}
}

// Close ends the connections that nobody uses.
func (a *API) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range a.clients {
		c.transport.CloseIdleConnections()
	}
}

// client is a way to one API server as one user, made of one content of a kubeconfig.
type client struct {
	objects   dynamic.Interface
	transport *http.Transport
	from      source
	gate      gate
}

// Ask gives an object or a list as JSON. The errors are those of host.Reader's Kube.
//
// A kubeconfig changes when its cluster is made anew, so it is read with each question, but not waited for: a known way is used
// at once, and the answer counts only if what the way was made of is still there.
func (a *API) Ask(ctx context.Context, q host.KubeQuery) ([]byte, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	out, err := services.Within(ctx, a.limit, q.String(), func(ctx context.Context) ([]byte, error) {
		if c := a.known(q.Kubeconfig, q.Context); c != nil {
			var out []byte
			var err error
			same := false
			asked := host.Ask(ctx,
				func(ctx context.Context) error { out, err = c.ask(ctx, q); return nil },
				func(ctx context.Context) (err error) { same, err = a.same(ctx, c.from); return err })
			if asked != nil {
				return nil, asked
			}
			if same {
				return out, err
			}
		}
		c, err := a.client(ctx, q.Kubeconfig, q.Context)
		if err != nil {
			return nil, err
		}
		return c.ask(ctx, q)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q, classify(ctx, q, err))
	}
	return out, nil
}

func (a *API) known(kubeconfig, which string) *client {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.clients[kubeconfig+"\x00"+which]
}

// client makes a way anew from the kubeconfig as it is now, or gives the one that was made of the same.
func (a *API) client(ctx context.Context, kubeconfig, which string) (*client, error) {
	cfg, from, err := a.load(ctx, kubeconfig, which)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.clients[kubeconfig+"\x00"+which]
	if was != nil && maps.Equal(was.from, from) {
		return was, nil
	}
	c, err := a.connect(cfg, from)
	if err != nil {
		return nil, unusable(kubeconfig, "%w", err)
	}
	if was != nil {
		was.transport.CloseIdleConnections()
	}
	a.clients[kubeconfig+"\x00"+which] = c
	return c, nil
}

// connect makes the client; it dials with the first question.
func (a *API) connect(cfg *rest.Config, from source) (*client, error) {
	tls, err := rest.TLSConfigFor(cfg)
	if err != nil {
		return nil, errors.New("its certificates or its key cannot be used (they are not shown)")
	}
	tr := &http.Transport{DialContext: a.dial, TLSClientConfig: tls, ForceAttemptHTTP2: true, TLSHandshakeTimeout: a.limit}
	plain := rest.CopyConfig(cfg)
	plain.TLSClientConfig, plain.Dial, plain.Proxy = rest.TLSClientConfig{}, nil, nil
	plain.Transport = once{tr}
	if tls != nil && plain.Host != "" { // without it a server without a scheme would be asked over HTTP
		plain.Host = withScheme(plain.Host)
	}
	over, err := rest.HTTPClientFor(plain)
	if err != nil {
		return nil, err
	}
	over.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	objects, err := dynamic.NewForConfigAndClient(plain, over)
	if err != nil {
		return nil, err
	}
	return &client{objects: objects, transport: tr, from: from}, nil
}
