package cluster

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"bisc/internal/lab"
)

// xfs puts XFS on a ramdisk where the validator's folders are: what can be frozen.
const xfs = `modprobe brd rd_nr=1 rd_size=1048576; mkfs.xfs -q /dev/ram0; mkdir -p /srv/kind; mount /dev/ram0 /srv/kind`

// rig is a cluster in a test.
type rig struct {
	*Cluster
	*testing.T
}

// TestRigA goes through a validator's life on one cluster: each part begins where the one before has ended.
func TestRigA(t *testing.T) { life(t, A) }

// TestRigB is the same with the kubelet, containerd and runc.
func TestRigB(t *testing.T) { life(t, B) }

func life(t *testing.T, kind Kind) {
	t.Parallel() // it waits more than it computes
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "a", Docker: true}}}).Host("a")
	if _, err := h.Shell(t.Context(), xfs); err != nil {
		t.Fatal(err)
	}
	c := Start(t, h, Options{Rig: kind})
	for _, part := range []struct {
		name string
		test func(rig)
	}{
		{"the node is as kind makes it", likeKind},
		{"the validator is the first process of its container", firstProcess},
		{"a container that dies is started again", startedAgain},
		{"a deletion has its grace, and ends with an exit", exitInGrace},
		{"an unschedulable node takes no pod", cordon},
		{"a deletion kills when its grace is over", killed},
		{"a restart of the node starts the pod again", nodeRestart},
		{"what hangs in the kernel hangs pod and node", frozen},
	} {
		if !t.Run(part.name, func(t *testing.T) { part.test(rig{c, t}) }) {
			return
		}
	}
}

func likeKind(r rig) {
	for _, try := range []struct{ script, want string }{
		{`docker inspect -f '{{index .Config.Labels "io.x-k8s.kind.cluster"}} {{.HostConfig.RestartPolicy.Name}}:{{.HostConfig.RestartPolicy.MaximumRetryCount}}' "$1"`, r.ID + " on-failure:1"},
		{`docker exec "$1" pgrep -cx kubelet`, "1"},
		{`docker exec "$1" systemctl stop kubelet; docker exec "$1" pgrep -cx kubelet`, "0"},
		{`docker exec "$1" systemctl start kubelet; docker exec "$1" systemctl is-active kubelet`, "active"},
		{`stat -c '%U %a' /home/rix/.kube/config`, "rix 600"},
		{`docker exec "$1" crictl images -o json | jq -r '.images[]|.id+" "+.repoTags[0]' | grep agave | sed 's, .*/laconicnetwork, laconicnetwork,'`, r.imageID() + " laconicnetwork/agave:local"},
		{`docker exec "$1" crictl inspecti laconicnetwork/agave:local | jq -r .status.id`, r.imageID()},
	} {
		out, err := r.Host.Shell(r.Context(), "set +e; "+try.script, r.Node)
		if got := strings.TrimSpace(string(out)); got != try.want {
			r.Errorf("%s: %q, %v, want %q", try.script, got, err, try.want)
		}
	}
}

// imageID is what the pod's status says of its image.
func (r rig) imageID() string {
	pods := r.Pods(r.T)
	if len(pods) != 1 {
		r.Fatalf("%d pods", len(pods))
	}
	return status(pods[0], "imageID")
}

// status is a string of the first container's status.
func status(pod unstructured.Unstructured, field ...string) string {
	list, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	if len(list) == 0 {
		return ""
	}
	text, _, _ := unstructured.NestedString(list[0].(map[string]any), field...)
	return text
}

func number(pod unstructured.Unstructured, field ...string) int64 {
	list, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	if len(list) == 0 {
		return -1
	}
	n, ok, _ := unstructured.NestedInt64(list[0].(map[string]any), field...)
	if !ok {
		return -1
	}
	return n
}

// validatorPid is the validator's first process as the host counts; "" when there is none.
func (r rig) validatorPid() string {
	out, err := r.Host.Shell(r.Context(), "pgrep -x agave-validator || true")
	if err != nil {
		r.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func firstProcess(r rig) {
	pid := r.validatorPid()
	for _, try := range []struct{ script, want string }{
		{`awk '/^NSpid/ {print $NF}' /proc/$1/status`, "1"},
		{`stat -c '%d:%i' /srv/kind/solana/ledger; stat -c '%d:%i' /proc/$1/root/data/ledger`, "same"},
		{`tr '\0' '\n' </proc/$1/environ | grep ^RPC_PORT`, "RPC_PORT=8899"},
		{`ls /proc/$1/root/mnt /proc/$1/root/kind 2>/dev/null | wc -l`, "0"}, // nothing of the node's
	} {
		out, err := r.Host.Shell(r.Context(), try.script, pid)
		got := strings.TrimSpace(string(out))
		if first, second, two := strings.Cut(got, "\n"); two && first == second {
			got = "same"
		}
		if err != nil || got != try.want {
			r.Errorf("%s: %q, %v, want %q", try.script, got, err, try.want)
		}
	}
}

// await asks until good says so.
func (r rig) await(what string, good func() bool) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), upLimit)
	defer cancel()
	for !good() {
		select {
		case <-ctx.Done():
			client, err := r.Connect(r.Context())
			if err != nil {
				r.Fatalf("%s: not within %s (%v)", what, upLimit, err)
			}
			r.Fatalf("%s: not within %s\n%s", what, upLimit, r.state(r.Context(), client))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func startedAgain(r rig) {
	before := r.Pods(r.T)[0]
	if _, err := r.Host.Shell(r.Context(), `kill -9 "$1"`, r.validatorPid()); err != nil {
		r.Fatal(err)
	}
	r.await("a second start", func() bool {
		pods := r.Pods(r.T)
		return len(pods) == 1 && pods[0].GetUID() == before.GetUID() && number(pods[0], "restartCount") == 1 &&
			number(pods[0], "lastState", "terminated", "exitCode") == 137 && r.validatorPid() != ""
	})
}
