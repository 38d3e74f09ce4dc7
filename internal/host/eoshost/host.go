package eoshost

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/sshhost"
)

// Host is a switch that can be read. It implements host.Reader, and is safe for concurrent use.
type Host struct {
	pool   *sshhost.Pool
	cfg    Config
	conn   *sshhost.Conn
	enable enabling
	lines  *consoles
	shows  shower // lines, or eAPI

	is       identity
	mustEcho atomic.Bool // see startConsole
	secret   string      // enable's password, where it asked for one
	plain    bool        // consoles type nothing ahead: what was typed ahead was mixed up with the first answers
	eapi     Way
	early    <-chan answered // eAPI, asked while the first console is; nil: it was not
	can      capabilities
}

// shower answers show commands: the command line, or eAPI.
type shower interface {
	show(ctx context.Context, command string) ([]byte, error)
	close()
}

// Open connects to a switch for reading, and makes sure that it is the one that is meant. Errors of network, host key and login
// wrap host.ErrUnreachable.
func Open(ctx context.Context, pool *sshhost.Pool, cfg Config) (*Host, error) {
	conn, err := pool.Connect(ctx, cfg.SSH)
	if err != nil {
		return nil, err
	}
	h := &Host{pool: pool, cfg: cfg, conn: conn}
	h.enable = enabling{wanted: cfg.SSH.Become != sshhost.BecomeNone, password: askOnce(cfg.SSH.Name, cfg.EnablePassword)}
	c, err := h.meet(ctx)
	if errors.Is(err, errMixed) {
		h.plain = true
		c, err = h.meet(ctx)
	}
	if err != nil {
		unwanted(h.early)
		conn.Close()
		return nil, err
	}
	h.lines = newConsoles(h, c)
	h.shows = h.lines
	if err := h.useEAPI(ctx); err != nil {
		_ = h.Close()
		return nil, err
	}
	return h, nil
}

// meet opens the first console and finds out which switch this is.
func (h *Host) meet(ctx context.Context) (*console, error) {
	c, err := h.startConsole(ctx)
	if err != nil {
		return nil, err
	}
	h.secret = c.secret
	h.earlyEAPI(ctx)
	if h.is, err = c.identify(ctx, h.cfg); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// Name is the switch's name in the inventory.
func (h *Host) Name() string { return h.cfg.SSH.Name }

// HostKey is the fingerprint ("SHA256:...") of the key by which the switch proved to be itself.
func (h *Host) HostKey() string { return h.conn.HostKey() }

// Stats is what the connection has cost so far.
func (h *Host) Stats() sshhost.Stats { return h.conn.Stats() }

// Identity is the chassis (serial number and system address) and the boot of its kernel.
func (h *Host) Identity(context.Context) (machine, boot string, err error) {
	return h.is.machine(), h.is.boot, nil
}

// Show asks one show command; see host.Reader.
func (h *Host) Show(ctx context.Context, command string) ([]byte, error) {
	if err := host.ReadShow(command); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	return h.shows.show(ctx, command)
}

// Close ends the connection.
func (h *Host) Close() error {
	h.shows.close()
	h.lines.close()
	h.conn.Close()
	return nil
}

// silence is how long a switch may say nothing to a question; pageLimit is how long a page may take.
const (
	silence   = 30 * time.Second
	pageLimit = 10 * time.Second
)

// isJSON tells whether a question is for JSON.
func isJSON(command string) bool { return strings.HasSuffix(command, " | json") }
