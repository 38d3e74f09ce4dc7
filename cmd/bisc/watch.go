package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"bisc/cmd/bisc/figures"
	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/internal/scrape"
	"bisc/layers"
)

// shortestInterval is the least between two looks: what is asked of a host must not be what keeps it busy.
const shortestInterval = 200 * time.Millisecond

// watching is a verb that looks again and again.
type watching struct {
	again    bool
	interval time.Duration
}

func (w watching) check() error {
	if w.interval < shortestInterval {
		return fmt.Errorf("--interval %s: give %s or more", w.interval, shortestInterval)
	}
	return nil
}

// spot is what is known of one host; a goroutine of its own looks at it, so that a host that hangs holds up no other.
type spot struct {
	name string
	look func(ctx context.Context, soFar func(view.HostNow)) view.HostNow // soFar gets what is known before all is

	mu   sync.Mutex
	now  view.HostNow
	seen time.Time // when it was last looked at to the end
}

func (s *spot) keep(now view.HostNow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.seen = now, time.Now()
}

// keepPart keeps what is known of a first look that goes on.
func (s *spot) keepPart(now view.HostNow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// get is the last look, with how long ago it was where that is longer than a look takes.
func (s *spot) get(late time.Duration) view.HostNow {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	switch old := time.Since(s.seen); {
	case s.seen.IsZero() && now.Host == "":
		now = view.HostNow{Host: s.name, Error: "no answer yet", ErrorStatus: view.ExitUnknown}
	case !s.seen.IsZero() && old > late:
		now.Age = old
	}
	return now
}

// lookOnce looks at all and shows it when all is known.
func lookOnce(ctx context.Context, spots []*spot, show func([]view.HostNow) error) error {
	all := make([]view.HostNow, len(spots))
	var wait sync.WaitGroup
	for i, s := range spots {
		wait.Go(func() { all[i] = s.look(ctx, func(view.HostNow) {}) })
	}
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return show(all)
}

// rounds looks at all and shows it: once, or again and again until the context ends, which is the good end of a watch.
func (w watching) rounds(ctx context.Context, spots []*spot, show func([]view.HostNow) error) error {
	if !w.again {
		return lookOnce(ctx, spots, show)
	}
	looking, stop := context.WithCancel(ctx)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer stop()
	first, news := make(chan struct{}, len(spots)), make(chan struct{}, 1)
	for _, s := range spots {
		wait.Go(func() { s.lookAgain(looking, w.interval, first, news) })
	}
	for range spots {
		select {
		case <-first:
		case <-time.After(w.interval + firstLook): // whoever has answered is shown
		case <-ctx.Done():
			return endOfWatch(ctx)
		}
	}
	tick := time.NewTicker(w.interval)
	defer tick.Stop()
	for {
		all := make([]view.HostNow, len(spots))
		for i, s := range spots {
			all[i] = s.get(3*w.interval + firstLook)
		}
		if err := show(all); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-news:
		case <-ctx.Done():
			return endOfWatch(ctx)
		}
	}
}

// firstLook is how long a host may take before the others are shown without it, and firstParts how long one that answers may take
// before it is shown without what has no answer.
const (
	firstLook  = 3 * time.Second
	firstParts = time.Second
)

// endOfWatch is no error where an operator ended the watch.
func endOfWatch(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, layers.ErrStopped) {
		return err
	}
	return nil
}

// lookAgain looks until ctx ends. first is told once, when there is something to show; where that was a part, news is told of the rest.
func (s *spot) lookAgain(ctx context.Context, every time.Duration, first chan<- struct{}, news chan struct{}) {
	shown := false
	show := func() {
		if !shown {
			shown = true
			first <- struct{}{}
			return
		}
		select {
		case news <- struct{}{}:
		default: // it is told already
		}
	}
	now := s.lookFirst(ctx, show)
	for tell := shown; ctx.Err() == nil; tell = false {
		s.keep(now)
		if tell || !shown {
			show()
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
		now = s.look(ctx, func(view.HostNow) {})
	}
}

// lookFirst is the first look. Where it takes long it is shown as far as it has come, again and again.
func (s *spot) lookFirst(ctx context.Context, show func()) view.HostNow {
	whole, begun := make(chan view.HostNow, 1), make(chan struct{})
	var once sync.Once
	go func() {
		whole <- s.look(ctx, func(part view.HostNow) {
			s.keepPart(part)
			once.Do(func() { close(begun) })
		})
	}()
	select {
	case <-begun:
	case now := <-whole:
		return now
	}
	parts := time.NewTicker(firstParts)
	defer parts.Stop()
	for {
		select {
		case <-parts.C:
			show()
		case now := <-whole:
			return now
		}
	}
}

// relayWatch asks the daemons of one host and remembers their last pages.
type relayWatch struct {
	ends   []end
	before []scrape.Page
}

// look gives figures between the last look and this one; the first look is two, so long apart as between says. The error is
// the host's: it cannot be reached. What is wrong with one daemon is that daemon's.
func (r *relayWatch) look(ctx context.Context, between time.Duration) ([]figures.Daemon, error) {
	if r.before == nil {
		r.before = make([]scrape.Page, len(r.ends))
		if _, err := r.once(ctx); err != nil || len(r.ends) == 0 {
			r.before = nil
			return []figures.Daemon{}, err
		}
		select {
		case <-time.After(between):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	all, err := r.once(ctx)
	if err != nil {
		r.before = nil // what comes after begins anew
	}
	return all, err
}

func (r *relayWatch) once(ctx context.Context) ([]figures.Daemon, error) {
	out, lost := make([]figures.Daemon, len(r.ends)), make([]error, len(r.ends))
	var wait sync.WaitGroup
	for i, e := range r.ends {
		wait.Go(func() {
			asked := e.ask(ctx)
			if errors.Is(asked.Err, host.ErrUnreachable) || errors.As(asked.Err, new(hostError)) {
				lost[i] = asked.Err
			}
			out[i] = figures.Read(e.name, e.at, r.before[i], asked)
			r.before[i] = asked.Page // none after a failure
		})
	}
	wait.Wait()
	for _, err := range lost {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// screen shows a watch: in place on a terminal, a block each time elsewhere.
type screen struct {
	c     *command
	drawn bool
}

func (s *screen) show(text string) error {
	f, isTerminal := terminal(s.c.out)
	if !isTerminal {
		_, err := fmt.Fprint(s.c.out, text+"\n")
		return err
	}
	width, height := sizeOf(f)
	_, err := fmt.Fprint(s.c.out, view.Frame(text, width, height, !s.drawn))
	s.drawn = true
	return err
}

func sizeOf(f *os.File) (width, height int) {
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}
