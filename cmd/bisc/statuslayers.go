package main

import (
	"context"
	"sync"
	"time"

	"bisc/cmd/bisc/view"
)

// layersEvery is how often a watch looks at the layers: that costs a host more than its relay's figures do.
const layersEvery = 30 * time.Second

// layersSeen is how the layers stood when they were last looked at.
type layersSeen struct {
	mu       sync.Mutex
	standing *view.LayersNow // nil: never, or the host was away meanwhile
	status   int             // of the standing
	at       time.Time
	looking  bool
}

func (l *layersSeen) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.standing = nil
}

// due tells whether they are to be looked at now, and whether that is to be waited for; who is told yes must look.
func (l *layersSeen) due() (look, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first = l.standing == nil
	look = !l.looking && (first || time.Since(l.at) >= layersEvery)
	l.looking = l.looking || look
	return look, first
}

func (l *layersSeen) keep(standing *view.LayersNow, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looking = false
	l.standing, l.status, l.at = standing, status, time.Now()
}

// fill says how they stood, and how long ago that was.
func (l *layersSeen) fill(now *view.HostNow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.standing == nil {
		return
	}
	standing := *l.standing
	standing.Age = time.Since(l.at).Seconds()
	now.Standing, now.Status = &standing, l.status
}

// askLayers tells how the layers stand. A watch waits for the first look at them alone: the later ones go on beside its looks, and it
// says how old the last is.
func (h *hostStatus) askLayers(ctx context.Context) (func(*view.HostNow), error) {
	look, first := h.layers.due()
	switch {
	case look && first:
		if err := h.lookAtLayers(ctx); err != nil {
			return nil, err
		}
	case look:
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), layersEvery, tooLate(layersEvery))
		stop := context.AfterFunc(h.watching, cancel)
		h.aside.Go(func() {
			defer cancel()
			defer stop()
			_ = h.lookAtLayers(ctx) // a host that is away shows in the looks themselves
		})
	}
	return h.layers.fill, nil
}

// lookAtLayers observes the host's resources as bisc drift does, and judges them by the journal.
func (h *hostStatus) lookAtLayers(ctx context.Context) (err error) {
	var standing *view.LayersNow
	var status int
	defer func() { h.layers.keep(standing, status) }()
	past, err := h.s.memory(ctx, nil)
	if err != nil {
		return err
	}
	rep := h.s.observe(ctx, h.opts)
	for _, one := range rep {
		if one.Err != nil {
			return one.Err
		}
	}
	standing = view.NewLayersNow(rep, past.known, past.covers)
	past.tell(rep, past.known)
	status = view.Of("drift", rep, past.known)
	return nil
}
