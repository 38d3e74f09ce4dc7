package eos

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"strings"
	"time"

	"bisc/internal/lab/eos/box"
	"bisc/internal/lab/eos/device"
	"bisc/internal/lab/eos/front"
	"bisc/internal/lab/eos/linux"
	"bisc/internal/lab/eos/plane"
)

// Control looks at a switch behind its back, and breaks it. Nothing that it does is heard by the switch's faces. Its calls end with
// the switch; they fail when it has ended.
type Control struct{ sw *Switch }

// Control is the switch's.
func (sw *Switch) Control() Control { return Control{sw} }

// callLimit is how long a call may take that waits for nothing but the switch.
const callLimit = time.Minute

func (c Control) call(method string, args, reply any) error {
	return c.callFor(callLimit, method, args, reply)
}

func (c Control) callFor(limit time.Duration, method string, args, reply any) error {
	call := c.sw.client.Go("Switch."+method, args, reply, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error != nil {
			return fmt.Errorf("switch %s: %s: %w", c.sw.Name, method, call.Error)
		}
		return nil
	case <-c.sw.ended:
		return c.sw.failure()
	case <-time.After(limit):
		return fmt.Errorf("switch %s: %s: no answer within %s", c.sw.Name, method, limit)
	}
}

// Refused is a line that the command line refused.
type Refused struct{ Line, Text string }

func (r *Refused) Error() string { return fmt.Sprintf("%s: %s", r.Line, r.Text) }

// CLI gives lines to a privileged context of its own, as another user, and returns what it printed. It stops at the first line that is
// refused, with a *Refused.
func (c Control) CLI(user string, lines ...string) (string, error) {
	var said box.Said
	if err := c.call("CLI", box.CLIArgs{User: user, Lines: lines}, &said); err != nil {
		return "", err
	}
	if said.Refused != "" {
		return said.Out, &Refused{said.Line, strings.TrimSpace(said.Refused)}
	}
	return said.Out, nil
}

// Running is running-config, as show running-config prints it.
func (c Control) Running() (string, error) {
	t, err := c.texts()
	return t.Running, err
}

// Startup is startup-config, as it lies on flash; "" if there is none.
func (c Control) Startup() (string, error) {
	t, err := c.texts()
	return t.Startup, err
}

// BootErrors are the lines of startup-config that the last boot refused.
func (c Control) BootErrors() ([]string, error) {
	t, err := c.texts()
	return t.Refused, err
}

func (c Control) texts() (t box.Texts, err error) { return t, c.call("Texts", box.None{}, &t) }

// Bash runs a command in the switch's bash, as root, behind its back, and returns its standard output. A status that is not 0 is an
// error with what it said. The command has a minute.
func (c Control) Bash(command string) (string, error) { return c.BashAs("root", command, nil) }

// BashAs is Bash as a user, with input.
func (c Control) BashAs(user, command string, input []byte) (string, error) {
	var ran box.Ran
	if err := c.callFor(2*callLimit, "Bash", box.BashArgs{User: user, Command: command, Input: input, Limit: callLimit}, &ran); err != nil {
		return "", err
	}
	if ran.Status != 0 {
		return string(ran.Stdout), fmt.Errorf("switch %s: %s: exit status %d: %s", c.sw.Name, command, ran.Status, strings.TrimSpace(string(ran.Stderr)))
	}
	return string(ran.Stdout), nil
}

// Agent tells of an agent that the configuration has; the zero value is of one that it has not, or has shut down.
func (c Control) Agent(name string) (state linux.AgentState, err error) {
	return state, c.call("Agent", name, &state)
}

// Settle waits until the switch's Linux and planes have carried out what is configured, but for what takes its time: monitor sessions,
// routes that are delayed.
func (c Control) Settle() error { return c.call("Settle", box.None{}, &box.None{}) }

// Reload reloads the switch, as the command does, without saving, and returns when it is up again and settled.
func (c Control) Reload() error {
	if err := c.call("Reload", box.None{}, &box.None{}); err != nil {
		return err
	}
	return c.Settle()
}

// Plug puts a cable into a port ("Ethernet4/1"), or takes it out. All are in from the start.
func (c Control) Plug(port string, in bool) error {
	return c.call("Plug", box.PlugArgs{Port: port, In: in}, &box.None{})
}

// PlaneFaults puts these faults in the place of all that the planes have.
func (c Control) PlaneFaults(f plane.Faults) error { return c.call("PlaneFaults", f, &box.None{}) }

// DeviceFaults puts these faults in the place of all that the device has.
func (c Control) DeviceFaults(f device.Faults) error { return c.call("DeviceFaults", f, &box.None{}) }

// FrontFaults puts these faults in the place of all that the faces have.
func (c Control) FrontFaults(f front.Faults) error { return c.call("FrontFaults", f, &box.None{}) }

// Access changes what the faces let in.
func (c Control) Access(a front.Access) error { return c.call("Access", a, &box.None{}) }

// Release lets go what a fault of the faces stalls.
func (c Control) Release() error { return c.call("Release", box.None{}, &box.None{}) }

// CutAll resets every connection that stands.
func (c Control) CutAll() error { return c.call("CutAll", box.None{}, &box.None{}) }

// Heard is what clients did at the faces, in order, since the start or Forget.
func (c Control) Heard() (heard []front.Heard, err error) {
	return heard, c.call("Heard", box.None{}, &heard)
}

// Lines are the lines alone that clients sent, without comments and empty ones.
func (c Control) Lines() ([]string, error) {
	heard, err := c.Heard()
	var lines []string
	for _, h := range heard {
		if h.Line != "" && h.Line[0] != '!' {
			lines = append(lines, h.Line)
		}
	}
	return lines, err
}

// Count says how often something was opened at a face: connections of "ssh", sessions of "shell", requests of "eapi".
func (c Control) Count(face string) (n int, err error) {
	heard, err := c.Heard()
	for _, h := range heard {
		if h.Face == face && h.Line == "" {
			n++
		}
	}
	return n, err
}

// Forget forgets what was heard.
func (c Control) Forget() error { return c.call("Forget", box.None{}, &box.None{}) }

// Await waits until a client sent the n-th line (from 1) that matches a regular expression, and gives it.
func (c Control) Await(ctx context.Context, match string, n int) (heard front.Heard, err error) {
	limit := callLimit
	if end, ok := ctx.Deadline(); ok {
		limit = time.Until(end)
	}
	done := make(chan error, 1)
	go func() {
		done <- c.callFor(limit+callLimit, "Await", box.AwaitArgs{Match: match, N: n, Limit: limit}, &heard)
	}()
	select {
	case err := <-done:
		return heard, err
	case <-ctx.Done():
		return front.Heard{}, fmt.Errorf("wait for line %d that matches %q: %w", n, match, context.Cause(ctx))
	}
}

// Typed is every line that any context of the command line was given, as "user@tty: line": also those of Control, and of the second
// manager.
func (c Control) Typed() (lines []string, err error) {
	return lines, c.call("Typed", box.None{}, &lines)
}

// Logged is what the switch's Linux wrote to its log: "%PROCMGR-6-PROCESS_STARTED: ...".
func (c Control) Logged() ([]string, error) {
	var j box.Journal
	err := c.call("Journal", box.None{}, &j)
	return j.Lines, err
}

// Problems is what the emulation could not carry out, nil if there was nothing such. A test that looks at what a switch does wants
// none.
func (c Control) Problems() error {
	var j box.Journal
	if err := c.call("Journal", box.None{}, &j); err != nil {
		return err
	}
	if len(j.Problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(j.Problems, "\n"))
}

// Advance puts the switch's clock forward: commit timers that are over then fire before it returns.
func (c Control) Advance(d time.Duration) error { return c.call("Advance", d, &box.None{}) }

// Drop has a queue of the processor ("CoppSystemMirroring") count packets as dropped.
func (c Control) Drop(class string, packets int) error {
	return c.call("Drop", box.DropArgs{Class: class, Packets: packets}, &box.None{})
}

// Root is the switch's root folder as a folder of this machine: another one after each reload.
func (c Control) Root() (string, error) {
	var root string
	err := c.call("Root", box.None{}, &root)
	return fmt.Sprintf("/proc/%d/root%s", c.sw.PID, root), err
}
