package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"bisc/cmd/bisc/figures"
	"bisc/cmd/bisc/view"
	"bisc/internal/host"
	"bisc/relaybin/mark"
)

// marking is a look at the relay's whole way.
type marking struct {
	from  string // a host of the inventory; empty: here
	to    string
	count int
	wait  time.Duration
}

func (c *command) relayMark() *cobra.Command {
	m := marking{count: 5, wait: 5 * time.Second}
	cmd := &cobra.Command{
		Use:   "mark",
		Short: "send marked packets to where turbine sends, and see them arrive at the host",
		Long: "Each goes the whole way of a shred: in at the switch, to its mirror, over the backbone, and into shredunwrap on the host,\n" +
			"which knows it, counts it and hands it to nobody. Send from outside, as a turbine peer does: from a host behind the\n" +
			"switch, or from the switch itself, it may never pass the port that is mirrored.\n\n" +
			"In the form bare there is no shredunwrap, and nothing to see.\n" +
			"Exit status: 0 all came, 3 fewer came than were sent, 5 or 7 it cannot be told.",
		Example: "  bisc relay mark --from panic\n  bisc relay mark --to 203.0.113.10:8001 --count 100",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if m.count < 1 || m.count > 1000 {
				return fmt.Errorf("--count %d: from 1 to 1000", m.count)
			}
			return c.reading(cmd, "relay mark", func(ctx context.Context, s *session) error { return s.mark(ctx, m) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&m.from, "from", "", "the host of the inventory that sends (it needs bash); without it, this machine")
	f.StringVar(&m.to, "to", "", "ADDRESS:PORT that the shreds are advertised at; without it, as the plan's shredunwrap has it (match-addr, match-port)")
	f.IntVar(&m.count, "count", m.count, "how many")
	f.DurationVar(&m.wait, "wait", m.wait, "how long they may take")
	f.StringSliceVar(&c.flags.hosts, "host", nil, "only what arrives at this host")
	_ = cmd.RegisterFlagCompletionFunc("from", c.completeHosts)
	return cmd
}

// mark sends the packets and waits until they have come, or the limit is over.
func (s *session) mark(ctx context.Context, m marking) error {
	ends := s.unwrappers()
	if len(ends) == 0 {
		return fmt.Errorf("the plan has no relay_service \"shredunwrap\" with metrics on %s: nobody would see a marked packet", orAny(s.c.flags.hosts))
	}
	to, err := s.advertised(m.to)
	if err != nil {
		return err
	}
	var nonce mark.Nonce
	_, _ = rand.Read(nonce[:]) // never fails (Go 1.24)
	if err := s.sendMarks(ctx, m, to, mark.Packet(nonce)); err != nil {
		return err
	}
	status := view.ExitOK
	for _, at := range ends {
		came, err := at.waitForMarks(ctx, nonce, m)
		s.progress.Close()
		switch {
		case err != nil:
			s.c.complain(fmt.Errorf("%s: %w", at.host, err))
			status = view.Worst(status, view.ExitUnknown)
		case came < m.count:
			fmt.Fprintf(s.c.out, "%s: %d of %d marked packets to %s came within %s\n", view.Clean(at.host), came, m.count, to, m.wait)
			status = view.Worst(status, view.ExitDrift)
		default:
			fmt.Fprintf(s.c.out, "%s: all %d marked packets to %s came\n", view.Clean(at.host), came, to)
		}
	}
	return exitOf(status)
}

// unwrapper is a shredunwrap of the plan.
type unwrapper struct {
	end
	host string
}

func (s *session) unwrappers() []unwrapper {
	var out []unwrapper
	for _, name := range s.planHosts() {
		for _, e := range s.relayEnds(name) {
			if e.name == figures.Unwrap && (len(s.c.flags.hosts) == 0 || slices.Contains(s.c.flags.hosts, name)) {
				out = append(out, unwrapper{e, name})
			}
		}
	}
	return out
}

// advertised is where turbine sends: as given, or as the plan's shredunwrap matches.
func (s *session) advertised(given string) (netip.AddrPort, error) {
	if given != "" {
		to, err := netip.ParseAddrPort(given)
		if err != nil {
			return to, fmt.Errorf("--to %q is not an address in digits and a port, as in 203.0.113.10:8001", given)
		}
		return to, nil
	}
	for _, st := range s.stages {
		for _, it := range st.Items {
			if a, ok := it.Resource.(interface{ Advertised() (netip.AddrPort, bool) }); ok {
				if to, ok := a.Advertised(); ok {
					return to, nil
				}
			}
		}
	}
	return netip.AddrPort{}, errors.New("the plan's shredunwrap does not say where shreds are advertised (match-addr, match-port): give --to ADDRESS:PORT")
}

// sendMarks sends from here, or from a host by its bash, which needs nothing installed. The switch may own the address and answer that
// nobody listens there (ICMP): that stands in the way of the next packet, which is sent again.
func (s *session) sendMarks(ctx context.Context, m marking, to netip.AddrPort, packet []byte) error {
	if m.from == "" {
		c, err := (&net.Dialer{}).DialContext(ctx, "udp", to.String())
		if err != nil {
			return fmt.Errorf("send to %s: %w", to, err)
		}
		defer c.Close()
		for range m.count {
			_, err := c.Write(packet)
			if errors.Is(err, syscall.ECONNREFUSED) {
				_, err = c.Write(packet)
			}
			if err != nil {
				return fmt.Errorf("send to %s: %w", to, err)
			}
			time.Sleep(time.Millisecond) // as turbine: not a burst
		}
		return nil
	}
	h, err := s.Reader(ctx, m.from)
	if err != nil {
		return err
	}
	out, err := h.Probe(ctx, "bash", "-c", `exec 3>/dev/udp/"$2"/"$3" && for ((i = 0; i < $4; i++)); do printf %s "$1" >&3 2>/dev/null || printf %s "$1" >&3 || exit; sleep 0.001; done`,
		"bisc-mark", string(packet), to.Addr().String(), fmt.Sprint(to.Port()), fmt.Sprint(m.count))
	if err == nil && out.Exit != 0 {
		err = &host.ExitError{Argv: []string{"bash"}, Exit: out.Exit, Stderr: out.Stderr}
	}
	if err != nil {
		return fmt.Errorf("send from %s to %s: %w", m.from, to, err)
	}
	return nil
}

// waitForMarks looks until all have come or the limit is over.
func (u unwrapper) waitForMarks(ctx context.Context, nonce mark.Nonce, m marking) (came int, err error) {
	until := time.Now().Add(m.wait)
	for {
		a := u.ask(ctx)
		if a.Err != nil {
			return came, a.Err
		}
		samples, err := a.Page.Samples()
		if err != nil {
			return came, err
		}
		for _, sample := range samples {
			if sample.Name == "shredunwrap_marks" && sample.Labels["nonce"] == nonce.String() {
				came = int(sample.Value)
			}
		}
		if came >= m.count || !time.Now().Before(until) {
			return came, nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return came, context.Cause(ctx)
		}
	}
}
