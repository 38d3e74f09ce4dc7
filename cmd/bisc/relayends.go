package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"bisc/cmd/bisc/figures"
	"bisc/internal/host"
	"bisc/internal/scrape"
)

// end is a daemon of the relay and how to ask it.
type end struct {
	name string // which daemon is expected; empty: any
	at   string
	get  func(ctx context.Context, page string) (host.Response, error)
}

// serving is a resource that runs a daemon of the relay which serves its metrics.
type serving interface {
	Watch() (daemon string, at host.Endpoint, ok bool)
}

// hostError is about a host, not about one of its daemons.
type hostError struct{ error }

func (e hostError) Unwrap() error { return e.error }

// relayEnds are the daemons that the plan has on a host, in its order.
func (s *session) relayEnds(name string) []end {
	var out []end
	for _, st := range s.stages {
		for _, it := range st.Items {
			w, ok := it.Resource.(serving)
			if !ok || st.Host != name || it.Invariant {
				continue
			}
			if daemon, at, ok := w.Watch(); ok {
				out = append(out, end{daemon, at.String(), func(ctx context.Context, page string) (host.Response, error) {
					h, err := s.Reader(ctx, name)
					if err != nil {
						return host.Response{}, hostError{err}
					}
					return h.Get(host.Anew(ctx), at, page)
				}})
			}
		}
	}
	return out
}

// ask looks at a daemon once: its figures and its health, in one turn.
func (e end) ask(ctx context.Context) figures.Asked {
	var a figures.Asked
	var metrics host.Response
	_ = host.Ask(ctx, // each keeps its own error
		func(ctx context.Context) error { metrics, a.Err = e.get(ctx, "/metrics"); return nil },
		func(ctx context.Context) error { a.Health, a.Sick = e.get(ctx, "/healthz"); return nil })
	if a.Err == nil && metrics.Status != http.StatusOK {
		a.Err = fmt.Errorf("its /metrics answers %d", metrics.Status)
	}
	if a.Err == nil {
		a.Page, a.Err = scrape.Parse(metrics.Body, time.Now())
		a.Clock = metrics.Date
	}
	return a
}

// directLimit is how long a page may take that bisc itself asks for.
const directLimit = 5 * time.Second

// directEnds are daemons by the URL of their metrics, asked from here without SSH.
func directEnds(urls []string) ([]end, error) {
	client := &http.Client{
		Timeout: directLimit, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true, DialContext: (&net.Dialer{Timeout: directLimit}).DialContext},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var out []end
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || !slices.Contains([]string{"", "/", "/metrics"}, u.Path) {
			return nil, fmt.Errorf("--url %q: write http://ADDRESS:PORT/metrics", raw)
		}
		base := "http://" + u.Host
		out = append(out, end{"", base, func(ctx context.Context, page string) (host.Response, error) {
			return getDirect(ctx, client, base+page)
		}})
	}
	return out, nil
}

func getDirect(ctx context.Context, client *http.Client, url string) (host.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return host.Response{}, err
	}
	answer, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return host.Response{}, fmt.Errorf("get %s: %w", url, host.ErrNotListening)
	}
	if err != nil {
		return host.Response{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, host.MaxPage+1))
	switch {
	case err != nil:
		return host.Response{}, fmt.Errorf("get %s: %w", url, err)
	case len(body) > host.MaxPage:
		return host.Response{}, fmt.Errorf("get %s: the page is larger than %d MiB", url, host.MaxPage>>20)
	}
	date, _ := http.ParseTime(answer.Header.Get("Date")) // zero where there is none
	return host.Response{Status: answer.StatusCode, Type: strings.TrimSpace(answer.Header.Get("Content-Type")), Date: date, Body: body}, nil
}
