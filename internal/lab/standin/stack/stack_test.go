package stack

import (
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"bisc/internal/lab"
	"bisc/internal/lab/cluster"
	"bisc/internal/lab/standin/laconic"
	"bisc/internal/lab/standin/validator"
)

// TestUp is the whole of layer 3 on a real API: start makes the cluster when it is asked to, loads the image, and the validator comes up
// in its pod; a second start fails at what the first has made, restart at the namespace that still goes away, and a start after an
// interrupted one at what that has left (biscayne.md 3.4).
func TestUp(t *testing.T) {
	h := lab.ForTest(t, lab.Options{Hosts: []lab.HostOptions{{Name: "biscayne", Docker: true}}}).Host("biscayne")
	s, err := Up(t.Context(), h, cluster.A)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := h.Exec(t.Context(), "stat", "-c", "%U", s.Kubeconfig); err != nil || string(out) != "rix\n" || s.Port == 0 || s.Identity == "" {
		t.Errorf("%s, %v, %+v", out, err, s)
	}
	pods, err := s.Client(t).Resource(cluster.Pods).Namespace(s.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app=" + s.ID})
	if err != nil || len(pods.Items) != 1 {
		t.Errorf("pods: %v, %v", pods, err)
	}
	runs, err := validator.ReadRuns(filepath.Join(h.Root(), "srv/kind/solana/log"))
	if err != nil || len(runs) != 1 || runs[0].Event != validator.Started || !strings.Contains(strings.Join(runs[0].Args, " "), "--public-tvu-address 198.51.100.81:20000") {
		t.Errorf("record: %+v, %v", runs, err)
	}
	if out, err := h.Exec(t.Context(), "kind", "get", "clusters"); err != nil || string(out) != ID+"\n" {
		t.Errorf("kind get clusters: %q, %v", out, err)
	}
	for _, c := range [][2]string{{"start", "ApiException: (409)"}, {"prepare", "ApiException: (409)"}, {"restart", "ApiException: (403)"}} {
		if _, err := s.So(t.Context(), c[0]); err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s beside one that runs: %v, want %s", c[0], err, c[1])
		}
	}
	if _, err := h.Exec(t.Context(), "kind", "delete", "cluster", "--name", ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.So(t.Context(), "start"); err == nil {
		t.Error("a start without a cluster, which this commit does not make by default, succeeds")
	}
	interrupted(t, h)
	if _, err := s.So(t.Context(), "start"); err == nil || !strings.Contains(err.Error(), "FailToCreateError") || !strings.Contains(err.Error(), "AlreadyExists") {
		t.Errorf("a start after one that was interrupted among Caddy's objects (incident 17): %v", err)
	}
}

// interrupted starts a start that makes the cluster, and kills it among Caddy's objects, as the playbook's time-out did.
func interrupted(t *testing.T, h *lab.Host) {
	t.Helper()
	if _, err := h.Shell(t.Context(), `
echo '{"hang_at":"caddy"}' >"$1"
HOME=/home/rix timeout -s KILL 120 "$2" deployment --dir "$3" start --perform-cluster-management >/tmp/start.log 2>&1 & started=$!
for i in $(seq 600); do grep -q 'hanging at caddy' /tmp/start.log && break; sleep 0.1; done
grep -q 'hanging at caddy' /tmp/start.log || { cat /tmp/start.log >&2; exit 1; }
kill $started; wait $started || true
rm "$1"`, laconic.FaultFile, Program, Deployment); err != nil {
		t.Fatal(err)
	}
}
