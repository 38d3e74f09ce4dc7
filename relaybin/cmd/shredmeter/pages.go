package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
)

// slotsShown is how many slots /report shows unless told.
const slotsShown = 32

func (l *live) reportPage(w http.ResponseWriter, r *http.Request) {
	n := slotsShown
	if text := r.URL.Query().Get("slots"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || n < 0 || n > 4096 {
			http.Error(w, "slots is a number from 0 to 4096", http.StatusBadRequest)
			return
		}
	}
	l.meter.Lock()
	report := l.meter.Report(n, r.URL.Query().Get("sets") == "1")
	l.meter.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(report) // an error is the reader's: it has gone away
}

// markPage takes a mark from this machine: the page may be served to a whole network, and marking is not reading. A browser on this
// machine says by Origin that somebody else's page sends it here.
func (l *live) markPage(w http.ResponseWriter, r *http.Request) {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() || r.Header.Get("Origin") != "" {
		http.Error(w, "marks are taken from this machine only", http.StatusForbidden)
		return
	}
	name := r.URL.Query().Get("name")
	now, _ := clocks()
	l.meter.Lock()
	l.meter.Tick(now)
	err = l.meter.Mark(name)
	l.meter.Unlock()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.service.Log.Info("marked", "name", name)
	if err := l.save(); err != nil {
		l.service.Log.Error("marked, but not kept", "err", err)
		http.Error(w, fmt.Sprintf("marked, but it will not outlive the daemon: %v", err), http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(w, "marked %q\n", name)
}
