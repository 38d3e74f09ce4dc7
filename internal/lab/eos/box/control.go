package box

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	"bisc/internal/lab/eos/linux"
	"bisc/internal/lab/eos/plane"
)

// Control answers package eos, whose Control has the words for each.
type Control struct{ box *box }

// None is no argument, and no answer.
type None struct{}

// StartArgs is what Start needs: whoever has the key may log in.
type StartArgs struct {
	Options Options
	Key     string // an authorized_keys line
}

// Start makes the switch.
func (c *Control) Start(args StartArgs, up *Up) (err error) {
	if c.box != nil {
		return errors.New("the switch has been started")
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(args.Key))
	if err != nil {
		return fmt.Errorf("the key of the switch's users: %w", err)
	}
	c.box, *up, err = start(args.Options, key)
	return err
}

// CLIArgs are lines for a privileged context of the command line.
type CLIArgs struct {
	User  string
	Lines []string
}

// Said is what the command line answered. Refused is the refusal of the last line that was given, "" if none.
type Said struct{ Out, Refused, Line string }

// CLI gives lines to a context of its own, and stops at the first that is refused.
func (c *Control) CLI(args CLIArgs, said *Said) error {
	shell := c.box.device.Shell(args.User, "con0")
	defer shell.Close()
	shell.Privilege(true)
	var out strings.Builder
	for _, line := range args.Lines {
		text, err := shell.Run(line)
		out.WriteString(text)
		if err != nil {
			*said = Said{out.String(), err.Error(), line}
			return nil
		}
	}
	*said = Said{Out: out.String()}
	return nil
}

// Texts are the switch's configurations, and the lines of startup-config that its last boot refused.
type Texts struct {
	Running, Startup string
	Refused          []string
}

// Texts reads them behind the switch's back.
func (c *Control) Texts(_ None, t *Texts) error {
	*t = Texts{Running: c.box.device.Running(), Startup: c.box.device.Startup()}
	for _, err := range c.box.device.BootErrors() {
		t.Refused = append(t.Refused, err.Error())
	}
	return nil
}

// BashArgs are a command of the switch's bash, and its input.
type BashArgs struct {
	User, Command string
	Input         []byte
	Limit         time.Duration
}

// Ran is how a command ended.
type Ran struct {
	Status         int
	Stdout, Stderr []byte
}

// Bash runs a command on the switch.
func (c *Control) Bash(args BashArgs, ran *Ran) error {
	ctx, cancel := context.WithTimeout(context.Background(), args.Limit)
	defer cancel()
	var out, errs bytes.Buffer
	ran.Status = c.box.system.BashAs(ctx, args.User, args.Command, bytes.NewReader(args.Input), &out, &errs)
	ran.Stdout, ran.Stderr = out.Bytes(), errs.Bytes()
	return nil
}

// Agent tells of an agent of ProcMgr.
func (c *Control) Agent(name string, state *linux.AgentState) error {
	*state, _ = c.box.system.ProcMgr().State(name)
	return nil
}

// Settle waits until the planes have carried the configuration out.
func (c *Control) Settle(None, *None) error {
	c.box.plane.Settle()
	return nil
}

// PlugArgs are a port and whether its cable is in.
type PlugArgs struct {
	Port string
	In   bool
}

// Plug plugs a cable.
func (c *Control) Plug(args PlugArgs, _ *None) error {
	if err := c.box.plane.Plug(args.Port, args.In); err != nil {
		return err
	}
	c.box.plane.Settle()
	return nil
}

// PlaneFaults puts these in the place of all.
func (c *Control) PlaneFaults(f plane.Faults, _ *None) error {
	c.box.plane.SetFaults(func(now *plane.Faults) { *now = f })
	return nil
}

// DeviceFaults puts these in the place of all.
func (c *Control) DeviceFaults(f device.Faults, _ *None) error {
	c.box.device.SetFaults(func(now *device.Faults) { *now = f })
	return nil
}

// FrontFaults puts these in the place of all.
func (c *Control) FrontFaults(f front.Faults, _ *None) error { return c.box.front.SetFaults(f) }

// Access changes what the faces let in.
func (c *Control) Access(a front.Access, _ *None) error {
	c.box.front.SetAccess(a)
	return nil
}

// Release lets go what a fault of the faces stalls.
func (c *Control) Release(None, *None) error {
	c.box.front.Release()
	return nil
}

// CutAll resets every connection.
func (c *Control) CutAll(None, *None) error {
	c.box.front.CutAll()
	return nil
}

// Heard is what clients did.
func (c *Control) Heard(_ None, heard *[]front.Heard) error {
	*heard = c.box.front.Log().All()
	return nil
}

// Forget forgets what clients did.
func (c *Control) Forget(None, *None) error {
	c.box.front.Log().Forget()
	return nil
}

// AwaitArgs are what a line is to match, and which one of those it is, from 1.
type AwaitArgs struct {
	Match string
	N     int
	Limit time.Duration
}

// Await waits for a line.
func (c *Control) Await(args AwaitArgs, heard *front.Heard) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), args.Limit)
	defer cancel()
	*heard, err = c.box.front.Log().Await(ctx, args.Match, args.N)
	return err
}

// Typed is every line that any context of the command line was given.
func (c *Control) Typed(_ None, lines *[]string) error {
	*lines = c.box.device.Log()
	return nil
}

// Journal is what Linux logged, and what the emulation could not do.
type Journal struct{ Lines, Problems []string }

// Journal reads it.
func (c *Control) Journal(_ None, j *Journal) error {
	j.Lines, j.Problems = c.box.log.read()
	return nil
}

// Advance puts the switch's clock forward, and lets what is due happen.
func (c *Control) Advance(d time.Duration, _ *None) error {
	c.box.ahead.Add(int64(d))
	c.box.device.Tick()
	return nil
}

// DropArgs are packets that a queue is to drop.
type DropArgs struct {
	Class   string
	Packets int
}

// Drop counts packets as dropped.
func (c *Control) Drop(args DropArgs, _ *None) error {
	c.box.plane.Drop(args.Class, args.Packets)
	return nil
}

// Root is the switch's present root folder, as this process sees it.
func (c *Control) Root(_ None, root *string) error {
	*root = c.box.system.Root()
	return nil
}

// Reload reloads the switch.
func (c *Control) Reload(None, *None) error {
	c.box.device.Reload()
	return nil
}
