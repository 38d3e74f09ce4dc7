package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/layers"
)

// lookLimit is how long a look may take once the host is up, unless --limit says otherwise. All that is asked is asked at once, and what
// hangs is unknown then: a host that ails costs this once, however many questions hang.
const lookLimit = 5 * time.Second

// lateLimit is how much longer a part may take, to say itself what it waited for.
const lateLimit = 300 * time.Millisecond

// tooLate is the end of a look: what was asked for and not heard by then is not known.
type tooLate time.Duration

func (l tooLate) Error() string { return fmt.Sprintf("no answer in %s", time.Duration(l)) }
func (l tooLate) Unwrap() error { return context.DeadlineExceeded }

// hostStatus looks at one host, again and again.
type hostStatus struct {
	s       *session
	name    string
	limit   time.Duration // of a look
	opts    layers.Options
	relay   *relayWatch
	between time.Duration // between the relay's first two looks
	window  time.Duration // between two looks at the slots; 0: there is one look
	slots   slots         // of the look before

	layers   layersSeen
	watching context.Context // ends with the verb
	aside    sync.WaitGroup  // looks at the layers that nobody waits for
}

// part is one thing that a look asks for. What it tells is filled in by one goroutine, and where it comes too late by none.
type part struct {
	what string
	ask  func(context.Context) (fill func(*view.HostNow), err error)
}

// look looks once. soFar gets what is known each time that something more is.
func (h *hostStatus) look(ctx context.Context, soFar func(view.HostNow)) view.HostNow {
	began := time.Now()
	now := view.HostNow{Host: h.name, LookedAt: &began}
	r, err := h.s.Reader(ctx, h.name)
	if err == nil {
		err = h.gather(ctx, r, &now, soFar)
	}
	if err != nil {
		h.s.forget(h.name) // the next look dials again
		h.layers.forget()
		h.relay = &relayWatch{ends: h.relay.ends}
		now = view.HostNow{Host: h.name, LookedAt: &began, Error: err.Error(), ErrorStatus: view.OfError(err)}
		now.Unknown = h.s.byHand(layers.Report{{Host: h.name, Err: err}})
	}
	if run, err := h.s.lastRun(ctx, h.name); err != nil {
		now.Unknown = append(now.Unknown, "the last run: "+err.Error())
	} else {
		now.LastRun = run
	}
	now.Look = time.Since(began).Seconds()
	return now
}

// parts are all that is asked of the host.
func (h *hostStatus) parts(r host.Reader) []part {
	parts := []part{
		{"uptime and load", func(ctx context.Context) (func(*view.HostNow), error) {
			boot := &view.BootNow{}
			err := readBoot(ctx, r, boot)
			return func(now *view.HostNow) { now.Boot = boot }, err
		}},
		{"locks, holds and switches", func(ctx context.Context) (func(*view.HostNow), error) {
			who := &view.HostNow{}
			err := readWho(ctx, r, who)
			return func(now *view.HostNow) { now.Lock, now.Holds, now.Switch = who.Lock, who.Holds, who.Switch }, err
		}},
		{"the layers", h.askLayers},
		{"the relay", func(ctx context.Context) (func(*view.HostNow), error) {
			daemons, err := h.relay.look(ctx, h.between)
			return func(now *view.HostNow) { now.Daemons = daemons }, err
		}},
		{"the jobs", func(ctx context.Context) (func(*view.HostNow), error) {
			facts, err := jobFacts(ctx, r)
			return h.adding(facts), err
		}},
	}
	for _, t := range h.tellers() {
		topic, of := t.Tells()
		parts = append(parts, part{topic + " " + of, func(ctx context.Context) (func(*view.HostNow), error) {
			return h.adding(tell(ctx, t, r, h.window)), nil
		}})
	}
	return parts
}

// gather asks all at once. The error is the host's: it cannot be reached. What else has no answer is named in now.
func (h *hostStatus) gather(ctx context.Context, r host.Reader, now *view.HostNow, soFar func(view.HostNow)) error {
	asking, cancel := layers.Within(ctx, r, h.limit, tooLate(h.limit))
	defer cancel()
	given, giveUp := layers.Within(ctx, r, h.limit+lateLimit, tooLate(h.limit))
	defer giveUp()
	parts := h.parts(r)
	answers, open := make(chan answered, len(parts)), make([]string, len(parts))
	for i, p := range parts {
		open[i] = p.what
		go func() {
			fill, err := p.ask(asking)
			answers <- answered{i, fill, err}
		}()
	}
	for range parts {
		select {
		case a := <-answers:
			if a.err != nil && (errors.Is(a.err, host.ErrUnreachable) || ctx.Err() != nil) {
				return a.err
			}
			a.into(now, parts[a.part].what)
			open[a.part] = ""
			soFar(withWaiting(*now, open))
		case <-given.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			for _, what := range withWaiting(*now, open).Waiting {
				now.Unknown = append(now.Unknown, what+": "+tooLate(h.limit).Error())
			}
			h.relay = &relayWatch{ends: h.relay.ends} // somebody may still be at the other
			return nil
		}
	}
	return nil
}

// answered is a part with what it told.
type answered struct {
	part int
	fill func(*view.HostNow)
	err  error
}

func (a answered) into(now *view.HostNow, what string) {
	if a.err != nil {
		now.Unknown = append(now.Unknown, what+": "+a.err.Error())
	}
	if a.fill != nil {
		a.fill(now)
	}
}

// withWaiting is a copy that says what has not answered.
func withWaiting(now view.HostNow, open []string) view.HostNow {
	now.Unknown, now.Facts = slices.Clone(now.Unknown), slices.Clone(now.Facts)
	now.Waiting = slices.DeleteFunc(slices.Clone(open), func(what string) bool { return what == "" })
	return now
}
