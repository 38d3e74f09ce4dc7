package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	ground "bisc/relaybin/lab"
)

// play is the show.
func (s *stage) play(ctx context.Context) error {
	for _, act := range []func(context.Context) error{s.install, s.breaks, s.reload} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return errors.Join(s.was.Control().Problems(), s.mia.Control().Problems())
}

// install applies the plan to an empty host and to switches that have nothing of ours.
func (s *stage) install(ctx context.Context) error {
	title("make it so: the host's layers, and the relay on the switches")
	if err := s.bisc(ctx, 0, nil, "apply", "--auto-approve", "--until-clean"); err != nil {
		return err
	}
	title("a second run finds nothing to do, and opens no session on a switch")
	before, err := s.sessions()
	if err != nil {
		return err
	}
	if err := s.bisc(ctx, 0, nil, "plan"); err != nil {
		return err
	}
	if err := s.bisc(ctx, 0, nil, "apply", "--auto-approve"); err != nil {
		return err
	}
	after, err := s.sessions()
	if err != nil {
		return err
	}
	if before == 0 || after != before {
		return fmt.Errorf("was-sw01 had %d configuration sessions before the second run and %d after it", before, after)
	}
	return s.cross(ctx, "shreds cross: from the peer by was-sw01's mirror, shredmirror, Ethernet4/1 and shredunwrap to the TVU port")
}

// breaks breaks the switch in each of its columns, and has bisc see and mend it.
func (s *stage) breaks(ctx context.Context) error {
	title("somebody breaks was-sw01 behind bisc's back: running, startup, programmed, the program of the daemon")
	if err := s.types("configure", "no monitor session 1", "end"); err != nil { // running
		return err
	}
	if err := s.types("configure", "no ip access-list SHRED-RELAY", "end", "write memory", "configure", "ip access-list SHRED-RELAY", "10 permit udp any any eq 20000", "end"); err != nil { // startup
		return err
	}
	fmt.Println("\n(a cable is pulled out of Ethernet4/1)") // programmed
	if err := s.was.Control().Plug("Ethernet4/1", false); err != nil {
		return err
	}
	if err := s.bash("cd /mnt/flash/bisc && cp shredmirror x && echo >>x && mv x shredmirror"); err != nil { // the program
		return err
	}
	columns := []string{"eos_monitor[1]", "running: ", "startup: ", "rib: ", "relay_binary[shredmirror]"}
	if err := s.bisc(ctx, 3, columns, "drift", "--layer", "relay"); err != nil {
		return err
	}
	fmt.Println("\n(the cable is put back: that is not for bisc to mend)")
	if err := s.was.Control().Plug("Ethernet4/1", true); err != nil {
		return err
	}
	if err := s.bisc(ctx, 0, nil, "apply", "--auto-approve", "--until-clean"); err != nil {
		return err
	}
	return s.cross(ctx, "shreds cross again")
}

// reload reloads the switch, and looks whether all is there.
func (s *stage) reload(ctx context.Context) error {
	title("was-sw01 reloads: what lies in RAM is gone, and startup-config and flash bring it all back")
	fmt.Println("\nlab-was-sw01# reload now")
	if err := s.was.Control().Reload(); err != nil {
		return err
	}
	if err := s.bisc(ctx, 0, nil, "check", "--layer", "relay", "--wait", "60s"); err != nil {
		return err
	}
	fmt.Println("\n(a daemon counts as steady when it is 15 s old)")
	select {
	case <-time.After(16 * time.Second):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.bisc(ctx, 0, nil, "plan"); err != nil {
		return err
	}
	return s.cross(ctx, "shreds cross after the reload, and bisc did nothing for it")
}

// types is somebody's own hands on the switch, without bisc.
func (s *stage) types(lines ...string) error {
	fmt.Println()
	for _, l := range lines {
		fmt.Println("somebody@lab-was-sw01#", l)
	}
	_, err := s.was.Control().CLI("somebody", lines...)
	return err
}

func (s *stage) bash(command string) error {
	fmt.Printf("\nsomebody@lab-was-sw01# bash sudo sh -c '%s'\n", command)
	_, err := s.was.Control().Bash(command)
	return err
}

// sessions counts the configuration sessions that clients opened on was-sw01.
func (s *stage) sessions() (n int, err error) {
	lines, err := s.was.Control().Lines()
	for _, l := range lines {
		words := strings.Fields(l)
		if len(words) == 3 && words[0] == "configure" && words[1] == "session" {
			n++
		}
	}
	return n, err
}

// burst is how many shreds are sent to see whether they cross; rate is the design rate, a second.
const (
	burst = 7500
	rate  = 7500
)

// cross sends shreds and counts those that arrive. The first few may find a daemon that still looks for its device.
func (s *stage) cross(ctx context.Context, text string) error {
	title("%s", text)
	send := func(count uint64) error {
		path := ground.Path{Device: "uplink", Source: netip.AddrPortFrom(uplink.Addr(), 8000), To: shreds}
		_, err := s.net.Send(ctx, ground.Stream{Rate: rate, Count: count, Paths: []ground.Path{path}, Chain: ground.Chain{Merkle: true}})
		return err
	}
	s.sink.Forget()
	for end := time.Now().Add(30 * time.Second); ; {
		if err := send(50); err != nil {
			return err
		}
		_, err := s.sink.Wait(ctx, "a shred", 300*time.Millisecond, ground.Unique(1))
		if err == nil {
			break
		}
		if time.Now().After(end) {
			return fmt.Errorf("no shred came across within 30s: %w", err)
		}
	}
	if _, err := s.sink.Quiet(ctx, 300*time.Millisecond); err != nil {
		return err
	}
	s.sink.Forget()
	if err := send(burst); err != nil {
		return err
	}
	got, err := s.sink.Wait(ctx, "all shreds", 3*time.Second, ground.Unique(burst))
	fmt.Printf("sent %d shreds in a second, received %d, changed %d, twice %d\n", burst, got.Unique, got.Bad, got.Duplicate)
	if err != nil || got.Bad > 0 {
		return errors.Join(fmt.Errorf("%d of %d shreds came across, %d of them changed", got.Unique, burst, got.Bad), err)
	}
	return nil
}
