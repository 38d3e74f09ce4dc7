package sshhost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"bisc/internal/host"
)

// pageLimit is how long a page may take.
const pageLimit = 10 * time.Second

// Get asks for a page on the host.
func (h *Host) Get(ctx context.Context, at host.Endpoint, page string) (host.Response, error) {
	if err := host.ReadPage(at, page); err != nil {
		return host.Response{}, err
	}
	r := newRequest(opGet, min(h.limit, pageLimit), at.Network+" "+at.Address+" "+page)
	r.anew = host.IsAnew(ctx)
	a, err := h.ask(ctx, r)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, host.ErrNotListening) { // a socket that is not there has no listener either
		return host.Response{}, fmt.Errorf("get %s%s: %w", at, page, host.ErrNotListening)
	}
	if err != nil {
		return host.Response{}, err
	}
	answer, err := parsePage(a.out.Stdout)
	if err != nil {
		return host.Response{}, fmt.Errorf("get %s%s: %w", at, page, err)
	}
	return answer, nil
}

// parsePage reads what came over the wire: the answer to one GET, whole.
func parsePage(raw []byte) (host.Response, error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		answer, err := http.ReadResponse(r, &http.Request{Method: http.MethodGet})
		if err != nil {
			return host.Response{}, fmt.Errorf("what listens there does not speak HTTP, or was cut short: %w", err)
		}
		if answer.StatusCode < 200 { // a word in between
			continue
		}
		body, err := io.ReadAll(io.LimitReader(answer.Body, host.MaxPage+1))
		switch {
		case err != nil:
			return host.Response{}, fmt.Errorf("the page was cut short: %w", err)
		case len(body) > host.MaxPage:
			return host.Response{}, fmt.Errorf("the page is larger than %d MiB", host.MaxPage>>20)
		}
		date, _ := http.ParseTime(answer.Header.Get("Date")) // zero where there is none
		return host.Response{Status: answer.StatusCode, Date: date, Type: answer.Header.Get("Content-Type"), Body: body}, nil
	}
}
