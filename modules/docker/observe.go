package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"bisc/internal/host"
	"bisc/modules/storage"
)

// node is what was observed of a node.
type node struct {
	there  bool
	box    Container
	init   initProcess
	mounts storage.Table // of its first process
	seen   map[string]view
	ready  readiness
	now    time.Time     // the host's clock; where the node runs and is asked for
	ahead  time.Duration // how far the clock of the machine that bisc runs on is ahead of it; with restarted_after
}

// initProcess is the first process of a container that docker says runs.
type initProcess int

const (
	initUnasked initProcess = iota // docker says that it does not run
	initAlive
	// initDying: it has ended (PF_EXITING) and cannot go, since a process of its namespace does not: the kernel waits for every
	// one of them. docker stop says "tried to kill container, but did not receive an exit event".
	initDying
	initGone
)

// view is a folder of the node beside the folder of the host that it should be.
type view struct {
	node, host           host.Stat
	nodeThere, hostThere bool
	// link is a part of the node's path that is a symbolic link, which would be followed in the host's root.
	link string
}

// same tells whether both are one folder.
func (v view) same() bool {
	return v.nodeThere && v.hostThere && v.link == "" && v.node.Dev == v.host.Dev && v.node.Inode == v.host.Inode
}

// readiness is what the API server says of the node.
type readiness struct {
	asked    bool
	ready    bool
	beat     time.Time // when the kubelet said so, in whole seconds
	said     string    // the condition's reason and message
	noAnswer error     // host.ErrNoAPI: nobody is there, or not yet
}

// observe reads docker, /proc and the API server. An error means that something is not known.
func (n *KindNode) observe(ctx context.Context, h host.Reader) (node, error) {
	o := node{seen: map[string]view{}}
	var err error
	if o.box, o.there, err = ReadContainer(ctx, h, n.Name); err != nil || !o.there || o.box.State.Status != "running" {
		return o, err
	}
	if o.init, err = o.box.State.first(ctx, h); err != nil || o.init != initAlive || !n.Running {
		return o, err
	}
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) { o.mounts, err = nodeMounts(ctx, h, o.box.State.Pid); return err },
	}
	views := make([]view, len(n.Sees))
	inside := slices.Sorted(maps.Keys(n.Sees))
	for i, p := range inside {
		questions = append(questions, func(ctx context.Context) (err error) {
			views[i], err = look(ctx, h, o.box.State.Pid, p, n.Sees[p])
			return err
		})
	}
	if n.RestartedAfter != "" {
		questions = append(questions, func(ctx context.Context) error {
			now, err := hostNow(ctx, h)
			o.ahead = n.clock().Sub(now)
			return err
		})
	}
	if n.Kubeconfig != "" {
		questions = append(questions,
			func(ctx context.Context) (err error) { o.ready, err = n.askReady(ctx, h); return err },
			func(ctx context.Context) (err error) { o.now, err = hostNow(ctx, h); return err })
	}
	err = host.Ask(ctx, questions...)
	for i, p := range inside {
		o.seen[p] = views[i]
	}
	return o, err
}

// first tells how the first process is, by its flags (the ninth field of /proc/PID/stat, proc(5)).
func (s ContainerState) first(ctx context.Context, h host.Reader) (initProcess, error) {
	name := fmt.Sprintf("/proc/%d/stat", s.Pid)
	b, err := h.ReadFile(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return initGone, nil
	}
	if err != nil {
		return initUnasked, fmt.Errorf("the node's first process: %w", err)
	}
	const exiting = 0x4                                            // PF_EXITING
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // what stands before it is the name, which may hold anything
	if len(f) < 7 {
		return initUnasked, fmt.Errorf("%s is not understood: %q", name, b)
	}
	flags, err := strconv.ParseUint(f[6], 10, 64)
	if err != nil {
		return initUnasked, fmt.Errorf("%s: its flags: %w", name, err)
	}
	if flags&exiting != 0 || f[0] == "Z" || f[0] == "X" {
		return initDying, nil
	}
	return initAlive, nil
}

func nodeMounts(ctx context.Context, h host.Reader, pid int) (storage.Table, error) {
	b, err := h.ReadFile(ctx, fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		return nil, fmt.Errorf("the node's mount table: %w", err)
	}
	return storage.ParseMounts(b)
}

// look compares a folder of the node, through the root of its first process, with one of the host. An absolute link inside
// would be followed in the host's own root, and prove the host's folder equal to itself: each part of the path is looked at.
func look(ctx context.Context, h host.Reader, pid int, inside, outside string) (v view, err error) {
	root := fmt.Sprintf("/proc/%d/root", pid)
	var parts []string
	for p := inside; p != "/"; p = path.Dir(p) {
		parts = append(parts, p)
	}
	links := make([]string, len(parts))
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) {
			v.host, v.hostThere, err = host.StatIfThere(ctx, h, outside)
			return err
		},
		func(ctx context.Context) (err error) {
			v.node, v.nodeThere, err = host.StatIfThere(ctx, h, root+inside)
			return err
		},
	}
	for i, p := range parts {
		questions = append(questions, func(ctx context.Context) error {
			st, _, err := host.StatIfThere(ctx, h, root+p)
			if st.Link != "" {
				links[i] = p + " -> " + st.Link
			}
			return err
		})
	}
	err = host.Ask(ctx, questions...)
	for _, l := range links {
		if l != "" {
			v.link = l
		}
	}
	return v, err
}

// askReady asks for the node's condition Ready. An API server that does not answer is an answer here: after a start it takes
// its time, and it is decide that knows how long ago that was.
func (n *KindNode) askReady(ctx context.Context, h host.Reader) (readiness, error) {
	r := readiness{asked: true}
	b, err := h.Kube(ctx, host.KubeQuery{Kubeconfig: n.Kubeconfig, Context: n.Context, Resource: "v1/nodes", Name: n.Name})
	switch {
	case errors.Is(err, host.ErrNoAPI):
		r.noAnswer = err
		return r, nil
	case errors.Is(err, host.ErrNoObject):
		r.said = "the cluster has no node of this name"
		return r, nil
	case err != nil:
		return r, fmt.Errorf("whether the node is Ready: %w", err)
	}
	var object struct {
		Status struct {
			Conditions []struct {
				Type, Status, Reason, Message string
				LastHeartbeatTime             time.Time
			}
		}
	}
	if err := json.Unmarshal(b, &object); err != nil {
		return r, fmt.Errorf("the node as the API server tells it: %w", err)
	}
	r.said = "the node has no condition Ready"
	for _, c := range object.Status.Conditions {
		if c.Type == "Ready" {
			r.ready, r.beat, r.said = c.Status == "True", c.LastHeartbeatTime, strings.TrimSpace(c.Status+" "+c.Reason)
		}
	}
	return r, nil
}
