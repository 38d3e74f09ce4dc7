package eapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/aristanetworks/goeapi"

	"bisc/internal/host"
)

// exchange is a connection of goeapi's for one request: what carries the request's context to where goeapi has none.
type exchange struct {
	ctx    context.Context
	client *Client
	enable any
	stop   bool
	err    error
}

// Execute sends commands, the first of which is goeapi's enable, and gives as many results: goeapi takes that for granted.
func (x *exchange) Execute(commands []interface{}, encoding string) (*goeapi.JSONRPCResponse, error) {
	// The password never passes through goeapi, which trims it.
	commands = append([]any{x.enable}, commands[1:]...)
	id := "bisc-" + strconv.FormatInt(x.client.ids.Add(1), 10)
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "runCmds", "id": id,
		"params": map[string]any{"version": 1, "cmds": commands, "format": encoding, "stopOnError": x.stop}})
	if err != nil {
		return nil, err
	}
	results, err := x.client.send(x.ctx, body, id, len(commands))
	err = refusedEnable(results, err)
	if x.err = x.client.cleaned(x.ctx, err); x.err != nil {
		return nil, x.err
	}
	return &goeapi.JSONRPCResponse{Jsonrpc: "2.0", ID: id, Result: results}, nil
}

// SetTimeout does nothing: the context has the limit.
func (x *exchange) SetTimeout(uint32) {}

// SetDisableKeepAlive does nothing: connections are the client's.
func (x *exchange) SetDisableKeepAlive(bool) {}

// Error is the last request's.
func (x *exchange) Error() error { return x.err }

// errEnable: without privilege nothing that follows means anything.
var errEnable = errors.New("eAPI: enable was refused")

// refusedEnable tells a request whose first command failed, whether or not the rest was run, from others.
func refusedEnable(results []map[string]any, err error) error {
	var refused *Error
	if errors.As(err, &refused) && refused.At == 0 {
		return fmt.Errorf("%w: %s", errEnable, refused.Error())
	}
	if err != nil {
		return err
	}
	if words := errorsOf(results[0]); len(words) > 0 {
		return fmt.Errorf("%w: %s", errEnable, words[0])
	}
	return nil
}

// send posts a request, and once more after a new login where the last one's session has ended.
func (c *Client) send(ctx context.Context, body []byte, id string, commands int) ([]map[string]any, error) {
	if c.cfg.User != "" && c.cookie() == "" {
		if err := c.login(ctx); err != nil {
			return nil, err
		}
	}
	was := c.cookie()
	resp, err := c.post(ctx, "/command-api", body)
	if err == nil && resp.StatusCode == http.StatusUnauthorized && c.cfg.User != "" {
		_ = resp.Body.Close()
		c.forget(was)
		if err := c.login(ctx); err != nil {
			return nil, err
		}
		resp, err = c.post(ctx, "/command-api", body)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, badStatus(resp)
	}
	return readAnswer(resp.Body, id, commands)
}

func (c *Client) post(ctx context.Context, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if cookie := c.cookie(); cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	resp, err := c.http.Do(req)
	var of *url.Error
	if errors.As(err, &of) { // its address is no more than a name for the socket
		err = of.Err
	}
	if err != nil {
		return nil, &TransportError{Err: err, unmade: errors.As(err, new(*dialError)) || errors.As(err, new(*PinError))}
	}
	return resp, nil
}

// ErrLogin: the switch does not know the user or the password.
var ErrLogin = errors.New("eAPI: the login was refused (HTTP status 401): look at eapi_user and at where its password comes from")

func badStatus(resp *http.Response) error {
	if resp.StatusCode == http.StatusUnauthorized {
		return ErrLogin
	}
	return &TransportError{Status: resp.StatusCode, Err: errors.New("no answer of eAPI's (is \"management api http-commands\" configured, and not just starting?)")}
}

// cleaned puts what ended the context in the place of what it led to, and takes secrets out.
func (c *Client) cleaned(ctx context.Context, err error) error {
	var refused *Error
	var transport *TransportError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &transport):
		return &TransportError{Status: transport.Status, Err: cleanError{c.clean(transport.Err.Error()), transport.Err}, unmade: transport.unmade}
	case errors.As(err, &refused):
		clean := &Error{Code: refused.Code, Message: c.clean(refused.Message), At: refused.At, Results: refused.Results}
		for _, words := range refused.Errors {
			clean.Errors = append(clean.Errors, c.clean(words))
		}
		return clean
	}
	return cleanError{c.clean(err.Error()), err}
}

// cleanError is an error whose words are without secrets; what it wraps is for errors.Is only.
type cleanError struct {
	words string
	err   error
}

func (e cleanError) Error() string { return e.words }

// Is looks at the error it was made of, and gives it to nobody.
func (e cleanError) Is(target error) bool { return errors.Is(e.err, target) }

// Unreachable tells an error of the way to eAPI from an answer.
func Unreachable(err error) bool {
	var transport *TransportError
	return errors.As(err, &transport) || errors.Is(err, host.ErrStuck) || errors.Is(err, ErrLogin)
}
