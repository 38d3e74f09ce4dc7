package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"bisc/relaybin/daemon"
	"bisc/relaybin/netns"
)

// told is what --once has to say.
func (r *relay) told(svc *daemon.Service) error {
	c := r.counts
	if c.received.Total() == 0 {
		return errors.New("no packet came within --once-limit; see that the mirror runs, that it sends here, and that --allow has its address")
	}
	for f := range forms {
		if n := c.received.Value(int(f)); n > 0 {
			fmt.Fprintf(svc.Out, "%d packets of the form %s came\n", n, f)
		}
	}
	for i, name := range reasonNames() {
		if n := c.drops.Value(i); n > 0 {
			fmt.Fprintf(svc.Out, "%d dropped: %s\n", n, name)
		}
	}
	fmt.Fprintf(svc.Out, "%d forwarded to %s\n", c.forwarded.Value(), r.to)
	if c.forwarded.Value() == 0 {
		return errors.New("nothing that came could be forwarded")
	}
	return nil
}

// dry says what would be done, and opens nothing but a socket that sends nothing.
func (s *settings) dry(w io.Writer) error {
	for f := range forms {
		switch at := s.listen[f]; {
		case at.IsValid():
			fmt.Fprintf(w, "would listen at %s for the form %s, from %s\n", at, f, s.allow.String())
		default:
			fmt.Fprintf(w, "would listen for the form %s only on a socket %q from systemd\n", f, f)
		}
	}
	if limit, err := os.ReadFile("/proc/sys/net/core/rmem_max"); err == nil {
		fmt.Fprintf(w, "would ask for a receive buffer of %d bytes; without CAP_NET_ADMIN the kernel gives at most %s\n", s.buffer, strings.TrimSpace(string(limit)))
	}
	if s.netns == "" {
		return s.dryRoute(w)
	}
	space, err := netns.Open(s.netns)
	if err != nil {
		return err
	}
	defer space.Close()
	return space.Do(func() error { return s.dryRoute(w) })
}

// dryRoute asks the kernel for the route by connecting a socket, which sends nothing.
func (s *settings) dryRoute(w io.Writer) error {
	dialer := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var option error
		err := raw.Control(func(fd uintptr) {
			if s.onLink {
				option = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DONTROUTE, 1)
			}
		})
		return errors.Join(err, option)
	}}
	c, err := dialer.Dial("udp4", s.to.String())
	if err != nil {
		return fmt.Errorf("no way to the destination: %w", err)
	}
	defer c.Close()
	fmt.Fprintf(w, "would forward to %s from %s\n", s.to, c.LocalAddr())
	return nil
}
