package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"bisc/relaybin/daemon"
	"bisc/relaybin/meter"
)

// live is a meter that listens to devices.
type live struct {
	settings *settings
	service  *daemon.Service
	meter    *meter.Meter
	taps     []*tap
	keep     sync.Mutex // one save at a time
}

func (s *settings) run(ctx context.Context, service *daemon.Service) error {
	m, err := s.meter()
	if err != nil {
		return err
	}
	if s.paths.recorded() {
		return s.replay(ctx, m, service.Out)
	}
	l := &live{settings: s, service: service, meter: m}
	for i := range s.paths {
		l.taps = append(l.taps, newTap(i, &s.paths[i], m))
	}
	if service.Once {
		return l.once(ctx)
	}
	return l.serve(ctx)
}

// serve listens until the context ends.
func (l *live) serve(ctx context.Context) error {
	s := l.service
	if name := l.settings.file(); name == "" {
		s.Log.Warn("marks will not outlive this process", "because", "neither --state nor STATE_DIRECTORY is set")
	} else if err := l.meter.Load(name); err != nil {
		s.Log.Error("earlier marks are lost; going on without", "err", err)
		_ = os.Rename(name, name+".unusable") // kept for whoever wants to know; failing that, the next save overwrites it
	}
	s.Registry().MustRegister(meter.NewCollector(l.meter), tapCollector(l.taps))
	s.Page("GET /report", l.reportPage)
	s.Page("POST /mark", l.markPage)
	s.Health("paths", l.health)
	stopped := make(chan error, len(l.taps))
	for _, t := range l.taps {
		_ = t.open() // so that Ready means listening; run says what keeps it from it, and tries again
		heart := s.Heart("path " + t.path.name)
		go func() { stopped <- t.run(ctx, s.Log, heart.Beat) }()
	}
	s.Ready()
	err := l.keepUp(ctx, stopped)
	return errors.Join(err, l.save())
}

// keepUp tells systemd how it goes and saves the marks every minute, until a tap fails or all have stopped.
func (l *live) keepUp(ctx context.Context, stopped chan error) error {
	status, saving := time.NewTicker(5*time.Second), time.NewTicker(time.Minute)
	defer status.Stop()
	defer saving.Stop()
	for left := len(l.taps); left > 0; {
		select {
		case err := <-stopped:
			left--
			if err != nil {
				return err
			}
		case <-status.C:
			l.service.Status("%s", l.summary())
		case <-saving.C:
			if err := l.save(); err != nil {
				l.service.Log.Error("marks are not kept", "err", err)
			}
		}
	}
	return nil
}

// summary is one line of what matters.
func (l *live) summary() string {
	l.meter.Lock()
	r := l.meter.Report(0, false)
	l.meter.Unlock()
	return headline(&r)
}

// health fails where a device cannot be listened to or no shred comes by any path. A restart would cure neither.
func (l *live) health() error {
	var all []error
	for _, t := range l.taps {
		if err := t.trouble(); err != nil {
			all = append(all, fmt.Errorf("path %s: %w", t.path.name, err))
		}
	}
	return errors.Join(all...)
}

// save keeps marks and what was measured.
func (l *live) save() error {
	name := l.settings.file()
	if name == "" {
		return nil
	}
	l.keep.Lock()
	defer l.keep.Unlock()
	l.meter.Lock()
	text, err := l.meter.Marshal()
	l.meter.Unlock()
	if err != nil {
		return fmt.Errorf("keeping marks: %w", err)
	}
	return meter.Save(name, text)
}

// once opens every device, waits until a packet came by each path or the context ends, and says what came.
func (l *live) once(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped := make(chan error, len(l.taps))
	for _, t := range l.taps {
		if err := t.open(); err != nil {
			return fmt.Errorf("path %s: %w", t.path.name, err)
		}
		go func() { stopped <- t.run(inner, l.service.Log, func() {}) }()
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for inner.Err() == nil {
		select {
		case <-inner.Done():
		case err := <-stopped:
			if err != nil {
				return err
			}
		case <-tick.C:
			if len(l.missing()) == 0 {
				cancel()
			}
		}
	}
	l.meter.Lock()
	r := l.meter.Report(0, false)
	l.meter.Unlock()
	printReport(l.service.Out, &r)
	if missing := l.missing(); len(missing) > 0 {
		return fmt.Errorf("no shred came by %s within the limit", strings.Join(missing, ", "))
	}
	return nil
}

// missing names the paths by which no shred has come.
func (l *live) missing() []string {
	l.meter.Lock()
	defer l.meter.Unlock()
	var names []string
	for _, p := range l.meter.Report(0, false).Paths {
		if p.Shreds == 0 {
			names = append(names, p.Name)
		}
	}
	return names
}
