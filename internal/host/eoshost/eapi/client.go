package eapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aristanetworks/goeapi"

	"bisc/internal/host"
	"bisc/internal/host/eoshost/eapi/noconf"
)

var _ = noconf.Restore() // once goeapi has looked for its file

// requestLimit is how long a request may take: servers and proxies between give up at about this time, and the switch goes on with
// the command all the same (pyeapi #138, #184).
const requestLimit = 60 * time.Second

// Dial makes a connection: through the SSH connection to the switch, where network is "unix" or an address of the switch's own, or
// from here.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Client asks one switch. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
	base string
	ids  atomic.Int64

	mu      sync.Mutex
	session string // the cookie of a login; empty: none
	secrets redactor
}

// New makes a client; nothing is dialled before something is asked. Errors are those of the certificate's settings.
func New(cfg Config, dial Dial) (*Client, error) {
	network, address := cfg.Dialled()
	base := "http://localhost"
	// No proxy of the environment: what goes through SSH to the switch's own socket is nobody else's.
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, &dialError{err}
			}
			return conn, nil
		},
		MaxConnsPerHost: 4, IdleConnTimeout: requestLimit, MaxResponseHeaderBytes: 64 << 10,
	}
	if cfg.Mode == HTTPS {
		base = cfg.URL
		conf, err := cfg.tlsConfig()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = conf
	}
	return &Client{cfg: cfg, base: base, http: &http.Client{
		Transport: transport,
		// A redirection would take the password to wherever it says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// dialError is a connection that was not made: to ask at once again would be a turn for the same answer.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// Answer is what a switch said to one command: Result, or Err, which is a *host.ShowError where the switch refused it.
type Answer struct {
	Result map[string]any // JSON: numbers are json.Number; text: "output"
	Err    error
}

// Ask sends show commands in one request, in privileged mode: as JSON, or as text. The error is of the request as a whole; one
// command's refusal is its Answer's and keeps no other from being asked.
func (c *Client) Ask(ctx context.Context, text bool, commands ...string) ([]Answer, error) {
	for _, cmd := range commands {
		if err := host.ReadShow(cmd); err != nil || strings.HasSuffix(cmd, "| json") {
			return nil, fmt.Errorf("%w: %q over eAPI", host.ErrNotReadOnly, cmd)
		}
	}
	results, err := c.request(ctx, text, false, commands)
	var refused *Error
	switch {
	case errors.As(err, &refused): // by an EOS that knows no stopOnError: each by itself
		results = make([]map[string]any, len(commands))
	case err != nil:
		return nil, err
	}
	out := make([]Answer, len(commands))
	var alone []func(context.Context) error
	for i, r := range results {
		if out[i].Result = r; r != nil && len(errorsOf(r)) == 0 {
			continue
		}
		// The words do not tell the kind of refusal, and an answer may have a list of that name: asked alone it has a code.
		alone = append(alone, func(ctx context.Context) (err error) {
			out[i], err = c.askAlone(ctx, text, commands[i])
			return err
		})
	}
	if len(alone) == 0 {
		return out, nil
	}
	return out, host.Ask(ctx, alone...)
}

func (c *Client) askAlone(ctx context.Context, text bool, command string) (Answer, error) {
	results, err := c.request(ctx, text, true, []string{command})
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return Answer{Err: showError(command, refused)}, nil
	case err != nil:
		return Answer{}, err
	}
	return Answer{Result: results[0]}, nil
}

func showError(command string, e *Error) error {
	return &host.ShowError{Command: command, Text: e.Error(), Denied: e.Code == codeDenied, Unconverted: e.Code == codeUnconverted}
}

// request sends commands; all of them are reads, so a connection that breaks and a switch that fails inside are tried once more.
func (c *Client) request(ctx context.Context, text, stop bool, commands []string) ([]map[string]any, error) {
	results, err := c.try(ctx, text, stop, commands)
	var refused *Error
	var transport *TransportError
	again := errors.As(err, &transport) && !transport.unmade || errors.As(err, &refused) && refused.Code == codeInternal
	if again && ctx.Err() == nil {
		results, err = c.try(ctx, text, stop, commands)
	}
	return results, err
}

func (c *Client) try(ctx context.Context, text, stop bool, commands []string) ([]map[string]any, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, requestLimit, fmt.Errorf("eAPI: no answer within %s: %w", requestLimit, host.ErrStuck))
	defer cancel()
	enable, err := c.enable(ctx)
	if err != nil {
		return nil, err
	}
	encoding := "json"
	if text {
		encoding = "text"
	}
	on := &exchange{ctx: ctx, client: c, enable: enable, stop: stop}
	node := &goeapi.Node{}
	node.SetConnection(on)
	resp, err := node.RunCommands(commands, encoding)
	if err != nil {
		return nil, err
	}
	return resp.Result, nil
}

// enable is the first command of every request, for each is a command line of its own that begins without privilege [V].
func (c *Client) enable(ctx context.Context) (any, error) {
	if c.cfg.EnablePassword == nil {
		return "enable", nil
	}
	password, err := c.cfg.EnablePassword(ctx)
	if err != nil {
		return nil, err
	}
	c.keepSecret(password)
	return map[string]string{"cmd": "enable", "input": password}, nil
}

func (c *Client) keepSecret(secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets.add(secret)
}

func (c *Client) clean(s string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secrets.clean(s)
}

// Close logs out, where something had logged in, and ends the connections.
func (c *Client) Close() {
	if c.cookie() != "" {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _ = c.post(ctx, "/logout", nil) // the session ends by itself too
	}
	c.http.CloseIdleConnections()
}
