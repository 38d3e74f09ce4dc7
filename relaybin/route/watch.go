package route

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// How the kernel's tables are watched.
const (
	gather = 5 * time.Millisecond   // changes that come together are looked at together: a full table may be moving
	turn   = 100 * time.Millisecond // how long a wait for changes lasts before the context is looked at
	afresh = 5 * time.Second        // the route is looked at this often though nothing was told
)

// Watch keeps whether the route is right. Right and Changes cost the packet loop an atomic load each.
type Watch struct {
	want    Want
	install bool
	table   Table
	fd      int
	right   atomic.Bool
	changes atomic.Uint64
	last    atomic.Pointer[Finding]
}

// Finding is what was found when the route was last looked at.
type Finding struct {
	Route Route // the zero Route: there is none
	Err   error // why it is not right
}

// NewWatch looks at the route once and goes on when Run does. With install it makes the kernel route where it is missing.
func NewWatch(w Want, install bool) (*Watch, error) {
	t, err := Open()
	if err != nil {
		return nil, err
	}
	fd, err := subscribe()
	if err != nil {
		t.Close()
		return nil, err
	}
	watch := &Watch{want: w, install: install, table: t, fd: fd}
	watch.look()
	return watch, nil
}

// subscribe opens a socket that the kernel tells of changes in routes, rules, devices, addresses and neighbours. The notes are not
// read for what they say; that there is one is enough, and so is that there were too many.
func subscribe() (int, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return -1, fmt.Errorf("open netlink: %w", err)
	}
	groups := uint32(unix.RTMGRP_LINK | unix.RTMGRP_NEIGH | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV4_RULE)
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("watch the routes: %w", err)
	}
	return fd, nil
}

// Right says whether packets leave by the device and next hop that are wanted.
func (w *Watch) Right() bool { return w.right.Load() }

// Changes counts how often the route became another one, its device's number and its source address included. A sender then has
// to bind and connect anew.
func (w *Watch) Changes() uint64 { return w.changes.Load() }

// Last is what was found last.
func (w *Watch) Last() Finding { return *w.last.Load() }

// Run looks at the route whenever the kernel tells of a change, until the context ends, and then closes the Watch. The error is that
// of the socket; the route's own are in Last.
func (w *Watch) Run(ctx context.Context) error {
	defer w.table.Close()
	defer unix.Close(w.fd)
	looked := time.Now()
	for ctx.Err() == nil {
		told, err := w.wait(turn)
		if err != nil {
			return err
		}
		if !told && time.Since(looked) < afresh {
			continue
		}
		if told {
			time.Sleep(gather)
			w.empty()
		}
		w.look()
		looked = time.Now()
	}
	return nil
}

// wait returns when the kernel tells of a change, or after limit.
func (w *Watch) wait(limit time.Duration) (bool, error) {
	fds := [1]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds[:], int(limit.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, fmt.Errorf("wait for changes of the routes: %w", err)
	}
	return n > 0, nil
}

// empty takes the kernel's notes off the socket. ENOBUFS says that some were lost, which is a note as good as any.
func (w *Watch) empty() {
	b := make([]byte, 64<<10)
	for {
		if _, err := unix.Read(w.fd, b); err != nil && !errors.Is(err, unix.ENOBUFS) {
			return
		}
	}
}

// look finds out how packets leave, and makes the route when told to.
func (w *Watch) look() {
	now, err := w.judge()
	if err != nil && w.install {
		if err = w.table.Install(w.want); err == nil {
			now, err = w.judge()
		}
	}
	before := w.last.Swap(&Finding{now, err})
	w.right.Store(err == nil)
	if before == nil || before.Route != now {
		w.changes.Add(1)
	}
}

func (w *Watch) judge() (Route, error) {
	now, err := w.table.Get(w.want.To)
	if err != nil {
		return Route{}, err
	}
	return now, w.want.Judge(now)
}
