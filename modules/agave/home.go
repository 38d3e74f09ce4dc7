package agave

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
)

// Home is where a process of a validator is at home, as its own mounts tell.
type Home struct {
	Pod, Container string // a pod's UID, and its container's name; empty: it is in no pod
	Node           bool   // the node's kubelet keeps that pod
	Unsure         bool   // whether it does could not be told
	Group          string // its control group
	Program        string // by which it can be asked
	Ledger         string
}

// String says where a process is, so that a person finds it.
func (h Home) String() string {
	if h.Pod == "" {
		return "in no pod, control group " + h.Group
	}
	return fmt.Sprintf("in the container %s of the pod with uid %s, control group %s", h.Container, h.Pod, h.Group)
}

// Whose tells whose a process is. Only one's own is asked to exit.
type Whose int

// Untold: it was not asked, or nothing tells it. A process counts in the proof whosever it is.
const (
	Untold Whose = iota
	Own
	Foreign
)

// homes are those of the processes that were there, by pid and start, with the time by the host's clock. unread tells why nothing is known.
type homes struct {
	of     map[identity]Home
	now    time.Time
	unread error
}

// readHomes asks the host; node is the one whose pods are marked, or "". err is a host without an answer.
func readHomes(ctx context.Context, r host.Reader, node string) (all homes, err error) {
	argv := host.Homes.Argv(node)
	out, err := r.Query(ctx, argv...)
	switch {
	case errors.Is(err, host.ErrStuck):
		all.unread = fmt.Errorf("whose the processes are could not be read: %w", err)
		return all, nil
	case err != nil:
		return all, fmt.Errorf("ask whose the validators are: %w", err)
	case out.Exit != 0:
		all.unread = fmt.Errorf("whose the processes are could not be read: %w", &host.ExitError{Argv: []string{host.Homes.Name}, Exit: out.Exit, Stderr: out.Stderr})
		return all, nil
	}
	return parseHomes(string(out.Stdout)), nil
}

// parseHomes reads the lines of host.Homes. What is not understood is known of nobody.
func parseHomes(text string) homes {
	all := homes{of: map[identity]Home{}}
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		if len(w) == 2 && w[0] == "now" {
			if n, err := strconv.ParseInt(w[1], 10, 64); err == nil {
				all.now = time.Unix(n, 0)
			}
			continue
		}
		if len(w) != 8 {
			return homes{unread: fmt.Errorf("whose the processes are: the host says %q", strings.TrimSpace(line))}
		}
		pid, e1 := strconv.Atoi(w[0])
		start, e2 := strconv.ParseUint(w[1], 10, 64)
		program, e3 := base64.StdEncoding.DecodeString(w[6])
		ledger, e4 := base64.StdEncoding.DecodeString(w[7])
		if err := errors.Join(e1, e2, e3, e4); err != nil {
			return homes{unread: fmt.Errorf("whose the processes are: the host says %q: %w", strings.TrimSpace(line), err)}
		}
		home := Home{Pod: w[2], Container: w[3], Node: w[4] == "node", Unsure: w[4] == "?", Group: w[5], Program: string(program), Ledger: string(ledger)}
		if home.Pod == "-" {
			home.Pod, home.Container = "", ""
		}
		all.of[identity{pid, start}] = home
	}
	return all
}

// identity is a process by its pid and its start.
type identity struct {
	pid   int
	start uint64
}

// place says of each process whose it is: own tells it of a home that is known.
func (all homes) place(processes []Process, own func(Home) Whose) {
	for i := range processes {
		if home, told := all.of[identity{processes[i].PID, processes[i].Start}]; told {
			processes[i].Home, processes[i].Whose = home, own(home)
		}
	}
}

// ofPods tells a process that is in one of some pods, in the container, from others.
func ofPods(pods []Pod, container string) func(Home) Whose {
	return func(h Home) Whose {
		if h.Container == container && slices.ContainsFunc(pods, func(p Pod) bool { return p.UID == h.Pod }) {
			return Own
		}
		return Foreign
	}
}

// ofNode tells a process that is in a pod of the node from one that is in none. Of another pod it cannot be told: it may be the node's,
// which was not found or not named.
func ofNode(container string) func(Home) Whose {
	return func(h Home) Whose {
		switch {
		case h.Container != container:
			return Foreign
		case h.Node:
			return Own
		}
		return Untold
	}
}

// owned are those that are somebody else's for sure left out.
func owned(all []Process) []Process {
	return slices.DeleteFunc(slices.Clone(all), func(p Process) bool { return p.Whose == Foreign })
}

// byHand is how an operator asks the process to exit, on the host as root.
func (p Process) byHand() string {
	program, ledger, note := p.Home.Program, p.Home.Ledger, ""
	if program == "" {
		program, ledger = "PROGRAM", "LEDGER"
		note = fmt.Sprintf(" (PROGRAM: readlink /proc/%d/exe; LEDGER: its --ledger in /proc/%[1]d/cmdline)", p.PID)
	}
	return host.Quote("nsenter", "-t", strconv.Itoa(p.PID), "-m", "-p", "-w", "--", program, "--ledger", ledger, "exit", "--force") + note
}
