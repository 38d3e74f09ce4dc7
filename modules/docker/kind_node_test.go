package docker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/host/hosttest"
	"bisc/modules"
	"bisc/modules/kindtest"
)

const (
	nodeName = "laconic-1-control-plane"
	started  = "2026-03-10T12:00:00Z"
)

// inspect is docker's answer for the node.
func inspect(state, mounts string) string {
	return `{"Id":"f00","Name":"/` + nodeName + `","Config":{"Labels":{"io.x-k8s.kind.cluster":"laconic-1"}},
		"HostConfig":{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":1}},"State":` + state + `,"Mounts":[` + mounts + `]}`
}

const (
	running = `{"Status":"running","Pid":71,"StartedAt":"` + started + `"}`
	exited  = `{"Status":"exited","ExitCode":137,"StartedAt":"` + started + `"}`
	mnt     = `{"Type":"bind","Source":"/srv/kind","Destination":"/mnt","Propagation":"rslave","RW":true}`
	// mounts of the node: the bind and, below it, two volumes.
	slave = `700 1 0:50 / / rw - overlay overlay rw
701 700 8:1 /srv/kind /mnt rw master:1 - ext4 /dev/sda1 rw
702 701 230:0 / /mnt/solana rw master:2 - xfs /dev/zd0 rw
`
	uncovered = `700 1 0:50 / / rw - overlay overlay rw
701 700 8:1 /srv/kind /mnt rw master:1 - ext4 /dev/sda1 rw
`
	alive = "71 (systemd (x) y) S 1 71 71 0 -1 4194560 1 2 3\n"
	dying = "71 (systemd) S 1 71 71 0 -1 4194564 1 2 3\n"
)

// sick is a host whose node is as given.
func sick(state, mounts, stat, table string, views map[string]host.Stat) *hosttest.Fake {
	f := hosttest.New("u1")
	f.Dockers["docker container "+nodeName] = inspect(state, mounts)
	f.Dockers["docker info"] = `{"SystemTime":"2026-03-10T12:00:30.5Z"}`
	f.Files["/proc/71/stat"] = stat
	f.Files["/proc/71/mountinfo"] = table
	for _, p := range []string{"/proc/71/root/mnt", "/proc/71/root/mnt/solana"} {
		f.Stats[p] = host.Stat{Type: host.Directory}
	}
	for p, st := range views {
		if st.Type == "" {
			st.Type = host.Directory
		}
		f.Stats[p] = st
		if st.Inode == 0 && st.Link == "" {
			delete(f.Stats, p)
			f.Missing[p] = true
		}
	}
	return f
}

func dev(major, minor uint32) host.DeviceID { return host.DeviceID{Major: major, Minor: minor} }

// change gives what the kind makes of a host, as text.
func change(t *testing.T, f *hosttest.Fake, edit func(*KindNode)) string {
	t.Helper()
	n := KindNodeKind.New(nodeName).(*KindNode)
	n.Cluster = "laconic-1"
	n.clock = func() time.Time { return time.Date(2026, 3, 10, 12, 0, 30, 5e8, time.UTC) } // as docker info has it
	if edit != nil {
		edit(n)
	}
	if err := n.Validate(); err != nil {
		return "error: " + err.Error()
	}
	c, err := n.Plan(t.Context(), f)
	if err != nil {
		return "error: " + err.Error()
	}
	return kindtest.Print(c)
}

// wants fails unless the text has each part; "!" before one says that it must not.
func wants(t *testing.T, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if not, ok := strings.CutPrefix(p, "!"); ok == strings.Contains(got, not) {
			t.Errorf("want %q in\n%s", p, got)
		}
	}
}

func TestNodeStates(t *testing.T) {
	stopped := func(n *KindNode) { n.Running = false }
	after := func(when string) func(*KindNode) { return func(n *KindNode) { n.RestartedAfter = when } }
	ahead := func(when string, by time.Duration) func(*KindNode) {
		return func(n *KindNode) {
			clock := n.clock
			n.RestartedAfter, n.clock = when, func() time.Time { return clock().Add(by) }
		}
	}
	for _, tt := range []struct {
		name  string
		host  *hosttest.Fake
		edit  func(*KindNode)
		wants []string
	}{
		{"it runs", sick(running, mnt, alive, slave, nil), nil, []string{"in sync"}},
		{"it has exited", sick(exited, mnt, "", "", nil), nil, []string{"now running: exited with status 137 -> true\n", "step: run docker start " + nodeName, "no validator lives", "settle: 5m", "!destroys"}},
		{"it was never started", sick(`{"Status":"created"}`, mnt, "", "", nil), nil, []string{"created, never started -> true", "docker start"}},
		{"out of memory", sick(`{"Status":"exited","ExitCode":137,"OOMKilled":true,"Error":"x"}`, mnt, "", "", nil), nil, []string{"exited with status 137, out of memory: x"}},
		{"it runs and is not to", sick(running, mnt, alive, "", nil), stopped, []string{"now running: true -> false", "step: run docker stop -t 60 " + nodeName, "no validator lives", "destroys: every pod that runs in the node"}},
		{"it has exited, as wanted", sick(exited, mnt, "", "", nil), stopped, []string{"in sync"}},
		{"it comes and goes", sick(`{"Status":"restarting","ExitCode":1}`, mnt, "", "", nil), nil, []string{"running: restarting -> true", "why: docker says", "!step"}},
		{"it is frozen, not stopped", sick(`{"Status":"paused","Pid":71}`, mnt, "", "", nil), stopped, []string{"running: paused -> false", "!step"}},
		{"it was started before", sick(running, mnt, alive, slave, nil), after("2026-03-10T12:00:01Z"), []string{"restarted: started 2026-03-10T12:00:00Z -> after 2026-03-10T12:00:01Z", "step: run docker restart -t 60 " + nodeName, "no validator lives", "destroys: every pod"}},
		{"it was started since", sick(running, mnt, alive, slave, nil), after("2026-03-10T11:59:59+00:00"), []string{"in sync"}},
		{"it was started since, by a clock that is ten minutes ahead of the host's", sick(running, mnt, alive, slave, nil), ahead("2026-03-10T12:09:59Z", 10*time.Minute), []string{"in sync"}},
		{"it was started before, by a clock that is ten minutes behind the host's", sick(running, mnt, alive, slave, nil), ahead("2026-03-10T11:50:01Z", -10*time.Minute), []string{
			"restarted: started 2026-03-10T12:00:00Z -> after 2026-03-10T12:00:01Z by the host's clock (2026-03-10T11:50:01Z here", "step: run docker restart"}},
		{"another grace", sick(running, mnt, alive, slave, nil), func(n *KindNode) {
			n.RestartedAfter, n.Grace, n.Settle = "2027-01-01T00:00:00Z", 90*time.Second, time.Minute
		}, []string{"-t 90", "settle: 1m0s"}},
		{"of another cluster", sick(exited, mnt, "", "", nil), func(n *KindNode) { n.Cluster = "laconic-2" }, []string{"cluster: laconic-1 -> laconic-2", "why:", "!step"}},
	} {
		t.Run(tt.name, func(t *testing.T) { wants(t, change(t, tt.host, tt.edit), tt.wants...) })
	}
	gone := sick(running, mnt, alive, slave, nil)
	delete(gone.Files, "/proc/71/stat")
	gone.Missing["/proc/71/stat"] = true
	wants(t, change(t, gone, nil), "there is no process 71", "!step")
	none := hosttest.New("u1")
	none.Dockers["docker container "+nodeName] = ""
	wants(t, change(t, none, nil), "container: (none) -> a node of laconic-1", "why:", "!step")
	wants(t, change(t, none, stopped), "in sync")
}

// What is not known is no container that does not exist.
func TestADockerThatDoesNotAnswerIsUnknown(t *testing.T) {
	f := hosttest.New("u1")
	f.Errors["docker container "+nodeName] = host.ErrNotListening
	wants(t, change(t, f, nil), "error: ask docker", "!container:")
	f = sick(running, mnt, alive, slave, nil)
	delete(f.Files, "/proc/71/stat")
	f.Errors["read /proc/71/stat"] = host.ErrStuck
	wants(t, change(t, f, func(n *KindNode) { n.RestartedAfter = "2027-01-01T00:00:00Z" }), "error: the node's first process", "!docker restart")
	f = sick(running, mnt, alive, slave, nil)
	f.Dockers["docker container "+nodeName] = strings.Replace(inspect(running, mnt), "/"+nodeName, "/f00-another", 1)
	wants(t, change(t, f, nil), "container: (none)") // docker finds containers by the beginning of an id
}

// Incident 2's end on the kind layer: docker restart "did not receive an exit event". The first process has ended, and the kernel
// waits for a thread that cannot be killed. Nothing is tried again, and a reboot of docker is not suggested.
func TestIncident2_NodeThatFailedToStopIsStuck(t *testing.T) {
	for _, edit := range []func(*KindNode){nil, func(n *KindNode) { n.Running = false }, func(n *KindNode) { n.RestartedAfter = "2027-01-01T00:00:00Z" }} {
		got := change(t, sick(running, mnt, dying, "", nil), edit)
		wants(t, got, "stuck: docker says running", "did not receive an exit event", "power cycle", "Do not restart docker", "!step", "!destroys")
	}
}

// Incident 9, the node's half: /srv/solana was ZFS, and for an unknown time the node wrote there. XFS on both sides by name, and
// another device behind it.
func TestIncident9_NodeSeesAnotherFileSystem(t *testing.T) {
	f := sick(running, mnt, alive, uncovered, map[string]host.Stat{
		"/srv/solana": {Dev: dev(230, 0), Inode: 128}, "/proc/71/root/mnt/solana": {Dev: dev(8, 1), Inode: 4711},
	})
	sees := func(n *KindNode) { n.Sees = map[string]string{"/mnt/solana": "/srv/solana"} }
	wants(t, change(t, f, sees), "sees[/mnt/solana]: inode 4711 of 8:1, in the mount of ext4 /dev/sda1[/srv/kind] (8:1) at /mnt -> inode 128 of 230:0, the host's /srv/solana",
		"another file system", "!step")
	// The same device, and yet another folder of it.
	f.Stats["/proc/71/root/mnt/solana"] = host.Stat{Type: host.Directory, Dev: dev(230, 0), Inode: 129}
	wants(t, change(t, f, sees), "the same file system, and another folder of it")
	f.Stats["/proc/71/root/mnt/solana"] = host.Stat{Type: host.Directory, Dev: dev(230, 0), Inode: 128}
	wants(t, change(t, f, sees), "in sync")
	f.Stats["/proc/71/root/mnt"] = host.Stat{Type: host.Directory, Link: "/srv"}
	wants(t, change(t, f, sees), "a symbolic link: /mnt -> /srv", "name the folder that it leads to", "!step")
}

// Incident 10: the rbind is covered, or does not come into the node, whose own word (`ls`) says nothing of it.
func TestIncident10_MountDoesNotComeIntoTheNode(t *testing.T) {
	f := sick(running, mnt, alive, uncovered, map[string]host.Stat{
		"/srv/solana/ledger": {Dev: dev(230, 0), Inode: 131}, "/proc/71/root/mnt/solana/ledger": {}, "/srv/none": {},
	})
	f.Missing["/proc/71/root/srv/none"], f.Missing["/proc/71/root/srv"] = true, true
	got := change(t, f, func(n *KindNode) {
		n.Sees = map[string]string{"/mnt/solana/ledger": "/srv/solana/ledger", "/srv/none": "/srv/none"}
	})
	wants(t, got, "sees[/mnt/solana/ledger]: (none) -> inode 131 of 230:0, the host's /srv/solana/ledger", "nothing is at that path in the node",
		"sees[/srv/none]: (none) -> /srv/none, which the host does not have", "the layers below come first")
}

// Incident 11: propagation. Docker says rslave, and the mount is a slave of nothing; or kind's config had no propagation.
func TestIncident11_BindWithoutPropagation(t *testing.T) {
	binds := func(n *KindNode) { n.Binds = map[string]string{"/srv/kind": "/mnt"} }
	private := strings.ReplaceAll(slave, " master:1", "")
	wants(t, change(t, sick(running, mnt, alive, private, nil), binds), "binds[/mnt]: mounted private", "-> rslave", "restart the node", "!step")
	none := strings.Replace(mnt, `"rslave"`, `""`, 1)
	wants(t, change(t, sick(running, none, alive, slave, nil), binds), "binds[/mnt]: /srv/kind:/mnt:rprivate -> /srv/kind:/mnt:rslave", "new cluster", "!step")
	wants(t, change(t, sick(running, mnt, alive, slave, nil), binds), "in sync")
	wants(t, change(t, sick(running, strings.Replace(mnt, "true", "false", 1), alive, slave, nil), binds), "rslave,ro -> ", "new cluster")
	wants(t, change(t, sick(running, "", alive, slave, nil), binds), "binds[/mnt]: (none) -> ", "new cluster", "!step")
	wants(t, change(t, sick(running, mnt, alive, strings.Split(slave, "701")[0], nil), binds), "binds[/mnt]: no mount in the node")
	shared := func(n *KindNode) { binds(n); n.Propagation = "rshared" }
	wants(t, change(t, sick(running, strings.Replace(mnt, "rslave", "rshared", 1), alive, slave, nil), shared), "mounted private", "-> rshared")
}

func TestRestartPolicyIsTheHalfAfterBoot(t *testing.T) {
	policy := func(p string) func(*KindNode) { return func(n *KindNode) { n.RestartPolicy = p } }
	wants(t, change(t, sick(running, mnt, alive, slave, nil), policy("on-failure:1")), "in sync")
	wants(t, change(t, sick(running, mnt, alive, slave, nil), policy("unless-stopped")),
		"boot restart_policy: on-failure:1 -> unless-stopped", "step: run docker update --restart unless-stopped "+nodeName)
	if got := fmt.Sprint(RestartPolicy{}, RestartPolicy{Name: "always"}); got != "no always" {
		t.Error(got)
	}
}

func TestNodeReady(t *testing.T) {
	ready := func(n *KindNode) { n.Kubeconfig = "/k" }
	question := "v1/nodes/" + nodeName
	answer := func(status, beat string) string {
		return `{"status":{"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"` + status + `","reason":"Kubelet","lastHeartbeatTime":"` + beat + `"}]}}`
	}
	f := sick(running, mnt, alive, slave, nil)
	f.Kubes[question] = answer("True", started)
	wants(t, change(t, f, ready), "in sync")
	// What the kubelet said before the restart is in the store still, and for 40 s nobody takes it back.
	f.Kubes[question] = answer("True", "2026-03-10T11:59:59Z")
	wants(t, change(t, f, ready), "ready: as the node's last life left it: its kubelet has said nothing since 2026-03-10T11:59:59Z (started 31s ago) -> True", "!why", "settle: 5m")
	f.Kubes[question] = answer("False", started)
	wants(t, change(t, f, ready), "ready: False Kubelet (started 31s ago) -> True", "!why", "settle: 5m")
	f.Errors["kube "+question] = fmt.Errorf("%w: 503", host.ErrNoAPI)
	wants(t, change(t, f, ready), "ready: unknown: the Kubernetes API does not answer: 503 (started 31s ago) -> True", "!why")
	f.Dockers["docker info"] = `{"SystemTime":"2026-03-10T12:04:59Z"}`
	wants(t, change(t, f, ready), "ready: unknown", "!why", "settle: 5m") // a busy host takes minutes
	f.Dockers["docker info"] = `{"SystemTime":"2026-03-10T12:05:01Z"}`
	wants(t, change(t, f, ready), "ready: unknown", "why: the node runs for 5m1s")
	delete(f.Errors, "kube "+question)
	wants(t, change(t, f, ready), "why: the node runs for 5m1s")
	f.Kubes[question] = ""
	wants(t, change(t, f, ready), "the cluster has no node of this name")
	f.Errors["kube "+question] = &host.KubeError{Code: 403, Reason: "Forbidden"}
	wants(t, change(t, f, ready), "error: whether the node is Ready")
	f.Dockers["docker info"] = `{}`
	wants(t, change(t, f, ready), "no time of the host")
}

func TestNodeValidate(t *testing.T) {
	good := KindNode{Name: "n-1", Cluster: "c", Running: true, Propagation: "rslave"}
	for attr, edit := range map[string]func(*KindNode){
		"":                func(n *KindNode) { n.Name = "-t" },
		"restart_policy":  func(n *KindNode) { n.RestartPolicy = "on-failure:x" },
		"propagation":     func(n *KindNode) { n.Propagation = "HostToContainer" },
		"binds":           func(n *KindNode) { n.Binds = map[string]string{"/srv/kind/": "/mnt"} },
		"sees":            func(n *KindNode) { n.Sees = map[string]string{"/mnt": "srv"} },
		"restarted_after": func(n *KindNode) { n.RestartedAfter = "yesterday" },
	} {
		n := good
		edit(&n)
		var fault *modules.AttrError
		if err := n.Validate(); !errors.As(err, &fault) || fault.Attr != attr {
			t.Errorf("%s: %v", attr, err)
		}
	}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	good.Running, good.RestartedAfter = false, started
	if good.Validate() == nil {
		t.Error("what is not to run is to be restarted")
	}
}
