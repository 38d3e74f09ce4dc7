package biscayne_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"bisc/internal/lab/cluster"
)

// diesOn runs stop with bisc killed when a step was announced, or recorded.
func (h *house) diesOn(program, step string) {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), program, "run", "stop", "--set", "variant="+h.variant)
	cmd.Env = append(os.Environ(), "BISC_PLANS=.", "BISC_INVENTORY="+filepath.Join(h.dir, "lab.hcl"), "XDG_STATE_HOME="+h.dir, "SSH_AUTH_SOCK=", "BISC_TEST_DYING_AT="+step)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.Fatal(err)
	}
	if !cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
		h.Fatalf("it lived through %q: %v\n%s", step, err, out)
	}
	h.unlocked()
}

// exits waits for the validator's end: a minute, where the kubelet would wait five and kill.
func (h *house) exits() {
	h.Helper()
	h.sh(`for i in $(seq 600); do pgrep -x agave-validator >/dev/null || exit 0; sleep 0.1; done; cat /var/lib/bisc/jobs/exit-on-deletion-*/output; exit 1`)
}

// unasked kills bisc between what dooms a pod without a hook and its end, and takes nothing up: the watch on the host asks, and the
// validator ends by itself. Where nothing was deleted, nobody asks: bisc died before, or the controller does not follow.
func (h *house) unasked(program string) {
	h.diesOn(program, "recorded .kube_pods[") // with a short grace: deleted with a long one
	h.exits()
	h.sound("killed after the pod was deleted", 0)
	h.ready(0)

	long := []byte(`{"spec":{"replicas":1,"template":{"spec":{"terminationGracePeriodSeconds":300}}}}`)
	if _, err := h.Client(h).Resource(cluster.Deployments).Namespace(h.Namespace).Patch(h.Context(), h.Deployment, types.MergePatchType, long, metav1.PatchOptions{}); err != nil {
		h.Fatal(err)
	}
	h.answers()
	alive, lives := h.processes(), len(h.record())
	h.diesOn(program, "intended .kube_deployment[")
	h.untouched("killed before 0 replicas", alive, lives)
	allow := h.keepPods()
	out, errs, status := h.types("run", "stop", "--auto-approve", "--timeout", "60s")
	if status == 0 || !strings.Contains(out, "not reached: it comes after") {
		h.Errorf("stop while the controller cannot delete the pod: exit %d\n%s%s", status, out, errs)
	}
	h.untouched("0 replicas, and the controller does not follow", alive, lives)
	allow()
	h.exits()
	h.sound("the controller follows, and nobody but the watch asks", 0)
	if n := len(h.record()); n != lives+1 {
		h.Errorf("the validator was started again: %v", h.record()[lives:])
	}
}

// deletedByHand has somebody cordon the node and delete a pod without a hook before stop, on a host whose watch cannot reach the API, beside a
// validator of systemd's: bisc asks the pod's by itself, which exits long before its grace is over. The other one is named, asked nothing, and
// keeps the proof shut.
func (h *house) deletedByHand() {
	h.shortens()
	lives := len(h.record())
	h.install("agave-validator", "/usr/local/bin/agave-validator")
	h.sh(`d=/etc/systemd/system/bisc-job-exit-on-deletion-.service.d; mkdir -p $d; printf '[Service]\nPrivateNetwork=yes\n' >$d/none.conf; systemctl daemon-reload
		mkdir -p /root/foreign; systemd-run --quiet --unit=foreign /usr/local/bin/agave-validator --ledger /root/foreign
		timeout 20 sh -c 'until [ -S /root/foreign/admin.rpc ]; do sleep 0.1; done'`)
	foreign := h.sh("systemctl show -p MainPID --value foreign.service")
	if _, err := h.Client(h).Resource(cluster.Nodes).Patch(h.Context(), h.Node, types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`), metav1.PatchOptions{}); err != nil {
		h.Fatal(err)
	}
	grace := int64(300)
	if err := h.Client(h).Resource(cluster.Pods).Namespace(h.Namespace).Delete(h.Context(), h.Pods(h)[0].GetName(), metav1.DeleteOptions{GracePeriodSeconds: &grace}); err != nil {
		h.Fatal(err)
	}
	out, errs, status := h.types("run", "stop", "--plan")
	if status != 4 { // the foreign one
		h.Errorf("stop --plan: exit %d\n%s%s", status, out, errs)
	}
	h.says(out, "the kubelet kills it in ", "By hand, on the host as root: nsenter -t ")
	out, errs, status = h.types("run", "stop", "--auto-approve")
	if status == 0 || !strings.Contains(out+errs, "process "+foreign+" (agave-validator) is running; not of this pod: in no pod, control group ") || !strings.Contains(out+errs, "foreign.service") {
		h.Errorf("beside a validator of systemd's: exit %d\n%s%s", status, out, errs)
	}
	if got := h.processes(); got != "/proc/"+foreign {
		h.Errorf("the validators %q live, want the foreign one, %s\n%s%s", got, foreign, out, errs)
	}
	h.sh(`systemctl kill -s KILL foreign.service; rm -r /etc/systemd/system/bisc-job-exit-on-deletion-.service.d; systemctl daemon-reload; timeout 20 sh -c 'while [ -e "/proc/$1" ]; do sleep 0.1; done' x "$1"`, foreign)
	h.runs("stop")
	h.sound("after a deletion by hand", 0)
	if runs := h.record()[lives:]; len(runs) != 1 {
		h.Errorf("it was started again: %v", runs)
	}
	h.runs("start")
	h.lives("after a deletion by hand")
}

// untouched wants the very process alive, and the watch armed.
func (h *house) untouched(when, process string, lives int) {
	h.Helper()
	said := h.sh(`for u in $(systemctl list-units --plain --no-legend 'bisc-job-exit-on-deletion-*' | cut -d' ' -f1); do u=${u#bisc-job-}; tail -n 1 /var/lib/bisc/jobs/${u%.service}/output; done`)
	if !strings.HasPrefix(said, "armed: ") {
		h.Errorf("%s: the watch says %q", when, said)
	}
	if now := h.processes(); now != process || len(h.record()) != lives {
		h.Errorf("%s: the process was %s, and is %s: %v", when, process, now, h.record()[lives:])
	}
}

// keepPods has the API server refuse each deletion of a pod, until what it returns is called: a controller that does not follow.
func (h *house) keepPods() (allow func()) {
	h.Helper()
	admission := func(resource string) dynamic.ResourceInterface {
		return h.Client(h).Resource(schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: resource})
	}
	make := func(resource, kind string, spec map[string]any) {
		object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": map[string]any{"name": "pods-stay"}, "spec": spec}}
		if _, err := admission(resource).Create(h.Context(), object, metav1.CreateOptions{}); err != nil {
			h.Fatal(err)
		}
	}
	make("validatingadmissionpolicies", "ValidatingAdmissionPolicy", map[string]any{
		"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "operations": []any{"DELETE"}, "resources": []any{"pods"}}}},
		"validations":      []any{map[string]any{"expression": "false"}},
	})
	make("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", map[string]any{"policyName": "pods-stay", "validationActions": []any{"Deny"}})
	pod := h.Pods(h)[0].GetName()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := h.Client(h).Resource(cluster.Pods).Namespace(h.Namespace).Delete(h.Context(), pod, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			break // it is in force
		}
		if time.Now().After(end) {
			h.Fatal("the API server deletes pods all the same")
		}
	}
	return func() {
		if err := admission("validatingadmissionpolicybindings").Delete(h.Context(), "pods-stay", metav1.DeleteOptions{}); err != nil {
			h.Fatal(err)
		}
	}
}
