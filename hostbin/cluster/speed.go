package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"bisc/hostbin/snapshots"
)

// Measure downloads from a URL for a time and gives bytes a second: from the first byte on, or where the file ends before, of the
// whole, connecting included. One that breaks off is an error.
func (c *Client) Measure(ctx context.Context, from string, long time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, long+5*time.Second) // to connect, and to begin
	defer cancel()
	asked := time.Now()
	body, _, err := c.Get(ctx, from, nil)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	buf := make([]byte, chunk)
	first, err := body.Read(buf)
	began, got := time.Now(), int64(0)
	for err == nil && time.Since(began) < long {
		var n int
		n, err = body.Read(buf)
		got += int64(n)
	}
	switch {
	case errors.Is(err, io.EOF):
		return int64(float64(int64(first)+got) / max(time.Since(asked), time.Microsecond).Seconds()), nil
	case err != nil:
		return 0, fmt.Errorf("it broke off after %s: %w", snapshots.Bytes(int64(first)+got), err)
	}
	return int64(float64(got) / time.Since(began).Seconds()), nil
}

// Get begins a download. No redirection is followed, and only the whole file (200) or the range that was asked for (206) is
// one. The cap holds for what is read.
func (c *Client) Get(ctx context.Context, from string, header http.Header) (io.ReadCloser, *http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	resp, err := c.downloads.RoundTrip(req)
	if err != nil {
		return nil, nil, fmt.Errorf("download %s: %w", from, err)
	}
	want := http.StatusOK
	if header.Get("Range") != "" {
		want = http.StatusPartialContent
	}
	if resp.StatusCode != want {
		_ = resp.Body.Close()
		return nil, resp, fmt.Errorf("download %s: %s, want %d", from, resp.Status, want)
	}
	return &capped{resp.Body, c, ctx}, resp, nil
}

// capped reads no faster than the client's cap.
type capped struct {
	io.ReadCloser
	client *Client
	ctx    context.Context
}

func (r *capped) Read(p []byte) (int, error) {
	if r.client.Cap == nil {
		return r.ReadCloser.Read(p)
	}
	n, err := r.ReadCloser.Read(p[:min(len(p), r.client.Cap.Burst())])
	if n > 0 {
		if late := r.client.Cap.WaitN(r.ctx, n); late != nil && err == nil {
			err = late
		}
	}
	return n, err
}
