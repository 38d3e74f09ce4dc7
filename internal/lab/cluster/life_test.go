package cluster

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// patch merges into the deployment.
func (r rig) patch(format string, args ...any) {
	r.Helper()
	_, err := r.Client(r.T).Resource(Deployments).Namespace(r.Namespace).Patch(r.Context(), r.Deployment, types.MergePatchType,
		fmt.Appendf(nil, format, args...), metav1.PatchOptions{})
	if err != nil {
		r.Fatal(err)
	}
}

func (r rig) scale(replicas int) { r.patch(`{"spec":{"replicas":%d}}`, replicas) }

// running waits for one pod whose container runs and is not in its end, and returns it.
func (r rig) running() (pod unstructured.Unstructured) {
	r.Helper()
	r.await("a running pod", func() bool {
		pods := r.Pods(r.T)
		if len(pods) != 1 {
			return false
		}
		pod = pods[0]
		since, _, _ := unstructured.NestedMap(pod.Object, "status")
		return pod.GetDeletionTimestamp() == nil && since["phase"] == "Running" && status(pod, "state", "running", "startedAt") != "" && r.validatorPid() != ""
	})
	return pod
}

func (r rig) noPod() {
	r.Helper()
	r.await("no pod", func() bool { return len(r.Pods(r.T)) == 0 })
}

func (r rig) shell(script string, args ...string) string {
	r.Helper()
	out, err := r.Host.Shell(r.Context(), script, args...)
	if err != nil {
		r.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// exit asks the validator on its admin socket, with its own program, as let-validator-exit.sh does; once it listens. It would wait
// for its own process id, which is another's outside of the container.
func (r rig) exit() {
	r.Helper()
	r.await("the validator's exit", func() bool {
		_, err := r.Host.Shell(r.Context(), `nsenter -t "$1" -m -w -- /usr/local/bin/agave-validator --ledger /data/ledger exit --force --no-wait-for-exit`, r.validatorPid())
		return err == nil
	})
}

// exitInGrace: the validator has no handler for SIGTERM and lives on in its grace, until its admin socket is asked.
func exitInGrace(r rig) {
	pid := r.validatorPid()
	r.scale(0)
	r.await("a pod that ends", func() bool {
		pods := r.Pods(r.T)
		return len(pods) == 1 && pods[0].GetDeletionTimestamp() != nil
	})
	if now := r.validatorPid(); now != pid {
		r.Fatalf("process %q is now %q", pid, now)
	}
	r.exit()
	r.noPod()
	if now := r.validatorPid(); now != "" {
		r.Errorf("the pod is gone, and process %s lives", now)
	}
	if log := r.shell(`tail -n 1 /srv/kind/solana/log/validator.log`); !strings.Contains(log, "Validator exiting") {
		r.Errorf("the log ends with %q", log)
	}
	r.await("an empty folder of pods", func() bool { return r.shell(`docker exec "$1" ls /var/lib/kubelet/pods`, r.Node) == "" })
}

func (r rig) cordon(on bool) {
	r.Helper()
	_, err := r.Client(r.T).Resource(Nodes).Patch(r.Context(), r.Node, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, on), metav1.PatchOptions{})
	if err != nil {
		r.Fatal(err)
	}
}

func cordon(r rig) {
	r.cordon(true)
	r.scale(1)
	r.await("a pod that cannot be scheduled", func() bool {
		pods := r.Pods(r.T)
		if len(pods) != 1 {
			return false
		}
		conditions, _, _ := unstructured.NestedSlice(pods[0].Object, "status", "conditions")
		return len(conditions) == 1 && conditions[0].(map[string]any)["reason"] == "Unschedulable"
	})
	r.cordon(false)
	r.running()
}

// killed: a deletion at one replica starts another pod, and the first is killed when its grace is over.
func killed(r rig) {
	pod := r.running()
	two := int64(2)
	if err := r.Client(r.T).Resource(Pods).Namespace(r.Namespace).Delete(r.Context(), pod.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &two}); err != nil {
		r.Fatal(err)
	}
	r.await("another pod", func() bool {
		pods := r.Pods(r.T)
		return len(pods) == 1 && pods[0].GetUID() != pod.GetUID()
	})
	r.running()
}

// nodeRestart: docker's limit kills what does not end by itself; the same pod then runs in another container.
func nodeRestart(r rig) {
	pod := r.running()
	r.shell(`docker restart -t 2 "$1"`, r.Node)
	if err := r.WaitReady(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.await("the pod's next start", func() bool {
		list, err := r.Client(r.T).Resource(Pods).Namespace(r.Namespace).List(r.Context(), metav1.ListOptions{})
		return err == nil && len(list.Items) == 1 && list.Items[0].GetUID() == pod.GetUID() &&
			number(list.Items[0], "restartCount") == number(pod, "restartCount")+1 && r.validatorPid() != ""
	})
}

// frozen: a validator whose file system is frozen stands in D state, and neither SIGKILL nor docker can end it until the
// thaw. This is what the dead power cycles of biscayne.md 8.1 began with.
func frozen(r rig) {
	pod := r.running()
	r.shell(`fsfreeze -f /srv/kind`)
	thawed := false
	thaw := func() {
		if !thawed {
			thawed = true
			r.shell(`fsfreeze -u /srv/kind`)
		}
	}
	defer thaw()
	r.await("a thread in D state", func() bool {
		return r.shell(`cat /proc/"$1"/task/*/stat | sed 's/.*) //' | cut -c1 | grep -c D || true`, r.validatorPid()) != "0"
	})
	r.scale(0)
	two := int64(2)
	if err := r.Client(r.T).Resource(Pods).Namespace(r.Namespace).Delete(r.Context(), pod.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &two}); err != nil {
		r.Fatal(err)
	}
	pid := strings.Fields(r.shell(`pgrep -x agave-validator`))[0]
	r.await("a kill that is pending", func() bool {
		return r.shell(`awk '/^(Shd|Sig)Pnd/ {print substr($2, 14, 1)}' /proc/"$1"/task/*/status | grep -c '^1' || true`, pid) != "0"
	})
	if pods := r.Pods(r.T); len(pods) != 1 || pods[0].GetUID() != pod.GetUID() {
		r.Fatalf("%d pods while the process hangs", len(pods))
	}
	if _, err := r.Host.Exec(r.Context(), "docker", "restart", "-t", "1", r.Node); err == nil || !strings.Contains(err.Error(), "did not receive an exit event") {
		r.Fatalf("docker restart of a node that hangs: %v", err)
	}
	thaw()
	r.await("the process' end", func() bool { return r.validatorPid() == "" })
	r.await("the node's end", func() bool { return r.shell(`docker inspect -f '{{.State.Running}}' "$1"`, r.Node) == "false" })
	r.shell(`docker start "$1"`, r.Node)
	if err := r.WaitReady(r.Context()); err != nil {
		r.Fatal(err)
	}
	r.noPod()
	r.scale(1)
	r.running()
}
