package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newRegistry has what every daemon shows: what runs (by digest), its CPU time and memory, and the collector's turns.
// The whole Go set is 40 series that nobody of an operator's trade reads.
func newRegistry(name string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	few := regexp.MustCompile(`^(/memory/classes/total:bytes|/gc/heap/live:bytes|/gc/cycles/total:gc-cycles)$`)
	r.MustRegister(
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(collectors.WithGoCollectorMemStatsMetricsDisabled(),
			collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{Matcher: few})),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name + "_build_info", Help: "1; the labels say what runs.",
			ConstLabels: prometheus.Labels{"sha256": digest(), "goos": runtime.GOOS, "goarch": runtime.GOARCH}}, func() float64 { return 1 }),
	)
	return r
}

// listen serves /metrics and /healthz until the context ends. A port that is taken does not stop packets: it is tried
// again every five seconds, and the log says so once.
func (s *Service) listen(ctx context.Context, addr string) {
	for said := false; ctx.Err() == nil; {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
		if err == nil {
			s.Log.Info("metrics are served", "addr", l.Addr().String())
			s.serveHTTP(ctx, l)
			return
		}
		if !said {
			s.Log.Error("metrics cannot be served, trying again every 5 s", "err", err)
			said = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

func (s *Service) serveHTTP(ctx context.Context, l net.Listener) {
	srv := &http.Server{Handler: s.handler(), ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.Log.Error("metrics stopped", "err", err)
	}
}

func (s *Service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		results := s.health()
		status := http.StatusOK
		for _, r := range results {
			if r.err != nil {
				status = http.StatusServiceUnavailable
			}
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(status)
		for _, r := range results {
			if r.err != nil {
				fmt.Fprintf(w, "fail %s: %v\n", r.name, r.err)
			} else {
				fmt.Fprintf(w, "ok %s\n", r.name)
			}
		}
	})
	mux.HandleFunc("/", s.page)
	return mux
}

// page serves what the daemon added: it does so after the listener is up, for the listener does not wait for the daemon.
func (s *Service) page(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	serve, there := s.pages[r.Method+" "+r.URL.Path]
	s.mu.Unlock()
	if !there {
		http.NotFound(w, r)
		return
	}
	serve(w, r)
}
