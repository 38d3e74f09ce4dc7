package docker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"bisc/internal/host"
	"bisc/modules"
	"bisc/modules/storage"
)

// wayOut is what is left where a process cannot be killed.
const wayOut = "something in the node cannot be killed (docker stop and restart fail with \"tried to kill container, but did not receive an exit event\"): " +
	"mend the storage that its thread waits on (a frozen file system, a pool without its disks), then it ends and `docker start` brings the node back; " +
	"where that cannot be mended only a power cycle of the host ends it. Do not restart docker"

// decide says what stands between a node and what is wanted of it.
func (n *KindNode) decide(o node) modules.Change {
	var c modules.Change
	if !o.there {
		if n.Running {
			c.Refuse("container", "(none)", "a node of "+n.Cluster, "kind makes it with the cluster: a laconic_deployment with state \"started\" or \"prepared\" does")
		}
		return c
	}
	if got := o.box.Config.Labels[ClusterLabel]; got != n.Cluster {
		c.Refuse("cluster", orNone(got), n.Cluster, "this container is none of that cluster's: nothing is done to it")
		return c
	}
	n.boot(&c, o)
	if n.state(&c, o) {
		n.binds(&c, o)
		n.sees(&c, o)
		n.ready(&c, o)
	}
	return c
}

// boot compares the policy by which docker starts the node after boot.
func (n *KindNode) boot(c *modules.Change, o node) {
	if n.RestartPolicy == "" {
		return
	}
	if c.DifferBoot("restart_policy", o.box.HostConfig.RestartPolicy.String(), n.RestartPolicy) {
		c.Do(host.Script{Argv: []string{"docker", "update", "--restart", n.RestartPolicy, n.Name}})
	}
}

// state compares whether the node runs, and tells whether it is worth looking into: it runs, and stays.
func (n *KindNode) state(c *modules.Change, o node) bool {
	status := o.box.State.Status
	switch {
	case status == "running" && o.init == initDying:
		c.Refuse("running", "stuck: docker says running, and its first process has ended and cannot go", n.wanted(), wayOut)
		return false
	case status == "running" && o.init == initGone:
		c.Refuse("running", fmt.Sprintf("docker says running, and there is no process %d", o.box.State.Pid), n.wanted(),
			"docker and the host disagree: the node ends just now (look again), or docker has lost its containerd (journalctl -u docker -u containerd)")
		return false
	case status == "running" && !n.Running:
		c.Differ("running", "true", "false")
		n.interrupt(c, "docker", "stop", "-t", n.seconds(), n.Name)
		return false
	case status == "running":
		return !n.owesRestart(c, o)
	case !n.Running && (status == "exited" || status == "created"):
		return false
	case status == "exited" || status == "created":
		c.Differ("running", o.box.State.ended(), "true")
		c.Do(n.act("docker", "start", n.Name))
		c.Settle = n.Settle
	default:
		next := "docker logs --tail 50 " + n.Name
		if status == "paused" {
			next = "docker unpause " + n.Name
		}
		c.Refuse("running", status, n.wanted(), fmt.Sprintf("docker says that the container is %s, which is left to a person: %s", status, next))
	}
	return false
}

// ended says how a container ended that does not run.
func (s ContainerState) ended() string {
	if s.Status == "created" {
		return "created, never started"
	}
	said := fmt.Sprintf("%s with status %d", s.Status, s.ExitCode)
	if s.OOMKilled {
		said += ", out of memory"
	}
	if s.Error != "" {
		said += ": " + s.Error
	}
	return said
}

// owesRestart restarts a node that was started before the time of the run that wants it restarted. That time is of the clock of the
// machine that bisc runs on, and docker's is the host's: where they differ, the one would be restarted for ever, or not at all.
func (n *KindNode) owesRestart(c *modules.Change, o node) bool {
	after, err := time.Parse(time.RFC3339, n.RestartedAfter)
	after = after.Add(-o.ahead)
	if err != nil || !o.box.State.StartedAt.Before(after) { // Validate has looked at it: the error is that of none
		return false
	}
	want := "after " + after.UTC().Format(time.RFC3339)
	if o.ahead.Abs() > 5*time.Second {
		want += fmt.Sprintf(" by the host's clock (%s here: this machine's clock is otherwise)", n.RestartedAfter)
	}
	c.Differ("restarted", "started "+o.box.State.StartedAt.UTC().Format(time.RFC3339), want)
	n.interrupt(c, "docker", "restart", "-t", n.seconds(), n.Name)
	return true
}

// interrupt adds an act that ends every pod of the node.
func (n *KindNode) interrupt(c *modules.Change, argv ...string) {
	c.Destroy("every pod that runs in the node " + n.Name)
	c.Do(n.act(argv...))
	c.Settle = n.Settle
}

// act is guarded: what starts, stops or restarts the node comes only after the proof that no validator lives, in the same
// script. A start too: where a validator of the node's last life still hangs, the node would start a second one beside it.
func (n *KindNode) act(argv ...string) host.Step {
	return host.Script{Argv: argv, Guards: []host.Guard{host.ValidatorStopped()}, Limit: n.Grace + 2*time.Minute}
}

func (n *KindNode) seconds() string { return strconv.Itoa(int(n.Grace.Seconds())) }
func (n *KindNode) wanted() string  { return strconv.FormatBool(n.Running) }

const newCluster = "a container's mounts are made with it: this takes a new cluster (change kind-config.yml, let the validator exit, delete the cluster, start the deployment)"

// binds compares what docker was told to mount, and what is mounted there in truth.
func (n *KindNode) binds(c *modules.Change, o node) {
	for _, from := range slices.Sorted(maps.Keys(n.Binds)) {
		to := n.Binds[from]
		want := Mountpoint{Source: from, Destination: to, Propagation: n.Propagation, RW: true}
		got, bound := o.box.Bound(to)
		attr := "binds[" + to + "]"
		switch {
		case !bound:
			c.Refuse(attr, "(none)", want.String(), newCluster)
		case got.Source != from || got.propagation() != n.Propagation || !got.RW:
			c.Refuse(attr, got.String(), want.String(), newCluster)
		default:
			n.mounted(c, o, to)
		}
	}
}

// mounted looks at the mount itself: docker's word says how it was asked for. A slave of nothing (the host's mount was
// private when the node started) shows nothing that the host mounts later.
func (n *KindNode) mounted(c *modules.Change, o node, to string) {
	m, ok, err := o.mounts.At(to)
	attr := "binds[" + to + "]"
	switch {
	case err != nil || !ok:
		c.Refuse(attr, "no mount in the node", "a mount", "docker was told to mount it, and nothing is mounted there: what was has been unmounted in the node; restart the node")
	case n.Propagation == "rslave" && m.Master == 0 || n.Propagation == "rshared" && m.Shared == 0:
		c.Refuse(attr, "mounted private: "+m.String(), n.Propagation,
			"what the host mounts below it from now on does not come into the node: the host's mount was private when the node was started (bind's propagation), or the node has made it so; restart the node")
	}
}

// sees compares folders by device and inode.
func (n *KindNode) sees(c *modules.Change, o node) {
	for _, inside := range slices.Sorted(maps.Keys(n.Sees)) {
		v, outside := o.seen[inside], n.Sees[inside]
		if v.same() {
			continue
		}
		c.Refuse("sees["+inside+"]", v.got(o.mounts, inside), v.want(outside), v.why(outside))
	}
}

func (v view) got(mounts storage.Table, inside string) string {
	switch {
	case v.link != "":
		return "a symbolic link: " + v.link
	case !v.nodeThere:
		return "(none)"
	}
	said := fmt.Sprintf("inode %d of %s", v.node.Inode, v.node.Dev)
	if m, err := mounts.Visible(inside); err == nil {
		said += fmt.Sprintf(", in the mount of %s at %s", m, m.Target)
	}
	return said
}

func (v view) want(outside string) string {
	if !v.hostThere {
		return outside + ", which the host does not have"
	}
	return fmt.Sprintf("inode %d of %s, the host's %s", v.host.Inode, v.host.Dev, outside)
}

// why names the cause by what differs.
func (v view) why(outside string) string {
	switch {
	case v.link != "":
		return "a link cannot be followed from outside the node: name the folder that it leads to"
	case !v.hostThere:
		return "the layers below come first: " + outside + " is not there"
	case !v.nodeThere:
		return "nothing is at that path in the node: the bind leads elsewhere, or the folder was made in a file system that the node does not see; restart the node, where its binds are right"
	case v.node.Dev != v.host.Dev:
		return "the node looks at another file system: what the host has mounted there since does not come into it, or something covers it. Let the validator exit and restart the node"
	}
	return "the same file system, and another folder of it: the bind leads elsewhere"
}

// ready compares the node's condition. Soon after a start it is waited for, and so is an API server that refuses, hangs up or answers 503:
// on a busy host it takes minutes. The API server keeps the condition over a restart: what was said before the start tells nothing of the
// kubelet and the containerd that come after it.
func (n *KindNode) ready(c *modules.Change, o node) {
	stale := o.ready.ready && o.ready.beat.Before(o.box.State.StartedAt.Truncate(time.Second))
	if !o.ready.asked || o.ready.ready && !stale {
		return
	}
	if stale {
		o.ready.said = "as the node's last life left it: its kubelet has said nothing since " + o.ready.beat.UTC().Format(time.RFC3339)
	}
	up := o.now.Sub(o.box.State.StartedAt)
	got := orNone(o.ready.said)
	if o.ready.noAnswer != nil {
		got = "unknown: " + o.ready.noAnswer.Error()
	}
	if up < n.Settle {
		c.Differ("ready", fmt.Sprintf("%s (started %s ago)", got, up.Round(time.Second)), "True")
		c.Settle = n.Settle
		return
	}
	c.Refuse("ready", got, "True", fmt.Sprintf("the node runs for %s: docker logs --tail 50 %s, and the kubelet's journal in it", up.Round(time.Second), n.Name))
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
