package docker

import (
	"errors"
	"strings"
	"testing"
	"time"

	"bisc/internal/host"
	"bisc/internal/lab"
	"bisc/internal/lab/reached"
	"bisc/layers"
	"bisc/modules"
	"bisc/modules/kindtest"
)

// nodeOf makes a container as kind makes a node, but for what runs in it.
const nodeOf = `docker run -d --label io.x-k8s.kind.cluster=lab --name "$1" --restart on-failure:1 --stop-signal KILL -v "$2" \
	-v /bin:/bin:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v /usr:/usr:ro lab:1 /usr/bin/sleep 100000 >/dev/null`

// TestKindNodeOnAHost looks at real containers and acts on them.
func TestKindNodeOnAHost(t *testing.T) {
	b := reached.New(t, lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "node", Docker: true}}}).Host("node"))
	b.Shell(t, `until docker info >/dev/null 2>&1; do sleep 0.1; done
		mkdir -p /srv/kind/solana /srv/solana /tmp/image/mnt; mount -t tmpfs -o size=1m one /srv/solana; mkdir /srv/solana/ledger
		mount --make-rshared /; tar -C /tmp/image -c mnt | docker import - lab:1 >/dev/null`)
	b.Shell(t, nodeOf, "lab-control-plane", "/srv/kind:/mnt:rslave")
	want := func(edit func(*KindNode)) *KindNode {
		n := KindNodeKind.New("lab-control-plane").(*KindNode)
		n.Cluster, n.Grace, n.Settle, n.RestartPolicy = "lab", time.Second, 30*time.Second, "on-failure:1"
		n.Binds = map[string]string{"/srv/kind": "/mnt"}
		n.Sees = map[string]string{"/mnt/solana/ledger": "/srv/solana/ledger"}
		if edit != nil {
			edit(n)
		}
		return n
	}
	says := func(when string, n *KindNode, parts ...string) {
		t.Helper()
		t.Log(when)
		wants(t, kindtest.Print(b.Plan(t, n)), parts...)
	}
	done := func(when string, n *KindNode) {
		t.Helper()
		if o := b.Apply(t, n); o.Err != nil || o.State != layers.Changed && o.State != layers.InSync {
			t.Errorf("%s: %v %v", when, o.State, o.Err)
		}
		says(when, n, "in sync")
	}

	says("nothing is mounted yet", want(nil), "sees[/mnt/solana/ledger]: (none) -> inode", "nothing is at that path")
	b.Shell(t, `mount --rbind /srv/solana /srv/kind/solana`)
	says("what the host mounts later comes into the node", want(nil), "in sync")
	b.Shell(t, `nsenter -t $(docker inspect -f '{{.State.Pid}}' lab-control-plane) -m sh -c 'mount -t tmpfs two /mnt/solana && mkdir /mnt/solana/ledger'`)
	says("it is covered in the node", want(nil), "sees[/mnt/solana/ledger]: inode", "in the mount of tmpfs two", "another file system", "!step")

	now := b.Shell(t, `sleep 1.1; date -u +%Y-%m-%dT%H:%M:%SZ`)
	restarted := want(func(n *KindNode) { n.RestartedAfter = now })
	t.Run("a living validator is not hurt", func(t *testing.T) {
		pid := b.Shell(t, `cp /bin/sleep /tmp/agave-validator; /tmp/agave-validator 1000 >/dev/null 2>&1 & echo $!; until grep -q agave /proc/$!/comm; do sleep 0.05; done`)
		for _, n := range []*KindNode{restarted, want(func(n *KindNode) { n.Running = false })} {
			o := b.Apply(t, n)
			var refused *host.GuardError
			if !errors.As(o.Err, &refused) || refused.Guard != host.ValidatorStopped().Name {
				t.Errorf("not refused: %v %v", o.State, o.Err)
			}
		}
		b.Shell(t, `test "$(docker inspect -f '{{.State.Status}} {{.RestartCount}}' lab-control-plane)" = "running 0"; kill -9 `+pid+`; while [ -e /proc/`+pid+` ]; do sleep 0.05; done`)
	})
	done("restarted", restarted)
	says("the restart is done once", restarted, "in sync")
	b.Shell(t, `docker update --restart no lab-control-plane >/dev/null`)
	says("it does not come back after a boot", want(nil), "boot restart_policy: no -> on-failure:1")
	done("the policy", want(nil))
	done("stopped", want(func(n *KindNode) { n.Running = false }))
	says("it is down", want(nil), "now running: exited with status 137 -> true")
	b.Shell(t, `cp /bin/sleep /tmp/agave-validator; /tmp/agave-validator 1000 >/dev/null 2>&1 & echo $! >/tmp/pid; until grep -q agave /proc/$!/comm; do sleep 0.05; done`)
	if o := b.Apply(t, want(nil)); o.Err == nil || !strings.Contains(o.Err.Error(), host.ValidatorStopped().Name) {
		t.Errorf("started beside a validator that lives: %v %v", o.State, o.Err)
	}
	b.Shell(t, `pid=$(cat /tmp/pid); kill -9 $pid; while [ -e /proc/$pid ]; do sleep 0.05; done`)
	done("started", want(nil))

	b.Shell(t, nodeOf, "private", "/srv/kind:/mnt:rprivate")
	other := func(edit func(*KindNode)) *KindNode {
		n := want(edit)
		n.Name = "private"
		return n
	}
	b.Shell(t, `umount -l /srv/kind/solana; mount -t tmpfs three /srv/kind/solana; mkdir /srv/kind/solana/ledger`)
	says("a bind without propagation", other(func(n *KindNode) { n.Sees = map[string]string{"/mnt/solana/ledger": "/srv/kind/solana/ledger"} }),
		"binds[/mnt]: /srv/kind:/mnt:rprivate -> /srv/kind:/mnt:rslave", "new cluster", "another", "!step")
	b.Shell(t, `docker pause private >/dev/null`)
	says("frozen", other(nil), "running: paused -> true", "!step")
	b.Shell(t, `docker unpause private >/dev/null; docker rm -f private >/dev/null`)
	says("gone", other(nil), "container: (none)")
	b.Shell(t, `systemctl stop docker.socket docker.service`)
	h, err := b.Reader(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := modules.Resource(want(nil)).Plan(t.Context(), h); err == nil {
		t.Errorf("a docker that does not run says %s", kindtest.Print(c))
	}
}
