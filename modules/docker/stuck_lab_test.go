package docker

import (
	"strings"
	"testing"
	"time"

	"bisc/internal/lab"
	"bisc/internal/lab/reached"
	"bisc/modules/kindtest"
)

// TestIncident2_StuckNodeOnAHost freezes the file system that a process of the node writes to: a real thread in state D, and a docker
// stop that fails. The node is told as stuck, with the ways out, and no step is offered; after the thaw it has exited, and is started.
func TestIncident2_StuckNodeOnAHost(t *testing.T) {
	b := reached.New(t, lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "stuck", Docker: true}}}).Host("stuck"))
	b.Shell(t, `until docker info >/dev/null 2>&1; do sleep 0.1; done
		mkdir -p /srv/kind /tmp/image/mnt; modprobe brd rd_nr=1 rd_size=409600; mkfs.xfs -q /dev/ram0; mount /dev/ram0 /srv/kind
		tar -C /tmp/image -c mnt | docker import - lab:1 >/dev/null`)
	b.Shell(t, nodeOf, "lab-control-plane", "/srv/kind:/mnt:rslave")
	n := KindNodeKind.New("lab-control-plane").(*KindNode)
	n.Cluster, n.Grace, n.Settle = "lab", time.Second, 30*time.Second
	b.Shell(t, `fsfreeze -f /srv/kind; docker exec -d lab-control-plane /bin/sh -c 'echo x >/mnt/x'
		until grep -sq ' D ' /proc/[0-9]*/stat; do sleep 0.05; done`)
	defer func() { _, _ = b.Lab.Shell(t.Context(), `fsfreeze -u /srv/kind 2>/dev/null`) }()
	if c := b.Plan(t, n); !c.InSync() {
		t.Errorf("it runs, whatever hangs in it: %s", kindtest.Print(c))
	}
	n.Running = false
	o := b.Apply(t, n)
	if o.Err == nil || !strings.Contains(o.Err.Error(), "did not receive an exit event") {
		t.Fatalf("docker stop: %v %v", o.State, o.Err)
	}
	for _, running := range []bool{true, false} {
		n.Running = running
		wants(t, kindtest.Print(b.Plan(t, n)), "stuck: docker says running", "power cycle", "!step", "!destroys")
	}
	b.Shell(t, `fsfreeze -u /srv/kind; until [ "$(docker inspect -f '{{.State.Status}}' lab-control-plane)" = exited ]; do sleep 0.1; done`)
	n.Running = true
	if o := b.Apply(t, n); o.Err != nil {
		t.Errorf("docker start after the thaw: %v", o.Err)
	}
}
