package sshhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"bisc/internal/host"
)

// Host is a host that can be read. It implements host.Reader, and is safe for concurrent use.
type Host struct {
	pool  *Pool
	cfg   *Config
	stats *counters
	limit time.Duration // of a question
	// regain takes the lock on a new connection; nil for a reader. locked: the run has had the lock.
	regain func(context.Context, *channel) error
	locked atomic.Bool
	closed context.Context // ends with Close
	close  context.CancelFunc

	mu    sync.Mutex
	c     *channel
	again *revival // nil until a connection was lost
	past  Stats    // turns and bytes of the connection that was lost
	apis  apis
}

func newHost(p *Pool, conn *connection) *Host {
	h := &Host{pool: p, cfg: conn.cfg, stats: &counters{s: Stats{Logins: 1}}, limit: conn.cfg.answer()}
	h.closed, h.close = context.WithCancel(context.Background())
	h.c = newChannel(p, conn, h.stats)
	h.apis = newAPIs(h)
	return h
}

// Name is the host's name in the inventory.
func (h *Host) Name() string { return h.cfg.Name }

// HostKey is the fingerprint ("SHA256:...") of the key by which the host proved to be itself.
func (h *Host) HostKey() string { return h.channel().conn.hostKey }

// Ready waits until the privileged channel is up. The error wraps host.ErrUnreachable: sudo refused, no Linux, ...
func (h *Host) Ready(ctx context.Context) error { return h.channel().waitReady(ctx) }

// Up is closed when the privileged channel is up. Until then an answer may take as long as an operator takes to type
// sudo's password, or, once the connection was lost, as the new one takes.
func (h *Host) Up() <-chan struct{} {
	c := h.channel()
	if why := c.lost(); why != nil {
		if r := h.revival(c, why); r != nil {
			return r.done
		}
	}
	return c.ready
}

// AnswerLimit is how long a question may take.
func (h *Host) AnswerLimit() time.Duration { return h.limit }

// Stats is what the connection has cost so far.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, counted := h.stats.get(), h.counted()
	s.Turns, s.Sent, s.Got = counted.Turns, counted.Sent, counted.Got
	s.Dial, s.Handshake = h.c.conn.dialled, h.c.conn.shook
	return s
}

// counted is the turns and bytes of all connections. The lock is held.
func (h *Host) counted() Stats {
	turns, sent, got := h.c.conn.wire.counts()
	return Stats{Turns: h.past.Turns + turns, Sent: h.past.Sent + sent, Got: h.past.Got + got}
}

// Close ends the connection.
func (h *Host) Close() error {
	h.close()
	h.apis.close()
	h.channel().fail(fmt.Errorf("%s: %w: it was closed", h.Name(), host.ErrUnreachable))
	return nil
}

// Query runs a program of the read-only list.
func (h *Host) Query(ctx context.Context, argv ...string) (host.Output, error) {
	if err := host.ReadOnly(argv); err != nil {
		return host.Output{}, err
	}
	return h.run(ctx, argv)
}

// Show is a switch's: a Linux host answers host.ErrNoSwitch.
func (h *Host) Show(context.Context, string) ([]byte, error) { return nil, host.ErrNoSwitch }

// Probe runs any program.
func (h *Host) Probe(ctx context.Context, argv ...string) (host.Output, error) {
	if h.c.cfg.Reader {
		return host.Output{}, fmt.Errorf("%w: over a key that only looks no program of the plan's is run", host.ErrNoProbes)
	}
	return h.run(ctx, argv)
}

func (h *Host) run(ctx context.Context, argv []string) (host.Output, error) {
	if err := checkArgv(argv); err != nil {
		return host.Output{}, err
	}
	a, err := h.ask(ctx, newRequest(opRun, h.limit, argv...))
	if err != nil {
		return host.Output{}, err
	}
	return host.Output{Stdout: slices.Clone(a.out.Stdout), Stderr: slices.Clone(a.out.Stderr), Exit: a.out.Exit}, nil
}

// checkArgv refuses what no exec can take: a NUL would end a word early.
func checkArgv(argv []string) error {
	if len(argv) == 0 || argv[0] == "" {
		return errors.New("an empty command")
	}
	for _, w := range argv {
		if strings.ContainsRune(w, 0) {
			return fmt.Errorf("%s: a word holds a NUL byte", argv[0])
		}
	}
	return nil
}

func checkPath(verb, name string) error {
	if !strings.HasPrefix(name, "/") || strings.ContainsRune(name, 0) {
		return fmt.Errorf("%s %q: want an absolute path without NUL", verb, name)
	}
	return nil
}

// ask is on the stack of every question that waits, and an answer is large: it goes by pointer.
func (h *Host) ask(ctx context.Context, r *request) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return &answer{}, context.Cause(ctx)
	}
	c := h.channel()
	a, err := c.waves.ask(ctx, r)
	if err == nil || ctx.Err() != nil || !mayAskAgain(r) || !errors.Is(err, host.ErrUnreachable) || !c.wasCut(err) {
		return a, err
	}
	if c, err = h.revive(ctx, c, err); err != nil {
		return &answer{}, err
	}
	return c.waves.ask(ctx, r.onceMore())
}

// ReadFile returns a whole regular file.
func (h *Host) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if err := checkPath("read", name); err != nil {
		return nil, err
	}
	a, err := h.ask(ctx, newRequest(opRead, h.limit, name))
	if err != nil {
		return nil, err
	}
	return append([]byte{}, a.out.Stdout...), nil
}

// Glob lists paths, sorted.
func (h *Host) Glob(ctx context.Context, pattern string) ([]string, error) {
	if err := checkPath("list", pattern); err != nil {
		return nil, err
	}
	a, err := h.ask(ctx, newRequest(opGlob, h.limit, pattern))
	if err != nil || a.file == "" {
		return nil, err
	}
	names := strings.Split(a.file, "\x00")
	slices.Sort(names)
	return names, nil
}

// Stat describes what stands at a path.
func (h *Host) Stat(ctx context.Context, name string) (host.Stat, error) {
	if err := checkPath("stat", name); err != nil {
		return host.Stat{}, err
	}
	a, err := h.ask(ctx, newRequest(opStat, h.limit, name))
	if err != nil {
		return host.Stat{}, err
	}
	return parseStat(name, a.file)
}

// parseStat reads "dangling" or nothing, the first eight fields of stat(2) (dev inode mode nlink uid gid rdev size), the
// modification time in seconds, the mount id and the link's target, joined by NUL.
func parseStat(name, text string) (host.Stat, error) {
	f := strings.SplitN(text, "\x00", 12)
	if len(f) != 12 {
		return host.Stat{}, fmt.Errorf("stat %s: not understood: %q", name, text)
	}
	var n [10]uint64
	for i := range n {
		v, err := strconv.ParseInt(f[i+1], 10, 64)
		if err != nil {
			u, uerr := strconv.ParseUint(f[i+1], 10, 64)
			if uerr != nil {
				return host.Stat{}, fmt.Errorf("stat %s: %w", name, err)
			}
			v = int64(u)
		}
		n[i] = uint64(v)
	}
	st := host.Stat{
		Type: fileType(n[2]), Link: f[11], Mode: uint32(n[2] & 0o7777), UID: uint32(n[4]), GID: uint32(n[5]), Size: int64(n[7]),
		Dev: device(n[0]), Rdev: device(n[6]), Inode: n[1], MountID: int(n[9]), ModTime: time.Unix(int64(n[8]), 0),
	}
	if f[0] == "dangling" {
		st.Type = host.Dangling
	}
	return st, nil
}

func device(d uint64) host.DeviceID { return host.DeviceID{Major: unix.Major(d), Minor: unix.Minor(d)} }

// fileType reads the type bits of Linux's st_mode.
func fileType(mode uint64) host.FileType {
	switch mode & 0o170000 {
	case 0o040000:
		return host.Directory
	case 0o060000:
		return host.Block
	case 0o020000:
		return host.Char
	case 0o010000:
		return host.Fifo
	case 0o140000:
		return host.Socket
	}
	return host.Regular
}
