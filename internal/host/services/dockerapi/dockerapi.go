// Package dockerapi asks a host's docker daemon: over its socket where the login may open that, else by the docker command on
// the privileged channel.
package dockerapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"bisc/internal/host"
	"bisc/internal/host/services"
)

// Socket is where dockerd listens.
const Socket = "/var/run/docker.sock"

// Run runs a program of the host's read-only list as root.
type Run func(ctx context.Context, argv ...string) (host.Output, error)

// API asks one host's daemon. It is safe for concurrent use.
type API struct {
	dial  services.Dial
	run   Run
	limit time.Duration // of a question

	mu     sync.Mutex
	client *client.Client // nil until the socket was opened
	first  net.Conn       // the connection by which it was, for the first question
	shut   bool           // the login may not open it: the command is asked
}

// New makes one of what dials on the host, and of what runs a program there. A question is given up after limit.
func New(dial services.Dial, run Run, limit time.Duration) *API {
	return &API{dial: dial, run: run, limit: limit}
}

// Close ends the connections that nobody uses.
func (a *API) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil {
		_ = a.client.Close()
	}
	if a.first != nil {
		_ = a.first.Close()
		a.first = nil
	}
}

// Ask gives docker's answer as JSON. The errors are those of host.Reader's Docker; host.ErrStuck is a daemon that takes the
// question and does not answer it.
func (a *API) Ask(ctx context.Context, q host.DockerQuery) ([]byte, error) {
	if err := q.Check(); err != nil {
		return nil, err
	}
	out, err := services.Within(ctx, a.limit, "dockerd", func(ctx context.Context) ([]byte, error) {
		if err := asleep(ctx, a.run); err != nil {
			return nil, err
		}
		c, err := a.open(ctx)
		if err != nil {
			return nil, err
		}
		if c != nil {
			out, err := ask(ctx, c, q)
			if !client.IsErrConnectionFailed(err) || ctx.Err() != nil {
				return out, err
			}
		}
		return command(ctx, a.run, q) // which tells why, too
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q, err)
	}
	return out, nil
}

// asleep refuses to ask a docker that does not run and whose socket systemd holds: the question would start it, and with it every
// container that restarts by itself, the validator's among them. Where systemd says nothing there is no such socket.
func asleep(ctx context.Context, run Run) error {
	out, err := run(ctx, "systemctl", "show", "-p", "Id,ActiveState", "--", "docker.socket", "docker.service")
	if errors.Is(err, host.ErrNoProgram) || err == nil && out.Exit != 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("see whether docker runs: %w", err)
	}
	state := map[string]string{}
	for block := range strings.SplitSeq(string(out.Stdout), "\n\n") {
		_, id, _ := strings.Cut(block, "Id=")
		id, _, _ = strings.Cut(id, "\n")
		_, is, _ := strings.Cut(block, "ActiveState=")
		state[id], _, _ = strings.Cut(is, "\n")
	}
	switch is := state["docker.service"]; {
	case state["docker.socket"] != "active", is == "active", is == "activating", is == "reloading":
		return nil
	default:
		return fmt.Errorf("%w: docker.service is %s, and to ask it would start it by its socket", host.ErrNotListening, is)
	}
}

// open gives the client, or nil where the socket cannot be opened: sshd does not say whether it is not there, nobody listens, or
// the login may not.
func (a *API) open(ctx context.Context) (*client.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != nil || a.shut {
		return a.client, nil
	}
	conn, err := a.dial(ctx, "unix", Socket)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, host.ErrUnreachable), errors.Is(err, host.ErrNotListening):
		return nil, err
	default:
		a.shut = true
		return nil, nil
	}
	// The host comes first: it would put its own dialler in the place of ours.
	a.client, err = client.New(client.WithHost("unix://"+Socket), client.WithDialContext(a.next))
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	a.first = conn
	return a.client, nil
}

// next gives the connection that open made, and then new ones. The address is docker's, whatever the client asks for.
func (a *API) next(ctx context.Context, _, _ string) (net.Conn, error) {
	a.mu.Lock()
	conn := a.first
	a.first = nil
	a.mu.Unlock()
	if conn != nil {
		return conn, nil
	}
	return a.dial(ctx, "unix", Socket)
}

// ask puts the question to the daemon.
func ask(ctx context.Context, c *client.Client, q host.DockerQuery) ([]byte, error) {
	var answer any
	switch q.What {
	case host.DockerContainer:
		got, err := c.ContainerInspect(ctx, q.Name, client.ContainerInspectOptions{})
		if err == nil {
			return got.Raw, nil
		}
		return nil, absent(err)
	case host.DockerImage:
		var raw bytes.Buffer
		_, err := c.ImageInspect(ctx, q.Name, client.ImageInspectWithRawResponse(&raw))
		return raw.Bytes(), absent(err)
	case host.DockerContainers:
		o := client.ContainerListOptions{All: true}
		if q.Label != "" {
			o.Filters = client.Filters{}.Add("label", q.Label)
		}
		got, err := c.ContainerList(ctx, o)
		if err != nil {
			return nil, err
		}
		answer = got.Items
	case host.DockerImages:
		got, err := c.ImageList(ctx, client.ImageListOptions{})
		if err != nil {
			return nil, err
		}
		answer = got.Items
	default:
		got, err := c.Info(ctx, client.InfoOptions{})
		if err != nil {
			return nil, err
		}
		answer = got.Info
	}
	return json.Marshal(answer)
}

func absent(err error) error {
	if errdefs.IsNotFound(err) {
		return fmt.Errorf("%w: %s", fs.ErrNotExist, strings.TrimSpace(err.Error()))
	}
	return err
}
