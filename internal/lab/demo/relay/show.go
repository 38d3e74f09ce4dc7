package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"bisc/internal/lab"
	ground "bisc/relaybin/lab"
)

// rate is the design rate, shreds a second.
const rate = 7500

// show is the demo's stage.
type show struct {
	dir, bisc string
	host      *lab.Host
	net       *ground.Net
	sink      *ground.Sink
	made      atomic.Uint64 // shreds that the turbine peer has sent
	marks     []mark
}

// mark is where a part of the show began.
type mark struct {
	name  string
	first uint64
	at    time.Time
}

func (s *show) play(ctx context.Context) (err error) {
	title("a switch and a turbine peer in network namespaces, connected with the host")
	if s.net, err = ground.StartWith(fmt.Sprintf("/proc/%d/ns/net", s.host.Leader())); err != nil {
		return err
	}
	defer s.net.Close()
	fmt.Printf("peer %s ── g0:mirror0 ──▶ switch %s ── bb0:bb1 ──▶ host %s\n", ground.PeerAddr, ground.SwitchAddr, ground.HostAddr)
	if s.sink, err = s.net.Host.NewSink(netip.MustParseAddrPort("127.0.0.1:9000"), 0); err != nil {
		return err
	}
	defer s.sink.Close()
	title("shredunwrap on the host, under systemd, which holds its port")
	if err := s.install(ctx); err != nil {
		return err
	}
	title("shredmirror on the switch")
	if err := s.startMirror(); err != nil {
		return err
	}
	if err := s.first(ctx); err != nil {
		return err
	}
	return s.stream(ctx)
}

// startMirror starts the switch's daemon.
func (s *show) startMirror() error {
	argv := mirrorArgs(filepath.Join(s.dir, "present", "shredmirror"))
	fmt.Println("bash$ shredmirror", strings.Join(argv[1:], " "))
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return s.net.Switch.Start(cmd)
}

// first waits until shreds go through: until then nothing is counted.
func (s *show) first(ctx context.Context) error {
	limit, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("no shred came through the relay within 15s"))
	defer cancel()
	for {
		if _, err := s.net.Send(limit, ground.Stream{Rate: 500, Count: 50, Chain: ground.Chain{Merkle: true}}); err != nil {
			return err
		}
		if _, err := s.sink.Wait(limit, "a shred", 300*time.Millisecond, ground.Unique(1)); err == nil {
			break
		}
		if limit.Err() != nil {
			return context.Cause(limit)
		}
	}
	if _, err := s.sink.Quiet(ctx, 300*time.Millisecond); err != nil {
		return err
	}
	s.sink.Forget()
	return nil
}

// stream sends without a pause while the daemon on the host is upgraded, and counts.
func (s *show) stream(ctx context.Context) error {
	title("%d shreds a second, without a pause from here to the end", rate)
	sending, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() {
		chain := ground.Chain{Merkle: true, Slot: 400_001_000}
		_, err := s.net.Send(sending, ground.Stream{Rate: rate, For: time.Minute, Chain: chain, Made: &s.made})
		done <- err
	}()
	s.mark("before")
	if err := errors.Join(s.watch(ctx), s.pause(ctx, 2*time.Second)); err != nil {
		return err
	}
	s.mark("upgrade")
	if err := s.upgrade(ctx); err != nil {
		return err
	}
	s.mark("after")
	if err := errors.Join(s.pause(ctx, 2*time.Second), s.watch(ctx)); err != nil {
		return err
	}
	stop()
	if err := <-done; err != nil {
		return err
	}
	s.mark("end")
	if _, err := s.sink.Quiet(ctx, time.Second); err != nil {
		return err
	}
	return s.account()
}

func (s *show) mark(name string) { s.marks = append(s.marks, mark{name, s.made.Load(), time.Now()}) }

func (s *show) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watch shows bisc's live view once, as the host sees it.
func (s *show) watch(ctx context.Context) error {
	argv := []string{s.bisc, "relay", "top", "--once", "--interval", "2s", "--url", mirrorMetrics, "--url", unwrapMetrics}
	fmt.Println("\n$ bisc relay top --once --interval 2s --url", mirrorMetrics, "--url", unwrapMetrics)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+s.dir)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := s.net.Host.Start(cmd); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("bisc relay top: %w", err)
	}
	return nil
}

// account says what was sent and received in each part, and fails when a shred is missing.
func (s *show) account() error {
	title("what was sent and what arrived, by sequence number")
	fmt.Printf("%-10s %8s %10s %10s %6s\n", "", "seconds", "sent", "received", "lost")
	var lost uint64
	for i, m := range s.marks[:len(s.marks)-1] {
		next := s.marks[i+1]
		missing := uint64(len(s.sink.Missing(m.first, next.first, int(next.first-m.first))))
		fmt.Printf("%-10s %8.1f %10d %10d %6d\n", m.name, next.at.Sub(m.at).Seconds(), next.first-m.first, next.first-m.first-missing, missing)
		lost += missing
	}
	got := s.sink.Close()
	fmt.Printf("duplicate %d, changed or foreign %d, out of order %d (shreds of one size go together); delay median %s, 99 of 100 %s, longest %s\n",
		got.Duplicate, got.Bad, got.Reordered, got.Delay.Quantile(0.5).Round(time.Microsecond), got.Delay.Quantile(0.99).Round(time.Microsecond), got.Delay.Max().Round(time.Microsecond))
	if got.Unique == 0 || lost > 0 || got.Bad > 0 {
		return fmt.Errorf("%d shreds of %d were lost, %d arrived changed", lost, s.made.Load(), got.Bad)
	}
	fmt.Printf("\ndemo-relay: %d shreds sent, %d received, 0 lost, across an upgrade of shredunwrap.\n", s.made.Load(), got.Unique)
	return nil
}
