// Package rpcapi asks JSON-RPC servers over connections that a host makes: the validator's own port, which listens on the host
// alone, and a cluster's public endpoint by its name.
package rpcapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/services"
)

// Most is the most of an answer that is taken, in bytes: what getClusterNodes tells of 5,000 nodes is about 4 MB.
const Most = 32 << 20

// API asks. It is safe for concurrent use.
type API struct {
	over  *http.Client
	limit time.Duration // of a question
}

// New makes one of what dials on the host; a question is given up after limit. No proxy and no cookie of this machine is used, and no redirection is followed.
func New(dial services.Dial, limit time.Duration) *API {
	return &API{limit: limit, over: &http.Client{
		Transport: &http.Transport{
			DialContext: dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: limit, IdleConnTimeout: time.Minute, MaxIdleConnsPerHost: 4,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close ends the connections that nobody uses.
func (a *API) Close() { a.over.CloseIdleConnections() }

// Ask gives the result. The errors are those of host.Reader's RPC; host.ErrStuck is a server that takes the question and does not
// answer it.
func (a *API) Ask(ctx context.Context, q host.RPCQuery) ([]byte, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	out, err := services.Within(ctx, a.limit, q.Method, func(ctx context.Context) ([]byte, error) { return a.ask(ctx, q) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q, err)
	}
	return out, nil
}

func (a *API) ask(ctx context.Context, q host.RPCQuery) ([]byte, error) {
	params := json.RawMessage(q.Params)
	if q.Params == "" {
		params = json.RawMessage("[]")
	}
	body, err := json.Marshal(struct {
		Version string          `json:"jsonrpc"`
		ID      int             `json:"id"`
		Method  string          `json:"method"`
		Params  json.RawMessage `json:"params"`
	}{"2.0", 1, q.Method, params})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "bisc")
	resp, err := a.over.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, Most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the answer was cut short: %w", err)
	case len(text) > Most:
		return nil, fmt.Errorf("the answer is larger than %d MiB", Most>>20)
	}
	return read(resp.StatusCode, resp.Status, text)
}

// read takes the result, or the server's no, out of an answer. Proxies in front of a public endpoint answer with a status and no
// JSON-RPC.
func read(code int, status string, text []byte) ([]byte, error) {
	var answer struct {
		Version string           `json:"jsonrpc"`
		Result  json.RawMessage  `json:"result"`
		Error   *json.RawMessage `json:"error"`
	}
	err := json.Unmarshal(text, &answer)
	spoke := err == nil && answer.Version == "2.0"
	var no host.RPCError
	switch {
	case spoke && answer.Error != nil && string(*answer.Error) != "null":
		if err := json.Unmarshal(*answer.Error, &no); err != nil {
			return nil, errors.New("the server says no, and not how JSON-RPC does")
		}
		return nil, &no
	case code != http.StatusOK:
		return nil, fmt.Errorf("HTTP %s", status)
	case !spoke || answer.Result == nil:
		return nil, errors.New("what listens there does not speak JSON-RPC 2.0")
	}
	return answer.Result, nil
}
