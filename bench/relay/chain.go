package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"time"

	"bisc/relaybin/lab"
)

// chain is a way from the mirror device to the validator's port: programs on the switch and the host.
type chain struct {
	name         string
	onSwitch     []string // argv; none: nothing runs there
	onHost       []string
	sink         netip.AddrPort // of the host
	direct       bool           // no relay: the sender's frames go straight to the host
	first        time.Duration  // what the first packet may take: a Python starts slowly on a busy machine
	cpuGoal      float64        // its processor time at 75,000/s: at most the rival's by this
	losslessGoal float64        // no loss up to this many a second
}

// loopbackTVU is where an unwrapper sends to.
var loopbackTVU = netip.MustParseAddrPort("127.0.0.1:9000")

const rival = "socat and Python"

// running is a chain at work.
type running struct {
	chain
	net    *lab.Net
	sink   *lab.Sink
	cmds   []*exec.Cmd
	stderr bytes.Buffer
}

// start starts a chain's programs and returns when a shred has gone through.
func (c chain) start(ctx context.Context, n *lab.Net) (_ *running, err error) {
	r := &running{chain: c, net: n}
	if r.sink, err = n.Host.NewSink(c.sink, 0); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		space *lab.Space
		argv  []string
	}{{n.Host, c.onHost}, {n.Switch, c.onSwitch}} {
		if len(p.argv) == 0 {
			continue
		}
		cmd := exec.Command(p.argv[0], p.argv[1:]...)
		cmd.Stderr = &r.stderr
		if err := p.space.Start(cmd); err != nil {
			return nil, errors.Join(err, r.stop())
		}
		r.cmds = append(r.cmds, cmd)
	}
	if err := r.warm(ctx); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// paths is how the chain's shreds begin.
func (c chain) paths() []lab.Path {
	if c.direct {
		return []lab.Path{{Device: lab.DirectIn}}
	}
	return nil
}

// warm sends shreds until some arrive, and then so many that what is adapted to the rate is adapted.
func (r *running) warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("no shred came through within 20s"))
	defer cancel()
	for {
		if _, err := r.net.Send(ctx, lab.Stream{Rate: 1000, Count: 20, Paths: r.paths()}); err != nil {
			return err
		}
		if _, err := r.sink.Wait(ctx, "the first shred", 300*time.Millisecond, lab.Unique(1)); err == nil {
			break
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w\n%s", r.name, context.Cause(ctx), &r.stderr)
		}
	}
	if _, err := r.net.Send(ctx, lab.Stream{Rate: 7500, Count: 2000, Paths: r.paths()}); err != nil {
		return err
	}
	_, err := r.sink.Quiet(ctx, 200*time.Millisecond)
	return err
}

// stop ends the chain's programs.
func (r *running) stop() error {
	for _, cmd := range r.cmds {
		_ = cmd.Process.Kill() // it may have ended by itself, which its missing packets tell
		_ = cmd.Wait()
	}
	r.sink.Close()
	return nil
}

// parse reads --beside: NAME=SWITCH ARGV[;HOST ARGV].
func parse(text string) (chain, error) {
	name, programs, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return chain{}, fmt.Errorf("--beside %q is not NAME=SWITCH ARGV;HOST ARGV", text)
	}
	onSwitch, onHost, _ := strings.Cut(programs, ";")
	c := chain{name: name, onSwitch: strings.Fields(onSwitch), onHost: strings.Fields(onHost), sink: lab.TVU}
	if len(c.onHost) > 0 {
		c.sink = loopbackTVU
	}
	return c, nil
}
