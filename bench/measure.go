package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	"bisc/internal/lab/wire"
)

// cost is what one run of a tool cost.
type cost struct {
	wall         time.Duration
	here, there  time.Duration // processor time: of the tool, and of all that the host did for it
	turns        int64         // connections included: each costs one
	sent, got    int64         // bytes on the wire
	resident     int64         // bytes, the tool's largest process
	logins, sudo int           // by the host's own log
}

// measure runs a tool once, in a group of its own, and insists on its exit status.
func (s *site) measure(ctx context.Context, t tool) (c cost, err error) {
	group, err := newCgroup("tool")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, group.end()) }()
	dir, err := os.Open(string(group))
	if err != nil {
		return c, err
	}
	defer dir.Close()
	cmd := exec.CommandContext(ctx, t.argv[0], t.argv[1:]...)
	cmd.Env, cmd.Dir = append(os.Environ(), t.env...), s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	// Ansible's workers outlive it, and hold its output open.
	cmd.Cancel = func() error { group.kill(); return os.ErrProcessDone }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out

	logins, sudo, err := s.log(ctx)
	if err != nil {
		return c, err
	}
	before, err := s.count()
	if err != nil {
		return c, err
	}
	start := time.Now()
	err = cmd.Run()
	c.wall = time.Since(start)
	if got := cmd.ProcessState; got == nil || got.ExitCode() != t.exit {
		return c, fmt.Errorf("%s: %w (want exit %d)\n%s", t.name, err, t.exit, out.Bytes())
	}
	if t.says != "" && !bytes.Contains(out.Bytes(), []byte(t.says)) {
		return c, fmt.Errorf("%s did not say %q:\n%s", t.name, t.says, out.Bytes())
	}
	c.resident = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	if c.here, err = group.used(); err != nil {
		return c, err
	}
	if err := s.since(&c, before); err != nil {
		return c, err
	}
	c.logins, c.sudo, err = s.log(ctx)
	c.logins -= logins
	c.sudo -= sudo
	return c, err
}

// counters are what the hosts and the wire have counted so far.
type counters struct {
	there time.Duration
	wire  wire.Counters
}

func (s *site) count() (n counters, err error) {
	for _, t := range s.targets {
		used, err := t.group.used()
		if err != nil {
			return n, err
		}
		w := t.proxy.Counters()
		n.there += used
		n.wire.Turns += w.Turns
		n.wire.Connections += w.Connections
		n.wire.Up += w.Up
		n.wire.Down += w.Down
	}
	return n, nil
}

// since fills in what has been counted since before.
func (s *site) since(c *cost, before counters) error {
	now, err := s.count()
	if err != nil {
		return err
	}
	c.there = now.there - before.there
	c.turns = now.wire.Turns - before.wire.Turns + now.wire.Connections - before.wire.Connections
	c.sent, c.got = now.wire.Up-before.wire.Up, now.wire.Down-before.wire.Down
	return nil
}

// log counts what the first host's own log has of logins and of sudo.
func (s *site) log(ctx context.Context) (logins, sudo int, err error) {
	out, err := s.targets[0].host.Shell(ctx, `journalctl --sync
		journalctl -q -o cat _COMM=sshd | grep -c '^Accepted publickey for ops ' || :
		journalctl -q -o cat _COMM=sudo | grep -c ' ; COMMAND=' || :`)
	if err != nil {
		return 0, 0, err
	}
	_, err = fmt.Sscan(string(out), &logins, &sudo)
	return logins, sudo, err
}

// median of each number by itself.
func median(costs []cost) cost {
	var m cost
	m.wall = middle(costs, func(c cost) time.Duration { return c.wall })
	m.here = middle(costs, func(c cost) time.Duration { return c.here })
	m.there = middle(costs, func(c cost) time.Duration { return c.there })
	m.turns = middle(costs, func(c cost) int64 { return c.turns })
	m.sent = middle(costs, func(c cost) int64 { return c.sent })
	m.got = middle(costs, func(c cost) int64 { return c.got })
	m.resident = middle(costs, func(c cost) int64 { return c.resident })
	m.logins = middle(costs, func(c cost) int { return c.logins })
	m.sudo = middle(costs, func(c cost) int { return c.sudo })
	return m
}

func middle[N int | int64 | time.Duration](costs []cost, of func(cost) N) N {
	all := make([]N, len(costs))
	for i, c := range costs {
		all[i] = of(c)
	}
	slices.Sort(all)
	return all[len(all)/2]
}
