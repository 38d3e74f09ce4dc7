package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
)

// Service is what a running daemon has: its log, its metrics, its health, and the line to systemd.
type Service struct {
	Log  *slog.Logger
	Out  io.Writer // stdout, for what --once found
	Once bool      // set up, wait for a first packet (the context ends at the limit), say what came, return

	registry *prometheus.Registry
	sockets  map[string][]*os.File
	stop     int // eventfd, readable once the context has ended

	mu     sync.Mutex
	checks []check
	hearts []*Heart
	reload func() error
	pages  map[string]http.HandlerFunc
}

type check struct {
	name string
	ask  func() error
}

// Heart shows that a packet loop turns. Each loop has its own.
type Heart struct {
	name  string
	beats atomic.Uint64
	seen  uint64 // by the watchdog
}

// Beat is called by the loop at each turn, also when there was nothing to do.
func (h *Heart) Beat() { h.beats.Add(1) }

// Heart returns a new heart that the watchdog listens to from now on.
func (s *Service) Heart(name string) *Heart {
	h := &Heart{name: name}
	s.mu.Lock()
	s.hearts = append(s.hearts, h)
	s.mu.Unlock()
	return h
}

// Registry is where the daemon registers its metrics.
func (s *Service) Registry() *prometheus.Registry { return s.registry }

// Stop is a descriptor for poll(2) that becomes readable (and stays so) when the daemon is to stop.
func (s *Service) Stop() int { return s.stop }

// Health adds a check to /healthz. When a restart would help, the check wraps its error in Restart.
func (s *Service) Health(name string, ask func() error) {
	s.mu.Lock()
	s.checks = append(s.checks, check{name, ask})
	s.mu.Unlock()
}

// Page serves one more path, such as "GET /report", beside /metrics and /healthz. Call it before Ready.
func (s *Service) Page(pattern string, serve http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages == nil {
		s.pages = map[string]http.HandlerFunc{}
	}
	s.pages[pattern] = serve
}

// OnReload sets what SIGHUP does. An error is logged and the daemon goes on as it was.
func (s *Service) OnReload(f func() error) {
	s.mu.Lock()
	s.reload = f
	s.mu.Unlock()
}

// Ready tells systemd that the daemon works: its sockets are open and it reads them.
func (s *Service) Ready() { s.notify(systemd.SdNotifyReady) }

// Status is the line that systemctl status shows.
func (s *Service) Status(format string, args ...any) {
	s.notify("STATUS=" + fmt.Sprintf(format, args...))
}

// notify sends to systemd where there is one. The packet path goes on without systemd, so an error is only logged.
func (s *Service) notify(state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		s.Log.Warn("systemd was not told", "state", state, "err", err)
	}
}

// restart marks an error that a new process would not have.
type restart struct{ error }

func (r restart) Unwrap() error { return r.error }

// Restart marks a health check's error as one that a restart would cure: the watchdog then stays silent, and systemd
// restarts the daemon. Everything else (no packets, no route) must not: a restart would only lose more.
func Restart(err error) error {
	if err == nil {
		return nil
	}
	return restart{err}
}

type result struct {
	name string
	err  error
}

func (s *Service) health() []result {
	s.mu.Lock()
	checks := s.checks
	s.mu.Unlock()
	var out []result
	for _, c := range checks {
		out = append(out, result{c.name, c.ask()})
	}
	return out
}

// alive says why the watchdog must stay silent, or nil.
func (s *Service) alive() error {
	s.mu.Lock()
	hearts := s.hearts
	s.mu.Unlock()
	for _, h := range hearts {
		now := h.beats.Load()
		if now == h.seen {
			return fmt.Errorf("the loop %s does not turn", h.name)
		}
		h.seen = now
	}
	for _, r := range s.health() {
		var cure restart
		if errors.As(r.err, &cure) {
			return fmt.Errorf("%s: %w", r.name, r.err)
		}
	}
	return nil
}

// watch pings systemd's watchdog a quarter of the way to its limit while the loops turn.
func (s *Service) watch(ctx context.Context) {
	limit, err := systemd.SdWatchdogEnabled(false)
	if err != nil {
		s.Log.Error("the watchdog is not served", "err", err)
	}
	if err != nil || limit == 0 {
		return
	}
	tick := time.NewTicker(limit / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.alive(); err != nil {
			s.Log.Error("the watchdog is not pinged", "err", err)
			continue
		}
		s.notify(systemd.SdNotifyWatchdog)
	}
}
